use std::ops::Bound;

use super::*;

const SCHEMA: Schema = &["a", "b"];
const A: Table = Table(0);
const B: Table = Table(1);

fn filled() -> RedbKv {
    let kv = RedbKv::memory(SCHEMA).unwrap();
    let mut batch = Batch::new();
    for n in 0u8..10 {
        batch.put(A, [n], [n, n]);
    }
    batch.put(B, *b"x", *b"1");
    batch.put(B, *b"x", *b"2");
    batch.put(B, *b"y", *b"1");
    batch.delete(B, *b"y");
    kv.write(batch).unwrap();
    kv
}

#[test]
fn last_change_of_a_key_counts() {
    let view = filled().snapshot().unwrap();
    assert_eq!(view.get(B, b"x").unwrap().as_deref(), Some(&b"2"[..]));
    assert_eq!(view.get(B, b"y").unwrap(), None);
    assert_eq!(view.len(A).unwrap(), 10);
}

#[test]
fn a_snapshot_does_not_move() {
    let kv = filled();
    let view = kv.snapshot().unwrap();
    let mut batch = Batch::new();
    batch.delete(A, [3]);
    kv.write(batch).unwrap();
    assert!(view.get(A, &[3]).unwrap().is_some());
    assert!(kv.snapshot().unwrap().get(A, &[3]).unwrap().is_none());
}

#[test]
fn walks_both_ways_and_seeks() {
    let view = filled().snapshot().unwrap();
    let walk = |order| {
        let mut keys = Vec::new();
        view.walk(
            A,
            (Bound::Included(&[2][..]), Bound::Excluded(&[5][..])),
            order,
            &mut |key, _| {
                keys.push(key[0]);
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        keys
    };
    assert_eq!(walk(Order::Forward), [2, 3, 4]);
    assert_eq!(walk(Order::Backward), [4, 3, 2]);
    assert_eq!(view.last_upto(A, &[0], &[200]).unwrap().unwrap().0, [9]);
    assert_eq!(view.last_upto(A, &[50], &[200]).unwrap(), None);
}
