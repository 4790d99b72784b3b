//! Who lives in the prepared world beside the people: ordinary accounts that sign ordinary transactions.
//!
//! ```text
//!   market maker   brings each pool back to the oracle's prices, as arbitrage does anywhere
//!   trader         swaps a little, in any direction
//!   lender         supplies dollars, and takes some back
//!   borrower       is long of ETH with borrowed dollars; a crash liquidates him, and later he begins again
//! ```
//!
//! One transaction at a time, so that people are never starved: the market maker looks each second, of the others one
//! acts every few seconds. Which one and how much follows from the seed. What fails is left: the next one comes.

use std::time::Duration;

use alloy_primitives::{Address, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall as _;
use capstan_client::{
    AccountName, Batch, Call, ClientError, Fixed, Market, Node, Pool, SwapAsked, Way, account,
    markets, pools, quote, send,
};
use capstan_contracts::{
    account::Verb,
    exchange::{
        self,
        IExchange::{Bounds, Leg, swapCall},
    },
};
use eyre::{Result, WrapErr as _};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{MissedTickBehavior, interval};

use super::listed::{ASSETS, CAP, ETH, USDC, WBTC, number};

/// How often the market maker looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Of so many looks, one is followed by an act of somebody else.
const ACT_OF_LOOKS: u32 = 3;
/// A pool that strays further than this, beside its fee, is worth a transaction.
const STRAY: f64 = 0.001;
/// Coins that a borrower begins with on his account, at most.
const EQUITY_ETH: u64 = 30;
/// Coins that all borrowers begin with together, at most: they buy in one pool and borrow from one market, and those bear
/// no more at the prices of the beginning.
const EQUITY_ALL_ETH: u64 = 90;
/// What a coin cost in the beginning.
const BEGAN_ETH_USD: u64 = 3_000;
/// A borrower who has less than this part of what he began with brings as much again.
const RUINED_PART: u64 = 18;
/// The pool that leverage is made in.
const LEVER_POOL: u32 = 0;
/// Dollars of one swap of a trader.
const SWAP_USD: std::ops::Range<u64> = 200..5_000;
/// Dollars of one act of a lender.
const LEND_USD: std::ops::Range<u64> = 500..10_000;
/// Leverage of borrowers, in tenths; the first is near its end.
const LEVERAGE_TENTHS: [u64; 3] = [45, 30, 20];

/// What a bot does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    MarketMaker,
    Borrower {
        leverage_tenths: u64,
        /// Of the smallest unit of a coin, what he begins with.
        equity: U256,
    },
    Trader,
    Lender,
}

impl Role {
    /// What a bot with this number does, of so many.
    fn of(index: u32, count: u32) -> Self {
        let Some(at) = index.checked_sub(1) else {
            return Self::MarketMaker;
        };
        let turn = usize::try_from(at / 3).unwrap_or(0) % LEVERAGE_TENTHS.len();
        match at % 3 {
            0 => Self::Borrower {
                leverage_tenths: LEVERAGE_TENTHS[turn],
                equity: equity_of_each(count),
            },
            1 => Self::Trader,
            _ => Self::Lender,
        }
    }

    /// Dollars of each token in his wallet at the start; coins he has anyway.
    pub(super) fn begins_with_usd(self) -> u64 {
        match self {
            Self::MarketMaker => 5_000_000,
            Self::Borrower { .. } => 0,
            Self::Trader | Self::Lender => 200_000,
        }
    }

    /// Who begins sooner: those who lend, then the boldest. Whoever buys with much borrowed money bears little of what those
    /// before him did to the price.
    fn turn(self) -> u64 {
        match self {
            Self::MarketMaker | Self::Trader | Self::Lender => 0,
            Self::Borrower {
                leverage_tenths, ..
            } => u64::MAX - leverage_tenths,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::MarketMaker => "market maker",
            Self::Borrower { .. } => "borrower",
            Self::Trader => "trader",
            Self::Lender => "lender",
        }
    }
}

/// What each borrower begins with where so many bots live.
fn equity_of_each(count: u32) -> U256 {
    let borrowers = u64::from(count.saturating_sub(1).div_ceil(3)).max(1);
    let share = ASSETS[ETH].units(EQUITY_ALL_ETH) / U256::from(borrowers);
    share.min(ASSETS[ETH].units(EQUITY_ETH))
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Bot {
    pub(crate) index: u32,
    pub(crate) role: Role,
    pub(crate) signer: PrivateKeySigner,
}

/// So many bots of a seed. The first is the market maker.
pub(crate) fn bots(seed: u64, count: u32) -> Result<Vec<Bot>> {
    let bot = |index| -> Result<Bot> {
        let key = keccak256(format!("capstan development bot {index} of seed {seed}"));
        Ok(Bot {
            index,
            role: Role::of(index, count),
            signer: PrivateKeySigner::from_bytes(&key).wrap_err("no key of a bot")?,
        })
    };
    (0..count).map(bot).collect()
}

impl Bot {
    fn account(&self) -> AccountName {
        AccountName {
            owner: self.signer.address(),
            index: 0,
        }
    }

    /// When he begins, among those of the same world.
    pub(super) fn turn(&self) -> (u64, u32) {
        (self.role.turn(), self.index)
    }

    /// As pages show it.
    pub(crate) fn name(&self) -> String {
        format!("bot {}: {}", self.index, self.role.name())
    }

    /// What he does before anybody looks, at the prices of the beginning.
    pub(super) fn first_call(&self) -> Result<Option<Call>> {
        let mut batch = Batch::default();
        match self.role {
            Role::MarketMaker | Role::Trader => return Ok(None),
            Role::Lender => supply(&mut batch, USDC, ASSETS[USDC].worth(100_000)?),
            Role::Borrower {
                leverage_tenths,
                equity,
            } => {
                supply(&mut batch, ETH, equity);
                let owed = ASSETS[USDC].units(BEGAN_ETH_USD * (leverage_tenths - 10)) * equity;
                borrow_and_buy(&mut batch, owed / ASSETS[ETH].units(10));
            }
        }
        Ok(Some(batch.call(self.account())))
    }

    /// One act of his, at present prices; `None` where there is nothing to do.
    async fn act(&self, node: &Node, random: &mut StdRng) -> Result<Option<Call>, ClientError> {
        match self.role {
            Role::MarketMaker => Ok(None),
            Role::Trader => self.swap(node, random).await,
            Role::Lender => Ok(Some(self.lend(random))),
            Role::Borrower {
                leverage_tenths,
                equity,
            } => self.borrow(node, leverage_tenths, equity).await,
        }
    }

    async fn swap(&self, node: &Node, random: &mut StdRng) -> Result<Option<Call>, ClientError> {
        let other = [ETH, WBTC, CAP][random.random_range(0..3)];
        let (from, to) = match random.random::<bool>() {
            true => (USDC, other),
            false => (other, USDC),
        };
        let usd = random.random_range(SWAP_USD);
        let Ok(amount) = ASSETS[from].worth(usd) else {
            return Ok(None);
        };
        let asked = SwapAsked {
            from: number(from),
            to: number(to),
            amount,
            exact_out: false,
            slippage_bps: 100,
            receiver: self.signer.address(),
        };
        let (_, found) = quote(node, &asked).await?;
        Ok(found.call(&asked))
    }

    fn lend(&self, random: &mut StdRng) -> Call {
        let amount = ASSETS[USDC].units(random.random_range(LEND_USD));
        let mut batch = Batch::default();
        match random.random::<bool>() {
            true => supply(&mut batch, USDC, amount),
            false => {
                batch.act(Verb::Redeem, number(USDC), amount);
                batch.withdraw(number(USDC), amount, self.signer.address());
            }
        }
        batch.call(self.account())
    }

    /// Back to his leverage, if a liquidation or the market took him far below it.
    async fn borrow(
        &self,
        node: &Node,
        tenths: u64,
        begins_with: U256,
    ) -> Result<Option<Call>, ClientError> {
        let (_, state) = account(node, self.account()).await?;
        let Some(report) = state.standing.report else {
            return Ok(None);
        };
        if state.offer.is_some() {
            return Ok(None);
        }
        let (held, owed) = (report.collateral.amount, report.debt.amount);
        let wanted = |equity: U256| equity * U256::from(tenths - 10) / U256::from(10);
        let mut batch = Batch::default();
        let equity = held.saturating_sub(owed);
        // Both in 18 digits.
        let began_with_usd = begins_with * U256::from(BEGAN_ETH_USD);
        if equity < began_with_usd / U256::from(RUINED_PART) {
            supply(&mut batch, ETH, begins_with);
            return Ok(Some(batch.call(self.account())));
        }
        let lacks = wanted(equity).saturating_sub(owed);
        if lacks < wanted(equity) / U256::from(4) {
            return Ok(None);
        }
        // Dollars of 18 digits to those of the token.
        borrow_and_buy(&mut batch, lacks / U256::from(10).pow(U256::from(12)));
        Ok(Some(batch.call(self.account())))
    }

    /// The swap that brings a pool of two reserves back to the oracle's prices.
    fn straighten(&self, pool: &Pool, prices: &[Market]) -> Option<Call> {
        let [one, two] = pool.assets.as_slice() else {
            return None;
        };
        if pool.curve != "product" || pool.paused {
            return None;
        }
        let price = |asset_id: u32| {
            let market = prices.iter().find(|market| market.asset_id == asset_id)?;
            Some(as_float(&market.price.as_ref()?.spot))
        };
        let (first, second) = (price(one.asset_id)?, price(two.asset_id)?);
        let values = (
            as_float(&one.reserve) * first,
            as_float(&two.reserve) * second,
        );
        let strays = (values.0 / values.1).ln().abs() / 2.0;
        if strays <= STRAY + f64::from(pool.fee_pips) / 1e6 {
            return None;
        }
        // Of the side that is worth less, so much comes that both are worth the same.
        let (paid, got, price, lacks) = match values.0 < values.1 {
            true => (one, two, first, (values.0 * values.1).sqrt() - values.0),
            false => (two, one, second, (values.0 * values.1).sqrt() - values.1),
        };
        let amount = from_float(lacks / price, paid.reserve.decimals)?;
        let swap = swapCall {
            legs: vec![Leg {
                poolId: pool.pool_id,
                assetIn: paid.asset_id,
                assetOut: got.asset_id,
                exactOut: false,
                amount,
            }],
            bounds: Bounds {
                assetIn: paid.asset_id,
                paidMax: amount,
                assetOut: got.asset_id,
                receivedMin: U256::ZERO,
            },
            to: self.signer.address(),
            deadlineMs: u64::MAX,
        };
        Some(Call {
            to: exchange::ADDRESS,
            input: swap.abi_encode().into(),
            value_wei: U256::ZERO,
        })
    }
}

fn supply(batch: &mut Batch, place: usize, amount: U256) {
    batch.act(Verb::Deposit, number(place), amount);
    batch.act(Verb::Supply, number(place), amount);
}

/// Dollars are borrowed, swapped for coins, and the coins supplied. A bot takes what the pool gives: the batch is checked at
/// its end like anybody's.
fn borrow_and_buy(batch: &mut Batch, owed: U256) {
    let way = Way {
        legs: vec![Leg {
            poolId: LEVER_POOL,
            assetIn: number(USDC),
            assetOut: number(ETH),
            exactOut: false,
            amount: owed,
        }],
        bounds: Bounds {
            assetIn: number(USDC),
            paidMax: owed,
            assetOut: number(ETH),
            receivedMin: U256::ZERO,
        },
        deadline_ms: u64::MAX,
    };
    batch.act(Verb::Borrow, number(USDC), owed);
    batch.swap(&way);
    batch.act(Verb::Supply, number(ETH), U256::MAX);
}

/// Bots reckon roughly; what they sign is checked by the contracts.
fn as_float(amount: &Fixed) -> f64 {
    f64::from(amount.amount) / 10_f64.powi(amount.decimals.into())
}

fn from_float(whole: f64, decimals: u8) -> Option<U256> {
    let units = whole * 10_f64.powi(decimals.into());
    (1.0..1e36)
        .contains(&units)
        .then(|| U256::from(units as u128))
}

/// Lets them act until it is dropped.
pub(super) async fn run(node: Node, bots: Vec<Bot>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (makers, others): (Vec<_>, Vec<_>) = bots
        .into_iter()
        .partition(|bot| bot.role == Role::MarketMaker);
    let mut looks = 0_u32;
    loop {
        ticks.tick().await;
        for maker in &makers {
            if let Err(error) = make_market(&node, maker).await {
                tracing::debug!(%error, bot = maker.name(), "left");
            }
        }
        looks = looks.wrapping_add(1);
        if others.is_empty() || !looks.is_multiple_of(ACT_OF_LOOKS) {
            continue;
        }
        let bot = &others[random.random_range(0..others.len())];
        let acted = async {
            if let Some(call) = bot.act(&node, &mut random).await? {
                send(&node, &bot.signer, &call).await?;
            }
            Ok::<_, ClientError>(())
        };
        if let Err(error) = acted.await {
            tracing::debug!(%error, bot = bot.name(), "left");
        }
    }
}

async fn make_market(node: &Node, maker: &Bot) -> Result<(), ClientError> {
    let prices: Vec<_> = markets(node)
        .await?
        .into_iter()
        .map(|(_, one)| one)
        .collect();
    for (_, pool) in pools(node).await? {
        if let Some(call) = maker.straighten(&pool, &prices) {
            send(node, &maker.signer, &call).await?;
        }
    }
    Ok(())
}

/// Whose coins stand in the genesis.
pub(crate) fn addresses(bots: &[Bot]) -> impl Iterator<Item = Address> {
    bots.iter().map(|bot| bot.signer.address())
}
