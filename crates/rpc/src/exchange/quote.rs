//! `capstan_quote`: the best way to swap that is found on the newest state, ready to be signed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U64, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::{
    exchange::{ADDRESS as EXCHANGE, IExchange},
    ledger::{self, ILedger},
};
use capstan_units::{mul_div_down, mul_div_up};
use serde::{Deserialize, Serialize};

use super::{
    coins::{AssetAsked, Coin, Coins, price_down},
    direct::Direct,
    pools::curve_name,
    search::{self, Exact, Hop, Market, Plan, Route, Wanted},
};
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    eth::scene::Scene,
    fixed::Fixed,
    methods::Methods,
    views::Views,
    words::revert_line,
};

/// Hundredths of a percent in one.
const BPS_ONE: u64 = 10_000;
/// Millionths in one: the unit of fees.
const PIPS_ONE: u64 = 1_000_000;
/// What a price may get worse by until the swap runs, unless it is said: half a percent.
const SLIPPAGE_BPS: u64 = 50;
/// How long an answer holds unless it is said: ten minutes.
const VALID_MS: u64 = 600_000;
/// The largest amount of an asset.
const AMOUNT_MAX: U256 = U256::from_limbs([u64::MAX, (1 << 48) - 1, 0, 0]);

pub(super) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_quote",
            ["swap"],
            "The best way found to swap {from, to, amount, exactOut?, slippageBps?, receiver?, deadlineMs?}: amounts, route, price impact, fee, legs and calldata.",
            quote,
        )
        .heavy();
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SwapAsked {
    from: AssetAsked,
    to: AssetAsked,
    amount: U256,
    #[serde(default)]
    exact_out: bool,
    slippage_bps: Option<u64>,
    receiver: Option<Address>,
    deadline_ms: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Quote {
    /// The block that it is for: the next one.
    block_number: U64,
    time_ms: U64,
    from: Coin,
    to: Coin,
    exact_out: bool,
    /// What the swap pays and receives, to the unit, as long as nobody moves the pools.
    paid: Fixed,
    received: Fixed,
    /// What it pays at most and receives at least, else it does nothing.
    paid_max: Fixed,
    received_min: Fixed,
    /// Whole units of `to` for one of `from`: of this swap, and before it.
    price: Option<Fixed>,
    spot_price: Option<Fixed>,
    /// How far the amount itself moves the price, beside fees, in hundredths of a percent.
    price_impact_bps: u64,
    /// All fees together, in millionths of what is paid.
    fee_pips: u64,
    /// The way in one line.
    route: String,
    paths: Vec<Path>,
    /// Whom `calldata` is for.
    target: Address,
    /// Who must be allowed `paidMax` of a token of others first; null for native tokens and the coin.
    spender: Option<Address>,
    legs: Vec<LegItem>,
    deadline_ms: U64,
    /// `IExchange.swap` with all of it; null without a receiver.
    calldata: Option<Bytes>,
}

/// One way from the first asset to the last, and its part of the whole.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    part_bps: u64,
    paid: Fixed,
    received: Fixed,
    hops: Vec<HopItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HopItem {
    pool_id: u32,
    curve: &'static str,
    fee_pips: u32,
    asset_in: u32,
    asset_out: u32,
    amount_in: Fixed,
    amount_out: Fixed,
    /// Of what goes in, rounded down; the liquidity keeps it but for the protocol's share.
    fee: Fixed,
}

/// `IExchange.Leg`: an amount of zero is all there is, or all that is owed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LegItem {
    pool_id: u32,
    asset_in: u32,
    asset_out: u32,
    exact_out: bool,
    amount: U256,
}

fn quote(cx: &RpcContext, (asked,): (SwapAsked,)) -> RpcResult<Quote> {
    let slippage_bps = asked.check()?;
    let mut floor = Floor::open(cx)?;
    let from = floor.coins.find(&mut floor.views, &asked.from)?;
    let to = floor.coins.find(&mut floor.views, &asked.to)?;
    if from.asset_id == to.asset_id {
        return Err(RpcError::invalid_params(format!(
            "from and to are both asset #{}",
            from.asset_id
        )));
    }
    let wanted = Wanted {
        from: from.asset_id,
        to: to.asset_id,
        exact: asked.exact(),
        amount: asked.amount,
    };
    let plan = search::find(&mut floor, wanted)?;
    if plan.stages.is_empty() {
        return Err(floor.no_way(wanted, &from, &to)?);
    }
    let legs = legs(&plan, wanted.exact);
    let routes = plan.ways();
    let (paid, received) = floor.whole(wanted, &legs)?;
    let bounds = bounds(wanted, paid, received, slippage_bps);
    let time_ms = floor.views.time_ms;
    let valid_until_ms = time_ms.saturating_add(VALID_MS);
    let deadline_ms = asked.deadline_ms.map_or(valid_until_ms, |ms| ms.to());
    let calldata = asked
        .receiver
        .map(|to| calldata(&legs, &bounds, to, deadline_ms));
    let ideal = floor.ideal(&routes)?;
    let lost = ideal.after_fees.saturating_sub(received);
    let price_of = |units| price_down((units, to.decimals), (paid, from.decimals));
    Ok(Quote {
        block_number: U64::from(floor.views.number),
        time_ms: U64::from(time_ms),
        exact_out: asked.exact_out,
        paid: Fixed::new(paid, from.decimals),
        received: Fixed::new(received, to.decimals),
        paid_max: Fixed::new(bounds.paidMax, from.decimals),
        received_min: Fixed::new(bounds.receivedMin, to.decimals),
        price: price_of(received),
        spot_price: price_of(ideal.before_fees),
        price_impact_bps: part_of(lost, ideal.after_fees, BPS_ONE),
        fee_pips: part_of(ideal.fees, paid, PIPS_ONE),
        route: floor.words(&routes)?,
        paths: floor.paths(&routes)?,
        target: EXCHANGE,
        spender: from.is_foreign.then_some(EXCHANGE),
        legs: legs.into_iter().map(LegItem::from).collect(),
        deadline_ms: U64::from(deadline_ms),
        calldata,
        from,
        to,
    })
}

impl SwapAsked {
    /// Refuses what no swap could be; answers what the price may get worse by.
    fn check(&self) -> RpcResult<u64> {
        let slippage_bps = self.slippage_bps.unwrap_or(SLIPPAGE_BPS);
        if slippage_bps > BPS_ONE {
            return Err(RpcError::invalid_params(format!(
                "slippageBps {slippage_bps} is more than all of it: {BPS_ONE} is the most"
            )));
        }
        if self.amount.is_zero() || self.amount > AMOUNT_MAX {
            return Err(RpcError::invalid_params(format!(
                "amount {} is not within 1 to 2^112 - 1",
                self.amount
            )));
        }
        if self.receiver == Some(Address::ZERO) {
            return Err(RpcError::invalid_params(
                "receiver is the address of nobody",
            ));
        }
        Ok(slippage_bps)
    }

    const fn exact(&self) -> Exact {
        if self.exact_out {
            Exact::Out
        } else {
            Exact::In
        }
    }
}

/// `IExchange.swap` with all of it.
fn calldata(
    legs: &[IExchange::Leg],
    bounds: &IExchange::Bounds,
    to: Address,
    deadline_ms: u64,
) -> Bytes {
    let call = IExchange::swapCall {
        legs: legs.to_vec(),
        bounds: bounds.clone(),
        to,
        deadlineMs: deadline_ms,
    };
    call.abi_encode().into()
}

impl From<IExchange::Leg> for LegItem {
    fn from(leg: IExchange::Leg) -> Self {
        Self {
            pool_id: leg.poolId,
            asset_in: leg.assetIn,
            asset_out: leg.assetOut,
            exact_out: leg.exactOut,
            amount: leg.amount,
        }
    }
}

/// `part / whole`, in so many units of one, rounded down.
fn part_of(part: U256, whole: U256, one: u64) -> u64 {
    let part = mul_div_down(part, U256::from(one), whole).unwrap_or_default();
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// A plan as the contract runs it. From the paid side, each route's first leg takes its part, or the last one of a stage what
/// is left, so that of a token that keeps a fee what arrives is swapped; further legs take what the one before gave. From the
/// received side, stages and legs go backwards, each giving what the one before owes.
fn legs(plan: &Plan, exact: Exact) -> Vec<IExchange::Leg> {
    let mut stages: Vec<&Vec<Route>> = plan.stages.iter().collect();
    if exact == Exact::Out {
        stages.reverse();
    }
    let mut legs = Vec::new();
    for (stage_number, routes) in (1..).zip(stages) {
        for (number, route) in (1..).zip(routes) {
            let is_last = number == routes.len();
            let first = match exact {
                Exact::In if is_last => U256::ZERO,
                Exact::In => route.paid(),
                // Nothing is owed before the first stage.
                Exact::Out if is_last && stage_number > 1 => U256::ZERO,
                Exact::Out => route.received(),
            };
            let amounts = [first].into_iter().chain(std::iter::repeat(U256::ZERO));
            let leg = |hop: &Hop, amount| IExchange::Leg {
                poolId: hop.pool,
                assetIn: hop.asset_in,
                assetOut: hop.asset_out,
                exactOut: exact == Exact::Out,
                amount,
            };
            match exact {
                Exact::In => {
                    legs.extend(route.hops.iter().zip(amounts).map(|(hop, n)| leg(hop, n)));
                }
                Exact::Out => {
                    let backwards = route.hops.iter().rev().zip(amounts);
                    legs.extend(backwards.map(|(hop, n)| leg(hop, n)));
                }
            }
        }
    }
    legs
}

/// What is agreed to: the given side as it is, the other with room for the price to move.
fn bounds(wanted: Wanted, paid: U256, received: U256, slippage_bps: u64) -> IExchange::Bounds {
    let one = U256::from(BPS_ONE);
    let (paid_max, received_min) = match wanted.exact {
        Exact::In => {
            let kept = U256::from(BPS_ONE.saturating_sub(slippage_bps));
            let least = mul_div_down(received, kept, one).unwrap_or_default();
            (wanted.amount, least)
        }
        Exact::Out => {
            let more = U256::from(BPS_ONE.saturating_add(slippage_bps));
            let most = mul_div_up(paid, more, one).unwrap_or(AMOUNT_MAX);
            (most.min(AMOUNT_MAX), wanted.amount)
        }
    };
    IExchange::Bounds {
        assetIn: wanted.from,
        paidMax: paid_max,
        assetOut: wanted.to,
        receivedMin: received_min,
    }
}

/// What would be received at the prices before the swap, and the fees in what is paid.
#[derive(Clone, Copy, Default)]
struct Ideal {
    before_fees: U256,
    after_fees: U256,
    fees: U256,
}

/// A pool, as far as words need it.
#[derive(Clone, Copy)]
struct PoolLine {
    curve: &'static str,
    fee_pips: u32,
}

/// The exchange on the newest state, and what was asked of it so far.
struct Floor<'a> {
    cx: &'a RpcContext,
    views: Views<'a>,
    direct: Direct,
    coins: Coins,
    asset_count: u32,
    pairs: BTreeMap<(u32, u32), Vec<u32>>,
    pools: BTreeMap<u32, PoolLine>,
    /// Why a pool refused, the last time that one did.
    refusal: Option<Bytes>,
}

impl<'a> Floor<'a> {
    fn open(cx: &'a RpcContext) -> RpcResult<Self> {
        let scene = Scene::upcoming(cx)?;
        let mut views = Views::of(cx, &scene)?;
        let asset_count = views.ask(ledger::ADDRESS, &ILedger::assetCountCall {})?;
        Ok(Self {
            cx,
            views,
            direct: Direct::of(&scene),
            coins: Coins::default(),
            asset_count,
            pairs: BTreeMap::new(),
            pools: BTreeMap::new(),
            refusal: None,
        })
    }

    /// All legs together, as the contract answers it: to the unit what the swap does.
    fn whole(&mut self, wanted: Wanted, legs: &[IExchange::Leg]) -> RpcResult<(U256, U256)> {
        let paid_max = match wanted.exact {
            Exact::In => wanted.amount,
            Exact::Out => AMOUNT_MAX,
        };
        let call = IExchange::quoteCall {
            legs: legs.to_vec(),
            bounds: IExchange::Bounds {
                assetIn: wanted.from,
                paidMax: paid_max,
                assetOut: wanted.to,
                receivedMin: U256::ZERO,
            },
        };
        let answer = self.views.ask(EXCHANGE, &call)?;
        Ok((answer.paid, answer.received))
    }

    /// Why nothing was found.
    fn no_way(&mut self, wanted: Wanted, from: &Coin, to: &Coin) -> RpcResult<RpcError> {
        let (hops, from, to) = (search::HOPS_MAX, &from.symbol, &to.symbol);
        if !search::leads(self, wanted)? {
            return Ok(RpcError::not_found(format!(
                "no pools lead from {from} to {to} in at most {hops} swaps"
            )));
        }
        let why = self.refusal.as_ref().and_then(|output| revert_line(output));
        let why = why.unwrap_or_else(|| "nothing".to_owned());
        Ok(RpcError::server(format!(
            "no pool between {from} and {to} swaps this amount; the last one asked said: {why}"
        )))
    }

    fn pool(&mut self, number: u32) -> RpcResult<PoolLine> {
        if let Some(line) = self.pools.get(&number) {
            return Ok(*line);
        }
        let pool = self
            .views
            .ask(EXCHANGE, &IExchange::poolCall { poolId: number })?;
        let mut line = PoolLine {
            curve: curve_name(pool.shape.curve),
            fee_pips: pool.shape.feePips,
        };
        if line.fee_pips == 0 {
            let call = IExchange::rangePoolCall { poolId: number };
            line.fee_pips = self.views.ask(EXCHANGE, &call)?.feePips;
        }
        self.pools.insert(number, line);
        Ok(line)
    }

    /// Units of an asset for one unit of the pool's first, times 2^96.
    fn spot(&mut self, pool: u32, asset: u32) -> RpcResult<U256> {
        let call = IExchange::spotX96Call {
            poolId: pool,
            assetId: asset,
        };
        self.views.ask(EXCHANGE, &call)
    }

    fn ideal(&mut self, routes: &[Route]) -> RpcResult<Ideal> {
        let mut sum = Ideal::default();
        for route in routes {
            let paid = route.paid();
            let (mut before, mut after, mut kept) = (paid, paid, paid);
            for hop in &route.hops {
                let fee = self.pool(hop.pool)?.fee_pips;
                let rest = U256::from(PIPS_ONE.saturating_sub(fee.into()));
                let spot_in = self.spot(hop.pool, hop.asset_in)?;
                let spot_out = self.spot(hop.pool, hop.asset_out)?;
                let past_fee = |units| mul_div_down(units, rest, U256::from(PIPS_ONE));
                let past_pool = |units| mul_div_down(units, spot_out, spot_in).unwrap_or_default();
                kept = past_fee(kept).unwrap_or_default();
                before = past_pool(before);
                after = past_pool(past_fee(after).unwrap_or_default());
            }
            sum.before_fees = sum.before_fees.saturating_add(before);
            sum.after_fees = sum.after_fees.saturating_add(after);
            sum.fees = sum.fees.saturating_add(paid.saturating_sub(kept));
        }
        Ok(sum)
    }

    /// `60 %: ETH -> USDC by pool 3 (0.05 %); 40 %: ETH -> ...`.
    fn words(&mut self, routes: &[Route]) -> RpcResult<String> {
        let mut lines = Vec::with_capacity(routes.len());
        let total = total_paid(routes);
        for route in routes {
            let mut line = String::new();
            for hop in &route.hops {
                if line.is_empty() {
                    line += &self.coins.get(&mut self.views, hop.asset_in)?.symbol;
                }
                let fee = capstan_units::decimal(U256::from(self.pool(hop.pool)?.fee_pips), 4);
                let symbol = &self.coins.get(&mut self.views, hop.asset_out)?.symbol;
                line += &format!(" -> {symbol} by pool {} ({fee} %)", hop.pool);
            }
            if routes.len() > 1 {
                let part = part_of(route.paid(), total, BPS_ONE);
                let part = capstan_units::decimal_down(U256::from(part), 2, 1);
                line = format!("{part} %: {line}");
            }
            lines.push(line);
        }
        Ok(lines.join("; "))
    }

    fn paths(&mut self, routes: &[Route]) -> RpcResult<Vec<Path>> {
        let total = total_paid(routes);
        let mut paths = Vec::with_capacity(routes.len());
        for route in routes {
            let mut hops = Vec::with_capacity(route.hops.len());
            let outs = route.amounts.iter().skip(1);
            for (hop, (paid, received)) in route.hops.iter().zip(route.amounts.iter().zip(outs)) {
                let line = self.pool(hop.pool)?;
                let fee = mul_div_down(*paid, U256::from(line.fee_pips), U256::from(PIPS_ONE));
                hops.push(HopItem {
                    pool_id: hop.pool,
                    curve: line.curve,
                    fee_pips: line.fee_pips,
                    asset_in: hop.asset_in,
                    asset_out: hop.asset_out,
                    amount_in: self.fixed(hop.asset_in, *paid)?,
                    amount_out: self.fixed(hop.asset_out, *received)?,
                    fee: self.fixed(hop.asset_in, fee.unwrap_or_default())?,
                });
            }
            let (Some(first), Some(last)) = (route.hops.first(), route.hops.last()) else {
                continue;
            };
            paths.push(Path {
                part_bps: part_of(route.paid(), total, BPS_ONE),
                paid: self.fixed(first.asset_in, route.paid())?,
                received: self.fixed(last.asset_out, route.received())?,
                hops,
            });
        }
        Ok(paths)
    }

    fn fixed(&mut self, asset: u32, amount: U256) -> RpcResult<Fixed> {
        let coin = self.coins.get(&mut self.views, asset)?;
        Ok(Fixed::new(amount, coin.decimals))
    }
}

fn total_paid(routes: &[Route]) -> U256 {
    let paid = routes.iter().map(Route::paid);
    paid.fold(U256::ZERO, U256::saturating_add)
}

impl Market for Floor<'_> {
    fn asset_count(&self) -> u32 {
        self.asset_count
    }

    fn pools_of(&mut self, one: u32, other: u32) -> RpcResult<Vec<u32>> {
        // Here and not at each question: at most sixteen stand between two of these, and those of a split behind the last.
        self.cx.check_deadline()?;
        let pair = (one.min(other), one.max(other));
        if let Some(known) = self.pairs.get(&pair) {
            return Ok(known.clone());
        }
        let found = self.direct.pools_of(pair.0, pair.1)?;
        self.pairs.insert(pair, found.clone());
        Ok(found)
    }

    fn trade(&mut self, hop: Hop, exact: Exact, amount: U256) -> RpcResult<Option<U256>> {
        match self.direct.trade(hop, exact, amount)? {
            Ok(other) => Ok(Some(other)),
            Err(output) => {
                self.refusal = Some(output);
                Ok(None)
            }
        }
    }
}
