//! The bounded pool of threads for calls that run the EVM or read the disk.
//!
//! ```text
//!   light ── first come, first served ──────────► every thread
//!   heavy ── callers take turns, one job each ──► half of the threads, which prefer it
//! ```
//!
//! A heavy job runs for as long as its caller wants, up to the limits: a few of them must not make the node deaf to
//! those who ask for a balance, and a batch of them not to those who ask for one more.
//!
//! Native contracts and the EVM call each other on the host stack, so these threads have a big one;
//! the async runtime's threads do not. The queues are bounded: a node that is asked for more than it can
//! do says so at once instead of growing. A panic in a job becomes an internal error for its caller.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::error::{RpcError, RpcResult};

#[cfg(test)]
mod tests;

/// Enough for the deepest nesting of native contracts and EVM frames.
const STACK_BYTES: usize = 64 << 20;

type Task = Box<dyn FnOnce() + Send>;

/// How a job shares the threads with others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lane {
    /// It takes about as long as a look at the disk.
    Light,
    /// It may take long. Jobs of one owner wait for each other before those of others wait for them.
    Heavy {
        /// Who asks: any number that others do not have.
        owner: usize,
    },
}

#[derive(Default)]
struct Tasks {
    light: VecDeque<Task>,
    heavy: Turns,
    ended: bool,
}

impl Tasks {
    fn take(&mut self, prefers_heavy: bool) -> Option<Task> {
        let heavy = prefers_heavy.then(|| self.heavy.pop()).flatten();
        heavy.or_else(|| self.light.pop_front())
    }
}

/// Jobs of several owners, one of each in turn.
#[derive(Default)]
struct Turns {
    owners: VecDeque<(usize, VecDeque<Task>)>,
    count: usize,
}

impl Turns {
    fn push(&mut self, owner: usize, task: Task) {
        self.count += 1;
        match self.owners.iter_mut().find(|(known, _)| *known == owner) {
            Some((_, tasks)) => tasks.push_back(task),
            None => self.owners.push_back((owner, VecDeque::from([task]))),
        }
    }

    fn pop(&mut self) -> Option<Task> {
        let (owner, mut tasks) = self.owners.pop_front()?;
        let task = tasks.pop_front()?;
        if !tasks.is_empty() {
            self.owners.push_back((owner, tasks));
        }
        self.count -= 1;
        Some(task)
    }
}

struct Queue {
    tasks: Mutex<Tasks>,
    wake: Condvar,
    length_max: usize,
}

/// Threads with big stacks behind bounded queues. Dropping it lets the threads end.
pub(crate) struct WorkPool {
    queue: Arc<Queue>,
}

impl WorkPool {
    pub(crate) fn new(thread_count: usize, queue_max: usize) -> std::io::Result<Self> {
        let queue = Arc::new(Queue {
            tasks: Mutex::default(),
            wake: Condvar::new(),
            length_max: queue_max,
        });
        let pool = Self {
            queue: queue.clone(),
        };
        let thread_count = thread_count.max(1);
        for index in 0..thread_count {
            let queue = queue.clone();
            let prefers_heavy = index < thread_count.div_ceil(2);
            thread::Builder::new()
                .name(format!("rpc-work-{index}"))
                .stack_size(STACK_BYTES)
                .spawn(move || work(&queue, prefers_heavy))?;
        }
        Ok(pool)
    }

    /// Runs `job` on a thread of the pool and waits for its answer.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce() -> RpcResult<T> + Send + 'static,
    ) -> RpcResult<T> {
        let (answer, answered) = oneshot::channel();
        let task: Task = Box::new(move || {
            // A caller that gave up (time limit, closed connection) is not worth the work.
            if answer.is_closed() {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(job))
                .unwrap_or_else(|panic| Err(crate::server::panicked(panic.as_ref())));
            // The receiver may be gone by now: nobody to tell.
            let _ = answer.send(result);
        });
        {
            let mut tasks = self.queue.tasks.lock();
            let waiting = match lane {
                Lane::Light => tasks.light.len(),
                Lane::Heavy { .. } => tasks.heavy.count,
            };
            if waiting >= self.queue.length_max {
                return Err(RpcError::limit(format!(
                    "the node is busy: {waiting} calls are waiting, try again later"
                )));
            }
            match lane {
                Lane::Light => tasks.light.push_back(task),
                Lane::Heavy { owner } => tasks.heavy.push(owner, task),
            }
        }
        // All: a thread that does not take heavy jobs must not be the only one that hears of one.
        self.queue.wake.notify_all();
        answered
            .await
            .unwrap_or_else(|_| Err(RpcError::internal("the node is shutting down")))
    }

    /// Calls that wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        let tasks = self.queue.tasks.lock();
        tasks.light.len() + tasks.heavy.count
    }
}

impl Drop for WorkPool {
    fn drop(&mut self) {
        self.queue.tasks.lock().ended = true;
        self.queue.wake.notify_all();
    }
}

fn work(queue: &Queue, prefers_heavy: bool) {
    loop {
        let task = {
            let mut tasks = queue.tasks.lock();
            loop {
                if let Some(task) = tasks.take(prefers_heavy) {
                    break task;
                }
                if tasks.ended {
                    return;
                }
                queue.wake.wait(&mut tasks);
            }
        };
        task();
    }
}
