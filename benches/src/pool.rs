//! Admission to the pool, by how much waits in it already: it must not grow with that.
//!
//! Senders are given, not recovered, so what is measured is the pool alone: rules, queues, counters.

use std::time::Instant;

use alloy_consensus::{SignableTransaction, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, Signature, TxKind, U256};
use capstan_chain::{Chain, ChainConfig, Genesis, GenesisAccount, Mining};
use capstan_evm::Tx;
use eyre::ensure;

use crate::report::{Table, median};

/// How much.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Transactions of one batch.
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Batches; the median is printed.
    #[arg(long, default_value_t = 9)]
    batches: usize,
}

/// Prints the table.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let mut table = Table::new(&["senders", "waiting before", "us per transaction"]);
    let measured = options.batch * options.batches;
    for (senders, waiting) in [
        (2_000, 0),
        (2_000, 1_000),
        (2_000, 10_000),
        (2_000, 100_000),
        (16, 0),
        (16, 1_000),
        (16, 10_000),
        (16, 50_000),
    ] {
        let chain = chain_with(senders)?;
        let mut next = 0;
        let mut batch = |count: usize| -> Vec<Recovered<Tx>> {
            let from = next;
            next += count;
            (from..next).map(|index| transfer(index, senders)).collect()
        };
        submit(&chain, batch(waiting))?;
        let mut times = Vec::new();
        for _ in 0..options.batches {
            let txs = batch(options.batch);
            let start = Instant::now();
            submit(&chain, txs)?;
            times.push(start.elapsed().as_secs_f64() * 1e6 / options.batch as f64);
        }
        ensure!(chain.pool().status().pending == waiting + measured);
        table.row(vec![
            senders.to_string(),
            waiting.to_string(),
            format!("{:.2}", median(&mut times)),
        ]);
    }
    table.print();
    Ok(())
}

fn submit(chain: &Chain, txs: Vec<Recovered<Tx>>) -> eyre::Result<()> {
    for answer in chain.submit_many(txs) {
        answer?;
    }
    Ok(())
}

fn sender(index: usize, senders: usize) -> Address {
    Address::left_padding_from(&(0xb0b0_0000 + (index % senders) as u64).to_be_bytes())
}

fn chain_with(senders: usize) -> eyre::Result<Chain> {
    let mut genesis = Genesis::dev(0, 0);
    for index in 0..senders {
        let rich = GenesisAccount {
            balance: U256::from(10).pow(U256::from(24)),
            ..GenesisAccount::default()
        };
        genesis.alloc.insert(sender(index, senders), rich);
    }
    Ok(Chain::open(ChainConfig {
        mining: Mining::Manual,
        ..ChainConfig::dev(genesis)
    })?)
}

/// The next transaction of the next sender, with a tip of its own.
fn transfer(index: usize, senders: usize) -> Recovered<Tx> {
    let tx = TxEip1559 {
        chain_id: 31_337,
        nonce: (index / senders) as u64,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000 + (index * 7919 % 10_007) as u128,
        to: TxKind::Call(Address::ZERO),
        value: U256::ONE,
        ..TxEip1559::default()
    };
    let signature = Signature::new(U256::from(index + 1), U256::ONE, false);
    Recovered::new_unchecked(
        Tx::Eip1559(tx.into_signed(signature)),
        sender(index, senders),
    )
}
