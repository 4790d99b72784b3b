//! DB-8: `verify` names the table that was touched, whichever it is and whatever was done to it.

use std::{ops::Bound, sync::Arc};

use capstan_chain::{
    db::{BlockRecord, Db, DbConfig, SCHEMA, copy_tables},
    kv::{Batch, Entry, Kv, Order, RedbKv, Table},
};
use capstan_testing::db_model::{Model, grow, verify};
use rand::{SeedableRng, rngs::StdRng};

const META: &str = "meta";
const CODE: &str = "code";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    Changed,
    Removed,
    Added,
}

/// A database of forty blocks, with or without pruned history, and the blocks.
fn whole(window: Option<u64>) -> (Arc<RedbKv>, Vec<BlockRecord>) {
    let config = DbConfig {
        history_blocks: window,
        cached_nodes: 64,
    };
    let kv = Arc::new(RedbKv::memory(SCHEMA).unwrap());
    let db = Db::open(kv.clone(), config).unwrap();
    let mut model = Model::default();
    grow(&db, &mut model, &mut StdRng::seed_from_u64(4), 40);
    while !db.prune(100).unwrap() {}
    verify(&db.view().unwrap(), &model.blocks).unwrap();
    (kv, model.blocks)
}

fn rows(kv: &RedbKv, table: Table) -> Vec<Entry> {
    let mut rows = Vec::new();
    let every = (Bound::Unbounded, Bound::Unbounded);
    kv.snapshot()
        .unwrap()
        .walk(table, every, Order::Forward, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

fn damage(kv: &RedbKv, table: Table, (key, value): &Entry, damage: Damage) -> Arc<RedbKv> {
    let copy = Arc::new(RedbKv::memory(SCHEMA).unwrap());
    copy_tables(&*kv.snapshot().unwrap(), &*copy, &mut |_| {}).unwrap();
    let mut batch = Batch::new();
    match damage {
        Damage::Removed => batch.delete(table, key.clone()),
        Damage::Changed => {
            let mut value = value.clone();
            match value.last_mut() {
                Some(last) => *last ^= 1,
                None => value.push(1),
            }
            batch.put(table, key.clone(), value);
        }
        Damage::Added => {
            let mut key = key.clone();
            match key.first_mut() {
                Some(first) => *first ^= 0x80,
                None => key.push(0x80),
            }
            batch.put(table, key, [1]);
        }
    }
    copy.write(batch).unwrap();
    copy
}

/// What the program says of a damaged copy, if it sees that it is.
fn said(kv: Arc<RedbKv>, blocks: &[BlockRecord]) -> Option<String> {
    let found =
        Db::open(kv, DbConfig::default()).and_then(|db| verify(&db.view().unwrap(), blocks));
    found.err().map(|error| error.to_string())
}

/// What is damage in bytes and none in meaning.
fn harmless(name: &str, row: &Entry, damage: Damage, window: Option<u64>) -> bool {
    let (key, value) = row;
    match damage {
        // No floor is a floor at zero; code may belong to a state that is no longer kept.
        Damage::Removed => {
            (name == META && key == b"floor" && window.is_none())
                || (name == CODE && window.is_some())
                || (name.ends_with("history") && value.is_empty())
        }
        Damage::Changed | Damage::Added => false,
    }
}

#[test]
fn db_8_verify_names_the_table() {
    let mut seen = 0;
    for window in [None, Some(12)] {
        let (kv, blocks) = whole(window);
        for (index, name) in (0u8..).zip(SCHEMA) {
            let rows = rows(&kv, Table(index));
            assert!(!rows.is_empty(), "table {name} has no rows to damage");
            let picked = [0, rows.len() / 3, rows.len() * 2 / 3, rows.len() - 1];
            for row in picked.map(|at| &rows[at]) {
                for kind in [Damage::Changed, Damage::Removed, Damage::Added] {
                    let what = format!(
                        "{name}, {kind:?}, row {}",
                        alloy_primitives::hex::encode(&row.0)
                    );
                    let Some(said) = said(damage(&kv, Table(index), row, kind), &blocks) else {
                        assert!(harmless(name, row, kind, window), "{what}: not seen");
                        continue;
                    };
                    seen += 1;
                    // What stands in `meta` decides how the others are read, so they may be named instead.
                    let named = said.contains(&format!("`{name}`")) || *name == META;
                    assert!(named, "{what}: {said}");
                    let advice = [
                        "made anew from the block log",
                        "rebuild it from the block log",
                    ];
                    assert!(
                        advice.iter().any(|words| said.contains(words)),
                        "{what}: {said}"
                    );
                }
            }
        }
    }
    println!("{seen} damaged databases were told");
    assert!(seen > 300, "{seen}");
}
