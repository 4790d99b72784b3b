//! A pool in memory: what it is and what it holds.
//!
//! Every function takes the frame of `exchange`.

use core::ops::{Deref, DerefMut};

use alloy_primitives::{FixedBytes, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, PoolId};

use super::{
    ADDRESS, Curve,
    IExchange::Shape as AbiShape,
    curve::{mul, stable::Even},
    error::*,
    params::{AMPLIFICATION_MAX, COINS_MAX, FEE_DYNAMIC, FEE_TIERS_PIPS, STABLE_DECIMALS_MAX},
    state::{Config, ExchangeState, Pair},
    track,
};
use crate::{ledger, revert};

pub(super) const STATE: ExchangeState = ExchangeState::new();

/// Holds the units of all pools, and the protocol's fees.
pub const VAULT: AccountId = AccountId::new(ADDRESS, 0);
/// Holds what is between a wallet and a pool, for the length of one call.
pub(super) const TRANSIT: AccountId = AccountId::new(ADDRESS, 1);
/// Owns the shares that keep a pool from ever being empty.
pub const LOCKED: AccountId = AccountId::new(ADDRESS, 2);

/// What makes a pool the only one of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How it prices.
    pub curve: Curve,
    /// Part of what is paid in that stays for liquidity, in millionths.
    pub fee_pips: u32,
    /// How flat a stable curve is; else zero.
    pub amplification: u32,
    /// What it holds, in rising order.
    pub assets: Vec<AssetId>,
}

impl Shape {
    /// Reads and checks one.
    ///
    /// # Errors
    /// `ExchangeBadShape`.
    pub(super) fn checked(shape: &AbiShape) -> Result<Self, Halt> {
        let bad = |what: &str, value: u64| {
            let (what, value) = (what.to_owned(), U256::from(value));
            revert(&ExchangeBadShape { what, value })
        };
        let curve = Curve::from_number(shape.curve);
        let curve = curve.ok_or_else(|| bad("curve", shape.curve.into()))?;
        let is_dynamic = curve == Curve::Range && shape.feePips == FEE_DYNAMIC;
        if !is_dynamic && !FEE_TIERS_PIPS.contains(&shape.feePips) {
            return Err(bad("feePips", shape.feePips.into()));
        }
        let (amplifications, counts) = match curve {
            Curve::Product | Curve::Range => (0..=0, 2..=2),
            Curve::Stable => (1..=AMPLIFICATION_MAX, 2..=COINS_MAX),
        };
        if !amplifications.contains(&shape.amplification) {
            return Err(bad("amplification", shape.amplification.into()));
        }
        let count = shape.assets.len();
        if !counts.contains(&count) {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            return Err(bad("number of assets", count));
        }
        if let Some(next) = first_not_rising(&shape.assets) {
            return Err(bad("asset not in rising order", next.into()));
        }
        Ok(Self {
            curve,
            fee_pips: shape.feePips,
            amplification: shape.amplification,
            assets: shape.assets.iter().copied().map(AssetId::new).collect(),
        })
    }

    /// For the outside.
    pub(super) fn to_abi(&self) -> AbiShape {
        AbiShape {
            curve: self.curve.number(),
            feePips: self.fee_pips,
            amplification: self.amplification,
            assets: self.assets.iter().map(|asset| asset.get()).collect(),
        }
    }

    /// Curve, fee, amplification and assets, in 25 bytes. Places behind the last asset are zero; how many there are
    /// follows, since assets rise.
    pub(super) fn key(&self) -> FixedBytes<25> {
        let mut key = [0; 25];
        let numbers = [self.fee_pips, self.amplification];
        let assets = self.assets.iter().map(|asset| asset.get());
        let words = numbers.into_iter().chain(assets);
        let (curve, rest) = key.split_at_mut(1);
        curve.fill(self.curve.number());
        for (place, word) in rest.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        FixedBytes(key)
    }

    /// Every two of its assets, the lower number first.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (AssetId, AssetId)> + '_ {
        let lower = self.assets.iter().enumerate();
        lower.flat_map(|(at, low)| {
            let higher = self.assets.iter().skip(at.saturating_add(1));
            higher.map(|high| (*low, *high))
        })
    }
}

fn first_not_rising(assets: &[u32]) -> Option<u32> {
    let next = assets.iter().skip(1);
    assets
        .iter()
        .zip(next)
        .find_map(|(asset, next)| (next <= asset).then_some(*next))
}

/// One asset of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Coin {
    /// Which.
    pub(super) asset: AssetId,
    /// Digits behind its point.
    pub(super) decimals: u8,
    /// How much of it there is.
    pub(super) reserve: Assets,
}

impl Coin {
    /// Units of 10^-18 in its smallest unit. Only stable pools ask; their assets have at most 18 decimals.
    fn scale(&self) -> U256 {
        let digits = STABLE_DECIMALS_MAX.saturating_sub(self.decimals);
        U256::from(10).saturating_pow(U256::from(digits))
    }

    /// An amount of it in units of 10^-18.
    pub(super) fn scaled(&self, amount: Assets) -> Result<U256, Halt> {
        mul(amount.to_u256(), self.scale())
    }

    /// Units of 10^-18 as an amount of it.
    pub(super) fn amount_down(&self, scaled: U256) -> Result<Assets, Halt> {
        Ok(Assets::from_u256(scaled.wrapping_div(self.scale()))?)
    }

    /// Units of 10^-18 as an amount of it.
    pub(super) fn amount_up(&self, scaled: U256) -> Result<Assets, Halt> {
        Ok(Assets::from_u256(scaled.div_ceil(self.scale()))?)
    }
}

/// The coins of a pool, in place: at most [`COINS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coins {
    count: usize,
    all: [Coin; COINS_MAX],
}

impl Coins {
    /// One more, if there is room: pools with more are refused by their shape.
    fn push(&mut self, coin: Coin) {
        if let Some(place) = self.all.get_mut(self.count) {
            *place = coin;
            self.count = self.count.saturating_add(1);
        }
    }
}

impl Deref for Coins {
    type Target = [Coin];

    fn deref(&self) -> &[Coin] {
        self.all.get(..self.count).unwrap_or_default()
    }
}

impl DerefMut for Coins {
    fn deref_mut(&mut self) -> &mut [Coin] {
        self.all.get_mut(..self.count).unwrap_or_default()
    }
}

/// A pool as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    pub(super) id: PoolId,
    pub(super) curve: Curve,
    pub(super) fee_pips: u32,
    pub(super) amplification: u32,
    pub(super) is_paused: bool,
    /// Whether the protocol's part of its fees waits for a farm of it.
    pub(super) feeds_farm: bool,
    /// Block of the last touch, as it is stored.
    pub(super) touched: u32,
    /// Two to four.
    pub(super) coins: Coins,
}

impl Pool {
    /// Reads a pool.
    ///
    /// # Errors
    /// `ExchangeUnknownPool`.
    pub(super) fn load(cx: &mut Ctx<'_>, id: PoolId) -> Result<Self, Halt> {
        let config = STATE.configs.at(id).load(cx)?;
        let Some(curve) = Curve::from_number(config.curve) else {
            return Err(revert(&ExchangeUnknownPool { poolId: id.get() }));
        };
        let first = STATE.reserves.at((id, false)).load(cx)?;
        let mut coins = Coins::default();
        coins.push(coin(config.coin0, config.decimals0, first.low));
        coins.push(coin(config.coin1, config.decimals1, first.high));
        if config.coin_count > 2 {
            let second = STATE.reserves.at((id, true)).load(cx)?;
            coins.push(coin(config.coin2, config.decimals2, second.low));
            if config.coin_count > 3 {
                coins.push(coin(config.coin3, config.decimals3, second.high));
            }
        }
        Ok(Self {
            id,
            curve,
            fee_pips: config.fee_pips,
            amplification: config.amplification,
            is_paused: config.is_paused,
            feeds_farm: config.feeds_farm,
            touched: first.touched,
            coins,
        })
    }

    /// Writes what a new pool is.
    pub(super) fn save_config(&self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        let none = coin(AssetId::new(0), 0, Assets::ZERO);
        let at = |place: usize| self.coins.get(place).copied().unwrap_or(none);
        let config = Config {
            curve: self.curve.number(),
            coin_count: u8::try_from(self.coins.len()).unwrap_or(u8::MAX),
            fee_pips: self.fee_pips,
            amplification: self.amplification,
            coin0: at(0).asset,
            coin1: at(1).asset,
            coin2: at(2).asset,
            coin3: at(3).asset,
            decimals0: at(0).decimals,
            decimals1: at(1).decimals,
            decimals2: at(2).decimals,
            decimals3: at(3).decimals,
            is_paused: self.is_paused,
            feeds_farm: self.feeds_farm,
        };
        STATE.configs.at(self.id).save(cx, &config)
    }

    /// Writes what it holds.
    pub(super) fn save_reserves(&self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        let mut pairs = self.coins.chunks(2);
        for is_second in [false, true] {
            let Some(pair) = pairs.next() else {
                break;
            };
            let reserve = |coin: Option<&Coin>| coin.map_or(Assets::ZERO, |coin| coin.reserve);
            let pair = Pair {
                low: reserve(pair.first()),
                high: reserve(pair.get(1)),
                touched: if is_second { 0 } else { self.touched },
            };
            STATE.reserves.at((self.id, is_second)).save(cx, &pair)?;
        }
        Ok(())
    }

    /// What makes it the only one of its kind.
    pub(super) fn shape(&self) -> Shape {
        Shape {
            curve: self.curve,
            fee_pips: self.fee_pips,
            amplification: self.amplification,
            assets: self.coins.iter().map(|coin| coin.asset).collect(),
        }
    }

    /// The place of an asset among its coins.
    pub(super) fn place(&self, asset: AssetId) -> Option<usize> {
        self.coins.iter().position(|coin| coin.asset == asset)
    }

    /// The coin at a place.
    pub(super) fn coin(&self, place: usize) -> Result<&Coin, Halt> {
        let none = || Halt::Fatal(format!("pool {} has no coin {place}", self.id));
        self.coins.get(place).ok_or_else(none)
    }

    /// The coin at a place, to change.
    pub(super) fn coin_mut(&mut self, place: usize) -> Result<&mut Coin, Halt> {
        let id = self.id;
        let none = || Halt::Fatal(format!("pool {id} has no coin {place}"));
        self.coins.get_mut(place).ok_or_else(none)
    }

    /// Its reserves for the stable curve.
    pub(super) fn even(&self) -> Result<Even, Halt> {
        let reserves = self.coins.iter().map(|coin| coin.scaled(coin.reserve));
        Even::new(reserves.collect::<Result<_, _>>()?, self.amplification)
    }

    /// Refuses while it is paused.
    pub(super) fn expect_open(&self) -> Result<(), Halt> {
        if self.is_paused {
            let pool_id = self.id.get();
            return Err(revert(&ExchangePaused { poolId: pool_id }));
        }
        Ok(())
    }
}

const fn coin(asset: AssetId, decimals: u8, reserve: Assets) -> Coin {
    Coin {
        asset,
        decimals,
        reserve,
    }
}

/// A pool of this shape that holds nothing yet.
///
/// # Errors
/// `LedgerUnknownAsset`, `ExchangeBadShape`: a stable pool counts in 18 decimals.
pub(super) fn empty(cx: &mut Ctx<'_>, id: PoolId, shape: &Shape) -> Result<Pool, Halt> {
    let mut coins = Coins::default();
    for asset in &shape.assets {
        let decimals = ledger::asset(cx, *asset)?.decimals;
        if shape.curve == Curve::Stable && decimals > STABLE_DECIMALS_MAX {
            return Err(revert(&ExchangeBadShape {
                what: "decimals".to_owned(),
                value: U256::from(decimals),
            }));
        }
        coins.push(coin(*asset, decimals, Assets::ZERO));
    }
    Ok(Pool {
        id,
        curve: shape.curve,
        fee_pips: shape.fee_pips,
        amplification: shape.amplification,
        is_paused: false,
        feeds_farm: false,
        touched: track::this_block(cx),
        coins,
    })
}

/// How many pools there are.
pub(super) fn count(cx: &mut Ctx<'_>) -> Result<u32, Halt> {
    STATE.pool_count.load(cx)
}

/// The pool of a shape, if there is one.
pub(super) fn of_shape(cx: &mut Ctx<'_>, shape: &Shape) -> Result<Option<PoolId>, Halt> {
    let biased = STATE.pool_of.at(shape.key()).load(cx)?;
    Ok(biased.checked_sub(1).map(PoolId::new))
}

/// Pools that swap two assets, in whichever order they are named.
pub(super) fn of_pair(cx: &mut Ctx<'_>, a: AssetId, b: AssetId) -> Result<Vec<PoolId>, Halt> {
    STATE.pools_of_pair.at((a.min(b), a.max(b))).load(cx)
}

/// The same for other rooms, from any frame.
///
/// # Errors
/// The store's.
pub fn pools_of(cx: &mut Ctx<'_>, a: AssetId, b: AssetId) -> Result<Vec<PoolId>, Halt> {
    of_pair(&mut cx.enter(ADDRESS), a, b)
}
