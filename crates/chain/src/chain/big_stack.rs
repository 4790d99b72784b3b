//! Execution nests deeply: EVM frames and native frames in any mix. It runs where there is room.

use std::{cell::Cell, thread};

/// Enough for the deepest nesting of EVM and native frames in a debug build, several times over.
pub(crate) const STACK_BYTES: usize = 128 << 20;

thread_local! {
    static BIG: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` on a thread of its own with a big stack, unless this is one. Pages that are not touched cost nothing.
pub(crate) fn on_big_stack<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    if BIG.get() {
        return f();
    }
    thread::scope(|scope| {
        let run = || {
            BIG.set(true);
            f()
        };
        let builder = thread::Builder::new()
            .name("execute".into())
            .stack_size(STACK_BYTES);
        match builder.spawn_scoped(scope, run) {
            Ok(handle) => match handle.join() {
                Ok(value) => value,
                Err(panic) => std::panic::resume_unwind(panic),
            },
            Err(error) => panic!("no thread for execution: {error}"),
        }
    })
}

/// Says that this thread was started with [`STACK_BYTES`].
pub(crate) fn this_stack_is_big() {
    BIG.set(true);
}
