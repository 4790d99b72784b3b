//! Reads a block's access list on all threads: whoever is free takes the next run of accounts.
//!
//! Of each account is seen that its bytes are the only ones for it, and that words and indices stand as they must; what
//! concerns the list as a whole, [`Book`](super::book::Book) sees.

use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_eip7928::{
    AccountChanges, BlockAccessIndex, BlockAccessList, BlockAccessListGasError,
    validate_block_access_list,
};
use alloy_rlp::{Decodable as _, Header};
use parking_lot::Mutex;

use super::book::ITEM_GAS;
use super::fault::{Fault, VerifyError};
use super::piece::Hand;
use super::threads;
use crate::list::Again;

/// Accounts that somebody takes at once: some microseconds of work.
const RUN: usize = 64;

/// The least that stands in an account: its address and five empty lists. So bytes ask for little more memory than they are.
const ACCOUNT_BYTES_MIN: usize = 26;

/// A list that was read.
pub(super) struct Reading {
    pub(super) list: BlockAccessList,
    /// Whether some entry could leave the account of each place empty.
    pub(super) may_end: Vec<bool>,
    /// Writes of each index, up to the one behind the last transaction.
    pub(super) write_counts: Vec<u32>,
}

/// Some neighbours.
struct Run<'l> {
    number: usize,
    bytes: &'l [u8],
    accounts: &'l mut [AccountChanges],
    may_end: &'l mut [bool],
}

/// What somebody does beside reading.
pub(super) type Chore<'c> = &'c (dyn Fn() + Sync);

/// Reads the list of a block with so many transactions and so much gas. Each chore is done once, by whoever comes first.
pub(super) fn read(
    bytes: &[u8],
    transaction_count: usize,
    gas_limit: u64,
    threads: usize,
    hands: &mut [&mut dyn Hand],
    chores: &[Chore<'_>],
) -> Result<Reading, VerifyError> {
    let (runs, count) = runs_of(bytes)?;
    let workers = threads.min(runs.len() + chores.len());
    let account_count = count as u64;
    if account_count > gas_limit / ITEM_GAS {
        let error = BlockAccessListGasError::new(account_count, gas_limit);
        return Err(Fault::TooLong(error).into());
    }
    let mut list = BlockAccessList::new();
    list.resize_with(count, AccountChanges::default);
    let mut may_end = vec![false; count];
    let made = list.chunks_mut(RUN).zip(may_end.chunks_mut(RUN));
    let left = runs.into_iter().zip(made).enumerate();
    let left = Mutex::new(left.map(|(number, (bytes, (accounts, may_end)))| Run {
        number,
        bytes,
        accounts,
        may_end,
    }));
    let chores_taken = AtomicUsize::new(0);
    let write_counts = Mutex::new(vec![0_u32; transaction_count + 2]);
    let first_fault = Mutex::new(None::<(usize, Fault)>);
    threads::on_all(workers, hands, &|| {
        while let Some(chore) = chores.get(chores_taken.fetch_add(1, Ordering::Relaxed)) {
            chore();
        }
        let (mut again, mut own_counts) = (Again::default(), Vec::new());
        loop {
            let Some(run) = left.lock().next() else {
                break;
            };
            own_counts.resize(transaction_count + 2, 0);
            let number = run.number;
            if let Err(fault) = run.read(transaction_count, &mut again, &mut own_counts) {
                let mut first = first_fault.lock();
                if first.as_ref().is_none_or(|(other, _)| number < *other) {
                    *first = Some((number, fault));
                }
            }
        }
        let mut all = write_counts.lock();
        all.iter_mut()
            .zip(own_counts)
            .for_each(|(all, own)| *all += own);
    })?;
    drop(left);
    if let Some((_, fault)) = first_fault.into_inner() {
        return Err(fault.into());
    }
    Ok(Reading {
        list,
        may_end,
        write_counts: write_counts.into_inner(),
    })
}

/// The bytes of each run, and how many accounts there are in all.
fn runs_of(bytes: &[u8]) -> Result<(Vec<&[u8]>, usize), Fault> {
    let mut behind = bytes;
    let mut rest = Header::decode_bytes(&mut behind, true).map_err(Fault::Undecodable)?;
    if !behind.is_empty() {
        return Err(Fault::NotCanonical);
    }
    let (mut runs, mut count) = (Vec::new(), 0);
    while !rest.is_empty() {
        let start = rest;
        for _ in 0..RUN {
            if rest.is_empty() {
                break;
            }
            let account = Header::decode_bytes(&mut rest, true).map_err(Fault::Undecodable)?;
            if account.len() < ACCOUNT_BYTES_MIN {
                return Err(Fault::Undecodable(alloy_rlp::Error::InputTooShort));
            }
            count += 1;
        }
        runs.push(&start[..start.len() - rest.len()]);
    }
    Ok((runs, count))
}

impl Run<'_> {
    fn read(
        self,
        transaction_count: usize,
        again: &mut Again,
        write_counts: &mut [u32],
    ) -> Result<(), Fault> {
        let mut rest = self.bytes;
        for (account, ends) in self.accounts.iter_mut().zip(self.may_end) {
            let start = rest;
            *account = AccountChanges::decode(&mut rest).map_err(Fault::Undecodable)?;
            // The decoder takes one encoding of each account today; nothing but this says that it always will.
            if !again.gives(account, &start[..start.len() - rest.len()]) {
                return Err(Fault::NotCanonical);
            }
            count(account, write_counts);
            *ends = may_end(account);
        }
        validate_block_access_list(self.accounts, transaction_count)
            .map_err(|error| Fault::Structure(Box::new(error)))
    }
}

/// Counts an account's writes by their indices. Where one is out of range, the structure is not right.
fn count(account: &AccountChanges, write_counts: &mut [u32]) {
    let mut count = |index: BlockAccessIndex| {
        let place = usize::try_from(index.get()).ok();
        if let Some(count) = place.and_then(|place| write_counts.get_mut(place)) {
            *count += 1;
        }
    };
    let words = account
        .storage_changes
        .iter()
        .flat_map(|word| &word.changes);
    words.for_each(|change| count(change.block_access_index));
    let balances = account.balance_changes.iter();
    balances.for_each(|change| count(change.block_access_index));
    let nonces = account.nonce_changes.iter();
    nonces.for_each(|change| count(change.block_access_index));
    let codes = account.code_changes.iter();
    codes.for_each(|change| count(change.block_access_index));
}

/// Whether some entry could leave the account empty.
fn may_end(account: &AccountChanges) -> bool {
    account
        .balance_changes
        .iter()
        .any(|c| c.post_balance.is_zero())
        || account.nonce_changes.iter().any(|c| c.new_nonce == 0)
        || account.code_changes.iter().any(|c| c.new_code.is_empty())
}

#[cfg(test)]
mod tests;
