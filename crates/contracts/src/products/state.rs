//! Storage of `products`.

use alloy_primitives::{Address, U256};
use capstan_state::{Halt, Layout, Map, Record, Value};
use capstan_units::{AssetId, Bps, PoolId, ProductId};

/// What a product does with its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Gains when the price of its collateral rises.
    Long,
    /// Gains when the price of what it owes falls.
    Short,
    /// Holds one asset of a correlated pair and owes the other.
    Loop,
    /// Provides liquidity, and owes as much of the other asset as that is made of.
    Neutral,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Long, Self::Short, Self::Loop, Self::Neutral];

    /// Its permanent number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Long => 1,
            Self::Short => 2,
            Self::Loop => 3,
            Self::Neutral => 4,
        }
    }

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// How far a product is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Units are made and redeemed.
    Open,
    /// Its account is turned into base units; none are made, and the block keeps no ratio.
    Closing,
    /// Base units are all that it has: each unit is its part of them.
    Closed,
}

impl Phase {
    /// Every phase, by its permanent number.
    pub const ALL: [Self; 3] = [Self::Open, Self::Closing, Self::Closed];

    /// Its permanent number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Closing => 1,
            Self::Closed => 2,
        }
    }

    /// The phase with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.number() == number)
    }
}

/// A product. Of one that does not exist, `kind` is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Product {
    /// Number of its [`Kind`].
    pub(super) kind: u8,
    /// What its account holds; of a neutral one the coin of its pool that is its base asset.
    pub(super) collateral: AssetId,
    /// What its account owes.
    pub(super) debt: AssetId,
    /// What a sale may cost, as a part of its value at oracle prices.
    pub(super) limit: Bps,
    /// What stays with the other holders of what comes or goes.
    pub(super) fee: Bps,
    /// Leverage or health as it was said, in hundredths of a percent.
    pub(super) target_bps: u32,
    /// One end of the band, as it was said.
    pub(super) low_bps: u32,
    /// The other.
    pub(super) high_bps: u32,
    /// Attempts that failed since one succeeded.
    pub(super) failures: u8,
    /// Debt per collateral that a rebalance restores, in wad.
    pub(super) target_wad: u64,
    /// Below it a rebalance borrows, in wad.
    pub(super) low_wad: u64,
    /// Above it a rebalance repays, in wad.
    pub(super) high_wad: u64,
    /// Beyond this equity nobody deposits, in 10^-18 dollars.
    pub(super) cap_usd: u128,
    /// Coins that pay for the block's looks, in wei.
    pub(super) reserve_wei: u128,
    /// Of a neutral one: where it provides liquidity.
    pub(super) pool: PoolId,
    /// Who may close it, and nothing else; zero is nobody.
    pub(super) owner: Address,
    /// Number of its [`Phase`].
    pub(super) phase: u8,
}

impl Product {
    /// # Errors
    /// No verb wrote it.
    pub(super) fn kind(&self) -> Result<Kind, Halt> {
        let kind = Kind::from_number(self.kind);
        kind.ok_or_else(|| {
            Halt::Fatal(format!(
                "corrupt storage: {} is no kind of product",
                self.kind
            ))
        })
    }

    /// # Errors
    /// No verb wrote it.
    pub(super) fn phase(&self) -> Result<Phase, Halt> {
        let phase = Phase::from_number(self.phase);
        phase.ok_or_else(|| {
            Halt::Fatal(format!(
                "corrupt storage: {} is no phase of a product",
                self.phase
            ))
        })
    }

    /// What it has beside base units and debt: liquidity aside.
    pub(super) fn other(&self) -> Result<AssetId, Halt> {
        Ok(if self.base_is_debt()? {
            self.collateral
        } else {
            self.debt
        })
    }

    /// What is deposited, and given back.
    pub(super) fn base(&self) -> Result<AssetId, Halt> {
        Ok(if self.base_is_debt()? {
            self.debt
        } else {
            self.collateral
        })
    }

    pub(super) fn base_is_debt(&self) -> Result<bool, Halt> {
        Ok(matches!(self.kind()?, Kind::Long | Kind::Loop))
    }
}

/// Everything that `products` stores.
#[derive(Layout)]
pub(crate) struct ProductsState {
    /// Products made so far; their numbers count from one.
    #[tag(1)]
    pub(super) product_count: Value<u32>,
    /// What each is.
    #[tag(2)]
    pub(super) products: Map<ProductId, Record<Product>>,
    /// What calls the block to it, in the form of an account's sheet.
    #[tag(3)]
    pub(super) guards: Map<(ProductId, u8), Value<U256>>,
}
