//! What the machine gives: the same work on so many cores at once, each for itself.
//!
//! The threads live on, as those do that they are compared with: a new one begins with memory that the kernel has yet to
//! clear, which says nothing of what cores can do.

use std::sync::Barrier;

/// Threads, each held to a core of its own.
pub(crate) struct Cores(rayon::ThreadPool);

impl Cores {
    /// So many, with stacks of this size.
    pub(crate) fn new(count: usize, stack_bytes: usize) -> eyre::Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .stack_size(stack_bytes)
            .start_handler(pin)
            .build()?;
        Ok(Self(pool))
    }

    /// All do it at once; what the slowest took by its own clock.
    pub(crate) fn slowest(&self, one: impl Fn() -> eyre::Result<f64> + Sync) -> eyre::Result<f64> {
        let start = Barrier::new(self.0.current_num_threads());
        let times = self.0.broadcast(|_| {
            start.wait();
            one()
        });
        let slower = |slowest: f64, time: eyre::Result<f64>| Ok(slowest.max(time?));
        times.into_iter().try_fold(0.0, slower)
    }
}

/// Holds this thread to a core. Where that is not allowed it runs where it is put.
fn pin(core: usize) {
    // SAFETY: the set is a plain array of bits that the call only reads, and 0 names this thread.
    #[allow(unsafe_code)]
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}
