//! The interface of `farms` and its table of verbs.

use alloy_sol_types::sol;
use capstan_units::{AssetId, FarmId};

use super::{fees, live::STATE, views, wallet};
use IFarms::*;

sol! {
    /// Rewards that flow to stakers of an asset or of a pool's shares. Verbs here are of wallets; accounts stake through `account`.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IFarms {
        /// One reward as it is now: `left` flows within `leftMs`, while somebody stakes. `held` is what is not paid out.
        struct RewardStream {
            uint32 assetId;
            uint256 left;
            uint64 leftMs;
            uint256 paidIn;
            uint256 held;
        }
        /// A farm as it is now. `kind` is 1 where units of asset `id` are staked, 2 where shares of pool `id` are. One unit of
        /// `boostAssetId` that is locked lifts `liftWad` / 10^18 of a stake; zero is a farm without locks. `isFed` if the pool's
        /// fees flow into it.
        struct Farm {
            uint8 kind;
            uint32 id;
            uint32 boostAssetId;
            uint256 liftWad;
            uint256 staked;
            uint256 weight;
            bool isFed;
            RewardStream[] streams;
        }
        /// What somebody has in a farm: of each reward, whole units that are due.
        struct Stake {
            uint256 amount;
            uint256 weight;
            uint256 locked;
            uint64 lockedUntilMs;
            uint256[] due;
        }

        /// A farm was opened.
        event FarmOpened(uint32 indexed farmId, address indexed opener, uint8 kind, uint32 id, uint32[] rewards, uint32 boostAssetId, uint256 liftWad);
        /// More flows; all of it within `leftMs`. Fees come from this contract itself.
        event Funded(uint32 indexed farmId, uint32 indexed assetId, address indexed from, uint256 amount, uint64 leftMs);
        /// Somebody staked, and weighs so much now.
        event Staked(uint32 indexed farmId, address indexed owner, uint8 index, bool isWallet, uint256 amount, uint256 weight);
        /// Somebody took from his stake, and weighs so much now.
        event Unstaked(uint32 indexed farmId, address indexed owner, uint8 index, bool isWallet, uint256 amount, uint256 weight);
        /// A stake changed hands between accounts. What it had earned did not.
        event StakeMoved(uint32 indexed farmId, address indexed from, uint8 fromIndex, address indexed to, uint8 toIndex, uint256 amount);
        /// A reward was paid.
        event Claimed(uint32 indexed farmId, address indexed owner, uint8 index, bool isWallet, uint32 assetId, uint256 amount);
        /// So much is locked until then, and he weighs so much now.
        event Locked(uint32 indexed farmId, address indexed owner, uint8 index, bool isWallet, uint256 locked, uint64 untilMs, uint256 weight);
        /// What a lock held went back.
        event Unlocked(uint32 indexed farmId, address indexed owner, uint8 index, bool isWallet, uint256 amount);
        /// The fees of a pool feed this farm from now on, or no longer.
        event FeeFarmSet(uint32 indexed poolId, uint32 indexed farmId, bool feeds);

        /// There is no farm with this number. Ask `farmCount`.
        error FarmsUnknown(uint32 farmId);
        /// What is staked is 1, units of an asset, or 2, shares of a pool; here it must be the other one, or one of them.
        error FarmsBadKind(uint8 kind);
        /// A farm has one to `max` rewards, in rising order.
        error FarmsBadRewards(uint256 count, uint256 max);
        /// A unit lifts more than it may. Choose less.
        error FarmsBadLift(uint256 liftWad, uint256 max);
        /// The reward flows for too short or too long. Choose a time between the two.
        error FarmsBadPeriod(uint64 periodMs, uint64 minMs, uint64 maxMs);
        /// An amount of zero does nothing.
        error FarmsZeroAmount();
        /// The stake is smaller. Take at most `have`.
        error FarmsInsufficient(uint32 farmId, uint256 have, uint256 need);
        /// This asset is no reward of the farm. Ask `farm`.
        error FarmsNoReward(uint32 farmId, uint32 assetId);
        /// Nothing of this reward is due yet. Wait.
        error FarmsNothingDue(uint32 farmId, uint32 assetId);
        /// More was paid in than one reward of a farm can count. Open another farm.
        error FarmsTooMuch(uint32 farmId, uint32 assetId, uint256 paidIn, uint256 amount);
        /// The farm has no locks.
        error FarmsNoBoost(uint32 farmId);
        /// A lock ends where an epoch of 28 days begins, between these two, and never before it did.
        error FarmsBadLock(uint64 untilMs, uint64 minMs, uint64 maxMs);
        /// The lock lasts until `untilMs`. Come then.
        error FarmsLocked(uint32 farmId, uint64 untilMs);
        /// No fees feed this farm. The exchange's owner says which.
        error FarmsNotFed(uint32 farmId);
        /// A coin of the pool is no reward of the farm, so its fees cannot flow there. Open one with all coins of the pool.
        error FarmsOtherPool(uint32 farmId, uint32 poolId, uint32 assetId);

        /// How many farms there are; their numbers begin with zero.
        function farmCount() external view returns (uint32);
        /// A farm as it is now.
        function farm(uint32 farmId) external view returns (Farm memory);
        /// What a wallet, or an account, has in a farm. Of a wallet the index is not looked at.
        function stakeOf(uint32 farmId, bool isWallet, address owner, uint8 index) external view returns (Stake memory);
        /// The farm that the fees of a pool feed, if they feed one.
        function feeFarm(uint32 poolId) external view returns (bool isFed, uint32 farmId);

        /// Opens a farm, by anybody: what is staked, up to four rewards in rising order, and what may be locked for more weight.
        function open(uint8 kind, uint32 id, uint32[] calldata rewards, uint32 boostAssetId, uint256 liftWad) external returns (uint32 farmId);
        /// Lets a reward from the caller's wallet flow over `periodMs`, an hour to a year. Answers what arrived.
        function fund(uint32 farmId, uint32 assetId, uint256 amount, uint64 periodMs) external returns (uint256);
        /// Brings the fees of a farm's pool into its streams, by anybody: of each coin, in the pool's order.
        function harvest(uint32 farmId) external returns (uint256[] memory amounts);
        /// Passes what ended until now, by anybody. Nobody is due less or more for it.
        function poke(uint32 farmId) external;
        /// Stakes from the caller's wallet: tokens of the asset, or LP tokens of the pool. Answers what arrived.
        function stake(uint32 farmId, uint256 amount) external returns (uint256);
        /// Sends a stake of the caller's wallet to `to`. What is due stays due.
        function unstake(uint32 farmId, uint256 amount, address to) external;
        /// The same, for units of the caller's account with that number: a token that cannot leave now holds nobody in.
        function unstakeToUnits(uint32 farmId, uint256 amount, uint8 index) external;
        /// Sends what the caller's wallet is due of one reward to `to`.
        function claim(uint32 farmId, uint32 assetId, address to) external returns (uint256);
        /// Locks from the caller's wallet for his wallet's stake, or for that of one of his accounts, until the first epoch of
        /// 28 days that begins at `untilMs` or later. Locks grow and lengthen; an amount of zero only lengthens.
        function lock(uint32 farmId, bool isWallet, uint8 index, uint256 amount, uint64 untilMs) external returns (uint256);
        /// Sends what a lock of the caller held that has ended to `to`.
        function unlock(uint32 farmId, bool isWallet, uint8 index, address to) external returns (uint256);
        /// Says whether the protocol's part of the fees of a farm's pool flows into the farm. Only the owner of the exchange's scope.
        function setFeeFarm(uint32 farmId, bool feeds) external;
    }
}

crate::verbs! { IFarmsCalls;
    farmCountCall: View, 40 => |cx, _| STATE.farm_count.load(cx);
    farmCall: View, 400 => |cx, c| views::farm(cx, FarmId::new(c.farmId));
    stakeOfCall: View, 400 => |cx, c| views::stake_of(cx, FarmId::new(c.farmId), c.isWallet, c.owner, c.index);
    feeFarmCall: View, 60 => |cx, c| views::fee_farm(cx, c.poolId);
    openCall: Write, 500 => |cx, c| wallet::open(cx, &c);
    fundCall: Write, 500 => |cx, c| {
        wallet::fund(cx, FarmId::new(c.farmId), AssetId::new(c.assetId), c.amount, c.periodMs)
    };
    harvestCall: Write, 600 => |cx, c| fees::harvest(cx, FarmId::new(c.farmId));
    pokeCall: Write, 400 => |cx, c| wallet::poke(cx, FarmId::new(c.farmId));
    stakeCall: Write, 600 => |cx, c| wallet::stake(cx, FarmId::new(c.farmId), c.amount);
    unstakeCall: Write, 600 => |cx, c| wallet::unstake(cx, FarmId::new(c.farmId), c.amount, c.to);
    unstakeToUnitsCall: Write, 600 => |cx, c| wallet::unstake_to_units(cx, FarmId::new(c.farmId), c.amount, c.index);
    claimCall: Write, 600 => |cx, c| wallet::claim(cx, FarmId::new(c.farmId), AssetId::new(c.assetId), c.to);
    lockCall: Write, 600 => |cx, c| wallet::lock(cx, &c);
    unlockCall: Write, 600 => |cx, c| wallet::unlock(cx, FarmId::new(c.farmId), c.isWallet, c.index, c.to);
    setFeeFarmCall: Write, 300 => |cx, c| fees::set(cx, FarmId::new(c.farmId), c.feeds);
}
