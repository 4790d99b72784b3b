//! A market that nobody trades on: seeded prices for development, with jumps and common moves.
//!
//! Each step multiplies a price by `exp(sigma * sqrt(dt) * z - sigma^2 * dt / 2 + jump)`. Of the normal `z`, a part is
//! common to all assets, so that they fall together as they do. The same seed gives the same prices.

use std::{f64::consts::TAU, time::Duration};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{FeedError, Quote, parse_price};

const SECONDS_PER_DAY: f64 = 86_400.0;
const SECONDS_PER_YEAR: f64 = 365.0 * SECONDS_PER_DAY;
/// Digits of a simulated price; more would only be noise of the float.
const SIGNIFICANT: usize = 12;

/// One asset of the market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulated {
    /// Number of the asset.
    pub asset_id: u32,
    /// Its price now, in dollars.
    pub price: f64,
    /// How much it moves in a year: 0.8 is 80 %.
    pub volatility: f64,
}

/// How the market behaves.
#[derive(Clone, Debug)]
pub struct MarketSettings {
    /// The same seed gives the same prices.
    pub seed: u64,
    /// Time between prices.
    pub every: Duration,
    /// How much of each move is common to all: 0 to 1.
    pub correlation: f64,
    /// Jumps of each asset in a day, on average.
    pub jumps_per_day: f64,
    /// Size of a jump: 0.05 is 5 %, up or down.
    pub jump_size: f64,
    /// The assets, with their first prices.
    pub assets: Vec<Simulated>,
}

/// See the module.
#[derive(Debug)]
pub struct Market {
    settings: MarketSettings,
    random: StdRng,
    ticks: Option<Interval>,
}

impl Market {
    /// A market that begins at the prices of its settings.
    ///
    /// # Errors
    /// [`FeedError::Settings`]: a number is out of range, or an asset stands there twice.
    pub fn new(settings: MarketSettings) -> Result<Self, FeedError> {
        let wrong = |why: String| Err(FeedError::Settings(why));
        let MarketSettings {
            seed,
            every,
            correlation,
            jumps_per_day,
            jump_size,
            ref assets,
        } = settings;
        if every.is_zero() || assets.is_empty() {
            return wrong("a market has assets, and time between its prices".into());
        }
        if !(0.0..=1.0).contains(&correlation) {
            return wrong(format!("correlation {correlation} is not within 0 to 1"));
        }
        if !(0.0..=1e6).contains(&jumps_per_day) || !(0.0..1.0).contains(&jump_size) {
            return wrong(format!(
                "{jumps_per_day} jumps a day of {jump_size} are out of range"
            ));
        }
        for (at, asset) in assets.iter().enumerate() {
            let twice = assets[..at]
                .iter()
                .any(|other| other.asset_id == asset.asset_id);
            let fine =
                (1e-12..=1e12).contains(&asset.price) && (0.0..=10.0).contains(&asset.volatility);
            if twice || !fine {
                return wrong(format!("{asset:?} is out of range, or there twice"));
            }
        }
        Ok(Self {
            random: StdRng::seed_from_u64(seed),
            settings,
            ticks: None,
        })
    }

    pub(super) async fn next(&mut self) -> Vec<Quote> {
        let every = self.settings.every;
        let ticks = self.ticks.get_or_insert_with(|| {
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        ticks.tick().await;
        self.step()
    }

    /// The next prices, at once.
    pub fn step(&mut self) -> Vec<Quote> {
        self.walk();
        // Within its bounds every price is a number above zero with few digits.
        self.prices()
            .filter_map(|(asset_id, price)| to_quote(asset_id, price).ok())
            .collect()
    }

    /// The price of each asset, in dollars.
    pub(super) fn prices(&self) -> impl Iterator<Item = (u32, f64)> {
        let assets = self.settings.assets.iter();
        assets.map(|asset| (asset.asset_id, asset.price))
    }

    /// The walk goes on from there.
    pub(super) fn set_price(&mut self, asset_id: u32, price: f64) {
        for asset in &mut self.settings.assets {
            if asset.asset_id == asset_id {
                asset.price = price;
            }
        }
    }

    /// One step of every price.
    pub(super) fn walk(&mut self) {
        let seconds = self.settings.every.as_secs_f64();
        let common = self.normal();
        let rho = self.settings.correlation;
        for at in 0..self.settings.assets.len() {
            let own = self.normal();
            let z = rho * common + (1.0 - rho * rho).sqrt() * own;
            let jump = self.jump(seconds);
            let asset = &mut self.settings.assets[at];
            let years = seconds / SECONDS_PER_YEAR;
            let drift = asset.volatility * asset.volatility * years / 2.0;
            let moved = asset.price * (asset.volatility * years.sqrt() * z - drift + jump).exp();
            asset.price = moved.clamp(1e-12, 1e12);
        }
    }

    fn jump(&mut self, seconds: f64) -> f64 {
        let chance = self.settings.jumps_per_day * seconds / SECONDS_PER_DAY;
        let size = self.settings.jump_size;
        if self.random.random::<f64>() >= chance {
            return 0.0;
        }
        if self.random.random::<bool>() {
            size.ln_1p()
        } else {
            (-size).ln_1p()
        }
    }

    /// A standard normal number (Box and Muller).
    fn normal(&mut self) -> f64 {
        let (a, b) = (self.random.random::<f64>(), self.random.random::<f64>());
        (-2.0 * (1.0 - a).ln()).sqrt() * (TAU * b).cos()
    }
}

/// A made-up price as it is reported.
pub(super) fn to_quote(asset_id: u32, price: f64) -> Result<Quote, FeedError> {
    Ok(Quote {
        asset_id,
        price: parse_price(&format!("{price:.SIGNIFICANT$e}"))?,
        confidence_bps: 5,
    })
}
