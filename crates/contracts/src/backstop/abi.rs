//! The interface of `backstop` and its table of verbs.

use alloy_sol_types::sol;
use capstan_units::AssetId;

use super::{actions, listing, sale, views};
use crate::admin::Pausing;
use IBackstop::*;

sol! {
    /// Stakes that bear the losses of a lending market before its lenders do. Staking and leaving are verbs of the share token.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IBackstop {
        /// What the owner sets. Goods are sold from `saleStartBps` of their price, falling to `saleFloorBps` within `saleMs`.
        struct StakeParams {
            uint256 cap;
            uint64 cooldownMs;
            uint64 windowMs;
            uint64 rewardMs;
            uint64 saleMs;
            uint16 saleStartBps;
            uint16 saleFloorBps;
        }
        /// A stake as it is now. `lots` of goods are unsold; while there are some, staking waits until `stakingFromMs`.
        struct Stake {
            uint256 assets;
            uint256 unreleased;
            uint64 rewardEndMs;
            uint256 shares;
            uint32 generation;
            uint16 lots;
            uint64 stakingFromMs;
            uint8 paused;
        }

        /// A stake was opened with a seed that nobody can take out.
        event StakeOpened(uint32 indexed assetId, address indexed shareToken, uint256 seed);
        /// A ruined stake began anew; shares of past generations are void.
        event StakeReopened(uint32 indexed assetId, uint32 generation, uint256 seed);
        /// Parameters were set; they count from `fromMs`.
        event StakeParamsSet(uint32 indexed assetId, StakeParams params, uint64 fromMs);
        /// Verbs were paused or unpaused: 1 staking, 2 the sale.
        event StakePaused(uint32 indexed assetId, uint8 paused);
        /// The stake bore a loss: `paid` of `loss`; `left` is what its shares are worth now.
        event Slashed(uint32 indexed assetId, uint32 indexed generation, uint256 loss, uint256 paid, uint256 left);
        /// A reward came in; it flows until `endMs`, with what had not flowed.
        event RewardPaidIn(uint32 indexed assetId, address indexed from, uint256 amount, uint64 endMs);
        /// The stake paid for collateral, which is on sale now, as of `beganMs`.
        event GoodsTaken(uint32 indexed assetId, uint32 indexed goodsAssetId, uint256 goods, uint256 paid, uint256 onSale, uint64 beganMs);
        /// Goods were sold.
        event GoodsSold(uint32 indexed assetId, uint32 indexed goodsAssetId, address indexed buyer, uint256 goods, uint256 paid, uint256 left);

        /// The asset has no stake. The owner opens it first.
        error BackstopUnknownStake(uint32 assetId);
        /// The asset has a stake already.
        error BackstopOpenedAlready(uint32 assetId);
        /// The verb is paused: 1 staking, 2 the sale. Leaving never is.
        error BackstopPaused(uint32 assetId, uint8 verb);
        /// An amount of zero does nothing.
        error BackstopZeroAmount();
        /// The amount is worth less than one unit. Use more.
        error BackstopTooSmall(uint32 assetId, uint256 amount);
        /// The stake would hold more than its cap. Stake at most what is left to `cap`.
        error BackstopCap(uint32 assetId, uint256 assets, uint256 amount, uint256 cap);
        /// Goods of this stake are on sale. Stake when they are sold, or from `untilMs` on.
        error BackstopSaleOpen(uint32 assetId, uint64 untilMs);
        /// The token kept a part of what it moved. Where an exact amount is due it cannot be used.
        error BackstopTakesFee(uint32 assetId, uint256 wanted, uint256 arrived);
        /// Shares became dearer while they were paid for. Try again.
        error BackstopDearer(uint32 assetId, uint256 paid, uint256 cost);
        /// The owner has requested fewer shares than he wants to take. Call `requestUnstake` first.
        error BackstopNotRequested(uint32 assetId, address owner, uint256 requested, uint256 needed);
        /// What was requested can be taken from `readyMs` until `untilMs`. Come then, or request anew.
        error BackstopNotRipe(uint32 assetId, address owner, uint64 nowMs, uint64 readyMs, uint64 untilMs);
        /// The stake has less. Take at most `have`.
        error BackstopTooLittle(uint32 assetId, uint256 have, uint256 need);
        /// A stake buys no goods of its own asset.
        error BackstopSameAsset(uint32 assetId);
        /// This stake sells none of these goods.
        error BackstopNothingOnSale(uint32 assetId, uint32 goodsAssetId);
        /// The goods cost more than allowed now. The price falls with time.
        error BackstopTooDear(uint32 assetId, uint32 goodsAssetId, uint256 goods, uint256 pay, uint256 maxPay);
        /// A parameter is out of its range.
        error BackstopParamOutOfRange(string what, uint256 value, uint256 min, uint256 max);
        /// The seed is too small. Seed at least `min`.
        error BackstopSeedTooSmall(uint256 seed, uint256 min);

        /// A stake as it is now.
        function stake(uint32 assetId) external view returns (Stake memory);
        /// Parameters in force, and those that follow from `nextFromMs` if that is not zero.
        function paramsOf(uint32 assetId) external view returns (StakeParams memory present, StakeParams memory next, uint64 nextFromMs);
        /// Goods that a stake sells, and when their sale began.
        function lotOf(uint32 assetId, uint32 goodsAssetId) external view returns (uint256 goods, uint64 beganMs);
        /// What these goods cost now, as far as there are so many.
        function quoteGoods(uint32 assetId, uint32 goodsAssetId, uint256 amount) external view returns (uint256 goods, uint256 pay);
        /// The ERC-4626 face of a stake.
        function shareToken(uint32 assetId) external view returns (address);
        /// Buys up to `amount` of a stake's goods for at most `maxPay` of its asset, from the caller's wallet to his wallet.
        function buyGoods(uint32 assetId, uint32 goodsAssetId, uint256 amount, uint256 maxPay) external returns (uint256 goods, uint256 paid);
        /// Pays a reward from the caller's wallet, which flows to the stakers over time.
        function payIn(uint32 assetId, uint256 amount) external returns (uint256 arrived);
        /// Opens a stake for a listed asset and seeds it from the caller's wallet. Only the owner of this contract's scope.
        function openStake(uint32 assetId, StakeParams calldata params, uint256 seed) external returns (address);
        /// Sets parameters: at once if only the cap falls, after a day otherwise. Only the owner.
        function setParams(uint32 assetId, StakeParams calldata params) external;
        /// Pauses verbs besides those that are. The owner, or a holder of the role GUARD (1).
        function pause(uint32 assetId, uint8 verbs) external;
        /// Lets verbs go on. Only the owner.
        function unpause(uint32 assetId, uint8 verbs) external;
    }
}

crate::verbs! { IBackstopCalls;
    stakeCall: View, 200 => |cx, c| views::stake(cx, AssetId::new(c.assetId));
    paramsOfCall: View, 100 => |cx, c| views::params_of(cx, AssetId::new(c.assetId));
    lotOfCall: View, 60 => |cx, c| views::lot_of(cx, AssetId::new(c.assetId), AssetId::new(c.goodsAssetId));
    quoteGoodsCall: View, 400 => |cx, c| {
        views::quote_goods(cx, AssetId::new(c.assetId), AssetId::new(c.goodsAssetId), c.amount)
    };
    shareTokenCall: View, 60 => |cx, c| views::share_token(cx, AssetId::new(c.assetId));
    buyGoodsCall: Write, 600 => |cx, c| sale::buy_goods(cx, &c);
    payInCall: Write, 400 => |cx, c| actions::pay_in(cx, AssetId::new(c.assetId), c.amount);
    openStakeCall: Write, 1000 => |cx, c| listing::open_stake(cx, c.assetId, &c.params, c.seed);
    setParamsCall: Write, 300 => |cx, c| listing::set_params(cx, c.assetId, &c.params);
    pauseCall: Write, 100 => |cx, c| listing::pause(cx, c.assetId, Pausing::Stop(c.verbs));
    unpauseCall: Write, 100 => |cx, c| listing::pause(cx, c.assetId, Pausing::GoOn(c.verbs));
}
