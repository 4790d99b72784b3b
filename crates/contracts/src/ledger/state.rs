//! Storage of `ledger`.

use alloy_primitives::{Address, U256};
use capstan_state::{Balance, Layout, Lock, Map, Record, Text, Total, Value};
use capstan_units::{AccountId, AssetId, Assets};

use super::params::{Next, Present, SYMBOL_BYTES_MAX};

/// What an asset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Listing {
    /// Its token; the coin's is its ERC-20 face.
    pub(super) token: Address,
    /// Digits behind the point of one whole token, as they were at listing.
    pub(super) decimals: u8,
    /// Number of its [`Kind`](super::Kind).
    pub(super) kind: u8,
    /// Whether its border is closed.
    pub(super) is_frozen: bool,
}

/// How much more may leave than comes, as of when that was last reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Bucket {
    /// The limit as it was then.
    pub(super) size: Assets,
    /// When it was reckoned and what had flowed drained.
    pub(super) at_ms: u64,
    /// When a crossing reckons anew.
    pub(super) due_ms: u64,
}

/// Everything that `ledger` stores.
#[derive(Layout)]
pub(crate) struct LedgerState {
    /// Assets listed so far.
    #[tag(1)]
    pub(super) asset_count: Value<u32>,
    /// What each is.
    #[tag(2)]
    pub(super) listings: Map<AssetId, Record<Listing>>,
    /// Asset of each token, plus one.
    #[tag(3)]
    pub(super) asset_of: Map<Address, Value<u32>>,
    /// Short name of each, for people.
    #[tag(4)]
    pub(super) symbols: Map<AssetId, Text<SYMBOL_BYTES_MAX>>,
    /// Units of each account.
    #[tag(5)]
    pub(super) free: Map<(AssetId, AccountId), Balance>,
    /// Units of all accounts together (LED-1).
    #[tag(6)]
    pub(super) claims: Map<AssetId, Total>,
    /// How much may leave.
    #[tag(7)]
    pub(super) limits: Map<AssetId, Record<Present>>,
    /// How much more came than left, lately, above [`Flow::NONE`](super::math::Flow::NONE): crossings of one block only
    /// add to it and take from it.
    #[tag(8)]
    pub(super) flows: Map<AssetId, Balance<U256>>,
    /// Held while a foreign token runs (LED-3).
    #[tag(9)]
    pub(super) borders: Map<AssetId, Lock>,
    /// How much may leave later, where that was announced.
    #[tag(10)]
    pub(super) next_limits: Map<AssetId, Record<Next>>,
    /// What crossings are held against.
    #[tag(11)]
    pub(super) buckets: Map<AssetId, Record<Bucket>>,
}
