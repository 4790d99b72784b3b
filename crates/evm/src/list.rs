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
//! Each thread has a stretch of addresses. Of a few accounts so many words are touched that threads share them too.

mod bands;
mod bytes;
mod stretch;

use std::sync::Arc;

use alloy_eip7928::{AccountChanges, BlockAccessList};
use alloy_primitives::{Address, B256, U256};
use revm::state::bal::Bal;

pub(crate) use bands::Band;
pub use bytes::encode_access_list;

use crate::{Overlay, StateDiff, StateError};
use bytes::{encode_accounts, frame, hash_of};
use stretch::{By, Stretch, Touched, add_words};

/// Accounts and words from which on another thread is worth its waking.
const TOUCHES_FOR_THREADS: usize = 256;
/// Of the words of an account one of so many says where they lie.
const SAMPLED: usize = 8;
/// So many of those make it one that threads share.
const SAMPLES_OF_WIDE: usize = 64;

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

    fn account_count(&self) -> usize {
        match &self.access {
            Access::Mapped(access) => access.accounts.len(),
            Access::Banded(band) => band.accounts.len(),
        }
    }

    fn word_count(&self) -> usize {
        match &self.access {
            Access::Mapped(access) => {
                let accounts = access.accounts.values();
                accounts.map(|account| account.storage.storage.len()).sum()
            }
            Access::Banded(band) => band.words.len(),
        }
    }

    /// Notes where some words lie of those accounts that have many.
    fn sample(&self, samples: &mut Vec<(Address, Vec<U256>)>) {
        let mut sample = |address, slots: &mut dyn Iterator<Item = U256>| {
            let known = samples.iter().position(|known| known.0 == address);
            let at = known.unwrap_or_else(|| {
                samples.push((address, Vec::new()));
                samples.len() - 1
            });
            samples[at].1.extend(slots.step_by(SAMPLED));
        };
        match &self.access {
            Access::Mapped(access) => {
                for (address, account) in &access.accounts {
                    let words = &account.storage.storage;
                    if words.len() >= SAMPLED {
                        sample(*address, &mut words.keys().copied());
                    }
                }
            }
            Access::Banded(band) => {
                for account in &band.accounts {
                    let words = band.words(account);
                    if words.len() >= SAMPLED {
                        sample(account.address, &mut words.iter().map(|word| word.slot));
                    }
                }
            }
        }
    }

    /// Shows each account.
    fn each<'a>(&'a self, mut show: impl FnMut(Touched<'a>)) {
        let touched = |address: Address, by| Touched {
            head: head(&address),
            address,
            before: self.before,
            by,
        };
        match &self.access {
            Access::Mapped(access) => {
                for (address, account) in &access.accounts {
                    show(touched(*address, By::Mapped(account)));
                }
            }
            Access::Banded(band) => {
                for account in &band.accounts {
                    show(touched(account.address, By::Banded(band, account)));
                }
            }
        }
    }
}

/// Who closes a block. One thread does it alone.
#[derive(Default)]
pub(crate) struct Crew {
    pub(crate) count: usize,
    pub(crate) pool: Option<Arc<rayon::ThreadPool>>,
}

impl Crew {
    /// Does something with each of some items; this thread begins.
    fn each<T: Send>(&self, items: &mut [T], work: impl Fn(&mut T) + Sync) {
        let Some((first, others)) = items.split_first_mut() else {
            return;
        };
        match &self.pool {
            _ if others.is_empty() => work(first),
            Some(pool) => pool.in_place_scope(|scope| spread(scope, first, others, &work)),
            None => rayon::in_place_scope(|scope| spread(scope, first, others, &work)),
        }
    }

    /// Does both; this thread the second.
    fn beside<T>(&self, other: impl FnOnce() + Send, mine: impl FnOnce() -> T) -> T {
        match &self.pool {
            _ if self.count <= 1 => {
                other();
                mine()
            }
            Some(pool) => pool.in_place_scope(|scope| {
                scope.spawn(|_| other());
                mine()
            }),
            None => rayon::in_place_scope(|scope| {
                scope.spawn(|_| other());
                mine()
            }),
        }
    }
}

fn spread<'scope, T: Send>(
    scope: &rayon::Scope<'scope>,
    first: &mut T,
    others: &'scope mut [T],
    work: &'scope (impl Fn(&mut T) + Sync),
) {
    for item in others {
        scope.spawn(move |_| work(item));
    }
    work(first);
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
    crew: &Crew,
) -> Result<Closed, StateError> {
    match (parts.pop(), parts.is_empty()) {
        (
            Some(Part {
                access: Access::Mapped(access),
                ..
            }),
            true,
        ) if crew.count <= 1 => close_whole(access, after),
        (last, _) => {
            parts.extend(last);
            close_parts(&parts, after, crew)
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

fn close_parts(parts: &[Part], after: &Overlay, crew: &Crew) -> Result<Closed, StateError> {
    let count: usize = parts.iter().map(Part::account_count).sum();
    let word_count: usize = parts.iter().map(Part::word_count).sum();
    let share_count = match count + word_count < TOUCHES_FOR_THREADS {
        true => 1,
        false => crew.count.max(1),
    };
    let mut wides = match share_count {
        1 => Vec::new(),
        _ => wides(parts, share_count),
    };
    let stretch = || Stretch::over(wides.iter().map(|wide| wide.whole.address));
    let mut stretches: Vec<Stretch<'_>> =
        std::iter::repeat_with(stretch).take(share_count).collect();
    for part in parts {
        part.each(|touched| {
            let wide = wides
                .iter()
                .position(|it| it.whole.address == touched.address);
            if let Some(at) = wide {
                wides[at].share(touched, &mut stretches, at);
            } else if let Some(stretch) = stretches.get_mut(stretch_of(touched.head, share_count)) {
                stretch.touched.push(touched);
            }
        });
    }
    crew.each(&mut stretches, Stretch::finish);
    let bytes = bytes_of(&mut stretches, &wides);
    let mut access_list_hash = B256::ZERO;
    let hash = || access_list_hash = hash_of(bytes.iter().map(Vec::as_slice));
    let make = || {
        let list = list_of(&mut stretches, wides, count);
        let diff = StateDiff::from_access_list(&list, after)?;
        Ok((list, diff))
    };
    let (access_list, diff) = match share_count {
        1 => Crew::default().beside(hash, make),
        _ => crew.beside(hash, make),
    }?;
    Ok(Closed {
        access_list,
        access_list_hash,
        diff,
    })
}

/// The bytes of all accounts, in order.
fn bytes_of(stretches: &mut [Stretch<'_>], wides: &[Wide]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for at in 0..=wides.len() {
        let between = stretches.iter_mut().filter_map(|it| it.bytes.get_mut(at));
        all.extend(between.map(std::mem::take));
        if let Some(wide) = wides.get(at) {
            let (mut written, mut read) = (Vec::new(), Vec::new());
            for slice in stretches.iter_mut().filter_map(|it| it.slices.get_mut(at)) {
                written.push(std::mem::take(&mut slice.written));
                read.push(std::mem::take(&mut slice.read));
            }
            all.extend(frame(&wide.whole, written, read));
        }
    }
    all
}

/// The entries of all accounts, in order; there are so many at most.
fn list_of(stretches: &mut [Stretch<'_>], wides: Vec<Wide>, count: usize) -> BlockAccessList {
    let mut list = BlockAccessList::with_capacity(count);
    for (at, wide) in wides.into_iter().enumerate() {
        let mut whole = wide.whole;
        for stretch in &mut *stretches {
            stretch.make(Some(whole.address), &mut list);
            if let Some(slice) = stretch.slices.get(at) {
                add_words(&slice.pieces, &mut whole);
            }
        }
        list.push(whole);
    }
    for stretch in stretches {
        stretch.make(None, &mut list);
    }
    list
}

/// An account of which so many words were touched that threads share them.
struct Wide {
    /// All but its words.
    whole: AccountChanges,
    /// Where the second share of its words begins, the third, ...
    cuts: Vec<U256>,
}

/// The accounts of which many words were touched, by address, cut into so many shares.
fn wides(parts: &[Part], share_count: usize) -> Vec<Wide> {
    let mut samples = Vec::new();
    for part in parts {
        part.sample(&mut samples);
    }
    samples.retain(|(_, slots)| slots.len() >= SAMPLES_OF_WIDE);
    samples.sort_unstable_by_key(|(address, _)| *address);
    let wide = |(address, mut slots): (Address, Vec<U256>)| {
        slots.sort_unstable();
        let cuts =
            (1..share_count).filter_map(|share| slots.get(share * slots.len() / share_count));
        Wide {
            whole: AccountChanges::new(address),
            cuts: cuts.copied().collect(),
        }
    };
    samples.into_iter().map(wide).collect()
}

impl Wide {
    /// Takes what one part says of it, its words to the slices with this number.
    fn share<'a>(&mut self, touched: Touched<'a>, stretches: &mut [Stretch<'a>], number: usize) {
        touched.tell(&mut self.whole);
        touched.show_words(|piece| {
            let share = self
                .cuts
                .iter()
                .take_while(|cut| **cut <= piece.slot)
                .count();
            let stretch = stretches.get_mut(share);
            if let Some(slice) = stretch.and_then(|it| it.slices.get_mut(number)) {
                slice.pieces.push(piece);
            }
        });
    }
}

/// Which of so many stretches an address belongs to that begins so.
fn stretch_of(head: u64, count: usize) -> usize {
    let count = u128::try_from(count).unwrap_or(1);
    usize::try_from((u128::from(head) * count) >> 64).unwrap_or_default()
}

fn head(address: &Address) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = address.0.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests;
