use alloy_eip7928::{BalanceChange, CodeChange, NonceChange, SlotChanges, StorageChange};
use alloy_primitives::Bytes;
use proptest::prelude::*;
use revm::state::{Account, AccountInfo};

use super::*;

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

proptest! {
    /// The bytes are those of another implementation of RLP.
    #[test]
    fn bytes_are_rlp(list in prop::collection::vec(account(), 0..6)) {
        prop_assert_eq!(encode_access_list(&list), alloy_rlp::encode(&list));
        prop_assert_eq!(hash(&list), alloy_eip7928::compute_block_access_list_hash(&list));
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
        prop_assert_eq!(in_order(access.clone()), access.into_alloy_bal());
    }
}
