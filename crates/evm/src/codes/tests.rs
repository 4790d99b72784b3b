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

/// EXEC-27: one's own code is the same in all that can be asked of it, and nobody else counts its handle.
#[test]
fn ones_own_is_the_same() {
    let codes = Codes::keeping(TWO);
    let delegation = [&[0xef, 0x01, 0x00][..], &[7; 20]].concat();
    let giant = vec![0x5b; MAX_CODE_SIZE + 1];
    for code in [
        &[0x5b, 0x60, 0x00, 0x56][..],
        &[0x00],
        &[0x7f, 0x5b],
        &[0xef, 0x01],
        &delegation,
        &giant,
    ] {
        is_own(&put(&codes, code));
    }
    is_own(&Bytecode::default());
}

fn is_own(code: &Bytecode) {
    let own = own(code);
    assert_eq!(own.kind(), code.kind());
    assert_eq!(own.len(), code.len());
    assert_eq!(own.original_bytes(), code.original_bytes());
    assert_eq!(own.bytes_slice(), code.bytes_slice());
    assert_eq!(own.hash_slow(), code.hash_slow());
    assert_eq!(own.eip7702_address(), code.eip7702_address());
    assert_eq!(own.legacy_jump_table(), code.legacy_jump_table());
    let handle = |code: &Bytecode| std::ptr::from_ref(code.bytecode()) as usize;
    assert_eq!(handle(&own), handle(&own.clone()));
    assert_ne!(handle(&own), handle(code));
}
