//! The threads that verify blocks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::thread;

use parking_lot::Mutex;

use super::VerifyError;
use super::piece::Hand;
use crate::STACK_BYTES;

/// Stack of a worker. Unoptimized frames are several times larger; pages that nobody touches cost nothing.
const WORKER_STACK_BYTES: usize = 32 * STACK_BYTES;

/// Threads that verify blocks, twice as many as cores since some only wait for other processes; `None` where there are none to
/// be had. They live as long as the process: a new one begins with new memory, which the kernel has to clear.
pub(super) fn pool() -> Option<&'static rayon::ThreadPool> {
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    let made = POOL.get_or_init(|| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2 * cores)
            .thread_name(|number| format!("verify-{number}"))
            .stack_size(WORKER_STACK_BYTES);
        pool.build().ok()
    });
    made.as_ref()
}

/// Does the same on so many threads, this one included, and lets each hand begin on one of its own, until all are done.
///
/// # Errors
/// One of them panicked.
pub(super) fn on_all(
    threads: usize,
    hands: &mut [&mut dyn Hand],
    work: &(dyn Fn() + Sync),
) -> Result<(), VerifyError> {
    let panicked = Mutex::new(None);
    let guarded = |work: &mut dyn FnMut()| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            *panicked.lock() = Some(words(panic.as_ref()));
        }
    };
    let guarded = &guarded;
    match pool() {
        Some(pool) if threads + hands.len() > 1 => pool.in_place_scope(|scope| {
            for hand in hands {
                scope.spawn(move |_| guarded(&mut || hand.begin()));
            }
            for _ in 1..threads {
                scope.spawn(move |_| guarded(&mut || work()));
            }
            guarded(&mut || work());
        }),
        _ => guarded(&mut || work()),
    }
    match panicked.into_inner() {
        None => Ok(()),
        Some(words) => Err(VerifyError::Panicked(words)),
    }
}

/// What a panic says.
pub(super) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
