//! Redoing blocks from their records beside executing them again: what a start after a crash does, and what it would do without them.
//!
//! Both begin at genesis, make state roots and compare them, and leave the last blocks in memory, where they can be read, for tables
//! that follow behind. What those take until everything stands in them is timed by itself: it is the same rows for both.

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, TxKind, U256};
use capstan_chain::{
    BlockInputs, Chain, ChainConfig, Genesis, GenesisAccount, Mining, impersonation_signature,
};
use capstan_evm::Tx;
use eyre::{OptionExt as _, ensure};

use super::{HASHER, hasher_code, person, word};
use crate::report::{Table, median};

/// Transactions of a block.
const EACH: u64 = 500;

/// Prints the table.
pub(super) fn run(blocks: u64, rounds: usize) -> eyre::Result<()> {
    let mut table = Table::new(&[
        "blocks",
        "transactions",
        "execute ms",
        "redo ms",
        "faster",
        "tables after it ms",
        "after redoing ms",
        "faster with them",
    ]);
    for (name, is_heavy) in [
        ("transfers, all apart", false),
        ("one counter, behind 500 hashes", true),
    ] {
        let chain = chain(blocks, is_heavy)?;
        let mut times: [Vec<f64>; 6] = Default::default();
        for _ in 0..rounds {
            let executed = chain.replay(1, &mut |_, _| {})?;
            let redone = chain.replay_records(None, &mut |_, _| {})?;
            ensure!(executed.transactions == redone.transactions, "other blocks");
            let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
            let (execute, redo) = (ms(executed.elapsed), ms(redone.elapsed));
            let (behind, after) = (ms(executed.tables), ms(redone.tables));
            let whole = (execute + behind) / (redo + after);
            let round = [execute, redo, execute / redo, behind, after, whole];
            for (times, time) in times.iter_mut().zip(round) {
                times.push(time);
            }
        }
        let [execute, redo, faster, behind, after, whole] =
            times.each_mut().map(|times| median(times));
        table.row(vec![
            format!("{blocks} of {name}"),
            (blocks * EACH).to_string(),
            format!("{execute:.0}"),
            format!("{redo:.0}"),
            format!("{faster:.1}x"),
            format!("{behind:.0}"),
            format!("{after:.0}"),
            format!("{whole:.1}x"),
        ]);
    }
    println!(
        "Redoing blocks from their records, beside executing them again, roots included; medians of {rounds} rounds"
    );
    table.print();
    Ok(())
}

/// A chain in memory with so many blocks.
fn chain(blocks: u64, is_heavy: bool) -> eyre::Result<Chain> {
    let mut genesis = Genesis::dev(0, 0);
    let coins = U256::from(10).pow(U256::from(21));
    let account = |balance, code: Vec<u8>| GenesisAccount {
        balance,
        code: code.into(),
        ..GenesisAccount::default()
    };
    for n in 0..EACH {
        genesis.alloc.insert(person(n), account(coins, Vec::new()));
    }
    genesis
        .alloc
        .insert(HASHER, account(U256::ZERO, hasher_code()));
    let chain = Chain::open(ChainConfig {
        mining: Mining::Manual,
        dev: false,
        ..ChainConfig::dev(genesis)
    })?;
    for number in 0..blocks {
        let head = chain.head();
        let txs = (0..EACH).map(|n| tx(n, number, is_heavy, EACH));
        let inputs = BlockInputs::at(head.time_ms() + 250).with(txs.collect());
        let built = chain.build(head.hash(), inputs)?;
        let refused = built.refused.first();
        ensure!(refused.is_none(), "{refused:?}");
        let block = chain.finalize(built.block.hash())?;
        let last = block.receipts.last().ok_or_eyre("an empty block")?;
        ensure!(last.status(), "a transaction failed");
    }
    Ok(chain)
}

/// A payment to somebody new, or a call that hashes 500 times. Nobody signs: a development chain takes a named sender.
/// `each`: how many a block has.
pub(super) fn tx(n: u64, number: u64, is_heavy: bool, each: u64) -> Recovered<Tx> {
    let from: Address = person(n);
    let (to, value, gas_limit, input) = match is_heavy {
        true => (HASHER, 0, 200_000, word(n)),
        false => (person((number + 1) * each + n), 1, 21_000, Vec::new()),
    };
    let tx = TxEip1559 {
        chain_id: Genesis::dev(0, 0).chain_id,
        nonce: number,
        gas_limit,
        max_fee_per_gas: 100_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        input: input.into(),
        ..TxEip1559::default()
    };
    Recovered::new_unchecked(
        Tx::Eip1559(tx.into_signed(impersonation_signature(from))),
        from,
    )
}
