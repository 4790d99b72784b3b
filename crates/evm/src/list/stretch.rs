//! What one thread does of the access list when a block closes that several threads ran: the accounts from one address to
//! another, and its share of the words of those accounts that have many.
//!
//! Bytes come first, since the hash waits for them; entries are made beside it.

use std::ops::Range;

use alloy_eip7928::{
    AccountChanges, BalanceChange, BlockAccessIndex, CodeChange, NonceChange, SlotChanges,
    StorageChange,
};
use alloy_primitives::{Address, Bytes, U256};
use revm::state::bal::AccountBal;

use super::bands::{Band, BandAccount};
use super::bytes::{encode_joined, encode_read, encode_written};

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
pub(super) struct Piece<'a> {
    pub(super) slot: U256,
    before: u64,
    writes: &'a [(BlockAccessIndex, U256)],
}

/// See the module.
#[derive(Default)]
pub(super) struct Stretch<'a> {
    /// By part; by address when it is finished.
    pub(super) touched: Vec<Touched<'a>>,
    /// A share of each account that has many words, by address; no account among `touched` is one of these.
    pub(super) slices: Vec<Slice<'a>>,
    pieces: Vec<Piece<'a>>,
    accounts: Vec<Joined>,
    /// How many of those have their entries.
    made: usize,
    /// Bytes of the accounts before the first of those that have many words, before the second, ..., and behind all.
    pub(super) bytes: Vec<Vec<u8>>,
}

/// An account, and where in a stretch lies what parts say of it.
struct Joined {
    address: Address,
    touched: Range<usize>,
    pieces: Range<usize>,
}

/// The words of an account from one to another.
pub(super) struct Slice<'a> {
    address: Address,
    /// By part; by slot when it is finished.
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) written: Vec<u8>,
    pub(super) read: Vec<u8>,
}

impl<'a> Stretch<'a> {
    /// With a slice of each of these accounts, which ascend.
    pub(super) fn over(wide: impl Iterator<Item = Address>) -> Self {
        let slice = |address| Slice {
            address,
            pieces: Vec::new(),
            written: Vec::new(),
            read: Vec::new(),
        };
        Self {
            slices: wide.map(slice).collect(),
            ..Self::default()
        }
    }

    /// Puts everything in order, and writes its bytes.
    pub(super) fn finish(&mut self) {
        for slice in &mut self.slices {
            sort(&mut slice.pieces);
            slice.written = encode_written(&slice.pieces);
            slice.read = encode_read(&slice.pieces);
        }
        // Parts are in order already, and stay so within an account.
        self.touched
            .sort_by(|a, b| a.head.cmp(&b.head).then_with(|| a.address.cmp(&b.address)));
        self.accounts.reserve(self.touched.len());
        let mut from = 0;
        for parts in self.touched.chunk_by(|a, b| a.address == b.address) {
            let pieces_from = self.pieces.len();
            for part in parts {
                part.show_words(|piece| self.pieces.push(piece));
            }
            if parts.len() > 1 {
                sort(self.pieces.get_mut(pieces_from..).unwrap_or_default());
            }
            let Some(first) = parts.first() else { continue };
            self.accounts.push(Joined {
                address: first.address,
                touched: from..from + parts.len(),
                pieces: pieces_from..self.pieces.len(),
            });
            from += parts.len();
        }
        let mut from = 0;
        for slice in &self.slices {
            let to = self.before(slice.address);
            self.bytes.push(self.encode(from..to));
            from = to;
        }
        self.bytes.push(self.encode(from..self.accounts.len()));
    }

    /// How many accounts stand before an address.
    fn before(&self, address: Address) -> usize {
        self.accounts
            .partition_point(|account| account.address < address)
    }

    fn encode(&self, accounts: Range<usize>) -> Vec<u8> {
        let accounts = self.accounts.get(accounts).unwrap_or_default();
        let said = accounts.iter().map(|account| self.said_of(account));
        encode_joined(said)
    }

    /// What parts say of an account.
    fn said_of(&self, account: &Joined) -> (&[Touched<'a>], &[Piece<'a>]) {
        let touched = self.touched.get(account.touched.clone());
        let pieces = self.pieces.get(account.pieces.clone());
        (touched.unwrap_or_default(), pieces.unwrap_or_default())
    }

    /// Makes the entries of the accounts before an address, of those that have none yet; of all those without one.
    pub(super) fn make(&mut self, before: Option<Address>, list: &mut Vec<AccountChanges>) {
        let to = before.map_or(self.accounts.len(), |address| self.before(address));
        let accounts = self.accounts.get(self.made..to).unwrap_or_default();
        list.extend(accounts.iter().map(|account| {
            let (touched, pieces) = self.said_of(account);
            let mut whole = AccountChanges::new(account.address);
            touched.iter().for_each(|part| part.tell(&mut whole));
            add_words(pieces, &mut whole);
            whole
        }));
        self.made = to;
    }
}

/// The words of each part are in order already, and stay so within a word.
fn sort(pieces: &mut [Piece<'_>]) {
    pieces.sort_by_key(|piece| piece.slot);
}

/// Each word in order, with all that parts say of it.
pub(super) fn by_word<'p, 'a>(
    pieces: &'p [Piece<'a>],
) -> impl DoubleEndedIterator<Item = &'p [Piece<'a>]> {
    pieces.chunk_by(|a, b| a.slot == b.slot)
}

/// Adds the entries of some words, which are in order.
pub(super) fn add_words(pieces: &[Piece<'_>], whole: &mut AccountChanges) {
    for word in by_word(pieces) {
        let Some(Piece { slot, .. }) = word.first() else {
            continue;
        };
        let count = word.iter().map(|piece| piece.writes.len()).sum();
        if count == 0 {
            whole.storage_reads.push(*slot);
            continue;
        }
        let mut changes = Vec::with_capacity(count);
        for piece in word {
            let writes = piece.writes().map(|(at, is)| StorageChange::new(at, is));
            changes.extend(writes);
        }
        whole.storage_changes.push(SlotChanges::new(*slot, changes));
    }
}

impl Piece<'_> {
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

    /// Shows the words, in order.
    pub(super) fn show_words(&self, mut show: impl FnMut(Piece<'a>)) {
        let before = self.before;
        let piece = |slot, writes| Piece {
            slot,
            before,
            writes,
        };
        match self.by {
            By::Mapped(account) => {
                let words = account.storage.storage.iter();
                words.for_each(|(slot, of)| show(piece(*slot, of.writes.as_slice())));
            }
            By::Banded(band, account) => {
                let words = band.words(account).iter();
                words.for_each(|word| show(piece(word.slot, band.writes(word))));
            }
        }
    }
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
