use alloy_primitives::keccak256;

use super::*;

const TWO: NonZeroUsize = NonZeroUsize::new(2).expect("two");

fn found(codes: &Codes, code: &[u8]) -> bool {
    codes.get(keccak256(code), || Err("not kept")).is_ok()
}

fn put(codes: &Codes, code: &[u8]) -> Bytecode {
    let read = || Ok::<_, ()>(Bytes::copy_from_slice(code));
    codes.get(keccak256(code), read).expect("read")
}

/// EXEC-27: code is read and analysed once, however many blocks and calls run it.
#[test]
fn code_is_read_once() {
    let codes = Codes::keeping(TWO);
    let code = [0x5b, 0x00, 0x5b];
    let first = put(&codes, &code);
    assert!(found(&codes, &code));
    assert_eq!(first, put(&codes, &code));
    assert_eq!(first.original_bytes().as_ref(), code);
}

/// EXEC-27: the cache has a bound, and what was used longest ago goes first.
#[test]
fn old_code_goes() {
    let codes = Codes::keeping(TWO);
    put(&codes, &[1]);
    put(&codes, &[2]);
    assert!(found(&codes, &[1]));
    put(&codes, &[3]);
    assert!(found(&codes, &[1]) && found(&codes, &[3]) && !found(&codes, &[2]));
}

/// EXEC-27: a read that fails is not remembered, and neither is code that no chain deploys.
#[test]
fn failures_and_giants_are_not_kept() {
    let codes = Codes::keeping(TWO);
    assert!(!found(&codes, &[1]));
    put(&codes, &[1]);
    let giant = vec![0x5b; MAX_CODE_SIZE + 1];
    assert_eq!(put(&codes, &giant).len(), giant.len());
    assert!(!found(&codes, &giant) && found(&codes, &[1]));
}

/// EXEC-27: a thread that runs blocks has its own handle, the same each time, and another thread another one.
#[test]
fn threads_have_their_own() {
    static KEPT: LazyLock<Codes> = LazyLock::new(|| Codes::keeping(TWO));
    let code = [0x5b, 0x60, 0x00, 0x56];
    let own = move || {
        let read = || Ok::<_, ()>(Bytes::copy_from_slice(&code));
        KEPT.get_own(keccak256(code), read).expect("read")
    };
    let jumps_of = |code: &Bytecode| {
        let table = code.legacy_jump_table().expect("ordinary code");
        std::ptr::from_ref(table) as usize
    };
    let first = own();
    assert_eq!(jumps_of(&first), jumps_of(&own()));
    assert_eq!(first, put(&KEPT, &code));
    #[allow(
        clippy::disallowed_methods,
        reason = "a handle of another thread is what is looked at"
    )]
    let other = std::thread::spawn(move || jumps_of(&own()))
        .join()
        .expect("ends");
    assert_ne!(jumps_of(&first), other);
    assert_ne!(jumps_of(&first), jumps_of(&put(&KEPT, &code)));
}

/// EXEC-27: a thread's own empty code is the process's in all that can be asked of it.
#[test]
fn empty_code_is_empty() {
    let (own, common) = (own_empty(), Bytecode::default());
    assert!(own.is_empty() && own.is_legacy());
    assert_eq!(own, common);
    assert_eq!(own.bytes_slice(), common.bytes_slice());
    assert_eq!(own.hash_slow(), common.hash_slow());
    assert_eq!(own.legacy_jump_table(), common.legacy_jump_table());
}
