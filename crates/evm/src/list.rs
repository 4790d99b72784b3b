//! The access list when a block closes: its canonical order, and its hash.
//!
//! ```text
//!   parts, by transactions      stretches, by address           list
//!   ────────────────────   ┌──► accounts from 0 to 7 ──┐
//!   ────────────────────  ─┤    words 0 to 3 of 5      ├──► hash │ entries, difference
//!   ────────────────────   └──► accounts from 8 to f ──┘
//!                               words 4 to 9 of 5
//! ```
//!
//! Stretches are cut so that each has about as much; of a few accounts so many words are touched that threads share them too.

mod bands;
mod bytes;
mod stretch;
mod together;

use std::ops::RangeBounds;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alloy_eip7928::BlockAccessList;
use alloy_primitives::map::AddressMap;
use alloy_primitives::{Address, B256, U256};
use revm::state::bal::Bal;

pub(crate) use bands::Band;
pub(crate) use bytes::Again;
pub use bytes::encode_access_list;

use crate::parallel::Workers;
use crate::{Overlay, StateDiff, StateError};
use bands::BUSY;
use bytes::{encode_accounts, hash_of};
use stretch::{By, Span, Touched, within};

/// A run of transactions of a block, and what they touched.
pub(crate) struct Part {
    access: Access,
    /// What every index in it is to be raised by.
    before: u64,
}

/// What a part touched.
enum Access {
    /// As it came, by transactions in their turn.
    Mapped(Bal),
    /// In order, by a lot that ran ahead.
    Banded(Band),
}

impl Part {
    /// Indices are the block's.
    pub(crate) fn begun(access: Bal) -> Self {
        Self {
            access: Access::Mapped(access),
            before: 0,
        }
    }

    /// So many transactions stand before these.
    pub(crate) fn band(band: Band, before: u64) -> Self {
        Self {
            access: Access::Banded(band),
            before,
        }
    }

    /// How many accounts and words it touched.
    fn touch_count(&self) -> usize {
        match &self.access {
            Access::Mapped(access) => {
                let accounts = access.accounts.values();
                accounts.map(|it| 1 + it.storage.storage.len()).sum()
            }
            Access::Banded(band) => band.accounts.len() + band.words.len(),
        }
    }

    /// Notes where some of its accounts lie, one of so many, and some of the words of busy ones.
    fn sample(
        &self,
        one_of: usize,
        addresses: &mut Vec<Address>,
        words: &mut AddressMap<Vec<U256>>,
    ) {
        let mut sample = |address, slots: &mut dyn Iterator<Item = U256>| {
            let words = words.entry(address).or_default();
            words.extend(slots.step_by(one_of));
        };
        match &self.access {
            Access::Mapped(access) => {
                addresses.extend(access.accounts.keys().step_by(one_of));
                for (address, account) in &access.accounts {
                    let slots = &account.storage.storage;
                    if slots.len() >= BUSY {
                        sample(*address, &mut slots.keys().copied());
                    }
                }
            }
            Access::Banded(band) => {
                let some = band.accounts.iter().step_by(one_of);
                addresses.extend(some.map(|account| account.address));
                for account in band.busy() {
                    let words = band.words(account).iter();
                    sample(account.address, &mut words.map(|word| word.slot));
                }
            }
        }
    }

    fn touched<'a>(&self, address: Address, by: By<'a>) -> Touched<'a> {
        Touched {
            head: head(&address),
            address,
            before: self.before,
            by,
        }
    }

    /// What it says of an account.
    fn of(&self, address: Address) -> Option<Touched<'_>> {
        let by = match &self.access {
            Access::Mapped(access) => By::Mapped(access.accounts.get(&address)?),
            Access::Banded(band) => By::Banded(band, band.account_of(address)?),
        };
        Some(self.touched(address, by))
    }

    /// Shows some of the accounts.
    fn show<'a>(&'a self, addresses: Span<Address>, mut show: impl FnMut(Touched<'a>)) {
        match &self.access {
            Access::Mapped(access) => {
                let all = access.accounts.iter();
                all.filter(|(address, _)| addresses.contains(*address))
                    .for_each(|(address, of)| show(self.touched(*address, By::Mapped(of))));
            }
            Access::Banded(band) => within(&band.accounts, addresses, |it| it.address)
                .iter()
                .for_each(|it| show(self.touched(it.address, By::Banded(band, it)))),
        }
    }
}

/// Who closes a block. One thread does it alone.
#[derive(Default)]
pub(crate) struct Closers {
    count: usize,
    pool: Option<Arc<rayon::ThreadPool>>,
    /// Their work has come.
    is_called: Arc<AtomicBool>,
}

/// How often a thread looks whether it is called to close the block whose users it ran, before it sleeps: some tens of
/// microseconds. To wake it takes as long of the thread that does it, and as much until it runs.
const LOOKS: u32 = 2_000;

impl Closers {
    pub(crate) fn of(workers: &Workers) -> Self {
        Self {
            count: workers.count,
            pool: workers.pool.clone(),
            ..Self::default()
        }
    }

    /// The others, who have just ended something, are wanted again soon.
    pub(crate) fn stay_awake(&self) {
        let Some(pool) = &self.pool else { return };
        for _ in 1..self.count {
            let is_called = Arc::clone(&self.is_called);
            pool.spawn(move || {
                for _ in 0..LOOKS {
                    if is_called.load(Ordering::Relaxed) {
                        return;
                    }
                    std::hint::spin_loop();
                }
            });
        }
    }

    /// So many threads do the same; this one begins.
    fn all(&self, count: usize, work: impl Fn() + Sync) {
        self.is_called.store(true, Ordering::Relaxed);
        match &self.pool {
            _ if count <= 1 => work(),
            Some(pool) => pool.in_place_scope(|scope| spread(scope, count, &work)),
            None => rayon::in_place_scope(|scope| spread(scope, count, &work)),
        }
    }
}

fn spread<'scope>(scope: &rayon::Scope<'scope>, count: usize, work: &'scope (impl Fn() + Sync)) {
    for _ in 1..count {
        scope.spawn(move |_| work());
    }
    work();
}

/// The list of a block that has ended, and what follows from it.
pub(crate) struct Closed {
    pub(crate) access_list: BlockAccessList,
    pub(crate) access_list_hash: B256,
    pub(crate) diff: StateDiff,
}

/// Puts a list in canonical order, hashes it, and reads what the block changed off it. `after`: the state after the block; what
/// the block did not write of an account is the same before and after.
pub(crate) fn close(
    mut parts: Vec<Part>,
    after: &Overlay,
    closers: &Closers,
) -> Result<Closed, StateError> {
    match (parts.pop(), parts.is_empty()) {
        (
            Some(Part {
                access: Access::Mapped(access),
                ..
            }),
            true,
        ) if closers.count <= 1 => close_whole(access, after),
        (last, _) => {
            parts.extend(last);
            together::close(&parts, after, closers)
        }
    }
}

/// Closes what one thread ran.
fn close_whole(access: Bal, after: &Overlay) -> Result<Closed, StateError> {
    let access_list = access.into_alloy_bal();
    let bytes = encode_accounts(&access_list);
    Ok(Closed {
        access_list_hash: hash_of(std::iter::once(bytes.as_slice())),
        diff: StateDiff::from_access_list(&access_list, after)?,
        access_list,
    })
}

fn head(address: &Address) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = address.0.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests;
