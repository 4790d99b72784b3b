//! An asset as its owner describes it in a file, and the call that lists it.

mod dollar;

pub use dollar::{DOLLAR_EXAMPLE, DollarFile};

use alloy_primitives::{Address, U256};
use capstan_contracts::{ether, listing::IListing};
use capstan_units::{DecimalError, parse_decimal};
use serde::{Deserialize, Deserializer, de::Error as _};

/// A file that says everything, with a word about each part.
pub const EXAMPLE: &str = include_str!("listing/example.toml");

/// Digits of a percentage behind the point, and of a price.
const PERCENT_DECIMALS: u8 = 2;
const PRICE_DECIMALS: u8 = 18;
/// Numbers of the rate models.
const KINKED: u8 = 0;
const ADAPTIVE: u8 = 1;

/// Why a description is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// It cannot be read as TOML, or a name is missing or unknown.
    #[error("{0}")]
    Form(String),
    /// A number does not read.
    #[error("{name} = `{text}`: {why}")]
    Number {
        /// Which.
        name: &'static str,
        /// What was read.
        text: String,
        /// What is wrong with it.
        why: DecimalError,
    },
    /// A number is larger than its place has room for; the chain says which range it has.
    #[error("{name} = `{text}` is too large")]
    TooLarge {
        /// Which.
        name: &'static str,
        /// What was read.
        text: String,
    },
    /// A duration does not read.
    #[error("{name} = `{text}` is no time: write 30s, 10min or 1day")]
    Time {
        /// Which.
        name: &'static str,
        /// What was read.
        text: String,
    },
    /// The token is neither `coin` nor an address.
    #[error("token = `{0}` is no token: write its address, or `coin`")]
    Token(String),
}

/// A number as somebody wrote it: text, or a whole number without quotes.
#[derive(Clone, Debug)]
struct Said(String);

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from)? {
            toml::Value::String(text) => Ok(Self(text.trim().to_owned())),
            toml::Value::Integer(whole) => Ok(Self(whole.to_string())),
            other => Err(D::Error::custom(format!(
                "`{other}` needs quotes: a number with a point is written as \"0.5\""
            ))),
        }
    }
}

/// A description of an asset.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetFile {
    token: String,
    seed: Said,
    border: Border,
    price: Price,
    market: Market,
    collateral: Option<Collateral>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Border {
    window: Said,
    share: Said,
    floor: Said,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    description: String,
    reference: Said,
    quorum: u8,
    reaccept_rounds: u8,
    band: Said,
    band_widens_per_minute: Said,
    confidence: Said,
    growth_per_year: Option<Said>,
    stale: Said,
    smooth: Said,
    outage: Said,
    grace: Said,
    still: Option<Said>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Market {
    supply_cap: Said,
    borrow_cap: Said,
    reserve_factor: Said,
    rates: Rates,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Rates {
    Named(String),
    Kinked {
        base: Said,
        slope1: Said,
        slope2: Said,
        optimal: Said,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Collateral {
    initial: Said,
    maintenance: Said,
    discount_max: Said,
    deposit_cap: Option<Said>,
    #[serde(default)]
    isolated: bool,
    #[serde(default)]
    category: u8,
    category_initial: Option<Said>,
    category_maintenance: Option<Said>,
}

fn decimal(name: &'static str, said: &Said, decimals: u8) -> Result<U256, ListingError> {
    parse_decimal(&said.0, decimals).map_err(|why| ListingError::Number {
        name,
        text: said.0.clone(),
        why,
    })
}

fn fitting<T, N: TryInto<T>>(
    name: &'static str,
    said: &Said,
    number: N,
) -> Result<T, ListingError> {
    number.try_into().map_err(|_| ListingError::TooLarge {
        name,
        text: said.0.clone(),
    })
}

/// `7.5 %` as 750.
fn bps<T: TryFrom<U256>>(name: &'static str, said: &Said) -> Result<T, ListingError> {
    let number = Said(said.0.trim_end_matches('%').trim_end().to_owned());
    fitting(name, said, decimal(name, &number, PERCENT_DECIMALS)?)
}

/// The same, and zero if nothing is said.
fn bps_or_zero<T: TryFrom<U256> + Default>(
    name: &'static str,
    said: Option<&Said>,
) -> Result<T, ListingError> {
    said.map_or_else(|| Ok(T::default()), |said| bps(name, said))
}

/// `30s`, `1day`, `0`.
fn ms(name: &'static str, said: &Said) -> Result<u32, ListingError> {
    let time = humantime::parse_duration(&said.0).map_err(|_| ListingError::Time {
        name,
        text: said.0.clone(),
    })?;
    fitting(name, said, time.as_millis())
}

impl AssetFile {
    /// Reads a description.
    ///
    /// # Errors
    /// Not TOML, or a name is missing or unknown.
    pub fn read(text: &str) -> Result<Self, ListingError> {
        toml::from_str(text).map_err(|error| ListingError::Form(error.to_string()))
    }

    /// The token; its decimals are needed to read amounts.
    ///
    /// # Errors
    /// Not an address.
    pub fn token(&self) -> Result<Address, ListingError> {
        match self.token.as_str() {
            "coin" => Ok(ether::ADDRESS),
            text => text
                .parse()
                .map_err(|_| ListingError::Token(text.to_owned())),
        }
    }

    /// What the contract is told. Ranges are the contracts' to check.
    ///
    /// # Errors
    /// A number or a time does not read.
    pub fn asset(&self, decimals: u8) -> Result<IListing::Asset, ListingError> {
        let units = |name, said: &Said| decimal(name, said, decimals);
        Ok(IListing::Asset {
            token: self.token()?,
            border: IListing::Border {
                windowS: ms("border.window", &self.border.window)? / 1_000,
                shareBps: bps("border.share", &self.border.share)?,
                floor: units("border.floor", &self.border.floor)?,
            },
            feed: self.price.feed()?,
            market: self.market.params(units("seed", &self.seed)?, decimals)?,
            collateral: match &self.collateral {
                Some(collateral) => collateral.terms(decimals)?,
                None => Collateral::none(),
            },
        })
    }
}

impl Price {
    fn feed(&self) -> Result<IListing::Feed, ListingError> {
        let reference = decimal("price.reference", &self.reference, PRICE_DECIMALS)?;
        Ok(IListing::Feed {
            description: self.description.clone(),
            referencePrice: fitting("price.reference", &self.reference, reference)?,
            quorum: self.quorum,
            reacceptRounds: self.reaccept_rounds,
            bandBps: bps("price.band", &self.band)?,
            bandWidenBpsPerMin: bps("price.band_widens_per_minute", &self.band_widens_per_minute)?,
            confidenceBpsMax: bps("price.confidence", &self.confidence)?,
            growthBpsPerYear: bps_or_zero("price.growth_per_year", self.growth_per_year.as_ref())?,
            staleMs: ms("price.stale", &self.stale)?,
            smoothMs: ms("price.smooth", &self.smooth)?,
            outageMs: ms("price.outage", &self.outage)?,
            graceMs: ms("price.grace", &self.grace)?,
            stillMs: self
                .still
                .as_ref()
                .map_or(Ok(0), |still| ms("price.still", still))?,
        })
    }
}

impl Market {
    fn params(&self, seed: U256, decimals: u8) -> Result<IListing::Market, ListingError> {
        let units = |name, said: &Said| decimal(name, said, decimals);
        let mut params = IListing::Market {
            seed,
            reserveFactorBps: bps("market.reserve_factor", &self.reserve_factor)?,
            supplyCap: units("market.supply_cap", &self.supply_cap)?,
            borrowCap: units("market.borrow_cap", &self.borrow_cap)?,
            rateModel: ADAPTIVE,
            baseBps: 0,
            slope1Bps: 0,
            slope2Bps: 0,
            optimalBps: 0,
        };
        match &self.rates {
            Rates::Named(name) if name == "adaptive" => {}
            Rates::Named(name) => {
                return Err(ListingError::Form(format!(
                    "market.rates = `{name}`: write \"adaptive\", or {{ base, slope1, slope2, optimal }}"
                )));
            }
            Rates::Kinked {
                base,
                slope1,
                slope2,
                optimal,
            } => {
                params.rateModel = KINKED;
                params.baseBps = bps("market.rates.base", base)?;
                params.slope1Bps = bps("market.rates.slope1", slope1)?;
                params.slope2Bps = bps("market.rates.slope2", slope2)?;
                params.optimalBps = bps("market.rates.optimal", optimal)?;
            }
        }
        Ok(params)
    }
}

impl Collateral {
    /// What does not count.
    const fn none() -> IListing::Collateral {
        IListing::Collateral {
            initialBps: 0,
            maintenanceBps: 0,
            categoryInitialBps: 0,
            categoryMaintenanceBps: 0,
            discountMaxBps: 0,
            category: 0,
            isolated: false,
            depositCap: U256::ZERO,
        }
    }

    fn terms(&self, decimals: u8) -> Result<IListing::Collateral, ListingError> {
        let cap = self.deposit_cap.as_ref();
        let cap = cap.map(|cap| decimal("collateral.deposit_cap", cap, decimals));
        Ok(IListing::Collateral {
            initialBps: bps("collateral.initial", &self.initial)?,
            maintenanceBps: bps("collateral.maintenance", &self.maintenance)?,
            categoryInitialBps: bps_or_zero(
                "collateral.category_initial",
                self.category_initial.as_ref(),
            )?,
            categoryMaintenanceBps: bps_or_zero(
                "collateral.category_maintenance",
                self.category_maintenance.as_ref(),
            )?,
            discountMaxBps: bps("collateral.discount_max", &self.discount_max)?,
            category: self.category,
            isolated: self.isolated,
            depositCap: cap.transpose()?.unwrap_or_default(),
        })
    }
}
