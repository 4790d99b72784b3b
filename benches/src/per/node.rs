//! Whole blocks of a node on several threads beside the same on one: execution, state root, other roots and header, from what
//! waits to a block that is kept.
//!
//! Two chains over one genesis are given the same transactions block after block, in turns; their hashes must agree. The chain
//! with threads chooses its way by itself, as a node does, and makes its state root while the block runs.

use std::time::Instant;

use alloy_primitives::U256;
use capstan_chain::{BlockInputs, Chain, ChainConfig, Genesis, GenesisAccount, Mining};
use eyre::{OptionExt as _, ensure};

use super::{HASHER, hasher_code, person, redo::tx};
use crate::report::{Table, median};

/// Transactions of a block.
const EACH: u64 = 1_000;
/// Blocks before the first that counts: both ways are tried, and the quicker one is known.
const WARM: u64 = 8;

/// Prints the table.
pub(super) fn run(threads: usize, rounds: usize) -> eyre::Result<()> {
    let several = format!("{threads} threads ms");
    let mut table = Table::new(&["block", "1 thread ms", &several, "times", "least-most"]);
    for (name, is_heavy) in [
        ("transfers, all to new accounts", false),
        ("one counter, behind 500 hashes", true),
    ] {
        let (plain, ahead) = (open(1, is_heavy)?, open(threads, is_heavy)?);
        let (mut alone_ms, mut several_ms, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..WARM + rounds as u64 {
            let (one, hash) = make(&plain, number, is_heavy)?;
            let (other, same) = make(&ahead, number, is_heavy)?;
            ensure!(hash == same, "{name}: another block {number}");
            if number >= WARM {
                alone_ms.push(one);
                several_ms.push(other);
                ratios.push(one / other);
            }
        }
        let times = median(&mut ratios);
        let (least, most) = (ratios.first(), ratios.last());
        table.row(vec![
            format!("{} {name}", count(is_heavy)),
            format!("{:.1}", median(&mut alone_ms)),
            format!("{:.1}", median(&mut several_ms)),
            format!("{times:.2}x"),
            format!("{:.2}-{:.2}", least.unwrap_or(&0.0), most.unwrap_or(&0.0)),
        ]);
    }
    println!(
        "A node's whole block, root included, on {threads} threads beside one; medians of {rounds} blocks"
    );
    table.print();
    Ok(())
}

/// As many as a block has gas for.
fn count(is_heavy: bool) -> u64 {
    if is_heavy { EACH / 2 } else { EACH }
}

fn open(threads: usize, is_heavy: bool) -> eyre::Result<Chain> {
    let mut genesis = Genesis::dev(0, 0);
    let coins = U256::from(10).pow(U256::from(21));
    for n in 0..EACH {
        let person_account = GenesisAccount {
            balance: coins,
            ..GenesisAccount::default()
        };
        genesis.alloc.insert(person(n), person_account);
    }
    if is_heavy {
        let code = GenesisAccount {
            code: hasher_code().into(),
            ..GenesisAccount::default()
        };
        genesis.alloc.insert(HASHER, code);
    }
    Ok(Chain::open(ChainConfig {
        mining: Mining::Manual,
        dev: false,
        threads,
        ..ChainConfig::dev(genesis)
    })?)
}

/// Makes and keeps a block; its milliseconds and its hash.
fn make(chain: &Chain, number: u64, is_heavy: bool) -> eyre::Result<(f64, alloy_primitives::B256)> {
    let head = chain.head();
    let each = count(is_heavy);
    let transactions = (0..each).map(|n| tx(n, number, is_heavy, EACH)).collect();
    let inputs = BlockInputs::at(head.time_ms() + 250).with(transactions);
    let start = Instant::now();
    let built = chain.build(head.hash(), inputs)?;
    let ms = super::ms(start);
    let refused = built.refused.first();
    ensure!(refused.is_none(), "{refused:?}");
    let block = chain.finalize(built.block.hash())?;
    // What this chain writes behind its block must not run beside the other's next one.
    chain.flush()?;
    let last = block.receipts.last().ok_or_eyre("an empty block")?;
    ensure!(last.status(), "a transaction failed");
    Ok((ms, block.hash()))
}
