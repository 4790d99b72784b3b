//! The interface of `lending` and its table of verbs.

use alloy_sol_types::sol;

use super::{actions, listing, views};
use crate::admin::Pausing;
use ILending::*;

sol! {
    /// One market per asset: supply earns what borrowers pay.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface ILending {
        /// What the owner sets. `rateModel` is 0 for kinked, 1 for adaptive, which takes no slopes.
        struct MarketParams {
            uint16 reserveFactorBps;
            uint256 supplyCap;
            uint256 borrowCap;
            uint8 rateModel;
            uint32 baseBps;
            uint32 slope1Bps;
            uint32 slope2Bps;
            uint32 optimalBps;
        }
        /// A market as it is now. Indexes, rates per year and utilisation are parts of 10^27. Cash counts what a flash
        /// loan has out while it runs.
        struct Market {
            uint256 supplyIndex;
            uint256 borrowIndex;
            uint256 supplyRate;
            uint256 borrowRate;
            uint256 utilisation;
            uint256 supplied;
            uint256 borrowed;
            uint256 cash;
            uint256 reserve;
            uint8 paused;
        }

        /// A market was opened with a seed that nobody can take out.
        event MarketListed(uint32 indexed assetId, address indexed shareToken, uint256 seed);
        /// Parameters were set; they count from `fromMs`.
        event MarketParamsSet(uint32 indexed assetId, MarketParams params, uint64 fromMs);
        /// Verbs were paused or unpaused: 1 supply, 2 redeem, 4 borrow, 8 flash loan.
        event MarketPaused(uint32 indexed assetId, uint8 paused);
        /// A market accrued. `reserveShares` are new.
        event Accrued(uint32 indexed assetId, uint256 supplyIndex, uint256 borrowIndex, uint256 supplyRate, uint256 borrowRate, uint256 reserveShares);
        /// Units became shares.
        event Supplied(uint32 indexed assetId, address indexed owner, uint8 index, uint256 assets, uint256 shares);
        /// Shares became units.
        event Redeemed(uint32 indexed assetId, address indexed owner, uint8 index, uint256 assets, uint256 shares);
        /// Units were lent.
        event Borrowed(uint32 indexed assetId, address indexed owner, uint8 index, uint256 assets, uint256 debtShares);
        /// A debt was paid, by its owner or another.
        event Repaid(uint32 indexed assetId, address indexed owner, uint8 index, address payer, uint8 payerIndex, uint256 assets, uint256 debtShares);
        /// Shares changed hands.
        event SharesMoved(uint32 indexed assetId, address indexed from, uint8 fromIndex, address indexed to, uint8 toIndex, uint256 shares);
        /// A debt changed hands.
        event DebtMoved(uint32 indexed assetId, address indexed from, uint8 fromIndex, address indexed to, uint8 toIndex, uint256 debtShares);
        /// A flash loan came back with this fee, which the next accrual shares out.
        event FlashFeeTaken(uint32 indexed assetId, uint256 fee);
        /// A debt was written off: `reserve` and `lenders` bore so much of it, unclaimed interest the rest.
        event LossRealised(uint32 indexed assetId, address indexed owner, uint8 index, uint256 debt, uint256 reserve, uint256 lenders);

        /// The asset has no market. The owner lists it first.
        error LendingUnknownMarket(uint32 assetId);
        /// The asset has a market already.
        error LendingListedAlready(uint32 assetId);
        /// The verb is paused in this market: 1 supply, 2 redeem, 4 borrow, 8 flash loan. Repaying never is.
        error LendingPaused(uint32 assetId, uint8 verb);
        /// An amount of zero does nothing.
        error LendingZeroAmount();
        /// The amount is less than one share is worth. Use at least `least`.
        error LendingTooSmall(uint32 assetId, uint256 amount, uint256 least);
        /// The market would hold more than its cap. Supply at most what is left to `cap`.
        error LendingSupplyCap(uint32 assetId, uint256 supplied, uint256 amount, uint256 cap);
        /// The market would lend more than its cap. Borrow at most what is left to `cap`.
        error LendingBorrowCap(uint32 assetId, uint256 borrowed, uint256 amount, uint256 cap);
        /// The market has lent out more than leaves enough. Take at most `cash`, or wait for repayments.
        error LendingNoCash(uint32 assetId, uint256 wanted, uint256 cash);
        /// The account's shares are worth less. Redeem at most `have`.
        error LendingInsufficientShares(uint32 assetId, address owner, uint8 index, uint256 have, uint256 need);
        /// The account owes nothing here, or fewer debt shares than are to be moved.
        error LendingInsufficientDebt(uint32 assetId, address owner, uint8 index, uint256 have, uint256 need);
        /// A loss took nearly all of this market; it takes no supply any more.
        error LendingIndexTooLow(uint32 assetId, uint256 supplyIndex, uint256 min);
        /// A parameter is out of its range.
        error LendingParamOutOfRange(string what, uint256 value, uint256 min, uint256 max);
        /// Less came back of a flash loan than was due. The receiver must let `due` be taken, and the token keep no part of it.
        error LendingNotPaidBack(uint32 assetId, uint256 due, uint256 arrived);
        /// The seed is too small. Seed at least `min`.
        error LendingSeedTooSmall(uint256 seed, uint256 min);

        /// A market as it is now, accrued to this block.
        function market(uint32 assetId) external view returns (Market memory);
        /// What an account's shares are worth, and the shares.
        function suppliedOf(uint32 assetId, address owner, uint8 index) external view returns (uint256 assets, uint256 shares);
        /// What an account owes, and its debt shares.
        function debtOf(uint32 assetId, address owner, uint8 index) external view returns (uint256 assets, uint256 debtShares);
        /// Parameters in force, and those that follow from `nextFromMs` if that is not zero.
        function paramsOf(uint32 assetId) external view returns (MarketParams memory present, MarketParams memory next, uint64 nextFromMs);
        /// The ERC-4626 face of a market.
        function shareToken(uint32 assetId) external view returns (address);
        /// Lets a market accrue. Every verb does.
        function accrue(uint32 assetId) external;
        /// Opens a market for a listed asset and seeds it from the caller's wallet. Only the owner of this contract's scope.
        function listMarket(uint32 assetId, MarketParams calldata params, uint256 seed) external returns (address);
        /// Sets parameters: at once if only caps fall, after a day otherwise. Only the owner.
        function setParams(uint32 assetId, MarketParams calldata params) external;
        /// Pauses verbs besides those that are. The owner, or a holder of the role GUARD (1).
        function pause(uint32 assetId, uint8 verbs) external;
        /// Lets verbs go on. Only the owner.
        function unpause(uint32 assetId, uint8 verbs) external;
    }
}

crate::verbs! { ILendingCalls;
    marketCall: View, 400 => |cx, c| views::market(cx, c.assetId);
    suppliedOfCall: View, 300 => |cx, c| views::supplied_of(cx, c.assetId, c.owner, c.index);
    debtOfCall: View, 300 => |cx, c| views::debt_of(cx, c.assetId, c.owner, c.index);
    paramsOfCall: View, 100 => |cx, c| views::params_of(cx, c.assetId);
    shareTokenCall: View, 60 => |cx, c| views::share_token(cx, c.assetId);
    accrueCall: Write, 300 => |cx, c| actions::accrue_verb(cx, c.assetId);
    listMarketCall: Write, 1000 => |cx, c| listing::list_market(cx, c.assetId, &c.params, c.seed);
    setParamsCall: Write, 400 => |cx, c| listing::set_params(cx, c.assetId, &c.params);
    pauseCall: Write, 100 => |cx, c| listing::pause(cx, c.assetId, Pausing::Stop(c.verbs));
    unpauseCall: Write, 100 => |cx, c| listing::pause(cx, c.assetId, Pausing::GoOn(c.verbs));
}
