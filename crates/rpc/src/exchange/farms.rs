//! `capstan_farms`: what is staked where, what flows to whom, and what that is a year.
//!
//! Rates are what streams do now, at the oracle's prices: nothing is said of a reward without a usable price. Fees that stay
//! in a pool are no part of them: they are in what its shares are worth.

use alloy_eips::BlockId;
use alloy_primitives::{U64, U256};
use capstan_contracts::{
    account::IAccount::AccountRef,
    exchange::{ADDRESS as EXCHANGE, IExchange},
    farms::{
        ADDRESS as FARMS,
        IFarms::{self, farmCall, farmCountCall, stakeOfCall},
    },
    oracle::{
        self,
        IOracle::{self, OracleFeedUnknown},
    },
};
use capstan_units::{MS_PER_YEAR, mul_div_down};
use serde::Serialize;

use super::coins::{Coin, Coins};
use crate::{
    RpcContext,
    credit::AccountAsked,
    error::{RpcError, RpcResult},
    fixed::Fixed,
    methods::Methods,
    page::PageAsked,
    views::{Views, unless},
};

/// Decimals of shares, of values and of rates.
const WAD_DECIMALS: u8 = 18;
/// The kind of farms of units.
const UNITS: u8 = 1;

pub(super) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_farms",
            ["account?", "page?", "block?"],
            "Farms: what is staked, which rewards flow how fast, what that is a year at the oracle's prices; of an account, its stake and what it is due. Page: {limit, cursor}.",
            farms,
        )
        .heavy();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Farms {
    block_number: U64,
    time_ms: U64,
    items: Vec<FarmItem>,
    /// What to pass for the next page; null at the end.
    cursor: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FarmItem {
    farm_id: u32,
    /// `units` of an asset, or `shares` of a pool.
    kind: &'static str,
    /// Null where shares are staked.
    asset: Option<Coin>,
    /// Null where units are.
    pool_id: Option<u32>,
    staked: Fixed,
    /// In dollars, by what the pool holds now; null without a usable price of every coin.
    staked_value: Option<Fixed>,
    /// Stakes with what locks add.
    weight: Fixed,
    /// Whether the protocol's part of the pool's fees flows here.
    is_fed: bool,
    /// Null for a farm without locks.
    boost: Option<Boost>,
    rewards: Vec<Reward>,
    /// Rewards of a year for a dollar that is staked without a lock; null where a price is missing, or nobody stakes.
    rate_per_year: Option<Fixed>,
    /// Null unless an account was named.
    own: Option<Own>,
}

#[derive(Serialize)]
struct Boost {
    #[serde(flatten)]
    coin: Coin,
    /// How much of the stake one smallest unit of it lifts.
    lift: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reward {
    #[serde(flatten)]
    coin: Coin,
    left: Fixed,
    /// In which time, while somebody stakes.
    left_ms: U64,
    /// At this speed.
    per_year: Fixed,
    /// In dollars; null without a usable price.
    per_year_value: Option<Fixed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Own {
    amount: Fixed,
    weight: Fixed,
    locked: Option<Fixed>,
    locked_until_ms: Option<U64>,
    /// Of each reward, in the same order.
    due: Vec<Fixed>,
    /// In dollars; null where a price is missing.
    value: Option<Fixed>,
    per_year_value: Option<Fixed>,
}

/// The cursor is the next number of a farm to look at.
fn farms(
    cx: &RpcContext,
    (asked, page, id): (Option<AccountAsked>, Option<PageAsked>, Option<BlockId>),
) -> RpcResult<Farms> {
    let page = page.unwrap_or_default();
    let limit = page.limit()?;
    let mut views = Views::at(cx, id)?;
    let mut coins = Coins::default();
    let of = asked.map(AccountRef::from);
    let count = views.ask(FARMS, &farmCountCall {})?;
    let mut next = u32::try_from(page.cursor().unwrap_or(0)).unwrap_or(u32::MAX);
    let mut items = Vec::new();
    while next < count && items.len() < limit {
        items.push(item(&mut views, &mut coins, next, of.as_ref())?);
        next += 1;
    }
    Ok(Farms {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        items,
        cursor: (next < count).then(|| U64::from(next)),
    })
}

fn item(
    views: &mut Views<'_>,
    coins: &mut Coins,
    number: u32,
    of: Option<&AccountRef>,
) -> RpcResult<FarmItem> {
    let farm = views.ask(FARMS, &farmCall { farmId: number })?;
    let asset = match farm.kind {
        UNITS => Some(coins.get(views, farm.id)?.clone()),
        _ => None,
    };
    let decimals = asset.as_ref().map_or(WAD_DECIMALS, |coin| coin.decimals);
    let mut rewards = Vec::with_capacity(farm.streams.len());
    let mut per_year = Some(U256::ZERO);
    for stream in &farm.streams {
        let (reward, value) = reward(views, coins, stream)?;
        rewards.push(reward);
        per_year = per_year
            .zip(value)
            .map(|(sum, value)| sum.saturating_add(value));
    }
    let worth = Worth::read(views, coins, &farm)?;
    let value = worth.of(farm.staked)?;
    // A stake without a lock weighs what it is.
    let for_staked = per_year.map(|all| part(all, farm.staked, farm.weight));
    let rate = match (for_staked.transpose()?, value) {
        (Some(all), Some(value)) if !value.is_zero() => Some(part(all, wad(), value)?),
        _ => None,
    };
    let own = match of {
        Some(of) => Some(own(views, &farm, number, of, &rewards, &worth, per_year)?),
        None => None,
    };
    let boost = match farm.liftWad.is_zero() {
        true => None,
        false => Some(Boost {
            coin: coins.get(views, farm.boostAssetId)?.clone(),
            lift: Fixed::wad(farm.liftWad),
        }),
    };
    Ok(FarmItem {
        farm_id: number,
        kind: if asset.is_some() { "units" } else { "shares" },
        pool_id: asset.is_none().then_some(farm.id),
        asset,
        staked: Fixed::new(farm.staked, decimals),
        staked_value: value.map(Fixed::wad),
        weight: Fixed::new(farm.weight, decimals),
        is_fed: farm.isFed,
        boost,
        rewards,
        rate_per_year: rate.map(Fixed::wad),
        own,
    })
}

fn reward(
    views: &mut Views<'_>,
    coins: &mut Coins,
    stream: &IFarms::RewardStream,
) -> RpcResult<(Reward, Option<U256>)> {
    let coin = coins.get(views, stream.assetId)?.clone();
    let per_year = part(
        stream.left,
        U256::from(MS_PER_YEAR),
        U256::from(stream.leftMs),
    )?;
    let price = price(views, stream.assetId)?;
    let value = price.map(|price| value(per_year, coin.decimals, price));
    let value = value.transpose()?;
    let reward = Reward {
        left: Fixed::new(stream.left, coin.decimals),
        left_ms: U64::from(stream.leftMs),
        per_year: Fixed::new(per_year, coin.decimals),
        per_year_value: value.map(Fixed::wad),
        coin,
    };
    Ok((reward, value))
}

fn own(
    views: &mut Views<'_>,
    farm: &IFarms::Farm,
    number: u32,
    of: &AccountRef,
    rewards: &[Reward],
    worth: &Worth,
    per_year: Option<U256>,
) -> RpcResult<Own> {
    let call = stakeOfCall {
        farmId: number,
        isWallet: false,
        owner: of.owner,
        index: of.index,
    };
    let stake = views.ask(FARMS, &call)?;
    let due = stake.due.iter().zip(rewards);
    let has_lock = !stake.locked.is_zero();
    let per_year = per_year.map(|all| part(all, stake.weight, farm.weight));
    Ok(Own {
        amount: Fixed::new(stake.amount, worth.decimals),
        weight: Fixed::new(stake.weight, worth.decimals),
        locked: has_lock.then(|| Fixed::new(stake.locked, worth.boost_decimals)),
        locked_until_ms: has_lock.then(|| U64::from(stake.lockedUntilMs)),
        due: due
            .map(|(due, reward)| Fixed::new(*due, reward.coin.decimals))
            .collect(),
        value: worth.of(stake.amount)?.map(Fixed::wad),
        per_year_value: per_year.transpose()?.map(Fixed::wad),
    })
}

/// What all of a pool's shares, or a whole unit of an asset, are worth.
struct Worth {
    /// Value, and of how much; none without a usable price.
    whole: Option<(U256, U256)>,
    decimals: u8,
    boost_decimals: u8,
}

impl Worth {
    fn read(views: &mut Views<'_>, coins: &mut Coins, farm: &IFarms::Farm) -> RpcResult<Self> {
        let boost_decimals = match farm.liftWad.is_zero() {
            true => 0,
            false => coins.get(views, farm.boostAssetId)?.decimals,
        };
        if farm.kind == UNITS {
            let decimals = coins.get(views, farm.id)?.decimals;
            let price = price(views, farm.id)?;
            return Ok(Self {
                whole: price.map(|price| (price, ten_to(decimals))),
                decimals,
                boost_decimals,
            });
        }
        let pool = views.ask(EXCHANGE, &IExchange::poolCall { poolId: farm.id })?;
        let mut sum = Some(U256::ZERO);
        for (asset_id, reserve) in pool.shape.assets.iter().zip(&pool.reserves) {
            let decimals = coins.get(views, *asset_id)?.decimals;
            let price = price(views, *asset_id)?;
            let value = price.map(|price| value(*reserve, decimals, price));
            let value = value.transpose()?;
            sum = sum.zip(value).map(|(sum, value)| sum.saturating_add(value));
        }
        Ok(Self {
            whole: sum.map(|sum| (sum, pool.totalShares)),
            decimals: WAD_DECIMALS,
            boost_decimals,
        })
    }

    fn of(&self, amount: U256) -> RpcResult<Option<U256>> {
        let value = self.whole.map(|(value, whole)| part(amount, value, whole));
        value.transpose()
    }
}

/// The oracle's price of an asset, if it may be used.
fn price(views: &mut Views<'_>, asset_id: u32) -> RpcResult<Option<U256>> {
    let feed = views.answer(oracle::ADDRESS, &IOracle::feedOfCall { assetId: asset_id })?;
    let feed = unless::<OracleFeedUnknown, _>(feed)?;
    let usable = feed.filter(|feed| feed.reason == 0);
    Ok(usable.map(|feed| U256::from(feed.spot)))
}

fn value(amount: U256, decimals: u8, price: U256) -> RpcResult<U256> {
    part(amount, price, ten_to(decimals))
}

fn ten_to(decimals: u8) -> U256 {
    U256::from(10).saturating_pow(U256::from(decimals))
}

fn wad() -> U256 {
    ten_to(WAD_DECIMALS)
}

/// `amount * of / whole`, down; nothing of nothing.
fn part(amount: U256, of: U256, whole: U256) -> RpcResult<U256> {
    if whole.is_zero() {
        return Ok(U256::ZERO);
    }
    mul_div_down(amount, of, whole).map_err(|error| RpcError::internal(error.to_string()))
}
