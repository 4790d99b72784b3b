//! The prices of a development chain: a made-up market that a person can push.
//!
//! ```text
//!   market (a walk, or standing still) ─► shocks that run: their path instead ─► tokens priced by a rate ─► quotes
//! ```
//!
//! A shock is a path of prices, one for each report: equal parts of the way, in the logarithm, so that each step moves
//! the price as much as every other. The oracle sees the path as it sees any prices: what a step moves beyond the band
//! is doubted until it is confirmed. When it has ended, the market goes on from where it brought the price.

use std::{
    collections::{BTreeMap, VecDeque},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{FeedError, Market, MarketSettings, Quote, market::to_quote};

/// Longest way of a shock.
const STEPS_MAX: u32 = 3_600;
/// A step beyond this would never become a price: the oracle accepts no factor of ten.
const STEP_MAX: f64 = 9.0;
/// Farthest that one shock goes, up or down.
const SHOCK_MAX: f64 = 1_000.0;

/// A token that is a claim on another: its price is the other's times a rate that only grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// Number of the asset.
    pub asset_id: u32,
    /// What it is a claim on.
    pub of: u32,
    /// How many of the other one is worth at the start.
    pub rate: f64,
    /// What the rate grows by in a year: 0.03 is 3 %.
    pub growth: f64,
}

/// Where a shock leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// To this many dollars.
    Price(f64),
    /// By this part of the present price: -0.4 is 40 % down.
    Change(f64),
}

impl FromStr for Target {
    type Err = String;

    /// `-40%`, `+15%`, or a price in dollars.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no target: write -40%, +15%, or a price in dollars as 1800");
        let (number, is_change) = match text.strip_suffix('%') {
            Some(number) => (number, true),
            None => (text, false),
        };
        let read: f64 = number.trim().parse().map_err(|_| wrong())?;
        let signed = number.trim().starts_with(['+', '-']);
        if is_change && !signed && read.is_finite() {
            let number = number.trim();
            return Err(format!(
                "`{text}` may be a fall or a rise: write -{number}% or +{number}%"
            ));
        }
        match is_change {
            true if read.is_finite() && read > -100.0 => Ok(Self::Change(read / 100.0)),
            false if read.is_finite() && read > 0.0 && !signed => Ok(Self::Price(read)),
            _ => Err(wrong()),
        }
    }
}

/// What shall happen to a price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shock {
    /// Whose.
    pub asset_id: u32,
    /// Where to.
    pub to: Target,
    /// In what time; less than the time between two reports is one step.
    pub over: Duration,
}

/// The prices that a shock will report.
#[derive(Clone, Debug, PartialEq)]
pub struct ShockPath {
    /// Whose.
    pub asset_id: u32,
    /// The price before it, in dollars times 10^18.
    pub from: u128,
    /// One price for each report, the last is where it leads.
    pub prices: Vec<u128>,
    /// Time between two of them.
    pub every: Duration,
    /// Claims on it, which move as it does.
    pub followers: Vec<u32>,
}

/// A hand on the prices of a [`Living`] market; clones are the same hand.
#[derive(Clone, Debug)]
pub struct Hand(Arc<Mutex<Hold>>);

#[derive(Debug)]
struct Hold {
    every: Duration,
    claims: Vec<Claim>,
    /// The latest price of each asset of the market, in dollars.
    latest: BTreeMap<u32, f64>,
    /// What is left of each shock, in dollars.
    running: BTreeMap<u32, VecDeque<f64>>,
}

impl Hand {
    /// Begins a shock. One that runs on the same asset ends where it is.
    ///
    /// # Errors
    /// [`FeedError::Settings`], with what cannot be done and why.
    pub fn begin(&self, shock: &Shock) -> Result<ShockPath, FeedError> {
        let wrong = |why: String| Err(FeedError::Settings(why));
        let mut hold = self.0.lock();
        if let Some(claim) = hold
            .claims
            .iter()
            .find(|one| one.asset_id == shock.asset_id)
        {
            return wrong(format!(
                "asset {} is priced by its rate to asset {}: move that one, and it follows",
                claim.asset_id, claim.of
            ));
        }
        let Some(&from) = hold.latest.get(&shock.asset_id) else {
            return wrong(format!("asset {} has no price here", shock.asset_id));
        };
        let factor = match shock.to {
            Target::Price(to) => to / from,
            Target::Change(change) => 1.0 + change,
        };
        if !(1.0 / SHOCK_MAX..=SHOCK_MAX).contains(&factor) {
            return wrong(format!(
                "a shock goes at most {SHOCK_MAX} times up or down: from {from:.6} to between {:.6} and {:.6}",
                from / SHOCK_MAX,
                from * SHOCK_MAX
            ));
        }
        let steps = shock
            .over
            .as_millis()
            .div_ceil(hold.every.as_millis().max(1));
        let Some(steps) = u32::try_from(steps)
            .ok()
            .filter(|steps| *steps <= STEPS_MAX)
        else {
            return wrong(format!("a shock takes at most {STEPS_MAX} reports"));
        };
        let steps = steps.max(1);
        let step = factor.powf(1.0 / f64::from(steps));
        if !(1.0 / STEP_MAX..=STEP_MAX).contains(&step) {
            return wrong(format!(
                "each report would move the price by a factor of {step:.1}, and the oracle never accepts ten: take longer"
            ));
        }
        let part = |at: u32| from * factor.powf(f64::from(at) / f64::from(steps));
        let path: VecDeque<f64> = (1..=steps).map(part).collect();
        let quoted = |price: f64| to_quote(shock.asset_id, price).map(|quote| quote.price);
        let told = ShockPath {
            asset_id: shock.asset_id,
            from: quoted(from)?,
            prices: path
                .iter()
                .map(|price| quoted(*price))
                .collect::<Result<_, _>>()?,
            every: hold.every,
            followers: followers(&hold.claims, shock.asset_id),
        };
        hold.running.insert(shock.asset_id, path);
        Ok(told)
    }

    /// Assets on which a shock runs, and how many reports are left of each.
    pub fn running(&self) -> Vec<(u32, usize)> {
        let hold = self.0.lock();
        let left = hold
            .running
            .iter()
            .map(|(asset, path)| (*asset, path.len()));
        left.collect()
    }
}

fn followers(claims: &[Claim], of: u32) -> Vec<u32> {
    let claims = claims.iter().filter(|claim| claim.of == of);
    claims.map(|claim| claim.asset_id).collect()
}

/// See the module.
#[derive(Debug)]
pub struct Living {
    market: Market,
    hand: Hand,
    every: Duration,
    steps: u64,
    ticks: Option<Interval>,
}

impl Living {
    /// A market with claims on its assets, and a hand on it.
    ///
    /// # Errors
    /// [`FeedError::Settings`]: the market's, or a claim is on nothing, or stands in the market itself.
    pub fn new(settings: MarketSettings, claims: Vec<Claim>) -> Result<(Self, Hand), FeedError> {
        let latest: BTreeMap<u32, f64> = settings
            .assets
            .iter()
            .map(|asset| (asset.asset_id, asset.price))
            .collect();
        for claim in &claims {
            let fine = latest.contains_key(&claim.of)
                && !latest.contains_key(&claim.asset_id)
                && (1e-6..=1e6).contains(&claim.rate)
                && (0.0..=1.0).contains(&claim.growth);
            if !fine {
                let why = format!("{claim:?} is out of range, or on nothing that has a price");
                return Err(FeedError::Settings(why));
            }
        }
        let every = settings.every;
        let hand = Hand(Arc::new(Mutex::new(Hold {
            every,
            claims,
            latest,
            running: BTreeMap::new(),
        })));
        let living = Self {
            market: Market::new(settings)?,
            hand: hand.clone(),
            every,
            steps: 0,
            ticks: None,
        };
        Ok((living, hand))
    }

    pub(super) async fn next(&mut self) -> Result<Vec<Quote>, FeedError> {
        let every = self.every;
        let ticks = self.ticks.get_or_insert_with(|| {
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        ticks.tick().await;
        self.step()
    }

    /// The next prices, at once.
    ///
    /// # Errors
    /// A price is out of range, which no shock leads to.
    pub fn step(&mut self) -> Result<Vec<Quote>, FeedError> {
        let mut hold = self.hand.0.lock();
        self.market.walk();
        for (asset_id, path) in &mut hold.running {
            if let Some(price) = path.pop_front() {
                self.market.set_price(*asset_id, price);
            }
        }
        hold.running.retain(|_, path| !path.is_empty());
        hold.latest = self.market.prices().collect();
        let years = self.every.as_secs_f64() * self.steps as f64 / (365.0 * 86_400.0);
        self.steps += 1;
        let own = hold.latest.iter().map(|(asset, price)| (*asset, *price));
        let claimed = hold.claims.iter().filter_map(|claim| {
            let of = hold.latest.get(&claim.of)?;
            let rate = claim.rate * (1.0 + claim.growth).powf(years);
            Some((claim.asset_id, of * rate))
        });
        let all = own.chain(claimed);
        all.map(|(asset, price)| to_quote(asset, price)).collect()
    }
}

#[cfg(test)]
mod tests;
