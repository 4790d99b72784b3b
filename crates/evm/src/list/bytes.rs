//! The bytes of an access list.
//!
//! RLP says the length of a list in front of it. So the bytes are written from the end to the front, turned round: what a
//! list is long is known when its items are written, and nothing is measured before it is written.

use alloy_eip7928::{AccountChanges, BlockAccessIndex, SlotChanges};
use alloy_primitives::{Address, B256, Keccak256, U256};

use super::stretch::{Touched, WordTouch, by_word};

/// The hash of a list, of which these are the accounts in bytes, as a header has it.
pub(super) fn hash_of<'a>(accounts: impl Iterator<Item = &'a [u8]> + Clone) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(head_of(accounts.clone().map(<[u8]>::len).sum()));
    accounts.for_each(|bytes| hasher.update(bytes));
    hasher.finalize()
}

/// The bytes of an access list (EIP-7928).
pub fn encode_access_list(list: &[AccountChanges]) -> Vec<u8> {
    let mut back = Back::roomy(list.len());
    back.list(list, Back::account);
    back.turned()
}

/// The bytes of some accounts of a list, one behind the other.
pub(super) fn encode_accounts(accounts: &[AccountChanges]) -> Vec<u8> {
    let mut back = Back::roomy(accounts.len());
    accounts.iter().rev().for_each(|one| back.account(one));
    back.turned()
}

/// The bytes of some accounts, one behind the other, of each of which parts say this.
pub(super) fn encode_joined<'p, 'a: 'p>(
    accounts: impl DoubleEndedIterator<Item = (&'p [Touched<'a>], &'p [WordTouch<'a>])>
    + ExactSizeIterator,
) -> Vec<u8> {
    let mut back = Back::roomy(accounts.len());
    accounts
        .rev()
        .for_each(|(parts, touches)| back.joined(parts, touches));
    back.turned()
}

/// The bytes of those words that were written, one behind the other.
pub(super) fn encode_written(touches: &[WordTouch<'_>]) -> Vec<u8> {
    let mut back = Back::roomy(touches.len());
    back.written_words(touches);
    back.turned()
}

/// The bytes of those words that were only read, one behind the other.
pub(super) fn encode_read(touches: &[WordTouch<'_>]) -> Vec<u8> {
    let mut back = Back(Vec::new());
    back.read_words(touches);
    back.turned()
}

/// Encodes again what was decoded, an account at a time.
#[derive(Default)]
pub(crate) struct Again(Back);

impl Again {
    /// Whether an account has these bytes and no others.
    pub(crate) fn gives(&mut self, account: &AccountChanges, bytes: &[u8]) -> bool {
        let back = &mut self.0;
        back.0.clear();
        back.account(account);
        back.0.reverse();
        back.0 == bytes
    }
}

/// What stands around the words of an account, of which `whole` has all else.
pub(super) struct Frame {
    /// Before the words that were written.
    pub(super) start: Vec<u8>,
    /// Between those and the words that were only read.
    pub(super) between: Vec<u8>,
    /// Behind those.
    pub(super) end: Vec<u8>,
}

impl Frame {
    /// Around so many bytes of words that were written, and of words that were only read.
    pub(super) fn around(whole: &AccountChanges, written: usize, read: usize) -> Self {
        let mut back = Back(Vec::new());
        back.beside_words(whole);
        let end = back.turned();
        let (written_head, between) = (head_of(written), head_of(read));
        let address = address_of(whole.address);
        let words = written_head.len() + written + between.len() + read;
        let head = head_of(address.len() + words + end.len());
        Self {
            start: [head, address, written_head].concat(),
            between,
            end,
        }
    }
}

fn address_of(address: Address) -> Vec<u8> {
    let mut back = Back(Vec::new());
    back.bytes(address.as_slice());
    back.turned()
}

/// What stands in front of a list of so many bytes.
fn head_of(length: usize) -> Vec<u8> {
    let mut back = Back(Vec::new());
    back.head(0xc0, length);
    back.turned()
}

/// Bytes from the last to the first.
#[derive(Default)]
struct Back(Vec<u8>);

impl Back {
    /// With room for so many accounts with a balance and a nonce.
    fn roomy(accounts: usize) -> Self {
        const ACCOUNT_BYTES: usize = 64;
        Self(Vec::with_capacity(accounts * ACCOUNT_BYTES))
    }

    fn turned(mut self) -> Vec<u8> {
        self.0.reverse();
        self.0
    }

    fn account(&mut self, account: &AccountChanges) {
        self.framed(|back| {
            back.beside_words(account);
            back.list(&account.storage_reads, Self::word);
            back.list(&account.storage_changes, Self::written);
            back.bytes(account.address.as_slice());
        });
    }

    /// An account of which parts say this.
    fn joined(&mut self, parts: &[Touched<'_>], touches: &[WordTouch<'_>]) {
        let Some(Touched { address, .. }) = parts.first() else {
            return;
        };
        self.framed(|back| {
            let parts = || parts.iter().rev();
            back.framed(|back| {
                for (index, code) in parts().flat_map(|part| part.codes().into_iter().rev()) {
                    back.code(index, &code);
                }
            });
            back.framed(|back| {
                for (index, nonce) in parts().flat_map(|part| part.nonces().rev()) {
                    back.nonce(index, nonce);
                }
            });
            back.framed(|back| {
                for (index, wei) in parts().flat_map(|part| part.balances().rev()) {
                    back.entry(index, &wei);
                }
            });
            back.framed(|back| back.read_words(touches));
            back.framed(|back| back.written_words(touches));
            back.bytes(address.as_slice());
        });
    }

    fn read_words(&mut self, touches: &[WordTouch<'_>]) {
        for word in by_word(touches).rev() {
            if let [first, ..] = word
                && word.iter().all(WordTouch::is_read_only)
            {
                self.word(&first.slot);
            }
        }
    }

    fn written_words(&mut self, touches: &[WordTouch<'_>]) {
        for word in by_word(touches).rev() {
            if let [first, ..] = word
                && !word.iter().all(WordTouch::is_read_only)
            {
                self.framed(|back| {
                    back.framed(|back| {
                        for (index, is) in word.iter().rev().flat_map(|touch| touch.writes().rev())
                        {
                            back.entry(index, &is);
                        }
                    });
                    back.word(&first.slot);
                });
            }
        }
    }

    /// What stands behind the words of an account.
    fn beside_words(&mut self, account: &AccountChanges) {
        self.list(&account.code_changes, |back, change| {
            back.code(change.block_access_index, &change.new_code);
        });
        self.list(&account.nonce_changes, |back, change| {
            back.nonce(change.block_access_index, change.new_nonce);
        });
        self.list(&account.balance_changes, |back, change| {
            back.entry(change.block_access_index, &change.post_balance);
        });
    }

    /// A word, and what was written to it.
    fn written(&mut self, word: &SlotChanges) {
        self.framed(|back| {
            back.list(&word.changes, |back, change| {
                back.entry(change.block_access_index, &change.new_value);
            });
            back.word(&word.slot);
        });
    }

    fn code(&mut self, index: BlockAccessIndex, code: &[u8]) {
        self.framed(|back| {
            back.bytes(code);
            back.index(index);
        });
    }

    fn nonce(&mut self, index: BlockAccessIndex, nonce: u64) {
        self.framed(|back| {
            back.short(nonce);
            back.index(index);
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
