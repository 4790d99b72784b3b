use std::collections::BTreeSet;

use alloy_eip7928::{
    AccountChanges, BalanceChange, BlockAccessIndex, CodeChange, NonceChange, SlotChanges,
    StorageChange,
};
use alloy_primitives::Bytes;
use proptest::prelude::*;
use revm::state::{Account, AccountInfo, EvmStorageSlot, TransactionId};

use super::bytes::encode_accounts;
use super::*;
use crate::mem::MemState;

/// Numbers of every length, and those at which an encoding changes.
fn number() -> impl Strategy<Value = U256> {
    let some = [0_u64, 1, 127, 128, 255, 256].map(U256::from);
    let any = (any::<[u8; 32]>(), 0..256_usize)
        .prop_map(|(bytes, shift)| U256::from_be_bytes(bytes) >> shift);
    prop_oneof![prop::sample::select(some.to_vec()), any]
}

fn index() -> impl Strategy<Value = BlockAccessIndex> {
    prop_oneof![0..300_u64, any::<u64>()].prop_map(BlockAccessIndex::new)
}

fn words() -> impl Strategy<Value = Vec<SlotChanges>> {
    let change = (index(), number()).prop_map(|(at, word)| StorageChange::new(at, word));
    let word = (number(), prop::collection::vec(change, 0..4));
    prop::collection::vec(
        word.prop_map(|(slot, changes)| SlotChanges::new(slot, changes)),
        0..4,
    )
}

fn account() -> impl Strategy<Value = AccountChanges> {
    let balance = (index(), number()).prop_map(|(at, wei)| BalanceChange::new(at, wei));
    let nonce = (index(), any::<u64>()).prop_map(|(at, nonce)| NonceChange::new(at, nonce));
    let code = (index(), prop::collection::vec(any::<u8>(), 0..300))
        .prop_map(|(at, code)| CodeChange::new(at, Bytes::from(code)));
    (
        any::<[u8; 20]>(),
        words(),
        prop::collection::vec(number(), 0..4),
        prop::collection::vec(balance, 0..4),
        prop::collection::vec(nonce, 0..3),
        prop::collection::vec(code, 0..3),
    )
        .prop_map(
            |(
                address,
                storage_changes,
                storage_reads,
                balance_changes,
                nonce_changes,
                code_changes,
            )| {
                AccountChanges {
                    address: address.into(),
                    storage_changes,
                    storage_reads,
                    balance_changes,
                    nonce_changes,
                    code_changes,
                }
            },
        )
}

fn closed(parts: Vec<Part>, count: usize) -> Closed {
    let after = Overlay::new(Arc::new(MemState::new()));
    close(
        parts,
        &after,
        &Closers {
            count,
            ..Closers::default()
        },
    )
    .expect("memory does not fail")
}

/// The same as a lot leaves it that ran ahead.
fn band_of(access: &Bal) -> Band {
    let mut accounts: Vec<_> = access.accounts.iter().collect();
    accounts.sort_by_key(|(address, _)| **address);
    let mut band = Band::default();
    for (address, account) in accounts {
        let info = &account.account_info;
        let nonces = info.nonce.writes.iter().copied();
        let balances = info.balance.writes.iter().copied();
        band.account(*address, None, balances, nonces, std::iter::empty());
        for (slot, writes) in &account.storage.storage {
            band.word(*slot, writes.writes.iter().copied());
        }
    }
    band
}

proptest! {
    /// The bytes are those of another implementation of RLP.
    #[test]
    fn bytes_are_rlp(list in prop::collection::vec(account(), 0..6)) {
        prop_assert_eq!(encode_access_list(&list), alloy_rlp::encode(&list));
        for cut in 0..=list.len() {
            let parts = [&list[..cut], &list[cut..]].map(encode_accounts);
            let hash = hash_of(parts.iter().map(Vec::as_slice));
            prop_assert_eq!(hash, alloy_eip7928::compute_block_access_list_hash(&list));
        }
    }

    /// The order is that of revm's own conversion, also where addresses begin alike.
    #[test]
    fn order_is_by_address(addresses in prop::collection::vec((0..3_u8, 0..3_u8, any::<u8>()), 0..40)) {
        let mut access = Bal::new();
        for (place, (first, ninth, last)) in (0_u64..).zip(addresses) {
            let mut address = Address::ZERO;
            (address[0], address[8], address[19]) = (first, ninth, last);
            let mut account = Account::from(AccountInfo::default());
            account.info.balance = U256::from(place + 1);
            let at = BlockAccessIndex::new(place);
            access.update_account(at, address, &account);
        }
        let part = Part::begun(access.clone());
        prop_assert_eq!(closed(vec![part], 1).access_list, access.into_alloy_bal());
    }

    /// Parts that begin at an index of their own make the list of the whole, on any number of threads.
    #[test]
    fn parts_are_the_whole(
        touches in prop::collection::vec((0..40_u8, any::<u8>(), 0..5_u64), 0..900),
        cuts in prop::collection::vec(0..300_u64, 3),
    ) {
        parts_make_the_whole(&touches, cuts)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The same where accounts are busy, and where threads share the words of some.
    #[test]
    fn shared_words_are_the_whole(
        few in prop::collection::vec((0..40_u8, any::<u8>(), 0..5_u64), 0..200),
        some in prop::collection::vec((3..9_u8, Just(0), 0..100_u64), 0..900),
        many in prop::collection::vec((0..3_u8, Just(0), 0..2_000_u64), 2_000..6_000),
        cuts in prop::collection::vec(0..2_000_u64, 5),
    ) {
        parts_make_the_whole(&[few, some, many].concat(), cuts)?;
    }
}

/// Cuts what accounts and words by these bytes and numbers are touched by into parts, some of them as lots leave them.
fn parts_make_the_whole(touches: &[(u8, u8, u64)], cuts: Vec<u64>) -> Result<(), TestCaseError> {
    let mut whole = Bal::new();
    let starts: BTreeSet<u64> = cuts.into_iter().chain([0]).collect();
    let mut parts: Vec<_> = starts.iter().map(|before| (*before, Bal::new())).collect();
    for (place, (a, b, slot)) in (0_u64..).zip(touches) {
        // Three to an index, each of another account or word.
        let index = place / 3;
        let mut address = Address::repeat_byte(a.wrapping_mul(37));
        address[19] = *b;
        let mut account = Account::from(AccountInfo::default());
        account.info.balance = U256::from(place + 1);
        // Every fourth word is only read.
        let is = U256::from(if slot % 4 == 3 { 0 } else { place });
        let word = EvmStorageSlot::new_changed(U256::ZERO, is, TransactionId::ZERO);
        account.storage.insert(U256::from(*slot), word);
        whole.update_account(BlockAccessIndex::new(index), address, &account);
        let part = parts.iter_mut().rev().find(|part| part.0 <= index);
        let (before, access) = part.expect("one begins at 0");
        let at = BlockAccessIndex::new(index - *before);
        access.update_account(at, address, &account);
    }
    let expected = closed(vec![Part::begun(whole.clone())], 1);
    prop_assert_eq!(&expected.access_list, &whole.into_alloy_bal());
    for count in [1, 2, 3, 8] {
        let parts = parts.iter().map(|(before, access)| match before {
            0 => Part::begun(access.clone()),
            _ => Part::band(band_of(access), *before),
        });
        let made = closed(parts.collect(), count);
        prop_assert_eq!(&made.access_list, &expected.access_list);
        prop_assert_eq!(made.access_list_hash, expected.access_list_hash);
        prop_assert_eq!(&made.diff, &expected.diff);
    }
    Ok(())
}
