//! The access list when a block closes: its canonical order, and its bytes.
//!
//! RLP says the length of a list in front of it. So the bytes are written from the end to the front, turned round: what a
//! list is long is known when its items are written, and nothing is measured before it is written.

mod bands;

use std::sync::Arc;

use alloy_eip7928::{
    AccountChanges, BalanceChange, BlockAccessIndex, BlockAccessList, CodeChange, NonceChange,
    SlotChanges, StorageChange,
};
use alloy_primitives::{Address, B256, Keccak256, U256};
use revm::state::bal::{AccountBal, Bal};

pub(crate) use bands::Band;

use crate::{Overlay, StateDiff, StateError};
use bands::BandAccount;

/// Accounts from which on another thread is worth its waking.
const ACCOUNTS_FOR_THREADS: usize = 256;

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

    /// Shows each account.
    fn each<'a>(&'a mut self, mut show: impl FnMut(Touched<'a>)) {
        let before = self.before;
        let touched = |address: Address, by| Touched {
            head: head(&address),
            address,
            before,
            by,
        };
        match &mut self.access {
            Access::Mapped(access) => {
                for (address, account) in &mut access.accounts {
                    show(touched(*address, By::Mapped(account)));
                }
            }
            Access::Banded(band) => {
                let band = &*band;
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

/// One account as one part touched it.
struct Touched<'a> {
    /// Begins its address: what is sorted by first.
    head: u64,
    address: Address,
    before: u64,
    by: By<'a>,
}

enum By<'a> {
    Mapped(&'a mut AccountBal),
    Banded(&'a Band, &'a BandAccount),
}

/// One word as one part touched it.
struct Piece<'a> {
    slot: U256,
    before: u64,
    writes: &'a [(BlockAccessIndex, U256)],
}

/// The accounts from one address to another, and their bytes.
#[derive(Default)]
struct Stretch<'a> {
    /// By part.
    touched: Vec<Touched<'a>>,
    accounts: Vec<AccountChanges>,
    bytes: Vec<u8>,
}

/// Puts a list in canonical order, hashes it, and reads what the block changed off it. `after`: the state after the block; what
/// the block did not write of an account is the same before and after.
pub(crate) fn close(
    mut parts: Vec<Part>,
    after: &Overlay,
    crew: &Crew,
) -> Result<Closed, StateError> {
    let count: usize = parts.iter().map(Part::account_count).sum();
    let share_count = match count < ACCOUNTS_FOR_THREADS {
        true => 1,
        false => crew.count.max(1),
    };
    let mut stretches: Vec<Stretch<'_>> = (0..share_count).map(|_| Stretch::default()).collect();
    for part in &mut parts {
        part.each(|touched| {
            let stretch = stretches.get_mut(stretch_of(touched.head, share_count));
            if let Some(stretch) = stretch {
                stretch.touched.push(touched);
            }
        });
    }
    crew.each(&mut stretches, Stretch::finish);
    let bytes: Vec<_> = stretches
        .iter_mut()
        .map(|stretch| std::mem::take(&mut stretch.bytes))
        .collect();
    let mut access_list_hash = B256::ZERO;
    let hash = || access_list_hash = hash_of(bytes.iter().map(Vec::as_slice));
    let join = || {
        let mut list = BlockAccessList::with_capacity(count);
        for stretch in &mut stretches {
            list.append(&mut stretch.accounts);
        }
        let diff = StateDiff::from_access_list(&list, after)?;
        Ok((list, diff))
    };
    let (access_list, diff) = match share_count {
        1 => Crew::default().beside(hash, join),
        _ => crew.beside(hash, join),
    }?;
    Ok(Closed {
        access_list,
        access_list_hash,
        diff,
    })
}

/// Which of so many stretches an address belongs to that begins so.
fn stretch_of(head: u64, count: usize) -> usize {
    let count = u128::try_from(count).unwrap_or(1);
    usize::try_from((u128::from(head) * count) >> 64).unwrap_or_default()
}

impl Stretch<'_> {
    fn finish(&mut self) {
        // Parts are in order already, and stay so within an account.
        self.touched
            .sort_by(|a, b| a.head.cmp(&b.head).then_with(|| a.address.cmp(&b.address)));
        self.accounts.reserve(self.touched.len());
        let mut pieces = Vec::new();
        let accounts = self.touched.chunk_by_mut(|a, b| a.address == b.address);
        for parts in accounts {
            self.accounts.push(join(parts, &mut pieces));
        }
        self.bytes = encode_accounts(&self.accounts);
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
    for part in parts {
        part.tell(&mut whole, pieces);
    }
    if parts.len() > 1 {
        // The words of each part are in order already, and stay so within a word.
        pieces.sort_by_key(|piece| piece.slot);
    }
    for word in pieces.chunk_by(|a, b| a.slot == b.slot) {
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
            let raised = piece.writes.iter().map(|(index, is)| {
                let index = raised(*index, piece.before);
                StorageChange::new(index, *is)
            });
            changes.extend(raised);
        }
        whole.storage_changes.push(SlotChanges::new(*slot, changes));
    }
    whole
}

impl Touched<'_> {
    /// Adds what the part did, by the indices of the block.
    fn tell<'a>(&'a self, whole: &mut AccountChanges, pieces: &mut Vec<Piece<'a>>) {
        whole.address = self.address;
        let before = self.before;
        let balance = |(index, wei): &(_, U256)| BalanceChange::new(raised(*index, before), *wei);
        let nonce = |(index, nonce): &(_, u64)| NonceChange::new(raised(*index, before), *nonce);
        let piece = |slot, writes| Piece {
            slot,
            before,
            writes,
        };
        match &self.by {
            By::Mapped(account) => {
                let info = &account.account_info;
                let balances = info.balance.writes.iter().map(balance);
                whole.balance_changes.extend(balances);
                whole
                    .nonce_changes
                    .extend(info.nonce.writes.iter().map(nonce));
                for (index, (_, code)) in &info.code.writes {
                    let code = code.original_bytes();
                    let change = CodeChange::new(raised(*index, before), code);
                    whole.code_changes.push(change);
                }
                let words = account.storage.storage.iter();
                pieces.extend(words.map(|(slot, writes)| piece(*slot, writes.writes.as_slice())));
            }
            By::Banded(band, account) => {
                let balances = band.balances(account).iter().map(balance);
                whole.balance_changes.extend(balances);
                whole
                    .nonce_changes
                    .extend(band.nonces(account).iter().map(nonce));
                for (index, code) in band.codes(account) {
                    let change = CodeChange::new(raised(*index, before), code.clone());
                    whole.code_changes.push(change);
                }
                let words = band.words(account).iter();
                pieces.extend(words.map(|word| piece(word.slot, band.writes(word))));
            }
        }
    }
}

fn raised(index: BlockAccessIndex, by: u64) -> BlockAccessIndex {
    BlockAccessIndex::new(index.get().saturating_add(by))
}

fn head(address: &Address) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = address.0.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The hash of a list, of which these are the accounts in bytes, as a header has it.
fn hash_of<'a>(accounts: impl Iterator<Item = &'a [u8]> + Clone) -> B256 {
    let mut back = Back(Vec::new());
    back.head(0xc0, accounts.clone().map(<[u8]>::len).sum());
    back.0.reverse();
    let mut hasher = Keccak256::new();
    hasher.update(&back.0);
    accounts.for_each(|bytes| hasher.update(bytes));
    hasher.finalize()
}

/// The bytes of an access list (EIP-7928).
pub fn encode_access_list(list: &[AccountChanges]) -> Vec<u8> {
    let mut back = Back::roomy(list.len());
    back.list(list, Back::account);
    back.0.reverse();
    back.0
}

/// The bytes of some accounts of a list, one behind the other.
fn encode_accounts(accounts: &[AccountChanges]) -> Vec<u8> {
    let mut back = Back::roomy(accounts.len());
    accounts.iter().rev().for_each(|one| back.account(one));
    back.0.reverse();
    back.0
}

/// Bytes from the last to the first.
struct Back(Vec<u8>);

impl Back {
    /// With room for so many accounts with a balance and a nonce.
    fn roomy(accounts: usize) -> Self {
        const ACCOUNT_BYTES: usize = 64;
        Self(Vec::with_capacity(accounts * ACCOUNT_BYTES))
    }

    fn account(&mut self, account: &AccountChanges) {
        self.framed(|back| {
            back.list(&account.code_changes, |back, change| {
                back.framed(|back| {
                    back.bytes(&change.new_code);
                    back.index(change.block_access_index);
                });
            });
            back.list(&account.nonce_changes, |back, change| {
                back.framed(|back| {
                    back.short(change.new_nonce);
                    back.index(change.block_access_index);
                });
            });
            back.list(&account.balance_changes, |back, change| {
                back.entry(change.block_access_index, &change.post_balance);
            });
            back.list(&account.storage_reads, Self::word);
            back.list(&account.storage_changes, |back, slot| {
                back.framed(|back| {
                    back.list(&slot.changes, |back, change| {
                        back.entry(change.block_access_index, &change.new_value);
                    });
                    back.word(&slot.slot);
                });
            });
            back.bytes(account.address.as_slice());
        });
    }

    /// A value after an index.
    fn entry(&mut self, index: BlockAccessIndex, value: &U256) {
        self.framed(|back| {
            back.word(value);
            back.index(index);
        });
    }

    fn index(&mut self, index: BlockAccessIndex) {
        self.short(index.get());
    }

    fn short(&mut self, number: u64) {
        let zeros = usize::try_from(number.leading_zeros() / 8).unwrap_or_default();
        self.number(&number.to_le_bytes()[..8 - zeros]);
    }

    fn word(&mut self, word: &U256) {
        self.number(&word.to_le_bytes::<32>()[..word.byte_len()]);
    }

    /// A number, from its lowest byte to its highest, which is not zero.
    fn number(&mut self, low_first: &[u8]) {
        match low_first {
            [single] if *single < 0x80 => self.0.push(*single),
            bytes => {
                self.0.extend_from_slice(bytes);
                self.head(0x80, bytes.len());
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        match bytes {
            [single] if *single < 0x80 => self.0.push(*single),
            bytes => {
                self.0.extend(bytes.iter().rev());
                self.head(0x80, bytes.len());
            }
        }
    }

    fn list<T>(&mut self, items: &[T], item: impl Fn(&mut Self, &T)) {
        self.framed(|back| items.iter().rev().for_each(|one| item(back, one)));
    }

    /// A list of what is written inside, the last first.
    fn framed(&mut self, inside: impl FnOnce(&mut Self)) {
        let end = self.0.len();
        inside(self);
        self.head(0xc0, self.0.len() - end);
    }

    /// What stands in front of so many bytes.
    fn head(&mut self, kind: u8, length: usize) {
        match u8::try_from(length) {
            Ok(short @ 0..=55) => self.0.push(kind + short),
            _ => {
                let bytes = length.to_le_bytes();
                let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
                let bytes = &bytes[..bytes.len() - zeros];
                self.0.extend_from_slice(bytes);
                let count = u8::try_from(bytes.len()).unwrap_or_default();
                self.0.push(kind + 55 + count);
            }
        }
    }
}

#[cfg(test)]
mod tests;
