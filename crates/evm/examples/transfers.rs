//! Blocks of plain transfers and nothing beside them, for counts of instructions:
//!
//! ```text
//! cargo build -p capstan-evm --example transfers
//! valgrind --tool=callgrind target/debug/examples/transfers 1 4      one thread, four blocks
//! valgrind --tool=callgrind target/debug/examples/transfers 1 8      the difference is four blocks
//! ```
//!
//! With two threads blocks are run ahead and committed; `forced` as a third word lets one worker do all of that alone.

use std::collections::VecDeque;
use std::sync::Arc;

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use capstan_evm::{
    BlockContext, BlockRun, ExecError, Rules, StateRead, Tx, TxOutcome, TxRefused,
    mem::MemState,
    parallel::{UserFeed, Workers},
};
use capstan_state::{BlockInfo, ProtocolVersion};

const TRANSACTIONS: u64 = 1_000;

struct Feed(VecDeque<Recovered<Tx>>);

impl UserFeed for Feed {
    fn next_tx(&mut self) -> Option<Recovered<Tx>> {
        self.0.pop_front()
    }

    fn ended(&mut self, _: Recovered<Tx>, end: Result<TxOutcome, TxRefused>, _: Vec<String>) {
        assert!(end.is_ok_and(|end| end.success), "a transfer failed");
    }
}

fn person(number: u64) -> Address {
    Address::from_word(keccak256(number.to_be_bytes()))
}

fn pay(number: u64) -> Recovered<Tx> {
    let tx = TxEip1559 {
        chain_id: 31_337,
        gas_limit: 21_000,
        max_fee_per_gas: 100,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(person(number + TRANSACTIONS)),
        value: U256::ONE,
        ..TxEip1559::default()
    };
    // Recovery happens at the door, so nobody signs.
    let signed = tx.into_signed(Signature::new(U256::ONE, U256::ONE, false));
    Recovered::new_unchecked(Tx::Eip1559(signed), person(number))
}

fn main() -> Result<(), ExecError> {
    let mut words = std::env::args().skip(1);
    let mut number = |default| {
        words
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or(default)
    };
    let threads = usize::try_from(number(1)).unwrap_or(1);
    let blocks = number(4);
    let is_forced = std::env::args().any(|word| word == "forced");
    let rules = Arc::new(Rules::new(31_337));
    let mut state = MemState::new();
    for number in 0..TRANSACTIONS {
        let coins = U256::from(10).pow(U256::from(20));
        state.put(person(number), coins, 0, Bytes::new(), []);
    }
    let state: Arc<dyn StateRead> = Arc::new(state);
    let context = BlockContext {
        info: BlockInfo {
            chain_id: rules.chain_id,
            number: 1,
            time_ms: 1_700_000_000_000,
            beneficiary: Address::repeat_byte(0xbe),
            base_fee_wei: 7,
            prevrandao: B256::ZERO,
            gas_limit: rules.gas_limit(),
            version: ProtocolVersion(1),
        },
        parent_hash: B256::ZERO,
        parent_beacon_root: B256::ZERO,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.saturating_sub(1).max(1))
        .build();
    let workers = Workers {
        is_forced,
        pool: pool.ok().map(Arc::new),
        ..Workers::new(threads)
    };
    let block: VecDeque<_> = (0..TRANSACTIONS).map(pay).collect();
    for _ in 0..blocks {
        let mut run = BlockRun::open(Arc::clone(&rules), Arc::clone(&state), context.clone())?;
        let mut feed = Feed(block.clone());
        let counts = run.users(&mut feed, &workers)?;
        assert_eq!(counts.transactions, TRANSACTIONS);
        run.close()?;
    }
    Ok(())
}
