//! What notes say a lot needs, and what is asked for anew.

use super::*;
use crate::Overlay;
use crate::mem::MemState;
use crate::overlay::Written;

const WORD: Word = (Address::repeat_byte(7), U256::ONE);

/// Over a state whose one word is a nine.
fn notes() -> (Arc<Memory>, Notes) {
    let mut state = MemState::new();
    state.put(WORD.0, U256::ZERO, 1, Bytes::new(), [(WORD.1, nine())]);
    let below = Overlay::new(Arc::new(state));
    let memory = Arc::new(Memory::new(Arc::new(below), 2));
    let mut notes = Notes::new(Arc::clone(&memory), None);
    notes.begin_lot();
    (memory, notes)
}

fn nine() -> U256 {
    U256::from(9)
}

/// A transaction asks for the word, and adds to it.
fn add(notes: &mut Notes) {
    notes.begin();
    assert_eq!(notes.word(WORD).expect("memory does not fail"), nine());
    let op = Commutative::Add(U256::ONE);
    notes.moved(
        WORD,
        GasClass::Flat,
        op,
        (nine(), nine()),
        Some(U256::from(10)),
        true,
    );
}

fn allows_another(notes: &mut Notes) -> bool {
    let mut left = Left::default();
    notes.leave(&mut left);
    left.words
        .iter()
        .all(|word| word.need.allows(word.found, U256::ONE))
}

/// PER-102: whoever looks needs the very word, before or after, in the same transaction or another.
#[test]
fn a_look_is_exact() {
    let (_, mut notes) = notes();
    add(&mut notes);
    assert!(allows_another(&mut notes));
    notes.look(WORD);
    assert!(!allows_another(&mut notes));

    // It came into the transaction by a way that looked at it.
    notes.begin_lot();
    notes.begin();
    notes.word(WORD).expect("memory does not fail");
    let op = Commutative::Add(U256::ONE);
    notes.moved(
        WORD,
        GasClass::Flat,
        op,
        (nine(), nine()),
        Some(U256::from(10)),
        false,
    );
    assert!(!allows_another(&mut notes));

    // One only read it, behind or before one that added.
    notes.begin_lot();
    add(&mut notes);
    notes.begin();
    notes.word(WORD).expect("memory does not fail");
    assert!(!allows_another(&mut notes));
    add(&mut notes);
    assert!(!allows_another(&mut notes));
}

/// PER-101: what a commit wrote in the meantime is found anew by the next lot, and what it did not write is known to hold.
#[test]
fn what_was_written_is_asked_for_anew() {
    let (memory, mut notes) = notes();
    let key = memory.seeds().word(WORD);
    add(&mut notes);
    assert!(memory.is_still(key.hash, memory.commits()));
    let ten = U256::from(10);
    let written = Written {
        words: vec![(WORD, ten)],
        ..Written::default()
    };
    memory.keep(1, written);
    assert!(!memory.is_still(key.hash, 0) && memory.is_still(key.hash, 1));
    // The same lot goes on over what it found.
    notes.begin();
    assert_eq!(notes.word(WORD).expect("memory does not fail"), nine());
    notes.begin_lot();
    notes.begin();
    assert_eq!(notes.word(WORD).expect("memory does not fail"), ten);

    let resets = Written {
        resets: vec![WORD.0],
        ..Written::default()
    };
    memory.keep(2, resets);
    assert!(!memory.is_still(key.hash, 1));
    notes.begin_lot();
    assert_eq!(notes.word(WORD).expect("memory does not fail"), U256::ZERO);
}
