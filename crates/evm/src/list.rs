//! The access list when a block closes: its canonical order, and its bytes.
//!
//! RLP says the length of a list in front of it. So the bytes are written from the end to the front, turned round: what a
//! list is long is known when its items are written, and nothing is measured before it is written.

use alloy_eip7928::{AccountChanges, BlockAccessIndex, BlockAccessList};
use alloy_primitives::{Address, B256, U256, keccak256};
use revm::state::bal::Bal;

/// The list in canonical order: accounts by address. What is within one is in order already.
pub(crate) fn in_order(access: Bal) -> BlockAccessList {
    let mut accounts: Vec<_> = access
        .accounts
        .into_iter()
        .map(|(address, account)| (address, Some(account)))
        .collect();
    // Accounts are large, so their places are sorted; by eight bytes of the address, and by all of it where those are equal.
    let mut order: Vec<(u64, usize)> = accounts
        .iter()
        .enumerate()
        .map(|(place, (address, _))| (head(address), place))
        .collect();
    order.sort_unstable_by(|(a, a_place), (b, b_place)| {
        a.cmp(b)
            .then_with(|| accounts[*a_place].0.cmp(&accounts[*b_place].0))
    });
    let mut list = BlockAccessList::with_capacity(accounts.len());
    list.extend(order.into_iter().filter_map(|(_, place)| {
        let (address, account) = &mut accounts[place];
        Some(account.take()?.into_alloy_account(*address))
    }));
    list
}

fn head(address: &Address) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = address.0.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The hash of a list, as a header has it.
pub(crate) fn hash(list: &[AccountChanges]) -> B256 {
    keccak256(encode_access_list(list))
}

/// The bytes of an access list (EIP-7928).
pub fn encode_access_list(list: &[AccountChanges]) -> Vec<u8> {
    /// Of an account with a balance and a nonce.
    const ACCOUNT_BYTES: usize = 64;
    let mut back = Back(Vec::with_capacity(list.len() * ACCOUNT_BYTES));
    back.list(list, Back::account);
    back.0.reverse();
    back.0
}

/// Bytes from the last to the first.
struct Back(Vec<u8>);

impl Back {
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
