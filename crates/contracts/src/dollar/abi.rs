//! The interface of `dollar` and its table of verbs.

use alloy_sol_types::sol;

use super::{peg, queue, steering, views};
use crate::admin::Pausing;
use IDollar::*;

sol! {
    /// The chain's own dollar: minted against debts and other dollars, redeemed at par, saved.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IDollar {
        /// What the owner sets. Rates are per year. Amounts are in usd, which has 18 decimals.
        struct DollarParams {
            uint32 stabilityBps;
            uint32 savingsBps;
            uint16 redemptionFeeBps;
            uint32 refillS;
            uint256 ceiling;
            uint256 headroom;
            uint256 redemptionMin;
            uint256 surplusFloor;
        }
        /// What the owner sets for a foreign dollar. `cap` and `headroom` are in usd.
        struct PegParams {
            uint16 feeInBps;
            uint16 feeOutBps;
            uint16 toleranceBps;
            uint32 refillS;
            uint256 cap;
            uint256 headroom;
        }
        /// The dollar as it is now. Indexes are parts of 10^27. `paused` is a set: 1 mint, 2 swap in, 4 request.
        struct Dollar {
            address token;
            uint32 assetId;
            uint256 debt;
            uint256 borrowIndex;
            uint256 savingsIndex;
            uint256 savings;
            uint256 surplus;
            uint256 hole;
            uint256 escrow;
            uint256 mintable;
            uint8 paused;
        }
        /// A foreign dollar as it is now: its reserve in its own units, what may still come in, in usd. `price` is the
        /// worse of spot and smoothed, or zero if there is none that counts.
        struct Peg {
            uint256 reserve;
            uint256 room;
            uint256 price;
        }
        /// Dollars that wait for redemption. The goods will go to account `index` of `owner`.
        struct Request {
            uint64 id;
            address owner;
            uint8 index;
            uint256 left;
            uint64 timeMs;
        }

        /// The dollar was made.
        event Opened(address indexed token, uint32 indexed assetId);
        /// Parameters were set; they count from `fromMs`.
        event DollarParamsSet(DollarParams params, uint64 fromMs);
        /// Parameters of a foreign dollar were set; they count from `fromMs`.
        event PegParamsSet(uint32 indexed assetId, PegParams params, uint64 fromMs);
        /// Verbs were paused or unpaused: 1 mint, 2 swap in, 4 request.
        event DollarPaused(uint8 paused);
        /// Fees and savings were accrued: `filled` of the fees filled the hole, `earned` went to the surplus, `saved` from there to savings.
        event DollarAccrued(uint256 borrowIndex, uint256 savingsIndex, uint256 filled, uint256 earned, uint256 saved);
        /// An account owes newly made dollars.
        event Minted(address indexed owner, uint8 index, uint256 amount, uint256 debtShares);
        /// A debt was paid, by its owner or another, and the dollars destroyed.
        event DollarRepaid(address indexed owner, uint8 index, address payer, uint8 payerIndex, uint256 amount, uint256 debtShares);
        /// A debt changed hands.
        event DollarDebtMoved(address indexed from, uint8 fromIndex, address indexed to, uint8 toIndex, uint256 debtShares);
        /// A debt was written off: the surplus bore `surplus` of it, the rest widened the hole.
        event DollarLossRealised(address indexed owner, uint8 index, uint256 debt, uint256 surplus, uint256 hole);
        /// A foreign dollar became usd. `fee` is part of the par value that `usd` lacks.
        event SwappedIn(uint32 indexed assetId, address indexed wallet, uint256 amount, uint256 usd, uint256 fee);
        /// Usd became a foreign dollar.
        event SwappedOut(uint32 indexed assetId, address indexed wallet, uint256 usd, uint256 fee, uint256 amount);
        /// Dollars wait for redemption.
        event RedemptionRequested(uint64 indexed id, address indexed owner, uint8 index, uint256 amount);
        /// A request ended before it was served whole; its owner got back what was left.
        event RedemptionEnded(uint64 indexed id, address indexed owner, uint256 amount);
        /// Dollars were redeemed: `amount` of the debtor's debt is gone, and `goods` of his collateral.
        event Redeemed(uint64 indexed id, address indexed debtor, uint8 debtorIndex, uint32 assetId, uint256 amount, uint256 fee, uint256 goods);

        /// The dollar was not made yet. The owner opens it first.
        error DollarNotOpen();
        /// The dollar was made already.
        error DollarOpenAlready(address token);
        /// The verb is paused: 1 mint, 2 swap in, 4 request. Paying and leaving never are.
        error DollarPausedNow(uint8 verb);
        /// An amount of zero does nothing.
        error DollarZeroAmount();
        /// The amount is worth less than the smallest unit of what it is for. Use at least `least`.
        error DollarTooSmall(uint256 amount, uint256 least);
        /// All debts together would pass the ceiling. Mint at most what is left to it.
        error DollarCeiling(uint256 debt, uint256 amount, uint256 ceiling);
        /// More would be made at once than the headroom allows. Make at most `left` now; `amount` may be made at `resetsMs`, if nothing else is.
        error DollarHeadroom(uint256 amount, uint256 left, uint64 resetsMs);
        /// The account owes nothing, or fewer debt shares than are to be moved.
        error DollarInsufficientDebt(address owner, uint8 index, uint256 have, uint256 need);
        /// The asset is no listed foreign dollar.
        error DollarNoPeg(uint32 assetId);
        /// The dollar itself is not foreign. Name another asset.
        error DollarPegItself(uint32 assetId);
        /// The foreign dollar is worth less than it may be to come in. Wait until its price is `least` again.
        error DollarOffPeg(uint32 assetId, uint256 price, uint256 least);
        /// More would be held of the foreign dollar than its cap. Swap at most what is left to it.
        error DollarPegCap(uint32 assetId, uint256 held, uint256 amount, uint256 cap);
        /// Less of the foreign dollar is held than is wanted. Take at most `held`.
        error DollarPegReserve(uint32 assetId, uint256 held, uint256 wanted);
        /// The swap gives less than the caller asked for.
        error DollarSlippage(uint256 got, uint256 least);
        /// No such request waits.
        error DollarNoRequest(uint64 id);
        /// The request is another's.
        error DollarNotRequester(uint64 id, address owner);
        /// Requests are served in order; `first` is the first.
        error DollarNotFirst(uint64 id, uint64 first);
        /// A request needs at least `least`.
        error DollarRequestTooSmall(uint256 amount, uint256 least);
        /// A parameter is out of its range.
        error DollarParamOutOfRange(string what, uint256 value, uint256 min, uint256 max);

        /// The dollar as it is now, accrued to this block.
        function dollar() external view returns (Dollar memory);
        /// What an account owes, and its debt shares.
        function debtOf(address owner, uint8 index) external view returns (uint256 amount, uint256 debtShares);
        /// Parameters in force, and those that follow from `nextFromMs` if that is not zero.
        function paramsOf() external view returns (DollarParams memory present, DollarParams memory next, uint64 nextFromMs);
        /// A foreign dollar, with its parameters in force and those that follow from `nextFromMs` if that is not zero.
        function pegOf(uint32 assetId) external view returns (Peg memory peg, PegParams memory present, PegParams memory next, uint64 nextFromMs);
        /// A request that waits.
        function requestOf(uint64 id) external view returns (Request memory);
        /// Requests in order, from the first or, if `behind` is not zero, behind that one; at most `max`, and 100.
        function requests(uint64 behind, uint32 max) external view returns (Request[] memory);

        /// Lets fees and savings accrue. Every verb does.
        function accrue() external;
        /// Swaps a foreign dollar of the caller's wallet for usd, at par less a fee. The caller allows it to this contract.
        function swapIn(uint32 assetId, uint256 amount, uint256 leastUsd) external returns (uint256 usd);
        /// Swaps usd of the caller's wallet for a foreign dollar, at par less a fee.
        function swapOut(uint32 assetId, uint256 usd, uint256 leastAmount) external returns (uint256 amount);
        /// Queues usd of the caller's wallet for redemption at par; the goods go to his account `index`.
        function requestRedemption(uint256 amount, uint8 index) external returns (uint64 id);
        /// Takes back what is left of a request. Only its owner.
        function cancelRedemption(uint64 id) external returns (uint256 amount);

        /// Makes the dollar and lists it in the ledger, without an outflow limit. Once; only the owner of this contract's scope.
        function open(DollarParams calldata params) external returns (address token);
        /// Sets parameters: at once if they only tighten, after a day otherwise. Only the owner.
        function setParams(DollarParams calldata params) external;
        /// Lists a foreign dollar, or sets its parameters: at once if they only tighten, after a day otherwise. Only the owner.
        function setPeg(uint32 assetId, PegParams calldata params) external;
        /// Pauses verbs besides those that are. The owner, or a holder of the role GUARD (1).
        function pause(uint8 verbs) external;
        /// Lets verbs go on. Only the owner.
        function unpause(uint8 verbs) external;
    }
}

crate::verbs! { IDollarCalls;
    dollarCall: View, 400 => |cx, _| views::dollar(cx);
    debtOfCall: View, 300 => |cx, c| views::debt_of(cx, c.owner, c.index);
    paramsOfCall: View, 100 => |cx, _| views::params_of(cx);
    pegOfCall: View, 300 => |cx, c| views::peg_of(cx, c.assetId);
    requestOfCall: View, 100 => |cx, c| views::request_of(cx, c.id);
    requestsCall: View, 300 => |cx, c| views::requests(cx, c.behind, c.max);
    accrueCall: Write, 300 => |cx, _| views::accrue(cx);
    swapInCall: Write, 500 => |cx, c| peg::swap_in(cx, c.assetId, c.amount, c.leastUsd);
    swapOutCall: Write, 500 => |cx, c| peg::swap_out(cx, c.assetId, c.usd, c.leastAmount);
    requestRedemptionCall: Write, 300 => |cx, c| queue::request(cx, c.amount, c.index);
    cancelRedemptionCall: Write, 300 => |cx, c| queue::cancel(cx, c.id);
    openCall: Write, 1000 => |cx, c| steering::open(cx, &c.params);
    setParamsCall: Write, 400 => |cx, c| steering::set_params(cx, &c.params);
    setPegCall: Write, 400 => |cx, c| steering::set_peg(cx, c.assetId, &c.params);
    pauseCall: Write, 100 => |cx, c| steering::pause(cx, Pausing::Stop(c.verbs));
    unpauseCall: Write, 100 => |cx, c| steering::pause(cx, Pausing::GoOn(c.verbs));
}
