//! What the prepared world holds: its assets and pools, as tables.

use alloy_primitives::{Address, U256};
use capstan_agents::feed::{DEV_PARAMS, parse_price};
use capstan_contracts::{
    ether, exchange::Curve, listing::IListing, native, oracle::IOracle, token,
};
use eyre::Result;

pub(super) const DAY_S: u32 = 86_400;
/// Coins that move together, so that one may back much of the other.
const ETHER_LIKE: u8 = 1;

/// How the price of an asset moves.
#[derive(Clone, Copy)]
pub(super) enum Moves {
    /// By itself: so much in a year.
    Walk(f64),
    /// As the price of the asset at that place, of which it is worth more every year by this part.
    Rate { of: usize, growth: f64 },
}

/// An asset of the world.
pub(super) struct Listed {
    pub(super) symbol: &'static str,
    pub(super) decimals: u8,
    /// Dollars of a whole unit, in the beginning.
    pub(super) price: &'static str,
    pub(super) moves: Moves,
    /// Whole units that each account begins with, and that the owner lends.
    pub(super) given: u64,
    pub(super) lent: u64,
    /// Of it, what he borrows himself, so that lending earns and borrowing costs what it does in a used market.
    pub(super) borrowed: u64,
    /// Parts of its value that count, and those that count where debts are of its category.
    initial_bps: u16,
    maintenance_bps: u16,
    category: u8,
    category_initial_bps: u16,
    category_maintenance_bps: u16,
    discount_max_bps: u16,
    /// Borrow rate per year at the kink and beyond.
    slope1_bps: u32,
    slope2_bps: u32,
}

/// Their places, which are their numbers.
pub(super) const ETH: usize = 0;
pub(super) const USDC: usize = 1;
pub(super) const WBTC: usize = 2;
/// The chain's own dollar: minted against accounts, so it has no market, and but for a pool nobody begins with any.
pub(super) const DOLLAR: usize = 3;
pub(super) const STETH: usize = 4;
pub(super) const CAP: usize = 5;

/// By number of asset. The first is the gas coin.
pub(super) const ASSETS: [Listed; 6] = [
    Listed {
        symbol: "ETH",
        decimals: 18,
        price: "3000",
        moves: Moves::Walk(0.8),
        given: 0,
        lent: 1_000,
        borrowed: 400,
        // Five-fold stays possible behind the costs of the swap that makes it, and begins 3 % away from its end.
        initial_bps: 8_100,
        maintenance_bps: 8_300,
        category: ETHER_LIKE,
        category_initial_bps: 9_000,
        category_maintenance_bps: 9_300,
        discount_max_bps: 500,
        slope1_bps: 300,
        slope2_bps: 8_000,
    },
    Listed {
        symbol: "USDC",
        decimals: 6,
        price: "1",
        moves: Moves::Walk(0.003),
        given: 100_000,
        lent: 5_000_000,
        borrowed: 3_200_000,
        initial_bps: 8_500,
        maintenance_bps: 9_000,
        category: 0,
        category_initial_bps: 0,
        category_maintenance_bps: 0,
        discount_max_bps: 400,
        slope1_bps: 500,
        slope2_bps: 6_000,
    },
    Listed {
        symbol: "WBTC",
        decimals: 8,
        price: "60000",
        moves: Moves::Walk(0.6),
        given: 2,
        lent: 50,
        borrowed: 12,
        initial_bps: 7_300,
        maintenance_bps: 7_800,
        category: 0,
        category_initial_bps: 0,
        category_maintenance_bps: 0,
        discount_max_bps: 500,
        slope1_bps: 400,
        slope2_bps: 8_000,
    },
    Listed {
        symbol: "usd",
        decimals: 18,
        price: "1",
        moves: Moves::Walk(0.001),
        given: 0,
        lent: 0,
        borrowed: 0,
        initial_bps: 8_500,
        maintenance_bps: 9_000,
        category: 0,
        category_initial_bps: 0,
        category_maintenance_bps: 0,
        discount_max_bps: 400,
        slope1_bps: 0,
        slope2_bps: 0,
    },
    Listed {
        symbol: "stETH",
        decimals: 18,
        price: "3150",
        moves: Moves::Rate {
            of: ETH,
            growth: 0.03,
        },
        given: 10,
        lent: 500,
        borrowed: 50,
        initial_bps: 7_800,
        maintenance_bps: 8_100,
        category: ETHER_LIKE,
        category_initial_bps: 9_000,
        category_maintenance_bps: 9_300,
        discount_max_bps: 500,
        slope1_bps: 400,
        slope2_bps: 8_000,
    },
    Listed {
        symbol: "CAP",
        decimals: 18,
        price: "8",
        moves: Moves::Walk(1.2),
        given: 1_000,
        lent: 50_000,
        borrowed: 5_000,
        initial_bps: 5_000,
        maintenance_bps: 6_000,
        category: 0,
        category_initial_bps: 0,
        category_maintenance_bps: 0,
        discount_max_bps: 1_000,
        slope1_bps: 700,
        slope2_bps: 12_000,
    },
];

/// A pool of the world, at the made-up prices.
pub(super) struct Opened {
    pub(super) curve: Curve,
    pub(super) fee_pips: u32,
    pub(super) amplification: u32,
    /// Places among [`ASSETS`], in rising order.
    pub(super) assets: [usize; 2],
    /// What lies on each side, in whole dollars.
    pub(super) side_usd: u64,
}

/// By number of pool.
pub(super) const POOLS: [Opened; 4] = [
    Opened {
        curve: Curve::Product,
        fee_pips: 500,
        amplification: 0,
        assets: [ETH, USDC],
        side_usd: 15_000_000,
    },
    Opened {
        curve: Curve::Product,
        fee_pips: 3_000,
        amplification: 0,
        assets: [USDC, WBTC],
        side_usd: 6_000_000,
    },
    Opened {
        curve: Curve::Stable,
        fee_pips: 100,
        amplification: 200,
        assets: [USDC, DOLLAR],
        side_usd: 100_000,
    },
    Opened {
        curve: Curve::Product,
        fee_pips: 3_000,
        amplification: 0,
        assets: [USDC, CAP],
        side_usd: 400_000,
    },
];

/// The pool of ETH and stETH holds its liquidity around the rate. Its number follows the others.
pub(super) const RANGE_POOL: u32 = 4;
pub(super) const RANGE_FEE_PIPS: u32 = 500;
/// The root of one stETH for 1.05 ETH, times 2^96.
pub(super) const RANGE_SQRT_PRICE_X96: u128 = 77_318_769_577_248_808_968_632_876_404;
/// From 1.02 to 1.08, in ticks of a ten-thousandth.
pub(super) const RANGE_TICKS: [i32; 2] = [-770, -200];
/// Whole units on each side, at most.
pub(super) const RANGE_SIDE: u64 = 400;

impl Listed {
    /// So much of it as dollars buy.
    pub(super) fn worth(&self, usd: u64) -> Result<U256> {
        let price: u64 = self.price.parse()?;
        Ok(self.units(usd) / U256::from(price))
    }

    pub(super) fn units(&self, whole: u64) -> U256 {
        U256::from(whole) * U256::from(10).pow(U256::from(self.decimals))
    }

    /// What lists it.
    pub(super) fn listing(&self, token: Address) -> Result<IListing::Asset> {
        let IOracle::FeedParams {
            quorum,
            reacceptRounds,
            bandBps,
            bandWidenBpsPerMin,
            confidenceBpsMax,
            growthBpsPerYear,
            staleMs,
            smoothMs,
            outageMs,
            graceMs: _,
            stillMs,
        } = DEV_PARAMS;
        Ok(IListing::Asset {
            token,
            border: IListing::Border {
                windowS: DAY_S,
                shareBps: 10_000,
                floor: U256::from(u128::MAX >> 16),
            },
            feed: IListing::Feed {
                description: format!("{} / USD", self.symbol),
                referencePrice: parse_price(self.price)?,
                quorum,
                reacceptRounds,
                bandBps,
                bandWidenBpsPerMin,
                confidenceBpsMax,
                growthBpsPerYear,
                staleMs,
                smoothMs,
                outageMs,
                // Nobody has debts yet that a first price could endanger.
                graceMs: 0,
                stillMs,
            },
            market: IListing::Market {
                seed: self.units(1),
                reserveFactorBps: 1_000,
                supplyCap: self.units(self.lent * 100),
                borrowCap: self.units(self.lent * 90),
                rateModel: 0,
                baseBps: 0,
                slope1Bps: self.slope1_bps,
                slope2Bps: self.slope2_bps,
                optimalBps: 9_000,
            },
            collateral: IListing::Collateral {
                initialBps: self.initial_bps,
                maintenanceBps: self.maintenance_bps,
                categoryInitialBps: self.category_initial_bps,
                categoryMaintenanceBps: self.category_maintenance_bps,
                discountMaxBps: self.discount_max_bps,
                category: self.category,
                isolated: false,
                depositCap: U256::ZERO,
            },
        })
    }
}

/// The number of the asset at a place.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The token of an asset: the coin's face, or the factory's by its number.
pub(super) fn address_of(place: usize) -> Address {
    match place {
        ETH => ether::ADDRESS,
        place => native(token::KIND, place as u64),
    }
}
