//! Who has the machine: those who pay for its spare time, or its owner, who takes it back in an instant.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// How the machine stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stance {
    /// Its owner said so.
    pub is_paused: bool,
    /// Requests of the owner's own keys at work.
    pub own_at_work: usize,
    /// It ends.
    pub is_stopped: bool,
}

impl Stance {
    const fn is_free(self) -> bool {
        !self.is_paused && !self.is_stopped && self.own_at_work == 0
    }
}

/// The stance, and who waits for it to change.
#[derive(Debug, Default)]
pub struct Pace(watch::Sender<Stance>);

/// A request of the owner's own at work.
#[derive(Debug)]
pub(super) struct OwnAtWork(Arc<Pace>);

impl Drop for OwnAtWork {
    fn drop(&mut self) {
        self.0.change(|stance| {
            stance.own_at_work = stance.own_at_work.saturating_sub(1);
        });
    }
}

impl Pace {
    /// How it stands.
    pub fn stance(&self) -> Stance {
        *self.0.borrow()
    }

    /// Answers to others are cut, and new ones refused, from this moment on; or no longer.
    pub fn pause(&self, is_paused: bool) {
        self.change(|stance| stance.is_paused = is_paused);
    }

    /// Ends it: who serves hears of it by [`Self::stopped`].
    pub fn stop(&self) {
        self.change(|stance| stance.is_stopped = true);
    }

    /// Ready once it is to end.
    pub async fn stopped(&self) {
        self.until(|stance| stance.is_stopped).await;
    }

    /// The owner's own request takes the machine from everybody else.
    pub(super) fn enter_own(self: &Arc<Self>) -> OwnAtWork {
        self.change(|stance| stance.own_at_work = stance.own_at_work.saturating_add(1));
        OwnAtWork(Arc::clone(self))
    }

    /// Whether somebody else may come.
    pub(super) fn is_free(&self) -> bool {
        self.stance().is_free()
    }

    /// Ready once a request must end. The owner's own end when all ends.
    pub(super) async fn taken_back(&self, is_own: bool) {
        if is_own {
            return self.stopped().await;
        }
        self.until(|stance| !stance.is_free()).await;
    }

    async fn until(&self, mut is_so: impl FnMut(&Stance) -> bool) {
        // The sender lives as long as this does, so waiting ends only by what is waited for.
        let _ = self.0.subscribe().wait_for(|stance| is_so(stance)).await;
    }

    fn change(&self, change: impl FnOnce(&mut Stance)) {
        self.0.send_modify(change);
    }
}
