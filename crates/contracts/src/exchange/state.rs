//! Storage of `exchange`.

use alloy_primitives::{FixedBytes, U256};
use capstan_state::{Balance, Layout, List, Map, Record, Total, Value};
use capstan_units::{AccountId, AssetId, Assets, Bps, PoolId, Shares};

use super::params::{OBSERVATIONS, POOLS_OF_PAIR_MAX};

/// What a pool is: one word. Coins behind the last are asset 0 with no decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Config {
    /// Number of its curve; zero where there is no pool.
    pub(super) curve: u8,
    /// How many assets it holds.
    pub(super) coin_count: u8,
    /// Part of what is paid in that stays for liquidity, in millionths.
    pub(super) fee_pips: u32,
    /// How flat a stable curve is.
    pub(super) amplification: u32,
    /// Its assets, in rising order.
    pub(super) coin0: AssetId,
    pub(super) coin1: AssetId,
    pub(super) coin2: AssetId,
    pub(super) coin3: AssetId,
    /// Digits behind the point of each.
    pub(super) decimals0: u8,
    pub(super) decimals1: u8,
    pub(super) decimals2: u8,
    pub(super) decimals3: u8,
    /// Whether swaps and new liquidity are stopped.
    pub(super) is_paused: bool,
    /// Whether the protocol's part of its fees waits for a farm of it.
    pub(super) feeds_farm: bool,
}

/// Two reserves: one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Pair {
    /// Of the first or third coin.
    pub(super) low: Assets,
    /// Of the second or fourth.
    pub(super) high: Assets,
    /// Beside the first two, in which block the pool was touched last: the low half of its number. So a further touch
    /// looks at no price through time. In 2^32 blocks it comes again, which is 34 years at four in a second.
    pub(super) touched: u32,
}

/// A price through time: that of one coin for a unit of the first, on a logarithmic scale: one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Track {
    /// Sum of price times milliseconds since the pool began, modulo 2^64: windows are differences.
    pub(super) sum: u64,
    /// Until when.
    pub(super) at_ms: u64,
    /// The exponential mean, with 16 more binary digits; two's complement.
    pub(super) mean: u64,
    /// Observations so far.
    pub(super) seen: u32,
    /// The price that counted last; two's complement.
    pub(super) counted: u32,
}

/// A sum as it was at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Observation {
    /// See [`Track::sum`].
    pub(super) sum: u64,
    /// When.
    pub(super) at_ms: u64,
}

/// The protocol's part of fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct ProtocolShare {
    /// In force until the next is.
    pub(super) present: Bps,
    /// What follows.
    pub(super) next: Bps,
    /// When it does; zero if nothing does.
    pub(super) next_from_ms: u64,
}

/// What holds for sales at a seller's price; no impact is what a new chain says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct SaleTerms {
    /// Most by which sales of one block lower the price of one pool.
    pub(super) impact_max: Bps,
    /// How many common coins there are.
    pub(super) coin_count: u8,
    pub(super) coin0: AssetId,
    pub(super) coin1: AssetId,
    pub(super) coin2: AssetId,
}

/// Where the price of a pool stood before a block's sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct SaleAnchor {
    /// Which block's.
    pub(super) height: u64,
    /// Units of what is received for a unit of what is sold, as a logarithm in two's complement.
    pub(super) price: u32,
}

/// Where a pool of ranges stands: one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Range {
    /// Root of the price, with 96 binary digits behind the point.
    pub(super) root: FixedBytes<20>,
    /// The highest tick at or below it, as a key.
    pub(super) tick: u32,
    /// What the tick was at the end of the block before the last that touched the pool, as a key.
    pub(super) ended_tick: u32,
    /// How many ticks the price went lately, in parts.
    pub(super) swing: u32,
}

/// One end of ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Tick {
    /// Liquidity of all ranges that end here.
    pub(super) gross: u128,
    /// What liquidity changes by where a price rises through it; two's complement.
    pub(super) net: u128,
    /// Fees of coin 0 per liquidity that grew on the side where the price is not.
    pub(super) outside0: U256,
    /// Fees of coin 1.
    pub(super) outside1: U256,
}

/// A range and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Position {
    /// Its pool.
    pub(super) pool: PoolId,
    /// Where it begins, as a key.
    pub(super) lower: u32,
    /// Where it stops, as a key.
    pub(super) upper: u32,
    /// Its liquidity.
    pub(super) liquidity: u128,
    /// Fees of coin 0 per liquidity inside the range when they were last credited.
    pub(super) inside0: U256,
    /// Fees of coin 1.
    pub(super) inside1: U256,
    /// Fees of coin 0 that were credited.
    pub(super) owed0: Assets,
    /// Fees of coin 1.
    pub(super) owed1: Assets,
}

/// Everything that `exchange` stores.
#[derive(Layout)]
pub(crate) struct ExchangeState {
    /// Pools so far.
    #[tag(1)]
    pub(super) pool_count: Value<u32>,
    /// What each is.
    #[tag(2)]
    pub(super) configs: Map<PoolId, Record<Config>>,
    /// The pool of each shape, plus one.
    #[tag(3)]
    pub(super) pool_of: Map<FixedBytes<25>, Value<u32>>,
    /// Pools that swap two assets, the lower number first.
    #[tag(4)]
    pub(super) pools_of_pair: Map<(AssetId, AssetId), List<PoolId, POOLS_OF_PAIR_MAX>>,
    /// Reserves of the first two coins of a pool, and of the other two.
    #[tag(5)]
    pub(super) reserves: Map<(PoolId, bool), Record<Pair>>,
    /// Shares of each account.
    #[tag(6)]
    pub(super) shares: Map<(PoolId, AccountId), Balance<Shares>>,
    /// Shares of all accounts together.
    #[tag(7)]
    pub(super) total_shares: Map<PoolId, Total<Shares>>,
    /// Prices of a pool's coins behind the first, by place.
    #[tag(8)]
    pub(super) tracks: Map<(PoolId, u8), Record<Track>>,
    /// Sums as they were, by pool, place of the coin, and number modulo [`OBSERVATIONS`].
    #[tag(9)]
    pub(super) observations: Map<((PoolId, u8), u32), Record<Observation>>,
    /// The protocol's part of fees.
    #[tag(10)]
    pub(super) protocol_share: Record<ProtocolShare>,
    /// Fees that wait for the protocol.
    #[tag(11)]
    pub(super) protocol_fees: Map<AssetId, Total>,
    /// Where pools of ranges stand.
    #[tag(12)]
    pub(super) ranges: Map<PoolId, Record<Range>>,
    /// Liquidity at the price of each.
    #[tag(13)]
    pub(super) liquidity: Map<PoolId, Value<u128>>,
    /// Fees per liquidity since each began, of coin 0 and of coin 1.
    #[tag(14)]
    pub(super) growth: Map<(PoolId, bool), Value<U256>>,
    /// Ends of ranges.
    #[tag(15)]
    pub(super) ticks: Map<(PoolId, u32), Record<Tick>>,
    /// Which ticks, in units of the spacing, are ends: 256 in a word.
    #[tag(16)]
    pub(super) tick_marks: Map<(PoolId, u16), Value<U256>>,
    /// Positions so far.
    #[tag(17)]
    pub(super) position_count: Value<u64>,
    /// What each is.
    #[tag(18)]
    pub(super) positions: Map<u64, Record<Position>>,
    /// What holds for sales at a seller's price.
    #[tag(24)]
    pub(super) sale_terms: Record<SaleTerms>,
    /// Prices before a block's sales, by pool, what is sold and what is received.
    #[tag(25)]
    pub(super) sale_anchors: Map<(PoolId, (AssetId, AssetId)), Record<SaleAnchor>>,
    /// Fees of a pool that wait for its farm.
    #[tag(26)]
    pub(super) farm_fees: Map<(PoolId, AssetId), Total>,
}

const _: () = assert!(OBSERVATIONS.is_power_of_two());
