//! redb trusts what its pages say: on damaged ones it may panic instead of failing. Here such a panic becomes an answer.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::KvError;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is about to become an error that says what to do. A panic hook then need not
/// report it.
pub fn panic_is_answered() -> bool {
    GUARDED.get()
}

/// Runs `work`, which only calls redb.
pub(super) fn guarded<T>(
    path: &str,
    work: impl FnOnce() -> Result<T, KvError>,
) -> Result<T, KvError> {
    let before = GUARDED.replace(true);
    let ended = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    ended.unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<&str>()
            .map(|words| (*words).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        let words = words.unwrap_or_else(|| "no words".into());
        Err(KvError::damaged(path, words))
    })
}
