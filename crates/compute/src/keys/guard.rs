//! redb panics at files that are damaged in ways it does not expect. Such a panic is answered in words, with the file's name.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use super::StoreError;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is about to become an error that says what to do: a panic hook need not report it.
pub fn panic_is_answered() -> bool {
    GUARDED.get()
}

/// Runs `work`, which only calls redb on this file.
pub(super) fn guarded<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let before = GUARDED.replace(true);
    let ended = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    match ended {
        Ok(Err(StoreError::Database(error))) => Err(StoreError::of(path, error)),
        Ok(ended) => ended,
        Err(panic) => {
            let words = panic
                .downcast_ref::<&str>()
                .map(|words| (*words).to_owned());
            let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(StoreError::damaged(path, words.unwrap_or_default()))
        }
    }
}
