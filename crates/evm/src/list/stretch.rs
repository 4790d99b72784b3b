//! What a thread does of the access list when a block closes: the accounts from one address to another, and a share of the words
//! of those accounts that have many.
//!
//! Bytes come first, since the hash waits for them; entries are made beside it.

use std::ops::{Bound, Range, RangeBounds};

use alloy_eip7928::{
    AccountChanges, BalanceChange, BlockAccessIndex, CodeChange, NonceChange, SlotChanges,
    StorageChange,
};
use alloy_primitives::{Address, Bytes, U256};
use revm::state::bal::AccountBal;

use super::Part;
use super::bands::{Band, BandAccount};
use super::bytes::{encode_joined, encode_read, encode_written};
use super::together::Wide;
use crate::AccountInfo;

/// From one key to another.
pub(super) type Span<T> = (Bound<T>, Bound<T>);

/// One account as one part touched it.
#[derive(Clone, Copy)]
pub(super) struct Touched<'a> {
    /// Begins its address: what is sorted by first.
    pub(super) head: u64,
    pub(super) address: Address,
    /// What every index is to be raised by.
    pub(super) before: u64,
    pub(super) by: By<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    Mapped(&'a AccountBal),
    Banded(&'a Band, &'a BandAccount),
}

/// One word as one part touched it.
pub(super) struct WordTouch<'a> {
    pub(super) slot: U256,
    before: u64,
    writes: &'a [(BlockAccessIndex, U256)],
}

/// See the module.
#[derive(Default)]
pub(super) struct Stretch<'a> {
    /// By address, and of one account by part; no wide account is among them.
    touched: Vec<Touched<'a>>,
    /// Words of those, by slot within an account.
    touches: Vec<WordTouch<'a>>,
    accounts: Vec<Joined>,
    /// Bytes of the accounts before the first wide one, before the second, ..., and behind all.
    pub(super) bytes: Vec<Vec<u8>>,
    /// A share of each wide account.
    pub(super) slices: Vec<Slice<'a>>,
}

/// An account, and where in a stretch lies what parts say of it.
pub(super) struct Joined {
    address: Address,
    touched: Range<usize>,
    touches: Range<usize>,
}

/// The words of an account from one to another, in order and in bytes.
pub(super) struct Slice<'a> {
    touches: Vec<WordTouch<'a>>,
    pub(super) written: Vec<u8>,
    pub(super) read: Vec<u8>,
}

impl<'a> Stretch<'a> {
    /// Puts everything in order, and writes its bytes. `share`: of the words of wide accounts.
    pub(super) fn of(
        parts: &'a [Part],
        addresses: Span<Address>,
        wides: &[Wide<'a>],
        share: usize,
    ) -> Self {
        let mut stretch = Self {
            slices: wides.iter().map(|wide| Slice::of(wide, share)).collect(),
            ..Self::default()
        };
        for part in parts {
            part.show(addresses, |touched| stretch.touched.push(touched));
        }
        let stands_apart = |address| wides.iter().any(|wide| wide.whole.address == address);
        stretch
            .touched
            .retain(|touched| !stands_apart(touched.address));
        stretch.put_in_order();
        for accounts in stretch.between(wides) {
            stretch.bytes.push(stretch.encode(accounts));
        }
        stretch
    }

    fn put_in_order(&mut self) {
        // Parts are in order already, and stay so within an account.
        self.touched
            .sort_by(|a, b| a.head.cmp(&b.head).then_with(|| a.address.cmp(&b.address)));
        self.accounts.reserve(self.touched.len());
        let mut from = 0;
        for parts in self.touched.chunk_by(|a, b| a.address == b.address) {
            let touches_from = self.touches.len();
            for part in parts {
                part.show_words(ALL, |touch| self.touches.push(touch));
            }
            if parts.len() > 1 {
                sort(self.touches.get_mut(touches_from..).unwrap_or_default());
            }
            let Some(first) = parts.first() else { continue };
            self.accounts.push(Joined {
                address: first.address,
                touched: from..from + parts.len(),
                touches: touches_from..self.touches.len(),
            });
            from += parts.len();
        }
    }

    /// The accounts before the first wide one, before the second, ..., and behind all.
    pub(super) fn between(&self, wides: &[Wide<'_>]) -> Vec<Range<usize>> {
        let mut from = 0;
        let before = |wide: &Wide<'_>| {
            let address = wide.whole.address;
            self.accounts.partition_point(|it| it.address < address)
        };
        let ends = wides.iter().map(before).chain([self.accounts.len()]);
        ends.map(|to| std::mem::replace(&mut from, to)..to)
            .collect()
    }

    fn encode(&self, accounts: Range<usize>) -> Vec<u8> {
        encode_joined(self.some(accounts).map(|account| self.said_of(account)))
    }

    /// What parts say of an account.
    fn said_of(&self, account: &Joined) -> (&[Touched<'a>], &[WordTouch<'a>]) {
        let touched = self.touched.get(account.touched.clone());
        let touches = self.touches.get(account.touches.clone());
        (touched.unwrap_or_default(), touches.unwrap_or_default())
    }

    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Some of the accounts.
    pub(super) fn some(
        &self,
        accounts: Range<usize>,
    ) -> impl ExactSizeIterator<Item = &Joined> + DoubleEndedIterator {
        self.accounts.get(accounts).unwrap_or_default().iter()
    }

    /// The entry of an account.
    pub(super) fn entry(&self, account: &Joined) -> AccountChanges {
        let (touched, touches) = self.said_of(account);
        let mut whole = AccountChanges::new(account.address);
        touched.iter().for_each(|part| part.tell(&mut whole));
        (whole.storage_changes, whole.storage_reads) = entries_of(touches);
        whole
    }

    /// The account as some part found it: what nobody wrote of it in the block is so still. `None`: ask for it.
    pub(super) fn found(&self, account: &Joined) -> Option<AccountInfo> {
        let (touched, _) = self.said_of(account);
        touched.iter().find_map(|part| match part.by {
            By::Mapped(_) => None,
            By::Banded(_, account) => account.found,
        })
    }
}

impl<'a> Slice<'a> {
    fn of(wide: &Wide<'a>, share: usize) -> Self {
        let mut touches = Vec::new();
        for touched in &wide.touched {
            touched.show_words(wide.words_of(share), |touch| touches.push(touch));
        }
        sort(&mut touches);
        Self {
            written: encode_written(&touches),
            read: encode_read(&touches),
            touches,
        }
    }

    /// Words that were written, and words that were only read.
    pub(super) fn entries(&self) -> (Vec<SlotChanges>, Vec<U256>) {
        entries_of(&self.touches)
    }
}

const ALL: Span<U256> = (Bound::Unbounded, Bound::Unbounded);

/// The words of each part are in order already, and stay so within a word.
fn sort(touches: &mut [WordTouch<'_>]) {
    touches.sort_by_key(|touch| touch.slot);
}

/// Each word in order, with all that parts say of it.
pub(super) fn by_word<'p, 'a>(
    touches: &'p [WordTouch<'a>],
) -> impl DoubleEndedIterator<Item = &'p [WordTouch<'a>]> {
    touches.chunk_by(|a, b| a.slot == b.slot)
}

/// The entries of some words, which are in order: of those written, and of those only read.
fn entries_of(touches: &[WordTouch<'_>]) -> (Vec<SlotChanges>, Vec<U256>) {
    let (mut written, mut read) = (Vec::new(), Vec::new());
    for word in by_word(touches) {
        let Some(WordTouch { slot, .. }) = word.first() else {
            continue;
        };
        let count = word.iter().map(|touch| touch.writes.len()).sum();
        if count == 0 {
            read.push(*slot);
            continue;
        }
        let mut changes = Vec::with_capacity(count);
        for touch in word {
            let writes = touch.writes().map(|(at, is)| StorageChange::new(at, is));
            changes.extend(writes);
        }
        written.push(SlotChanges::new(*slot, changes));
    }
    (written, read)
}

impl WordTouch<'_> {
    /// What was written, by the indices of the block.
    pub(super) fn writes(&self) -> impl DoubleEndedIterator<Item = (BlockAccessIndex, U256)> {
        raised(self.writes, self.before)
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.writes.is_empty()
    }
}

impl<'a> Touched<'a> {
    /// Balances after each index of the block.
    pub(super) fn balances(&self) -> impl DoubleEndedIterator<Item = (BlockAccessIndex, U256)> {
        let of = match self.by {
            By::Mapped(account) => &account.account_info.balance.writes,
            By::Banded(band, account) => band.balances(account),
        };
        raised(of, self.before)
    }

    /// Nonces after each index of the block.
    pub(super) fn nonces(&self) -> impl DoubleEndedIterator<Item = (BlockAccessIndex, u64)> {
        let of = match self.by {
            By::Mapped(account) => &account.account_info.nonce.writes,
            By::Banded(band, account) => band.nonces(account),
        };
        raised(of, self.before)
    }

    /// Codes after each index of the block; hardly any account has one.
    pub(super) fn codes(&self) -> Vec<(BlockAccessIndex, Bytes)> {
        match self.by {
            By::Mapped(account) => {
                let codes = account.account_info.code.writes.iter();
                codes
                    .map(|(at, (_, code))| (raise(*at, self.before), code.original_bytes()))
                    .collect()
            }
            By::Banded(band, account) => raised(band.codes(account), self.before).collect(),
        }
    }

    /// Adds what the part did beside words.
    pub(super) fn tell(&self, whole: &mut AccountChanges) {
        let balances = self.balances();
        whole
            .balance_changes
            .extend(balances.map(|(at, wei)| BalanceChange::new(at, wei)));
        let nonces = self.nonces();
        whole
            .nonce_changes
            .extend(nonces.map(|(at, nonce)| NonceChange::new(at, nonce)));
        let codes = self.codes().into_iter();
        whole
            .code_changes
            .extend(codes.map(|(at, code)| CodeChange::new(at, code)));
    }

    /// Shows some of the words, in order.
    pub(super) fn show_words(&self, slots: Span<U256>, mut show: impl FnMut(WordTouch<'a>)) {
        let before = self.before;
        let touch = |slot, writes| WordTouch {
            slot,
            before,
            writes,
        };
        match self.by {
            By::Mapped(account) => {
                let words = account.storage.storage.range(slots);
                words.for_each(|(slot, of)| show(touch(*slot, of.writes.as_slice())));
            }
            By::Banded(band, account) => {
                let words = within(band.words(account), slots, |word| word.slot);
                let words = words.iter();
                words.for_each(|word| show(touch(word.slot, band.writes(word))));
            }
        }
    }
}

/// Those of some items in order whose keys are in a span.
pub(super) fn within<T, K: Ord + Copy>(items: &[T], span: Span<K>, key: impl Fn(&T) -> K) -> &[T] {
    let from = items.partition_point(|item| match span.0 {
        Bound::Included(from) => key(item) < from,
        Bound::Excluded(from) => key(item) <= from,
        Bound::Unbounded => false,
    });
    let behind = items.get(from..).unwrap_or_default();
    let count = behind.partition_point(|item| (Bound::Unbounded, span.1).contains(&key(item)));
    behind.get(..count).unwrap_or_default()
}

fn raised<T: Clone>(
    of: &[(BlockAccessIndex, T)],
    by: u64,
) -> impl DoubleEndedIterator<Item = (BlockAccessIndex, T)> + ExactSizeIterator {
    of.iter().map(move |(at, is)| (raise(*at, by), is.clone()))
}

fn raise(index: BlockAccessIndex, by: u64) -> BlockAccessIndex {
    BlockAccessIndex::new(index.get().saturating_add(by))
}
