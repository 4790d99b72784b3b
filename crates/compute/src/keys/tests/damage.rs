//! GW-14: a file that is not what was written is said in one sentence, by its name, and is never a panic nor a new book.

use std::{fs, path::Path};

use super::*;

/// A book of some keys and failures, closed.
fn book_in(folder: &Path) -> Vec<u8> {
    let ledger = Ledger::open(folder, system_clock()).expect("opens");
    for number in 0..200 {
        let limits = limits(Some("5usd"), None);
        let made = ledger.add_key(format!("key {number}"), limits);
        futures::executor::block_on(made).expect("made");
    }
    drop(ledger);
    fs::read(folder.join("ledger.redb")).expect("there")
}

/// What opening says of these bytes; how many keys there are if nothing.
fn opened(bytes: &[u8]) -> Result<usize, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.redb");
    fs::write(&path, bytes).expect("written");
    let opened = Ledger::open(folder.path(), system_clock());
    let told = opened.map(|ledger| ledger.keys().len());
    let told = told.map_err(|error| error.to_string());
    if let Err(told) = &told {
        assert!(
            told.contains("ledger.redb") && told.contains("damaged"),
            "{told}"
        );
        assert!(told.contains("copy of it"), "{told}");
        assert!(!told.contains('\n'), "one sentence: {told}");
    }
    told
}

#[test]
fn gw_14_a_book_that_was_cut_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = book_in(folder.path());
    assert_eq!(opened(&whole), Ok(200));
    let len = whole.len();
    for left in [
        0,
        1,
        9,
        100,
        511,
        4_095,
        4_096,
        8_192,
        len / 4,
        len / 2,
        len - 4_096,
        len - 1,
    ] {
        let told = opened(&whole[..left]);
        assert!(told.is_err(), "{left} of {len} bytes: {told:?}");
    }
}

#[test]
fn gw_14_a_book_of_zeros_or_of_something_else_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = book_in(folder.path());
    let len = whole.len();
    for size in [1, 64, 4_096, 65_536, len] {
        assert!(opened(&vec![0; size]).is_err(), "{size} zeros");
        let noise: Vec<u8> = (0..size).map(|at| (at * 131 + at / 7) as u8).collect();
        assert!(opened(&noise).is_err(), "{size} bytes of noise");
    }
    assert!(opened(b"keys = []\n").is_err());
}

/// Anywhere in the file: it is found when the file is opened, or it was of no use (free pages, the older of two headers).
#[test]
fn gw_14_damage_in_the_middle_is_found_or_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = book_in(folder.path());
    let mut found = 0;
    for part in 0..64 {
        let at = whole.len() / 64 * part;
        for fill in [0_u8, 0xff] {
            let mut bad = whole.clone();
            let end = (at + 512).min(bad.len());
            bad[at..end].fill(fill);
            match opened(&bad) {
                Ok(keys) => assert_eq!(keys, 200, "at {at}"),
                Err(_) => found += 1,
            }
        }
    }
    assert!(found > 0);
}

/// A file that is not there is made whole, and nothing else is left in the folder.
#[test]
fn gw_14_a_new_book_is_made_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Ledger::open(folder.path(), system_clock()).expect("opens"));
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("there")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort();
    assert_eq!(names, ["ledger.redb", "machine.key"]);
    fs::write(folder.path().join("machine.key"), "").expect("written");
    let told = Ledger::open(folder.path(), system_clock()).expect_err("no key");
    assert!(
        told.to_string()
            .contains("machine.key is no key of a machine"),
        "{told}"
    );
}
