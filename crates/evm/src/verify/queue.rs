//! Which transactions a worker takes next.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_consensus::{Transaction as _, transaction::Recovered};

use crate::{SystemTx, Tx};

/// A transaction that waits for a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    /// Its place in the block.
    pub(super) place: usize,
    /// Which of the system's transactions it is, if it is one.
    pub(super) ordinal: Option<u16>,
}

/// A block's transactions, those that may use most gas first, so that no long one is left for the end; in the block's order
/// where that is equal.
pub(super) struct Queue {
    order: Vec<Queued>,
    /// Gas that those before each place of the order ask for, and all together.
    gas_before: Vec<u64>,
    next: AtomicUsize,
}

/// How much somebody takes at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handful {
    /// This part of the gas that is left: so all end at about the same time.
    pub(super) part: u64,
    pub(super) least: usize,
    pub(super) most: usize,
}

impl Queue {
    pub(super) fn of(transactions: &[Recovered<Tx>]) -> Self {
        let mut ordinal = 0_u16;
        let queued = transactions.iter().enumerate().map(|(place, tx)| {
            let is_system = SystemTx::has_shape(tx.inner());
            let queued = Queued {
                place,
                ordinal: is_system.then_some(ordinal),
            };
            ordinal = ordinal.wrapping_add(u16::from(is_system));
            (tx.gas_limit(), queued)
        });
        let mut queued: Vec<_> = queued.collect();
        queued.sort_by_key(|(gas, _)| Reverse(*gas));
        let mut gas_before = Vec::with_capacity(queued.len() + 1);
        gas_before.push(0);
        gas_before.extend(queued.iter().scan(0_u64, |sum, (gas, _)| {
            *sum = sum.saturating_add(*gas);
            Some(*sum)
        }));
        Self {
            order: queued.into_iter().map(|(_, queued)| queued).collect(),
            gas_before,
            next: AtomicUsize::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The next some; nothing when all are taken.
    pub(super) fn take(&self, some: Handful) -> &[Queued] {
        let mut first = self.next.load(Ordering::Relaxed);
        loop {
            let end = self.end_of(first, some);
            // Nothing but the places themselves is agreed on here.
            let (won, lost) = (Ordering::Relaxed, Ordering::Relaxed);
            match self.next.compare_exchange_weak(first, end, won, lost) {
                Ok(_) => return &self.order[first..end],
                Err(other) => first = other,
            }
        }
    }

    /// Where somebody ends who begins at `first`.
    fn end_of(&self, first: usize, some: Handful) -> usize {
        let all = self.gas_before[self.order.len()];
        let until = self.gas_before[first] + (all - self.gas_before[first]) / some.part.max(1);
        let end = self.gas_before.partition_point(|gas| *gas <= until) - 1;
        let (least, most) = (first + some.least, first + some.most);
        end.clamp(least, most).min(self.order.len())
    }
}

#[cfg(test)]
mod tests;
