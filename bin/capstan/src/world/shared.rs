//! Auditors of the prepared world share this machine's processors: what one has computed the others do not compute again.
//!
//! Elsewhere each auditor computes for himself ([`Engines`](crate::compute::Engines)), which is what makes them several.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use capstan_agents::provider::{Answered, Question, Worker};
use futures::{FutureExt as _, future::BoxFuture};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

/// So many outputs are remembered: auditors look at one challenge at about the same time.
const KEPT_MAX: usize = 16;

/// Its class and its seed, which no two challenges have in common.
type Place = (u32, B256);
type Output = Arc<OnceCell<Option<B256>>>;

/// A worker who does everything once.
pub(super) struct Shared {
    worker: Arc<dyn Worker>,
    known: Mutex<BTreeMap<Place, Output>>,
}

impl Shared {
    pub(super) fn new(worker: Arc<dyn Worker>) -> Self {
        Self {
            worker,
            known: Mutex::default(),
        }
    }

    fn output(&self, place: Place) -> Output {
        let mut known = self.known.lock();
        if known.len() >= KEPT_MAX && !known.contains_key(&place) {
            known.clear();
        }
        Arc::clone(known.entry(place).or_default())
    }
}

impl Worker for Shared {
    fn work<'a>(
        &'a self,
        question: &'a Question,
        answered: Option<&'a Answered>,
    ) -> BoxFuture<'a, Option<B256>> {
        let output = self.output((question.class, question.seed));
        async move {
            // If whoever computes is gone, another one who waits computes.
            let computed = || self.worker.work(question, answered);
            *output.get_or_init(computed).await
        }
        .boxed()
    }
}
