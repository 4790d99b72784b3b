//! Storage of `farms`.

use alloy_primitives::U256;
use capstan_state::{Layout, Map, Record, Total, Value};
use capstan_units::{AccountId, AssetId, Assets, FarmId, PoolId};

/// What a farm is; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Farm {
    /// What is staked: 1 units of an asset, 2 shares of a pool; zero where there is no farm.
    pub(super) kind: u8,
    /// Number of the asset or of the pool.
    pub(super) thing: u32,
    /// How many rewards there are.
    pub(super) reward_count: u8,
    /// What flows. Places behind the last are asset 0.
    pub(super) reward0: AssetId,
    pub(super) reward1: AssetId,
    pub(super) reward2: AssetId,
    pub(super) reward3: AssetId,
    /// What is locked for more weight, if `lift_wad` is not zero.
    pub(super) boost: AssetId,
    /// How much stake one unit of that lifts, times 10^18.
    pub(super) lift_wad: u128,
}

/// How much is staked in a farm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Tally {
    /// Of all stakers, what locks add included.
    pub(super) weight: u128,
    /// Until when its streams have flowed.
    pub(super) at_ms: u64,
    /// All stakes.
    pub(super) staked: u128,
}

/// One reward of a farm. What is fine counts parts of 2^-128 of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Flow {
    /// What has not flowed.
    pub(super) left_fine: U256,
    /// What has flowed to one unit of weight, since the farm began.
    pub(super) per_weight_fine: U256,
    /// The time in which the rest flows, while somebody stakes.
    pub(super) left_ms: u64,
    /// All that was ever paid in: bounded, so that no product here is too large.
    pub(super) paid_in: Assets,
}

/// What somebody has in a farm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Stake {
    /// Units or shares.
    pub(super) amount: u128,
    /// Weight that his lock adds; it counts until the lock ends.
    pub(super) extra: u128,
    /// What he locked.
    pub(super) locked: Assets,
    /// The lock ends where this epoch begins.
    pub(super) until_epoch: u32,
}

/// What somebody is due of one reward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Record)]
pub(super) struct Due {
    /// What he earned and did not claim.
    pub(super) credit_fine: U256,
    /// The flow per weight up to which that is reckoned.
    pub(super) seen_fine: U256,
}

/// One reward of a farm, by its place.
pub(super) type Reward = (FarmId, u8);
/// Whether it is a wallet, and which; of wallets the index is zero.
pub(super) type HolderKey = (bool, AccountId);

/// Everything that `farms` stores.
#[derive(Layout)]
pub(crate) struct FarmsState {
    /// Farms so far.
    #[tag(1)]
    pub(super) farm_count: Value<u32>,
    /// What each is.
    #[tag(2)]
    pub(super) farms: Map<FarmId, Record<Farm>>,
    /// How much is staked in each.
    #[tag(3)]
    pub(super) tallies: Map<FarmId, Record<Tally>>,
    /// What flows in each.
    #[tag(4)]
    pub(super) flows: Map<Reward, Record<Flow>>,
    /// What was paid in and not out.
    #[tag(5)]
    pub(super) held: Map<Reward, Total>,
    /// What everybody staked and locked.
    #[tag(6)]
    pub(super) stakes: Map<(FarmId, HolderKey), Record<Stake>>,
    /// What everybody is due.
    #[tag(7)]
    pub(super) dues: Map<(Reward, HolderKey), Record<Due>>,
    /// Weight whose lock ends where an epoch begins that has not begun.
    #[tag(8)]
    pub(super) ends: Map<(FarmId, u32), Value<u128>>,
    /// Flow per weight where an epoch began at which locks ended.
    #[tag(9)]
    pub(super) ended_at_fine: Map<(Reward, u32), Value<U256>>,
    /// The farm that a pool's fees feed, plus one.
    #[tag(10)]
    pub(super) fed: Map<PoolId, Value<u32>>,
}
