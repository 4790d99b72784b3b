//! What one thread does of the access list when a block closes: the accounts from one address to another, and its share of the
//! words of those accounts that have many.

use alloy_eip7928::{
    AccountChanges, BalanceChange, BlockAccessIndex, CodeChange, NonceChange, SlotChanges,
    StorageChange,
};
use alloy_primitives::{Address, U256};
use revm::state::bal::AccountBal;

use super::bands::{Band, BandAccount};
use super::bytes::{encode_accounts, encode_slots, encode_words};

/// One account as one part touched it.
pub(super) struct Touched<'a> {
    /// Begins its address: what is sorted by first.
    pub(super) head: u64,
    pub(super) address: Address,
    /// What every index is to be raised by.
    pub(super) before: u64,
    pub(super) by: By<'a>,
}

pub(super) enum By<'a> {
    Mapped(&'a mut AccountBal),
    Banded(&'a Band, &'a BandAccount),
}

/// What it is to be read from.
#[derive(Clone, Copy)]
pub(super) enum Said<'a> {
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
    /// By part.
    pub(super) touched: Vec<Touched<'a>>,
    /// A share of each account that has many words, by address; no account among `touched` is one of these.
    pub(super) slices: Vec<Slice<'a>>,
    pub(super) accounts: Vec<AccountChanges>,
    /// Bytes of the accounts before the first of those that have many words, before the second, ..., and behind all.
    pub(super) bytes: Vec<Vec<u8>>,
}

/// The words of an account from one to another.
pub(super) struct Slice<'a> {
    pub(super) address: Address,
    /// By part.
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) words: Words,
    pub(super) written: Vec<u8>,
    pub(super) read: Vec<u8>,
}

/// Words of an account in order: those that were written, and those that were only read.
#[derive(Default)]
pub(super) struct Words {
    pub(super) written: Vec<SlotChanges>,
    pub(super) read: Vec<U256>,
}

impl Stretch<'_> {
    /// With a slice of each of these accounts, which ascend.
    pub(super) fn over(wide: impl Iterator<Item = Address>) -> Self {
        Self {
            slices: wide.map(Slice::new).collect(),
            ..Self::default()
        }
    }

    pub(super) fn finish(&mut self) {
        for slice in &mut self.slices {
            slice.finish();
        }
        // Parts are in order already, and stay so within an account.
        self.touched
            .sort_by(|a, b| a.head.cmp(&b.head).then_with(|| a.address.cmp(&b.address)));
        self.accounts.reserve(self.touched.len());
        let mut pieces = Vec::new();
        let accounts = self.touched.chunk_by_mut(|a, b| a.address == b.address);
        for parts in accounts {
            self.accounts.push(join(parts, &mut pieces));
        }
        let mut rest = self.accounts.as_slice();
        for slice in &self.slices {
            let before = rest.partition_point(|account| account.address < slice.address);
            let (before, behind) = rest.split_at(before);
            self.bytes.push(encode_accounts(before));
            rest = behind;
        }
        self.bytes.push(encode_accounts(rest));
    }

    /// The accounts that come before an address, of those that are not taken yet.
    pub(super) fn take_before(&mut self, address: Address) -> impl Iterator<Item = AccountChanges> {
        let before = self
            .accounts
            .partition_point(|account| account.address < address);
        self.accounts.drain(..before)
    }
}

impl Slice<'_> {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            pieces: Vec::new(),
            words: Words::default(),
            written: Vec::new(),
            read: Vec::new(),
        }
    }

    fn finish(&mut self) {
        self.words = group(&mut self.pieces, true);
        self.written = encode_words(&self.words.written);
        self.read = encode_slots(&self.words.read);
    }
}

/// What several parts say of one account. `pieces` is room for its words.
fn join<'a>(parts: &'a mut [Touched<'_>], pieces: &mut Vec<Piece<'a>>) -> AccountChanges {
    if let [
        Touched {
            address,
            by: By::Mapped(account),
            before: 0,
            ..
        },
    ] = parts
    {
        // All of it stays where it is.
        return std::mem::take(*account).into_alloy_account(*address);
    }
    let parts = &*parts;
    let mut whole = AccountChanges::default();
    pieces.clear();
    let is_one = parts.len() == 1;
    for part in parts {
        whole.address = part.address;
        let said = part.by.said();
        said.tell(part.before, &mut whole);
        said.show_words(part.before, |piece| pieces.push(piece));
    }
    let Words { written, read } = group(pieces, !is_one);
    whole.storage_changes = written;
    whole.storage_reads = read;
    whole
}

/// Puts together what parts say of each word. `are_mixed`: they are not in order yet.
fn group(pieces: &mut [Piece<'_>], are_mixed: bool) -> Words {
    if are_mixed {
        // The words of each part are in order already, and stay so within a word.
        pieces.sort_by_key(|piece| piece.slot);
    }
    let mut words = Words::default();
    for word in pieces.chunk_by(|a, b| a.slot == b.slot) {
        let Some(Piece { slot, .. }) = word.first() else {
            continue;
        };
        let count = word.iter().map(|piece| piece.writes.len()).sum();
        if count == 0 {
            words.read.push(*slot);
            continue;
        }
        let mut changes = Vec::with_capacity(count);
        for piece in word {
            let raised = piece.writes.iter().map(|(index, is)| {
                let index = raised(*index, piece.before);
                StorageChange::new(index, *is)
            });
            changes.extend(raised);
        }
        words.written.push(SlotChanges::new(*slot, changes));
    }
    words
}

impl<'a> By<'a> {
    /// To be read alone.
    pub(super) fn said(&self) -> Said<'_> {
        match self {
            Self::Mapped(account) => Said::Mapped(account),
            Self::Banded(band, account) => Said::Banded(band, account),
        }
    }

    /// The same for as long as the part is there.
    pub(super) fn into_said(self) -> Said<'a> {
        match self {
            Self::Mapped(account) => Said::Mapped(account),
            Self::Banded(band, account) => Said::Banded(band, account),
        }
    }
}

impl<'a> Said<'a> {
    /// Adds what the part did beside words, by the indices of the block.
    pub(super) fn tell(self, before: u64, whole: &mut AccountChanges) {
        let balance = |(index, wei): &(_, U256)| BalanceChange::new(raised(*index, before), *wei);
        let nonce = |(index, nonce): &(_, u64)| NonceChange::new(raised(*index, before), *nonce);
        let (balances, nonces) = match self {
            Self::Mapped(account) => {
                let info = &account.account_info;
                for (index, (_, code)) in &info.code.writes {
                    let code = code.original_bytes();
                    let change = CodeChange::new(raised(*index, before), code);
                    whole.code_changes.push(change);
                }
                (info.balance.writes.as_slice(), info.nonce.writes.as_slice())
            }
            Self::Banded(band, account) => {
                for (index, code) in band.codes(account) {
                    let change = CodeChange::new(raised(*index, before), code.clone());
                    whole.code_changes.push(change);
                }
                (band.balances(account), band.nonces(account))
            }
        };
        whole.balance_changes.extend(balances.iter().map(balance));
        whole.nonce_changes.extend(nonces.iter().map(nonce));
    }

    /// Shows the words, in order.
    pub(super) fn show_words(self, before: u64, mut show: impl FnMut(Piece<'a>)) {
        let piece = |slot, writes| Piece {
            slot,
            before,
            writes,
        };
        match self {
            Self::Mapped(account) => {
                let words = account.storage.storage.iter();
                words.for_each(|(slot, of)| show(piece(*slot, of.writes.as_slice())));
            }
            Self::Banded(band, account) => {
                let words = band.words(account).iter();
                words.for_each(|word| show(piece(word.slot, band.writes(word))));
            }
        }
    }
}

fn raised(index: BlockAccessIndex, by: u64) -> BlockAccessIndex {
    BlockAccessIndex::new(index.get().saturating_add(by))
}
