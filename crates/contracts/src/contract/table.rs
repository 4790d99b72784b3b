//! Tables of verbs: put together while compiling, searched for each call.

#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "const functions that run while compiling: a panic there is a compile error"
)]

use super::Verb;

/// The row of a selector in a sorted table.
pub(super) fn find(verbs: &'static [Verb], selector: [u8; 4]) -> Option<&'static Verb> {
    let row = verbs.binary_search_by(|verb| verb.selector.cmp(&selector));
    row.ok().and_then(|row| verbs.get(row))
}

/// Sorts a table by selector, while compiling. Two equal selectors do not compile.
pub const fn sorted<const N: usize>(mut verbs: [Verb; N]) -> [Verb; N] {
    let mut end = 1;
    while end < N {
        let mut at = end;
        while at > 0 && number(verbs[at].selector) < number(verbs[at - 1].selector) {
            let swap = verbs[at];
            verbs[at] = verbs[at - 1];
            verbs[at - 1] = swap;
            at -= 1;
        }
        end += 1;
    }
    let mut at = 1;
    while at < N {
        assert!(
            number(verbs[at - 1].selector) < number(verbs[at].selector),
            "two verbs of one contract share a selector"
        );
        at += 1;
    }
    verbs
}

/// Rows of all tables together.
pub const fn count(tables: &[&[Verb]]) -> usize {
    let (mut table, mut rows) = (0, 0);
    while table < tables.len() {
        rows += tables[table].len();
        table += 1;
    }
    rows
}

/// One table of several. `N` is their [`count`].
pub const fn joined<const N: usize>(tables: &[&[Verb]]) -> [Verb; N] {
    assert!(count(tables) == N, "N is the number of all rows");
    let mut all = [tables[0][0]; N];
    let (mut table, mut row) = (0, 0);
    let mut at = 0;
    while at < N {
        while row == tables[table].len() {
            table += 1;
            row = 0;
        }
        all[at] = tables[table][row];
        row += 1;
        at += 1;
    }
    all
}

/// Whether a table has a row for each of `selectors`, and none besides.
pub const fn covers(verbs: &[Verb], selectors: &[[u8; 4]]) -> bool {
    if verbs.len() != selectors.len() {
        return false;
    }
    let mut at = 0;
    while at < selectors.len() {
        let mut row = 0;
        while row < verbs.len() && number(verbs[row].selector) != number(selectors[at]) {
            row += 1;
        }
        if row == verbs.len() {
            return false;
        }
        at += 1;
    }
    true
}

const fn number(selector: [u8; 4]) -> u32 {
    u32::from_be_bytes(selector)
}
