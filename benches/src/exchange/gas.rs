//! What gas of the exchange's own work buys of time, beside what gas of the EVM's dearest opcodes does.
//!
//! ```text
//!   opcodes   a loop of one, with the pushes that it needs
//!   ours      a swap of many legs or over many ends of ranges, less one of few, over what it has more
//! ```
//!
//! Gas of a leg and of a step is right where a nanosecond of it costs at least what one of some opcode costs: then blocks of
//! swaps take no longer than blocks that bytecode can fill. Precompiles are not counted among the opcodes, though some are
//! dearer than all of them.

use alloy_primitives::{Address, U256, address};
use alloy_sol_types::SolCall;
use capstan_contracts::exchange::{ADDRESS as EXCHANGE, Curve, IExchange};
use revm::primitives::TxKind;

use super::ROOT_ONE;
use crate::{
    report::Table,
    world::{ONE, STOPPER, World, medians},
};

const LOOP: Address = address!("00000000000000000000000000000000000d0004");
/// What the owner has of each token.
const RICH: u128 = 1_000_000 * ONE;
const DEPTH: u128 = 100_000 * ONE;
/// An opcode this often in a loop, and turns of the loop.
const REPEATS: usize = 32;
const TURNS: u16 = 200;
/// Ranges of one tick beside one another.
const RANGES: u32 = 41;

/// Number of nanoseconds, and of gas, of one of something.
struct Cost {
    name: String,
    ns: f64,
    gas: f64,
}

impl Cost {
    fn ns_per_gas(&self) -> f64 {
        self.ns / self.gas
    }
}

/// `PUSH2 turns, JUMPDEST, body.., PUSH1 1, SWAP1, SUB, DUP1, PUSH1 3, JUMPI`.
fn looped(body: &[u8]) -> Vec<u8> {
    let [high, low] = TURNS.to_be_bytes();
    let mut code = vec![0x61, high, low, 0x5b];
    for _ in 0..REPEATS {
        code.extend(body);
    }
    code.extend([0x60, 0x01, 0x90, 0x03, 0x80, 0x60, 0x03, 0x57, 0x00]);
    code
}

/// Operands of 32 bytes, one opcode, and its answer dropped.
fn on(words: &[U256], opcode: u8) -> Vec<u8> {
    let mut body = Vec::new();
    for word in words {
        body.push(0x7f);
        body.extend(word.to_be_bytes::<32>());
    }
    body.extend([opcode, 0x50]);
    body
}

/// Opcodes that are known to be dear, each with what it takes to run it.
fn opcodes() -> Vec<(&'static str, Vec<u8>)> {
    let (most, odd) = (U256::MAX, (U256::ONE << 129) + U256::from(12_345));
    let near = U256::MAX - U256::from(188);
    let mut call = vec![0x5f; 5];
    call.push(0x73);
    call.extend(STOPPER.as_slice());
    call.extend([0x5a, 0xf1, 0x50]);
    vec![
        ("ADD", on(&[most, odd], 0x01)),
        ("DIV", on(&[odd, most], 0x04)),
        ("SMOD", on(&[odd, most], 0x07)),
        ("ADDMOD", on(&[near, most, most - U256::ONE], 0x08)),
        ("MULMOD", on(&[near, most, most - U256::ONE], 0x09)),
        ("EXP", on(&[most, odd], 0x0a)),
        ("KECCAK256 of a word", vec![0x60, 0x20, 0x5f, 0x20, 0x50]),
        ("warm BALANCE", vec![0x30, 0x31, 0x50]),
        ("warm SLOAD", vec![0x5f, 0x54, 0x50]),
        ("TLOAD", vec![0x5f, 0x5c, 0x50]),
        ("warm CALL", call),
    ]
}

/// Leg after leg around a circle of two assets.
fn circle(pool: u32, [one, other]: [u32; 2], legs: u32) -> Vec<u8> {
    let part = U256::from(ONE);
    let leg = |number: u32| {
        let (from, to) = if number.is_multiple_of(2) {
            (one, other)
        } else {
            (other, one)
        };
        IExchange::Leg {
            poolId: pool,
            assetIn: from,
            assetOut: to,
            exactOut: false,
            amount: if number.is_multiple_of(2) {
                part
            } else {
                U256::ZERO
            },
        }
    };
    let call = IExchange::swapCall {
        legs: (0..legs).map(leg).collect(),
        bounds: IExchange::Bounds {
            assetIn: one,
            paidMax: part * U256::from(legs),
            assetOut: one,
            receivedMin: U256::ZERO,
        },
        to: address!("00000000000000000000000000000000000d0005"),
        deadlineMs: u64::MAX,
    };
    call.abi_encode()
}

/// Over so many ends of ranges, upwards.
fn over(pool: u32, [one, other]: [u32; 2], ends: u32) -> Vec<u8> {
    let units = ONE * u128::from(ends) + ONE / 2;
    let call = IExchange::swapCall {
        legs: vec![IExchange::Leg {
            poolId: pool,
            assetIn: other,
            assetOut: one,
            exactOut: false,
            amount: U256::from(units),
        }],
        bounds: IExchange::Bounds {
            assetIn: other,
            paidMax: U256::from(units),
            assetOut: one,
            receivedMin: U256::ZERO,
        },
        to: address!("00000000000000000000000000000000000d0005"),
        deadlineMs: u64::MAX,
    };
    call.abi_encode()
}

struct Pools {
    assets: [u32; 2],
    product: u32,
    stable: u32,
    ranges: u32,
}

fn open(world: &mut World) -> eyre::Result<Pools> {
    let mut assets = [0; 4];
    for asset in &mut assets {
        let token = world.native_token(&[world.owner], RICH)?;
        *asset = world.list(token)?;
    }
    let to = world.owner;
    let mut create = |curve: Curve, amplification: u32, assets: &[u32]| {
        let call = IExchange::createPoolCall {
            shape: IExchange::Shape {
                curve: curve.number(),
                feePips: 100,
                amplification,
                assets: assets.to_vec(),
            },
            amounts: vec![U256::from(DEPTH); assets.len()],
            to,
            deadlineMs: u64::MAX,
        };
        world.keep(EXCHANGE, &call).map(|made| made.poolId)
    };
    let [one, other, ..] = assets;
    let product = create(Curve::Product, 0, &[one, other])?;
    let stable = create(Curve::Stable, 100, &assets)?;
    let call = IExchange::createRangePoolCall {
        feePips: 100,
        asset0: one,
        asset1: other,
        sqrtPriceX96: ROOT_ONE,
    };
    let ranges = world.keep(EXCHANGE, &call)?;
    for number in 0..RANGES {
        let lower = i32::try_from(number)?;
        let open = IExchange::openRangeCall {
            poolId: ranges,
            lower,
            upper: lower + 1,
            amountsMax: [U256::from(ONE); 2],
            liquidityMin: 1,
            to,
            deadlineMs: u64::MAX,
        };
        world.keep(EXCHANGE, &open)?;
    }
    Ok(Pools {
        assets: [one, other],
        product,
        stable,
        ranges,
    })
}

/// Prints the table.
pub(super) fn run(rounds: usize) -> eyre::Result<()> {
    let mut world = World::open()?;
    let pools = open(&mut world)?;
    world.later()?;
    let mut costs = Vec::new();
    for (name, body) in opcodes() {
        world.put(LOOP, looped(&body).into())?;
        let [long, none] = [LOOP, STOPPER].map(|to| world.tx(TxKind::Call(to), Vec::new()));
        let timed = medians(&mut world, rounds, &[long, none])?;
        let times = REPEATS as f64 * f64::from(TURNS);
        costs.push(Cost {
            name: name.to_owned(),
            ns: (timed[0].0 - timed[1].0) / times,
            gas: (timed[0].1 - timed[1].1) as f64 / times,
        });
    }
    let worst = costs.iter().map(Cost::ns_per_gas).fold(0.0, f64::max);
    let Pools {
        assets,
        product,
        stable,
        ranges,
    } = pools;
    for (name, [few, many], calls) in [
        (
            "leg of a product",
            [2, 16],
            [2, 16].map(|legs| circle(product, assets, legs)),
        ),
        (
            "leg of four stable coins",
            [2, 16],
            [2, 16].map(|legs| circle(stable, assets, legs)),
        ),
        (
            "leg in one range",
            [2, 16],
            [2, 16].map(|legs| circle(ranges, [assets[1], assets[0]], legs)),
        ),
        (
            "end of a range",
            [2, 38],
            [2, 38].map(|ends| over(ranges, assets, ends)),
        ),
    ] {
        let txs = calls.map(|data| world.tx(TxKind::Call(EXCHANGE), data));
        let timed = medians(&mut world, rounds, &txs)?;
        let more = f64::from(many - few);
        costs.push(Cost {
            name: name.to_owned(),
            ns: (timed[1].0 - timed[0].0) / more,
            gas: (timed[1].1 - timed[0].1) as f64 / more,
        });
    }
    let mut table = Table::new(&["one", "ns", "gas", "ns per gas", "of the dearest opcode"]);
    for cost in &costs {
        table.row(vec![
            cost.name.clone(),
            format!("{:.0}", cost.ns),
            format!("{:.0}", cost.gas),
            format!("{:.2}", cost.ns_per_gas()),
            format!("{:.2}x", cost.ns_per_gas() / worst),
        ]);
    }
    table.print();
    println!(
        "Legs come after two of their kind, so their words are warm; ends of ranges are read for the first time.\n"
    );
    Ok(())
}
