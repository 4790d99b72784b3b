//! A development chain with keys, and transactions to put into it.

use std::path::Path;

use alloy_consensus::{
    SignableTransaction as _, TxEip1559, crypto::secp256k1::sign_message, transaction::Recovered,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use capstan_chain::{
    At, Block, BlockInputs, Chain, ChainConfig, ChainError, DevAccount, Genesis, Mining, Storage,
    Verify,
};
use capstan_evm::Tx;

pub(crate) const GWEI: u128 = 1_000_000_000;

/// A chain that makes blocks only when told to.
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) accounts: Vec<DevAccount>,
}

pub(crate) fn config() -> ChainConfig {
    ChainConfig {
        mining: Mining::Manual,
        verify: Verify {
            threads: 2,
            from_gas: 0,
        },
        ..ChainConfig::dev(Genesis::dev(5, 0))
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::open(config())
    }

    pub(crate) fn at(folder: &Path) -> Self {
        Self::open(ChainConfig {
            storage: Storage::Folder(folder.into()),
            ..config()
        })
    }

    pub(crate) fn open(config: ChainConfig) -> Self {
        let chain = Chain::open(config).expect("opens");
        Self {
            chain,
            accounts: Genesis::dev_accounts(5, 0),
        }
    }

    pub(crate) fn address(&self, who: usize) -> Address {
        self.accounts[who].address
    }

    pub(crate) fn sign(&self, who: usize, tx: TxEip1559) -> Recovered<Tx> {
        let signature = sign_message(self.accounts[who].key, tx.signature_hash()).unwrap();
        Recovered::new_unchecked(Tx::Eip1559(tx.into_signed(signature)), self.address(who))
    }

    pub(crate) fn transfer(&self, who: usize, nonce: u64, to: Address, wei: u128) -> Recovered<Tx> {
        let value = U256::from(wei);
        self.sign(
            who,
            TxEip1559 {
                to: TxKind::Call(to),
                value,
                ..plain(nonce)
            },
        )
    }

    pub(crate) fn create(&self, who: usize, nonce: u64, init_code: Vec<u8>) -> Recovered<Tx> {
        let input = Bytes::from(init_code);
        self.sign(
            who,
            TxEip1559 {
                to: TxKind::Create,
                input,
                gas_limit: 1_000_000,
                ..plain(nonce)
            },
        )
    }

    pub(crate) fn balance(&self, at: impl Into<At>, of: Address) -> U256 {
        let state = self.chain.state_at(at).expect("state");
        state
            .account(of)
            .expect("readable")
            .map_or(U256::ZERO, |info| info.balance)
    }

    /// Nonce of the next transaction of the first account.
    pub(crate) fn nonce(&self) -> u64 {
        let state = self.chain.state_at(At::Latest).expect("state");
        let info = state.account(self.address(0)).expect("readable");
        info.map_or(0, |info| info.nonce)
    }

    /// Makes a block and answers it.
    pub(crate) fn mine(&self) -> std::sync::Arc<Block> {
        self.chain.dev().expect("dev").mine(1, None).expect("mines");
        self.chain.head()
    }

    /// Inputs of a block a quarter of a second after its parent.
    pub(crate) fn inputs(&self, parent: &Block, transactions: Vec<Recovered<Tx>>) -> BlockInputs {
        BlockInputs::at(parent.time_ms() + 250).with(transactions)
    }

    pub(crate) fn hash_of(&self, number: u64) -> B256 {
        self.chain.block(number).unwrap().unwrap().hash()
    }
}

/// Newest blocks that are verified when a test is done with its world.
const VERIFIED_BLOCKS: u64 = 32;

impl Drop for World {
    /// PER-1: what a test of chains has built also follows from its access lists. Blocks that cannot be read any more,
    /// because the test broke a disk or forgot them, are passed over.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let head = self.chain.head().number();
        let oldest = head
            .saturating_sub(VERIFIED_BLOCKS)
            .max(self.chain.oldest_state());
        for number in oldest + 1..=head {
            let Ok(Some(block)) = self.chain.block(number) else {
                continue;
            };
            let record = match self.chain.record(&block) {
                Ok(record) => record,
                Err(ChainError::Execution(why)) => panic!("{why}"),
                Err(_) => continue,
            };
            assert_eq!(record.outcome.receipts, block.receipts, "block {number}");
            assert_eq!(record.sidecar.rows.len(), block.transactions.len());
        }
    }
}

pub(crate) fn plain(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: 3 * GWEI,
        max_priority_fee_per_gas: GWEI,
        ..TxEip1559::default()
    }
}

/// Init code of a contract that adds one to slot 0, stores the caller's calldata word at slot 1, and logs both.
pub(crate) fn counter() -> Vec<u8> {
    let runtime = [
        0x60, 0x01, 0x5f, 0x54, 0x01, 0x80, 0x5f, 0x55, // sstore(0, sload(0) + 1)
        0x5f, 0x35, 0x80, 0x60, 0x01, 0x55, // sstore(1, calldataload(0))
        0x5f, 0x52, 0x60, 0x20, 0x5f, 0xa1, // log1(mem[0..32] = calldata word, topic = count)
        0x00,
    ];
    let length = u8::try_from(runtime.len()).unwrap();
    // codecopy(0, 10, length); return(0, length)
    let mut init = vec![
        0x60, length, 0x60, 0x0a, 0x5f, 0x39, 0x60, length, 0x5f, 0xf3,
    ];
    init.extend(runtime);
    init
}
