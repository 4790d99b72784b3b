//! Blocks full of Uniswap: v2's pair and v3's pool in the bytecode of their npm packages. The plain loop, the engine under
//! seeded schedules and on free threads, and whoever verifies from the list leave the same bytes (PER-1, PER-100).

use std::collections::BTreeMap;
use std::path::Path;

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{
    Address, Bytes, I256, U256,
    aliases::{I24, U24, U160},
    hex, keccak256,
};
use alloy_sol_types::{SolCall, SolValue as _, sol};
use capstan_evm::Tx;
use capstan_evm::parallel::Workers;
use capstan_units::tick_price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN};

use crate::genesis::Chain;
use crate::parallel::{Dice, Ground, PROTOCOL, SENDERS, call, fund, number, same, seeded, sender};
use crate::world::SENDER;

/// What each trader has of each coin.
const RICH: u128 = 1_000_000_000_000_000_000_000_000;
/// A price of one, as v3 keeps it.
const ONE_ROOT: u128 = 1 << 96;
const REACH: i32 = 6_000;

sol! {
    interface ICoin {
        function mint(address to, uint256 value) external;
        function transfer(address to, uint256 value) external returns (bool);
    }
    interface ITrader {
        function addToPair(address pair, uint256 amount0, uint256 amount1) external returns (uint256);
        function removeFromPair(address pair, uint256 shares) external returns (uint256 amount0, uint256 amount1);
        function swapInPair(address pair, bool isZeroIn, uint256 amountIn, uint256 amountOut) external;
        function addToRanges(address pool, address owner, int24 lower, int24 upper, uint128 liquidity) external returns (uint256 amount0, uint256 amount1);
        function swapInRanges(address pool, bool isDown, int256 amount, uint160 end) external returns (int256 amount0, int256 amount1);
    }
    interface IPairs {
        function createPair(address tokenA, address tokenB) external returns (address);
    }
    interface IPools {
        function createPool(address tokenA, address tokenB, uint24 fee) external returns (address);
    }
    interface IPool {
        function initialize(uint160 sqrtPriceX96) external;
    }
}

/// Creation codes of the peers of the exchange, in hexadecimal, by name. None where nothing is compiled: `cargo xtask test` does
/// it, so under `CI` that is a failure.
fn codes() -> Option<BTreeMap<String, String>> {
    let built = "../../testing/peers/exchange/build/rooms.json";
    let built = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(built));
    let Ok(built) = built else {
        let missing = "the peers of the exchange are not compiled; `cargo xtask test` does it";
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!is_ci, "{missing}");
        println!("SKIP: {missing}");
        return None;
    };
    Some(serde_json::from_slice(&built).expect("code by name"))
}

/// Two pairs, two pools of ranges, and contracts that trade in them for anybody.
struct Market {
    ground: Ground,
    coin: Address,
    traders: Vec<Address>,
    pairs: Vec<Address>,
    pools: Vec<Address>,
}

fn deploy(
    chain: &mut Chain,
    codes: &BTreeMap<String, String>,
    name: &str,
    input: &[u8],
) -> Address {
    let mut code = hex::decode(&codes[name]).expect("hexadecimal");
    println!("peer: {name}, creation code {}", keccak256(&code));
    code.extend(input);
    chain.create(code.into())
}

fn ask<C: SolCall>(chain: &mut Chain, at: Address, call: &C) -> C::Return {
    let answer: Bytes = chain.act(at, call);
    C::abi_decode_returns(&answer).expect("well-formed answer")
}

fn ranges(pool: Address, reach: i32, liquidity: u128) -> ITrader::addToRangesCall {
    let tick = |tick: i32| I24::try_from(tick).expect("24 bits");
    ITrader::addToRangesCall {
        pool,
        owner: SENDER,
        lower: tick(-reach),
        upper: tick(reach),
        liquidity,
    }
}

impl Market {
    fn open(codes: &BTreeMap<String, String>) -> Self {
        let mut chain = Chain::new();
        let mut coins = [(); 4].map(|()| deploy(&mut chain, codes, "PeerCoin", &[]));
        coins.sort();
        let traders = [(); 6].map(|()| deploy(&mut chain, codes, "PeerTrader", &[]));
        for to in traders {
            let value = U256::from(RICH);
            for coin in coins {
                chain.act(coin, &ICoin::mintCall { to, value });
            }
        }
        let factory = deploy(&mut chain, codes, "UniswapV2Factory", &SENDER.abi_encode());
        let wide = deploy(&mut chain, codes, "UniswapV3Factory", &[]);
        let (mut pairs, mut pools) = (Vec::new(), Vec::new());
        for sides in coins.chunks(2) {
            let create = IPairs::createPairCall {
                tokenA: sides[0],
                tokenB: sides[1],
            };
            pairs.push(ask(&mut chain, factory, &create));
            let create = IPools::createPoolCall {
                tokenA: sides[0],
                tokenB: sides[1],
                fee: U24::from(3_000),
            };
            let pool = ask(&mut chain, wide, &create);
            let root = U160::from(ONE_ROOT);
            chain.act(pool, &IPool::initializeCall { sqrtPriceX96: root });
            pools.push(pool);
        }
        let amount = U256::from(RICH / 100);
        for trader in traders {
            for (pair, pool) in pairs.iter().zip(&pools) {
                let add = ITrader::addToPairCall {
                    pair: *pair,
                    amount0: amount,
                    amount1: amount,
                };
                chain.act(trader, &add);
                chain.act(trader, &ranges(*pool, REACH, RICH / 100));
            }
        }
        fund(&mut chain.state);
        Self {
            coin: coins[0],
            traders: traders.to_vec(),
            pairs,
            pools,
            ground: Ground {
                state: chain.state,
                rules: chain.rules,
                natives: &PROTOCOL,
                scripts: Vec::new(),
                tokens: Vec::new(),
                pairs: Vec::new(),
            },
        }
    }

    /// A random block: swaps both ways, liquidity that comes and goes, payments of coins; some revert, some run out of gas.
    fn block(&self, seed: u64, count: u64) -> Vec<Recovered<Tx>> {
        let mut dice = Dice::new(seed);
        let mut nonces = [0; SENDERS as usize];
        // Two pools of each kind for everybody, or one.
        let crowd = 1 + dice.roll(2);
        let mut transactions = Vec::new();
        for _ in 0..count {
            let index = dice.roll(SENDERS);
            let trader = self.traders[dice.roll(6) as usize];
            let (to, input) = self.step(&mut dice, trader, crowd);
            // Seldom too little to end with, or to begin.
            let gas = [12_000, 60_000, 600_000][dice.roll(10).min(2) as usize];
            let nonce = &mut nonces[index as usize];
            transactions.push(call(sender(index), *nonce, to, 0, gas, input));
            *nonce += 1;
        }
        transactions
    }

    fn step(&self, dice: &mut Dice, trader: Address, crowd: u64) -> (Address, Vec<u8>) {
        let pair = self.pairs[dice.roll(crowd) as usize];
        let pool = self.pools[dice.roll(crowd) as usize];
        let amount = u128::from(1 + dice.roll(1 << 40)) << dice.roll(26);
        let is_down = dice.roll(2) == 0;
        let input = match dice.roll(12) {
            0..4 => ITrader::swapInPairCall {
                pair,
                isZeroIn: is_down,
                amountIn: U256::from(amount),
                // Half of it is what a pair gives at nearly every price here; all of it is too much.
                amountOut: U256::from(amount) / U256::from([1_u64, 2, 2, 2][dice.roll(4) as usize]),
            }
            .abi_encode(),
            4..8 => {
                let end = match is_down {
                    true => SQRT_PRICE_MIN + U256::ONE,
                    false => SQRT_PRICE_MAX - U256::ONE,
                };
                let amount = I256::try_from(amount).expect("small");
                ITrader::swapInRangesCall {
                    pool,
                    isDown: is_down,
                    amount: if dice.roll(2) == 0 { amount } else { -amount },
                    end: U160::from(end),
                }
                .abi_encode()
            }
            8 => {
                let reach = 60 * [1, 5, 40][dice.roll(3) as usize];
                ranges(pool, reach, amount).abi_encode()
            }
            9 => ITrader::addToPairCall {
                pair,
                amount0: U256::from(amount),
                amount1: U256::from(amount),
            }
            .abi_encode(),
            10 => {
                let shares = U256::from(amount);
                ITrader::removeFromPairCall { pair, shares }.abi_encode()
            }
            // Nobody here has coins of his own: the coin refuses.
            _ => {
                let (to, value) = (trader, U256::from(amount));
                return (self.coin, ICoin::transferCall { to, value }.abi_encode());
            }
        };
        (trader, input)
    }
}

/// PER-1, PER-100: Uniswap v2 and v3.
#[test]
fn per_100_blocks_of_uniswap() {
    let Some(codes) = codes() else {
        return;
    };
    let market = Market::open(&codes);
    let ground = &market.ground;
    let first = number("CAPSTAN_SEED", 1);
    let (mut done, mut reverted, mut halted, mut stale) = (0, 0, 0, 0);
    for seed in first..first + number("CAPSTAN_BLOCKS", 6) {
        let block = market.block(seed, 60);
        let plain = ground.run(&block, false, &Workers::new(1));
        for (_, end) in &plain.ended {
            let end = end.as_ref().expect("nothing is refused");
            done += u64::from(end.success);
            halted += u64::from(end.halt.is_some());
            reverted += u64::from(!end.success && end.halt.is_none());
        }
        ground.verifies(&plain, &format!("block {seed}"));
        let free = [2, 4].map(|count| Workers {
            least: 1,
            ..Workers::new(count)
        });
        let schedules = 0..number("CAPSTAN_SCHEDULES", 20);
        let schedules = schedules.map(|schedule| seeded(2 + (schedule % 3) as usize, schedule + 1));
        for (at, workers) in free.into_iter().chain(schedules).enumerate() {
            let ran = ground.run(&block, false, &workers);
            same(&plain, &ran, &format!("block {seed}, way {at}"));
            stale += ran.counts.stale;
        }
    }
    println!("{done} done, {reverted} reverted, {halted} halted, {stale} runs ahead in vain");
    assert!(
        done > 0 && reverted > 0 && halted > 0 && stale > 0,
        "no mix"
    );
}
