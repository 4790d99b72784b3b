//! The bounded pool of threads for calls that run the EVM or read the disk.
//!
//! Native contracts and the EVM call each other on the host stack, so these threads have a big one;
//! the async runtime's threads do not. The queue is bounded: a node that is asked for more than it can
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

/// Enough for the deepest nesting of native contracts and EVM frames.
const STACK_BYTES: usize = 64 << 20;

type Task = Box<dyn FnOnce() + Send>;

struct Queue {
    tasks: Mutex<(VecDeque<Task>, bool)>,
    wake: Condvar,
    length_max: usize,
}

/// Threads with big stacks behind a bounded queue. Dropping it lets the threads end.
pub(crate) struct WorkPool {
    queue: Arc<Queue>,
}

impl WorkPool {
    pub(crate) fn new(thread_count: usize, queue_max: usize) -> std::io::Result<Self> {
        let queue = Arc::new(Queue {
            tasks: Mutex::new((VecDeque::new(), false)),
            wake: Condvar::new(),
            length_max: queue_max,
        });
        let pool = Self {
            queue: queue.clone(),
        };
        for index in 0..thread_count.max(1) {
            let queue = queue.clone();
            thread::Builder::new()
                .name(format!("rpc-work-{index}"))
                .stack_size(STACK_BYTES)
                .spawn(move || work(&queue))?;
        }
        Ok(pool)
    }

    /// Runs `job` on a thread of the pool and waits for its answer.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
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
            if tasks.0.len() >= self.queue.length_max {
                return Err(RpcError::limit(format!(
                    "the node is busy: {} calls are waiting, try again later",
                    self.queue.length_max
                )));
            }
            tasks.0.push_back(task);
        }
        self.queue.wake.notify_one();
        answered
            .await
            .unwrap_or_else(|_| Err(RpcError::internal("the node is shutting down")))
    }

    /// Calls that wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.tasks.lock().0.len()
    }
}

impl Drop for WorkPool {
    fn drop(&mut self) {
        self.queue.tasks.lock().1 = true;
        self.queue.wake.notify_all();
    }
}

fn work(queue: &Queue) {
    loop {
        let task = {
            let mut tasks = queue.tasks.lock();
            loop {
                if let Some(task) = tasks.0.pop_front() {
                    break task;
                }
                if tasks.1 {
                    return;
                }
                queue.wake.wait(&mut tasks);
            }
        };
        task();
    }
}
