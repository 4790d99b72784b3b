//! One bond stands for a machine's word, whatever it sells: what its desks may owe of it together must not exceed it.

use std::sync::Weak;

use parking_lot::{Mutex, MutexGuard};

use super::Desk;
use crate::tab::Market;

/// What stands for the word of one machine, and who may lean on it.
#[derive(Debug, Default)]
pub(super) struct Bond(Mutex<Pledge>);

/// The bond, held: nobody else promises meanwhile. It is taken before any book, and books one after the other.
#[derive(Debug, Default)]
pub(super) struct Pledge {
    /// What of it stands for nothing yet, in smallest units, as the chain was last seen.
    free: u128,
    desks: Vec<Weak<Desk>>,
}

impl Bond {
    pub(super) fn lock(&self) -> MutexGuard<'_, Pledge> {
        self.0.lock()
    }

    /// Says that a desk leans on it.
    pub(super) fn join(&self, desk: Weak<Desk>) {
        self.lock().desks.push(desk);
    }
}

impl Pledge {
    /// The chain was seen.
    pub(super) fn see(&mut self, free: u128) {
        self.free = free;
    }

    /// So much of it went over to the chain's reckoning, which is seen again later.
    pub(super) fn hand_over(&mut self, stood: u128) {
        self.free = self.free.saturating_sub(stood);
    }

    /// What of it a desk may let stand for its customers, beside what all others do.
    pub(super) fn left_for(&self, own: &Desk, market: &Market) -> u128 {
        let others = self.desks.iter().filter_map(Weak::upgrade);
        let others = others.filter(|other| !std::ptr::eq(other.as_ref(), own));
        let stands = others.map(|other| other.stands(market));
        self.free
            .saturating_sub(stands.fold(0, u128::saturating_add))
    }
}
