//! Swaps a second and core: blocks of signed swaps through `BlockRun`, without RPC, signatures, root or disk, in one pool
//! and over a hundred.

use std::{sync::Arc, time::Instant};

use alloy_consensus::{SignableTransaction, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, Signature, TxKind, U256};
use capstan_contracts::{
    exchange::{ADDRESS as EXCHANGE, Curve, IExchange},
    token::IToken,
};
use capstan_evm::{BlockRun, StateRead, Tx, call::AccountOverride};
use eyre::ensure;

use crate::{
    report::{Table, median},
    world::{ONE, World},
};

const SENDERS: u64 = 200;
/// Swaps of one block.
pub(crate) const SWAPS: u64 = 400;
const GAS: u64 = 240_000;
const FUNDS_WEI: u128 = 1_000 * ONE;
/// Assets in a row, each next to the one before it; and fees of the pools of two neighbours.
const ASSETS: usize = 26;
const FEES: [u32; 4] = [100, 500, 3_000, 10_000];
const DEPTH: u128 = 10_000 * ONE;

fn sender(index: u64) -> Address {
    let mut bytes = [0x5e; 20];
    bytes[12..].copy_from_slice(&(index % SENDERS).to_be_bytes());
    bytes.into()
}

/// A pool and its two assets.
pub(crate) type Pool = (u32, [u32; 2]);

/// A hundred pools of products and a hundred of ranges.
pub(crate) fn open(world: &mut World) -> eyre::Result<[Vec<Pool>; 2]> {
    let owner = world.owner;
    let mut assets = Vec::new();
    for _ in 0..ASSETS {
        let token = world.native_token(&[owner], 1_000_000 * ONE)?;
        for index in 0..SENDERS {
            let (to, value) = (sender(index), U256::from(100 * ONE));
            world.keep(token, &IToken::mintCall { to, value })?;
        }
        assets.push(world.list(token)?);
    }
    let (mut products, mut ranges) = (Vec::new(), Vec::new());
    for pair in assets.windows(2) {
        let pair = [pair[0], pair[1]];
        for fee_pips in FEES {
            let create = IExchange::createPoolCall {
                shape: IExchange::Shape {
                    curve: Curve::Product.number(),
                    feePips: fee_pips,
                    amplification: 0,
                    assets: pair.to_vec(),
                },
                amounts: vec![U256::from(DEPTH); 2],
                to: owner,
                deadlineMs: u64::MAX,
            };
            products.push((world.keep(EXCHANGE, &create)?.poolId, pair));
            let create = IExchange::createRangePoolCall {
                feePips: fee_pips,
                asset0: pair[0],
                asset1: pair[1],
                sqrtPriceX96: super::ROOT_ONE,
            };
            let pool = world.keep(EXCHANGE, &create)?;
            let open = IExchange::openRangeCall {
                poolId: pool,
                lower: -60_000,
                upper: 60_000,
                amountsMax: [U256::from(DEPTH); 2],
                liquidityMin: 1,
                to: owner,
                deadlineMs: u64::MAX,
            };
            world.keep(EXCHANGE, &open)?;
            ranges.push((pool, pair));
        }
    }
    for index in 0..SENDERS {
        let funds = AccountOverride {
            balance: Some(U256::from(FUNDS_WEI)),
            ..Default::default()
        };
        world.session.override_account(sender(index), &funds)?;
    }
    Ok([products, ranges])
}

/// The owner swaps in each of these pools.
pub(crate) fn cross(world: &mut World, pools: &[Pool]) -> eyre::Result<()> {
    let owner = world.owner;
    for (pool, assets) in pools {
        let swap = super::swap_call(*pool, *assets, ONE / 100, owner);
        world.keep(EXCHANGE, &swap)?;
    }
    Ok(())
}

/// The `index`-th swap. Recovery happens at the door, so nobody signs here.
pub(crate) fn swap(chain_id: u64, index: u64, (pool, [from, to]): Pool) -> Recovered<Tx> {
    let who = sender(index);
    let (_, input) = super::swap(pool, [from, to], ONE / 100, who);
    let tx = TxEip1559 {
        chain_id,
        nonce: index / SENDERS,
        gas_limit: GAS,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(EXCHANGE),
        input: input.into(),
        ..TxEip1559::default()
    };
    let signature = Signature::new(U256::ONE, U256::ONE, false);
    Recovered::new_unchecked(Tx::Eip1559(tx.into_signed(signature)), who)
}

/// Prints the table.
pub(super) fn run(blocks: usize) -> eyre::Result<()> {
    let mut world = World::open()?;
    let [products, ranges] = open(&mut world)?;
    world.later()?;
    let parent: Arc<dyn StateRead> = Arc::new(world.session.overlay().clone());
    let chain_id = world.chain.rules().chain_id;
    let mut table = Table::new(&["swaps of a block", "swaps/s and core", "us per swap", "gas"]);
    for (name, pools) in [
        ("one pool of a product", &products[..1]),
        ("100 pools of products", &products[..]),
        ("one pool of ranges", &ranges[..1]),
        ("100 pools of ranges", &ranges[..]),
    ] {
        let txs: Vec<_> = (0..SWAPS)
            .zip(pools.iter().cycle())
            .map(|(index, pool)| swap(chain_id, index, *pool))
            .collect();
        let (mut whole, mut gas) = (Vec::new(), 0);
        for _ in 0..blocks {
            let (rules, ctx) = (world.chain.rules(), world.context());
            let start = Instant::now();
            let mut run = BlockRun::open(Arc::clone(rules), Arc::clone(&parent), ctx)?;
            for tx in &txs {
                run.user(tx)?;
            }
            let outcome = run.close()?;
            whole.push(start.elapsed().as_secs_f64() * 1e9 / SWAPS as f64);
            let done = outcome.receipts.iter().filter(|r| r.status()).count();
            ensure!(u64::try_from(done)? == SWAPS, "{done} swaps of {SWAPS}");
            let last = outcome.receipts.last();
            gas = last.map_or(0, |r| r.cumulative_gas_used()) / SWAPS;
        }
        let ns = median(&mut whole);
        table.row(vec![
            name.into(),
            format!("{:.0}", 1e9 / ns),
            format!("{:.1}", ns / 1e3),
            gas.to_string(),
        ]);
    }
    table.print();
    println!();
    Ok(())
}
