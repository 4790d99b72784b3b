//! The interface of `ledger` and its table of verbs.

use alloy_sol_types::sol;

use super::{actions, border, views};
use ILedger::*;

sol! {
    /// Who holds what: units per account and asset, and the border between them and wallets.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface ILedger {
        /// A listed asset. `kind` is 0 for the coin, 1 for a token of the factory, 2 for a foreign token.
        struct Asset {
            address token;
            uint8 decimals;
            uint8 kind;
            bool frozen;
            string symbol;
        }
        /// How much more may leave than comes: the larger of `floor` and a share of what was there before what came lately, per window.
        struct OutflowLimit {
            uint32 windowS;
            uint16 shareBps;
            uint256 floor;
        }

        /// A token became an asset.
        event AssetListed(uint32 indexed assetId, address indexed token, uint8 decimals, string symbol);
        /// The border of an asset closed: `held` below `claims` is what a probe found, zeros are a decision.
        event AssetFrozen(uint32 indexed assetId, uint256 held, uint256 claims);
        /// The border of an asset opened again.
        event AssetUnfrozen(uint32 indexed assetId);
        /// An outflow limit was set; it counts from `fromMs`.
        event OutflowLimitSet(uint32 indexed assetId, uint32 windowS, uint16 shareBps, uint256 floor, uint64 fromMs);
        /// Units came in: `credited` is what arrived of what was asked for.
        event Pulled(uint32 indexed assetId, address indexed wallet, address indexed owner, uint8 index, uint256 requested, uint256 credited);
        /// Units left.
        event Pushed(uint32 indexed assetId, address indexed wallet, address indexed owner, uint8 index, uint256 amount);

        /// No asset has this number. Look at `assetCount`.
        error LedgerUnknownAsset(uint32 assetId);
        /// The token is not listed. The owner of the ledger lists it first.
        error LedgerUnknownToken(address token);
        /// The account has less than is needed. Move at most `have`.
        error LedgerInsufficient(address owner, uint8 index, uint32 assetId, uint256 have, uint256 need);
        /// The border of the asset is closed. Units in the ledger still move; wait until it opens.
        error LedgerFrozen(uint32 assetId);
        /// The ledger would hold less of the token than accounts have. Call `probe`; the asset stays closed until the token is back.
        error LedgerShort(uint32 assetId, uint256 held, uint256 claims);
        /// The token said that it moved, and nothing arrived. Check the token.
        error LedgerNothingArrived(uint32 assetId, address wallet, uint256 requested);
        /// The token took another amount from the ledger than it was told to. Check the token.
        error LedgerWrongAmountLeft(uint32 assetId, uint256 told, uint256 heldBefore, uint256 heldAfter);
        /// The token refused, or answered something else than true. `answer` is what it said.
        error LedgerTokenRefused(address token, bytes answer);
        /// Coins came with a verb that pulls. Send the verb without value.
        error LedgerValueWithPull(uint256 value);
        /// An amount of zero crosses no border.
        error LedgerZeroAmount();
        /// The wallet is the ledger itself or nobody. Name another.
        error LedgerBadWallet(address wallet);
        /// More would leave than the limit of this asset allows. At most `left` may leave now; `amount` may leave at `resetsMs`, if nothing else does.
        error LedgerOutflowLimit(uint32 assetId, uint256 amount, uint256 left, uint64 resetsMs);
        /// The token is an asset already.
        error LedgerListedAlready(address token, uint32 assetId);
        /// All numbers of assets are taken.
        error LedgerTooManyAssets(uint256 max);
        /// The address is no ERC-20 token: no code, or no answer to `verb`.
        error LedgerNotAToken(address token, string verb);
        /// The token has more decimals than the ledger counts.
        error LedgerTooManyDecimals(address token, uint256 decimals, uint256 max);
        /// The token's supply is wider than the ledger counts.
        error LedgerSupplyTooLarge(address token, uint256 supply, uint256 max);
        /// Balances of this token change by themselves, as its verb `mark` gives away. Wrap it, and list the wrapper.
        error LedgerRebasing(address token, string mark);
        /// A limit is out of its range.
        error LedgerLimitOutOfRange(string what, uint256 value, uint256 min, uint256 max);

        /// How many assets are listed; their numbers count from zero.
        function assetCount() external view returns (uint32);
        /// What an asset is.
        function asset(uint32 assetId) external view returns (Asset memory);
        /// Number of a token's asset.
        function assetOf(address token) external view returns (uint32);
        /// Units of an account.
        function freeOf(uint32 assetId, address owner, uint8 index) external view returns (uint256);
        /// Units of all accounts together.
        function claimsOf(uint32 assetId) external view returns (uint256);
        /// What the ledger's address holds of the token.
        function heldOf(uint32 assetId) external view returns (uint256);
        /// How much more may leave than comes, and how much may leave now.
        function outflowOf(uint32 assetId) external view returns (uint256 limit, uint256 left);
        /// The limit in force, and the one that follows it from `nextFromMs`.
        function outflowLimitOf(uint32 assetId) external view returns (OutflowLimit memory present, OutflowLimit memory next, uint64 nextFromMs);
        /// Compares what is held with what is claimed, and freezes the asset if it is short.
        function probe(uint32 assetId) external returns (uint256 held, uint256 claims);
        /// Makes a token an asset. Only the owner of this contract's scope.
        function listAsset(address token, OutflowLimit calldata limit) external returns (uint32);
        /// Sets an outflow limit: at once if it is tighter in every part, after a day otherwise. Only the owner.
        function setOutflowLimit(uint32 assetId, OutflowLimit calldata limit) external;
        /// Closes the border of an asset. The owner, or a holder of the role GUARD (1).
        function freeze(uint32 assetId) external;
        /// Opens the border again, if the asset is not short. Only the owner.
        function unfreeze(uint32 assetId) external;
    }

    /// What the ledger asks of a token.
    #[sol(abi)]
    interface IForeign {
        function balanceOf(address account) external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function decimals() external view returns (uint8);
        function symbol() external view returns (string memory);
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
    }

    /// Verbs that only tokens have whose balances change by themselves.
    #[sol(abi)]
    interface IRebasing {
        /// Aave, Ampleforth.
        function scaledTotalSupply() external view returns (uint256);
        /// Lido.
        function getTotalShares() external view returns (uint256);
        /// Origin.
        function rebasingCreditsPerToken() external view returns (uint256);
        /// Olympus.
        function gonsForBalance(uint256 amount) external view returns (uint256);
    }
}

crate::verbs! { ILedgerCalls;
    assetCountCall: View, 40 => |cx, _| views::asset_count(cx);
    assetCall: View, 100 => |cx, c| views::asset(cx, c.assetId);
    assetOfCall: View, 40 => |cx, c| views::asset_of(cx, c.token);
    freeOfCall: View, 60 => |cx, c| views::free_of(cx, c.assetId, c.owner, c.index);
    claimsOfCall: View, 40 => |cx, c| views::claims_of(cx, c.assetId);
    heldOfCall: View, 100 => |cx, c| views::held_of(cx, c.assetId);
    outflowOfCall: View, 200 => |cx, c| views::outflow_of(cx, c.assetId);
    outflowLimitOfCall: View, 100 => |cx, c| views::outflow_limit_of(cx, c.assetId);
    probeCall: Write, 200 => |cx, c| border::probe(cx, c.assetId);
    listAssetCall: Write, 500 => |cx, c| actions::list_asset(cx, c.token, &c.limit);
    setOutflowLimitCall: Write, 200 => |cx, c| actions::set_outflow_limit(cx, c.assetId, &c.limit);
    freezeCall: Write, 100 => |cx, c| actions::freeze(cx, c.assetId);
    unfreezeCall: Write, 200 => |cx, c| border::unfreeze(cx, c.assetId);
}
