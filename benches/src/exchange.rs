//! Swaps beside Uniswap v2 and v3 in bytecode, in one EVM, and how many of ours a core does.
//!
//! The peers' trader makes the same calls again and again in one transaction; the same trader calling an account that
//! stops at once, with as much calldata, is subtracted. What is left is the time inside the call frame, with all calls
//! that it makes, tokens in and out included.
//!
//! - v2: the shortest swap there is, without its router: the token moves to the pair, and the pair is told what to give.
//! - v3: `swap` of the pool, which calls the trader back for its token. In one range, and across an end of one and back.
//! - ours: `swap` of the exchange with one leg, which says at least what it wants. With native tokens, and with the very
//!   ERC-20 that the peers have.

mod batch;
pub(crate) mod blocks;
mod gas;
mod routes;

use std::{collections::BTreeMap, fs, path::Path};

use alloy_primitives::{
    Address, U256,
    aliases::{I24, U24, U160},
    hex, keccak256,
};
use alloy_sol_types::{SolCall, SolValue, sol};
use capstan_contracts::{
    erc20::IErc20,
    exchange::{ADDRESS as EXCHANGE, Curve, IExchange},
};
use capstan_units::tick_price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN};
use eyre::{OptionExt, WrapErr};
use revm::primitives::TxKind;

use crate::{
    report::Table,
    world::{ONE, STOPPER, World, medians},
};

/// What each swap takes.
const UNITS: u128 = ONE;
/// What everybody begins with of each token; a pool gets half of the owner's.
const RICH: u128 = 400_000 * ONE;
const DEPTH: u128 = 100_000 * ONE;
const FEE_PIPS: u32 = 3_000;
/// A wide range around the price of one, and one beside it.
const WIDE: (i32, i32) = (-60_000, 60_000);
const BESIDE: (i32, i32) = (60, 660);
/// What goes across the end of that, up and back down: sixteen reach it.
const ACROSS: u128 = 20 * ONE;
/// Root of a price of one.
const ROOT_ONE: U256 = U256::from_limbs([0, 1 << 32, 0, 0]);

/// What, and how often.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which tables; all of them if none is named.
    #[arg(long, value_delimiter = ',')]
    parts: Vec<Part>,
    /// Of swaps beside Uniswap's, only those whose name has this in it.
    #[arg(long, default_value = "")]
    only: String,
    /// Calls in one transaction.
    #[arg(long, default_value_t = 20)]
    calls: u64,
    /// Rounds of runs; medians are printed.
    #[arg(long, default_value_t = 201)]
    runs: usize,
    /// Blocks of swaps; medians are printed.
    #[arg(long, default_value_t = 11)]
    blocks: usize,
}

/// One table.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// One swap beside Uniswap's.
    Swap,
    /// Swaps a second and core.
    Blocks,
    /// Leverage in one batch, beside four transactions.
    Batch,
    /// `capstan_quote` over two hundred pools.
    Routes,
    /// Nanoseconds that gas buys, beside opcodes.
    Gas,
}

sol! {
    interface IPeerTrader {
        function drive(uint256 count, address[] calldata targets, bytes[] calldata data) external;
        function addToPair(address pair, uint256 amount0, uint256 amount1) external returns (uint256);
        function addToRanges(address pool, address owner, int24 lower, int24 upper, uint128 liquidity) external returns (uint256 amount0, uint256 amount1);
    }
    interface IPairs {
        function createPair(address tokenA, address tokenB) external returns (address);
        function swap(uint256 out0, uint256 out1, address to, bytes calldata data) external;
    }
    interface IRanges {
        function createPool(address tokenA, address tokenB, uint24 fee) external returns (address);
        function initialize(uint160 sqrtPriceX96) external;
        function swap(address to, bool isDown, int256 amount, uint160 end, bytes calldata data) external returns (int256 amount0, int256 amount1);
    }
}

/// What the trader is told to call, once around.
type Calls = Vec<(Address, Vec<u8>)>;

/// One row: how many swaps the calls make, and the calls of ours with native tokens, of ours with the peer's, and of the
/// peer.
struct Row {
    name: &'static str,
    swaps: u64,
    calls: [Calls; 3],
}

/// Pools of ours over two assets, with the liquidity that the peers have.
struct Pools {
    assets: [u32; 2],
    product: u32,
    ranges: u32,
}

/// The peers, and whose tokens they swap.
struct Peers {
    trader: Address,
    tokens: [Address; 2],
    pair: Address,
    ranges: Address,
}

/// What `rooms.mjs` wrote.
fn codes() -> eyre::Result<BTreeMap<String, String>> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testing/peers/exchange/build/rooms.json");
    let text = fs::read(&path).wrap_err_with(|| {
        format!(
            "{} is missing: `cargo xtask bench exchange` makes it",
            path.display()
        )
    })?;
    Ok(serde_json::from_slice(&text)?)
}

fn driven(count: u64, calls: &Calls) -> IPeerTrader::driveCall {
    IPeerTrader::driveCall {
        count: U256::from(count),
        targets: calls.iter().map(|(to, _)| *to).collect(),
        data: calls.iter().map(|(_, data)| data.clone().into()).collect(),
    }
}

/// As many calls with as much calldata, of an account that stops.
fn stops(calls: &Calls) -> Calls {
    let stop = |(_, data): &(Address, Vec<u8>)| (STOPPER, vec![0; data.len()]);
    calls.iter().map(stop).collect()
}

fn open_peers(world: &mut World) -> eyre::Result<Peers> {
    let codes = codes()?;
    let code = |name: &str| -> eyre::Result<Vec<u8>> {
        let code = codes.get(name).ok_or_eyre(format!("no code of {name}"))?;
        Ok(hex::decode(code)?)
    };
    for name in ["UniswapV2Pair", "UniswapV3Pool"] {
        println!("peer: {name}, creation code {}", keccak256(code(name)?));
    }
    let trader = world.deploy(code("PeerTrader")?)?;
    let mut tokens = [Address::ZERO; 2];
    for token in &mut tokens {
        *token = world.deploy(crate::erc20_init_code()?.to_vec())?;
        let value = U256::from(RICH);
        world.keep(*token, &IErc20::transferCall { to: trader, value })?;
    }
    tokens.sort();
    let [token_a, token_b] = tokens;
    let mut factory = code("UniswapV2Factory")?;
    factory.extend(world.owner.abi_encode());
    let factory = world.deploy(factory)?;
    let create = IPairs::createPairCall {
        tokenA: token_a,
        tokenB: token_b,
    };
    let pair = world.keep(factory, &create)?;
    let amount = U256::from(DEPTH);
    let add = IPeerTrader::addToPairCall {
        pair,
        amount0: amount,
        amount1: amount,
    };
    world.keep(trader, &add)?;
    let factory = world.deploy(code("UniswapV3Factory")?)?;
    let create = IRanges::createPoolCall {
        tokenA: token_a,
        tokenB: token_b,
        fee: U24::from(FEE_PIPS),
    };
    let ranges = world.keep(factory, &create)?;
    let begin = IRanges::initializeCall {
        sqrtPriceX96: U160::from(ROOT_ONE),
    };
    world.keep(ranges, &begin)?;
    Ok(Peers {
        trader,
        tokens,
        pair,
        ranges,
    })
}

/// Pools of ours over two tokens of the owner's, who lets the trader's wallet pay in them; answers the liquidity of
/// their ranges too.
fn open_pools(
    world: &mut World,
    trader: Address,
    tokens: [Address; 2],
) -> eyre::Result<(Pools, [u128; 2])> {
    let mut assets = [0; 2];
    for (token, asset) in tokens.into_iter().zip(&mut assets) {
        *asset = world.list(token)?;
        let (spender, value) = (EXCHANGE, U256::MAX);
        let approve = IErc20::approveCall { spender, value };
        world.keep(token, &approve)?;
        let approve = vec![(token, approve.abi_encode())];
        world.keep(trader, &driven(1, &approve))?;
    }
    let to = world.owner;
    let most = U256::from(DEPTH);
    let product = IExchange::createPoolCall {
        shape: IExchange::Shape {
            curve: Curve::Product.number(),
            feePips: FEE_PIPS,
            amplification: 0,
            assets: assets.to_vec(),
        },
        amounts: vec![most; 2],
        to,
        deadlineMs: u64::MAX,
    };
    let product = world.keep(EXCHANGE, &product)?.poolId;
    let ranges = IExchange::createRangePoolCall {
        feePips: FEE_PIPS,
        asset0: assets[0],
        asset1: assets[1],
        sqrtPriceX96: ROOT_ONE,
    };
    let ranges = world.keep(EXCHANGE, &ranges)?;
    let mut liquidity = [0; 2];
    for ((lower, upper), made) in [WIDE, BESIDE].into_iter().zip(&mut liquidity) {
        let open = IExchange::openRangeCall {
            poolId: ranges,
            lower,
            upper,
            amountsMax: [most / U256::from(10); 2],
            liquidityMin: 1,
            to,
            deadlineMs: u64::MAX,
        };
        *made = world.keep(EXCHANGE, &open)?.liquidity;
    }
    let pools = Pools {
        assets,
        product,
        ranges,
    };
    Ok((pools, liquidity))
}

/// A swap of ours from the trader's wallet back to it.
fn swap(pool: u32, pair: [u32; 2], units: u128, trader: Address) -> (Address, Vec<u8>) {
    (EXCHANGE, swap_call(pool, pair, units, trader).abi_encode())
}

fn swap_call(pool: u32, [from, to]: [u32; 2], units: u128, trader: Address) -> IExchange::swapCall {
    IExchange::swapCall {
        legs: vec![IExchange::Leg {
            poolId: pool,
            assetIn: from,
            assetOut: to,
            exactOut: false,
            amount: U256::from(units),
        }],
        bounds: IExchange::Bounds {
            assetIn: from,
            paidMax: U256::from(units),
            assetOut: to,
            receivedMin: U256::from(units / 2),
        },
        to: trader,
        deadlineMs: u64::MAX,
    }
}

impl Peers {
    /// v2's: the token to the pair, and out of it a little less than the most.
    fn in_pair(&self) -> Calls {
        let (to, value) = (self.pair, U256::from(UNITS));
        let pay = IErc20::transferCall { to, value };
        let take = IPairs::swapCall {
            out0: U256::ZERO,
            out1: U256::from(UNITS - UNITS / 50),
            to: self.trader,
            data: Default::default(),
        };
        vec![
            (self.tokens[0], pay.abi_encode()),
            (self.pair, take.abi_encode()),
        ]
    }

    fn in_ranges(&self, is_down: bool, units: u128) -> (Address, Vec<u8>) {
        let end = if is_down {
            SQRT_PRICE_MIN + U256::ONE
        } else {
            SQRT_PRICE_MAX - U256::ONE
        };
        let swap = IRanges::swapCall {
            to: self.trader,
            isDown: is_down,
            amount: alloy_primitives::I256::try_from(units).unwrap_or_default(),
            end: U160::from(end),
            data: (self.tokens[0], self.tokens[1]).abi_encode_params().into(),
        };
        (self.ranges, swap.abi_encode())
    }
}

fn rows(ours: [Pools; 2], peers: &Peers) -> Vec<Row> {
    let [native, same] = ours;
    let one = |pools: &Pools, pool: u32| {
        let [from, to] = pools.assets;
        swap(pool, [from, to], UNITS, peers.trader)
    };
    let across = |pools: &Pools| {
        let [down, up] = pools.assets;
        vec![
            swap(pools.ranges, [up, down], ACROSS, peers.trader),
            swap(pools.ranges, [down, up], ACROSS, peers.trader),
        ]
    };
    vec![
        Row {
            name: "product, Uniswap v2's short swap",
            swaps: 1,
            calls: [
                vec![one(&native, native.product)],
                vec![one(&same, same.product)],
                peers.in_pair(),
            ],
        },
        Row {
            name: "ranges, Uniswap v3, within one",
            swaps: 1,
            calls: [
                vec![one(&native, native.ranges)],
                vec![one(&same, same.ranges)],
                vec![peers.in_ranges(true, UNITS)],
            ],
        },
        Row {
            name: "ranges, Uniswap v3, across an end",
            swaps: 2,
            calls: [
                across(&native),
                across(&same),
                vec![
                    peers.in_ranges(false, ACROSS),
                    peers.in_ranges(true, ACROSS),
                ],
            ],
        },
    ]
}

/// Prints the tables.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let has = |part| options.parts.is_empty() || options.parts.contains(&part);
    if has(Part::Swap) {
        swaps(options)?;
    }
    if has(Part::Blocks) {
        blocks::run(options.blocks)?;
    }
    if has(Part::Batch) {
        batch::run(options.runs)?;
    }
    if has(Part::Routes) {
        routes::run(options.runs)?;
    }
    if has(Part::Gas) {
        gas::run(options.runs)?;
    }
    Ok(())
}

/// One swap beside Uniswap's.
fn swaps(options: &Options) -> eyre::Result<()> {
    let mut world = World::open()?;
    let peers = open_peers(&mut world)?;
    let natives = [
        world.native_token(&[world.owner, peers.trader], RICH)?,
        world.native_token(&[world.owner, peers.trader], RICH)?,
    ];
    let (native, _) = open_pools(&mut world, peers.trader, natives)?;
    let (same, liquidity) = open_pools(&mut world, peers.trader, peers.tokens)?;
    for ((lower, upper), liquidity) in [WIDE, BESIDE].into_iter().zip(liquidity) {
        let add = IPeerTrader::addToRangesCall {
            pool: peers.ranges,
            owner: peers.trader,
            lower: I24::try_from(lower)?,
            upper: I24::try_from(upper)?,
            liquidity,
        };
        world.keep(peers.trader, &add)?;
    }
    world.later()?;
    let mut table = Table::new(&[
        "one swap",
        "native tokens ns",
        "same ERC-20 ns",
        "Uniswap ns",
        "ratio",
        "ratio, same ERC-20",
        "gas of each",
    ]);
    for row in rows([native, same], &peers) {
        if !row.name.contains(&options.only) {
            continue;
        }
        for (what, count) in [("warm", options.calls), ("cold", 1)] {
            time_row(
                &mut world,
                &mut table,
                &row,
                (what, count),
                peers.trader,
                options.runs,
            )?;
        }
    }
    table.print();
    println!("Gas is that of native tokens / same ERC-20 / Uniswap.\n");
    Ok(())
}

fn time_row(
    world: &mut World,
    table: &mut Table,
    row: &Row,
    (what, count): (&str, u64),
    trader: Address,
    runs: usize,
) -> eyre::Result<()> {
    let tx = |calls: &Calls| world.tx(TxKind::Call(trader), driven(count, calls).abi_encode());
    let txs: Vec<_> = row
        .calls
        .iter()
        .flat_map(|calls| [tx(calls), tx(&stops(calls))])
        .collect();
    let timed = medians(world, runs, &txs)?;
    let swaps = count * row.swaps;
    let ns = [0, 2, 4].map(|at: usize| (timed[at].0 - timed[at + 1].0) / swaps as f64);
    let gas = [0, 2, 4].map(|at: usize| timed[at].1.saturating_sub(timed[at + 1].1) / swaps);
    line(table, &format!("{}, inside, {what}", row.name), ns, gas);
    if count == 1 {
        let whole = [0, 2, 4].map(|at: usize| timed[at]);
        let name = format!("{}, the whole transaction", row.name);
        line(
            table,
            &name,
            whole.map(|(ns, _)| ns),
            whole.map(|(_, gas)| gas),
        );
    }
    Ok(())
}

fn line(table: &mut Table, name: &str, ns: [f64; 3], gas: [u64; 3]) {
    let [native, same, peer] = ns;
    table.row(vec![
        name.to_owned(),
        format!("{native:.0}"),
        format!("{same:.0}"),
        format!("{peer:.0}"),
        format!("{:.1}x", peer / native),
        format!("{:.1}x", peer / same),
        format!("{} / {} / {}", gas[0], gas[1], gas[2]),
    ]);
}
