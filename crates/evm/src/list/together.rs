//! A block's list that several threads close.
//!
//! ```text
//!   a thread    ── stretch 0: order, bytes ── stretch 2 ──┬── entries of 0, of 2, of 1 ──┐
//!   another     ──── stretch 1: order, bytes ─────────────┴── hash of all ── of 3 ───────┴── list, difference
//!               takes the next that nobody has begun       who ends the last one hashes
//! ```
//!
//! Nobody waits for another before the end, and a thread that wakes late finds less to do.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use alloy_eip7928::{AccountChanges, BlockAccessList, SlotChanges};
use alloy_primitives::map::AddressMap;
use alloy_primitives::{Address, B256, Bytes, U256};

use super::bytes::{Frame, hash_of};
use super::stretch::{Span, Stretch, Touched};
use super::{Closed, Closers, Part};
use crate::{AccountDiff, AccountInfo, Overlay, StateDiff, StateError, StateRead};

/// Stretches for each thread.
const STRETCHES: usize = 2;
/// Accounts and words from which on another thread is worth its waking.
const TOUCHES_FOR_THREADS: usize = 256;
/// Of accounts, and of the words of a busy one, one of so many says where they lie.
const SAMPLED: usize = 8;
/// An account of which so many words were sampled is one whose words threads share.
const SAMPLES_OF_WIDE: usize = 64;

/// An account of which so many words were touched that threads share them.
pub(super) struct Wide<'a> {
    /// All but its words.
    pub(super) whole: AccountChanges,
    /// What each part says of it.
    pub(super) touched: Vec<Touched<'a>>,
    /// Where the second share of its words begins, the third, ...
    cuts: Vec<U256>,
}

/// One stretch of addresses, with its share of the words of wide accounts.
struct Share<'a> {
    addresses: Span<Address>,
    stretch: OnceLock<Stretch<'a>>,
    is_taken: AtomicBool,
    made: OnceLock<Result<Made, StateError>>,
}

/// Entries of a stretch, and what they say was changed.
struct Made {
    /// Of the accounts before the first wide one, before the second, ..., and behind all.
    accounts: Vec<Vec<AccountChanges>>,
    diff: Vec<(Address, AccountDiff)>,
    codes: BTreeMap<B256, Bytes>,
    /// Of each wide account the share of its words: those written, and those only read.
    words: Vec<(Vec<SlotChanges>, Vec<U256>)>,
}

/// What the threads share.
struct Together<'a> {
    parts: &'a [Part],
    after: &'a Overlay,
    /// By address.
    wides: Vec<Wide<'a>>,
    shares: Vec<Share<'a>>,
    /// Shares that somebody has begun.
    begun: AtomicUsize,
    /// Shares that are in order and in bytes.
    ended: AtomicUsize,
    hash: OnceLock<B256>,
}

/// Closes what parts say. `after`: the state after the block.
pub(super) fn close(
    parts: &[Part],
    after: &Overlay,
    closers: &Closers,
) -> Result<Closed, StateError> {
    let touches: usize = parts.iter().map(Part::touch_count).sum();
    let is_shared = closers.count > 1 && touches >= TOUCHES_FOR_THREADS;
    let count = if is_shared { closers.count } else { 1 };
    let together = Together::over(parts, after, count);
    closers.all(count, || together.work());
    together.join()
}

impl<'a> Together<'a> {
    fn over(parts: &'a [Part], after: &'a Overlay, threads: usize) -> Self {
        let count = if threads > 1 { STRETCHES * threads } else { 1 };
        let (mut addresses, mut words) = (Vec::new(), AddressMap::default());
        if count > 1 {
            for part in parts {
                part.sample(SAMPLED, &mut addresses, &mut words);
            }
        }
        // A busy account weighs as much as its words; those that threads share are no part of a stretch.
        for (address, slots) in &words {
            let weight = if is_wide(slots) { 0 } else { slots.len() };
            addresses.extend(std::iter::repeat_n(*address, weight));
        }
        let mut words: Vec<_> = words
            .into_iter()
            .filter(|(_, slots)| is_wide(slots))
            .collect();
        words.sort_unstable_by_key(|(address, _)| *address);
        addresses.sort_unstable();
        let cuts_of_addresses = cuts(&addresses, count);
        let count = cuts_of_addresses.len() + 1;
        let wide = |(address, mut slots): (_, Vec<_>)| {
            slots.sort_unstable();
            Wide::of(parts, address, cuts(&slots, count))
        };
        let share = |number| Share {
            addresses: span(&cuts_of_addresses, number),
            stretch: OnceLock::new(),
            is_taken: AtomicBool::new(false),
            made: OnceLock::new(),
        };
        Self {
            parts,
            after,
            wides: words.into_iter().map(wide).collect(),
            shares: (0..count).map(share).collect(),
            begun: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            hash: OnceLock::new(),
        }
    }

    /// One thread's part of it.
    fn work(&self) {
        loop {
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            let Some(share) = self.shares.get(number) else {
                break;
            };
            let stretch = Stretch::of(self.parts, share.addresses, &self.wides, number);
            share.stretch.get_or_init(|| stretch);
            // Whoever sees all others ended sees what they left.
            if self.ended.fetch_add(1, Ordering::AcqRel) + 1 == self.shares.len() {
                self.hash.get_or_init(|| self.hash());
            }
        }
        // Who comes here last finds every stretch, and makes what is left.
        for share in &self.shares {
            if let Some(stretch) = share.stretch.get()
                && !share.is_taken.swap(true, Ordering::Relaxed)
            {
                share.made.get_or_init(|| self.make(stretch));
            }
        }
    }

    fn stretches(&self) -> impl Iterator<Item = &Stretch<'a>> {
        self.shares.iter().filter_map(|share| share.stretch.get())
    }

    fn hash(&self) -> B256 {
        let shares = |number: usize| self.stretches().filter_map(move |it| it.slices.get(number));
        let frame = |(number, wide): (usize, &Wide<'_>)| {
            let written = shares(number).map(|slice| slice.written.len()).sum();
            let read = shares(number).map(|slice| slice.read.len()).sum();
            Frame::around(&wide.whole, written, read)
        };
        let frames: Vec<_> = self.wides.iter().enumerate().map(frame).collect();
        let mut all = Vec::new();
        for number in 0..=frames.len() {
            let accounts = self.stretches().filter_map(|it| it.bytes.get(number));
            all.extend(accounts.map(Vec::as_slice));
            if let Some(frame) = frames.get(number) {
                all.push(frame.start.as_slice());
                all.extend(shares(number).map(|slice| slice.written.as_slice()));
                all.push(&frame.between);
                all.extend(shares(number).map(|slice| slice.read.as_slice()));
                all.push(&frame.end);
            }
        }
        hash_of(all.iter().copied())
    }

    fn make(&self, stretch: &Stretch<'_>) -> Result<Made, StateError> {
        let (mut diff, mut codes) = (Vec::with_capacity(stretch.len()), BTreeMap::new());
        let mut make = |account| {
            let entry = stretch.entry(account);
            let found = || {
                stretch
                    .found(account)
                    .map_or_else(|| after_of(self.after, entry.address), Ok)
            };
            diff.extend(StateDiff::account_of(&entry, found, &mut codes)?);
            Ok(entry)
        };
        let between = stretch.between(&self.wides).into_iter();
        let accounts = between.map(|accounts| stretch.some(accounts).map(&mut make).collect());
        let accounts = accounts.collect::<Result<_, _>>()?;
        Ok(Made {
            accounts,
            diff,
            codes,
            words: stretch.slices.iter().map(|slice| slice.entries()).collect(),
        })
    }

    /// Puts together what all have made.
    fn join(self) -> Result<Closed, StateError> {
        let access_list_hash = *self.hash.get_or_init(|| self.hash());
        let made = self
            .shares
            .into_iter()
            .filter_map(|it| it.made.into_inner());
        let mut made: Vec<_> = made.collect::<Result<_, _>>()?;
        let count = made.iter().map(|it| it.diff.len()).sum::<usize>() + self.wides.len();
        let (mut diff, mut codes) = (Vec::with_capacity(count), BTreeMap::new());
        for made in &mut made {
            diff.append(&mut made.diff);
            codes.append(&mut made.codes);
        }
        let accounts = made.iter().flat_map(|it| &it.accounts).map(Vec::len);
        let mut access_list =
            BlockAccessList::with_capacity(accounts.sum::<usize>() + self.wides.len());
        let mut wides = self.wides.into_iter().map(|wide| wide.whole);
        for number in 0.. {
            for accounts in made.iter_mut().filter_map(|it| it.accounts.get_mut(number)) {
                access_list.append(accounts);
            }
            let Some(mut whole) = wides.next() else { break };
            for (written, read) in made.iter_mut().filter_map(|it| it.words.get_mut(number)) {
                whole.storage_changes.append(written);
                whole.storage_reads.append(read);
            }
            let found = || after_of(self.after, whole.address);
            diff.extend(StateDiff::account_of(&whole, found, &mut codes)?);
            access_list.push(whole);
        }
        Ok(Closed {
            access_list,
            access_list_hash,
            // In order but for the wide ones, so the map is built at once.
            diff: StateDiff {
                accounts: diff.into_iter().collect(),
                codes,
            },
        })
    }
}

impl<'a> Wide<'a> {
    fn of(parts: &'a [Part], address: Address, cuts: Vec<U256>) -> Self {
        let mut whole = AccountChanges::new(address);
        let touched: Vec<_> = parts.iter().filter_map(|part| part.of(address)).collect();
        touched.iter().for_each(|part| part.tell(&mut whole));
        Self {
            whole,
            touched,
            cuts,
        }
    }

    /// Which of its words are in a share.
    pub(super) fn words_of(&self, share: usize) -> Span<U256> {
        span(&self.cuts, share)
    }
}

/// An account after the block.
fn after_of(after: &Overlay, address: Address) -> Result<AccountInfo, StateError> {
    Ok(StateRead::account(after, address)?.unwrap_or_default())
}

/// Whether threads share the words of an account of which these were sampled.
fn is_wide(sampled: &[U256]) -> bool {
    sampled.len() >= SAMPLES_OF_WIDE
}

/// Where the second of so many equal shares begins, the third, ... `sorted`: some of what is shared.
fn cuts<T: Copy>(sorted: &[T], shares: usize) -> Vec<T> {
    let cut = |share| sorted.get(share * sorted.len() / shares).copied();
    (1..shares).filter_map(cut).collect()
}

/// What lies in a share.
fn span<T: Copy>(cuts: &[T], share: usize) -> Span<T> {
    let from = share.checked_sub(1).and_then(|before| cuts.get(before));
    let to = cuts.get(share);
    (
        from.map_or(Bound::Unbounded, |from| Bound::Included(*from)),
        to.map_or(Bound::Unbounded, |to| Bound::Excluded(*to)),
    )
}
