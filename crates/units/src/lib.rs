//! Numbers that cannot be confused.
//!
//! A bare `u128` says neither what it counts nor how far it may grow. Here each kind of number is a type
//! with a stated range, its arithmetic answers with a typed error instead of wrapping, and every division
//! carries its rounding in its name. There are no floats and no casts.
//!
//! ```
//! use capstan_units::Assets;
//! let supply = Assets::new(70)?;
//! assert_eq!(supply.add(Assets::new(30)?)?.get(), 100);
//! assert!(supply.sub(Assets::new(71)?).is_err());
//! # Ok::<(), capstan_units::NumberError>(())
//! ```

#![deny(clippy::disallowed_types, clippy::disallowed_methods)]
#![cfg_attr(
    not(test),
    deny(
        clippy::float_arithmetic,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod amount;
mod decimal;
mod error;
mod fixed;
mod id;
mod log_ratio;
mod muldiv;
mod rate;
mod root;
mod tick;
pub mod tick_price;
mod time;
mod value;

#[cfg(test)]
mod tests;

pub use amount::{Assets, DebtShares, Shares};
pub use decimal::{DecimalError, decimal, decimal_down, parse_decimal};
pub use error::NumberError;
pub use fixed::{Bps, Price, Ray, Usd, Wad};
pub use id::{
    AccountId, AssetId, FarmId, LiquidationId, MarketId, OrderId, PerpMarketId, PoolId, ProductId,
    StreamId,
};
pub use log_ratio::LogRatio;
pub use muldiv::{mul_div_down, mul_div_up};
pub use rate::MS_PER_YEAR;
pub use root::{sqrt_down, sqrt_up};
pub use tick::PriceTick;
pub use time::TimeMs;
pub use value::{assets_down, assets_up, value_down, value_up};
