//! A small chain, from which the seeds are cut.

use std::sync::{Arc, OnceLock};

use alloy_consensus::{
    TxEip1559, TxEip2930, TxEip7702, TxLegacy, crypto::secp256k1::sign_message,
    transaction::Recovered,
};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use capstan_chain::{Block, Chain, ChainConfig, Genesis, Mining};
use capstan_evm::Tx;

const GWEI: u128 = 1_000_000_000;
/// `sstore(0, calldatasize); log1(0, 0, caller)`, wrapped into init code.
const INIT_CODE: [u8; 16] = [
    0x67, 0x36, 0x5f, 0x55, 0x33, 0x5f, 0x5f, 0xa1, 0x00, 0x5f, 0x52, 0x60, 0x08, 0x60, 0x18, 0xf3,
];

/// How a chain of the fuzzer is opened.
pub(crate) fn config() -> ChainConfig {
    ChainConfig {
        mining: Mining::Manual,
        ..ChainConfig::dev(Genesis::dev(3, 0))
    }
}

fn sign<T>(who: usize, tx: T) -> Tx
where
    T: alloy_consensus::SignableTransaction<alloy_primitives::Signature>,
    Tx: From<alloy_consensus::Signed<T>>,
{
    let key = Genesis::dev_accounts(3, 0)[who].key;
    let signature = sign_message(key, tx.signature_hash()).expect("a key signs");
    tx.into_signed(signature).into()
}

/// One transaction of each type that a block takes.
pub(crate) fn transactions() -> Vec<Tx> {
    let to = TxKind::Call(Address::repeat_byte(0x11));
    let value = U256::from(5);
    let access_list = AccessList(vec![AccessListItem {
        address: Address::repeat_byte(0x22),
        storage_keys: vec![B256::with_last_byte(1), B256::ZERO],
    }]);
    let authorization = Authorization {
        chain_id: U256::from(31_337),
        address: Address::repeat_byte(0x33),
        nonce: 9,
    };
    let signature = sign_message(B256::repeat_byte(7), authorization.signature_hash());
    let authorization = authorization.into_signed(signature.expect("a key signs"));
    vec![
        sign(
            0,
            TxLegacy {
                chain_id: Some(31_337),
                gas_price: 3 * GWEI,
                gas_limit: 100_000,
                to,
                value,
                ..TxLegacy::default()
            },
        ),
        sign(
            0,
            TxEip1559 {
                chain_id: 31_337,
                nonce: 1,
                gas_limit: 1_000_000,
                max_fee_per_gas: 3 * GWEI,
                max_priority_fee_per_gas: GWEI,
                to: TxKind::Create,
                input: Bytes::from_static(&INIT_CODE),
                ..TxEip1559::default()
            },
        ),
        sign(
            1,
            TxEip2930 {
                chain_id: 31_337,
                gas_price: 3 * GWEI,
                gas_limit: 100_000,
                to,
                value,
                access_list: access_list.clone(),
                ..TxEip2930::default()
            },
        ),
        sign(
            2,
            TxEip7702 {
                chain_id: 31_337,
                gas_limit: 200_000,
                max_fee_per_gas: 3 * GWEI,
                max_priority_fee_per_gas: GWEI,
                to: Address::repeat_byte(0x11),
                value,
                access_list,
                authorization_list: vec![authorization],
                ..TxEip7702::default()
            },
        ),
    ]
}

/// A chain whose blocks hold those.
pub(crate) fn chain() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| {
        let chain = Chain::open(config()).expect("a chain in memory");
        for tx in transactions() {
            let tx: Recovered<Tx> = capstan_chain::recover(tx, false).expect("signed");
            chain.submit(tx).expect("a good transaction");
            chain.dev().expect("dev").mine(1, None).expect("a block");
        }
        chain
    })
}

/// The blocks of that chain.
pub(crate) fn blocks() -> Vec<Arc<Block>> {
    let chain = chain();
    (0..=chain.head().number())
        .map(|number| chain.block(number).expect("readable").expect("there"))
        .collect()
}
