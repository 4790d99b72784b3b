//! The interface of a product's units beyond ERC-20 and ERC-4626, and their table of verbs.

use alloy_sol_types::sol;

use super::{UnitBook, actions};
use crate::{erc20, erc4626};
use IProductToken::*;

sol! {
    /// Units of a leveraged token or a strategy vault.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IProductToken is IErc4626 {
        /// Units became their part of the collateral, for their part of the debt.
        event RedeemedInKind(address indexed owner, address indexed receiver, uint256 units, uint256 debtPaid, uint256 collateral, uint256 shares);

        /// The product whose units these are.
        function productId() external view returns (uint32);
        /// As `deposit`, if it makes at least so many units until then.
        function depositWithin(uint256 assets, uint256 unitsMin, address receiver, uint64 deadlineMs) external returns (uint256 units);
        /// As `redeem` of the caller's own units, if it gives at least so much until then.
        function redeemWithin(uint256 units, uint256 assetsMin, address receiver, uint64 deadlineMs) external returns (uint256 assets);
        /// What units' part of the account is now: what is paid of the debt's asset, and what is received of the collateral and, of a neutral product, of its pool's shares.
        function previewRedeemInKind(uint256 units) external view returns (uint256 debt, uint256 collateral, uint256 shares);
        /// Burns units of the caller for their part of the collateral. He pays their part of the debt, at most `debtMax`, which he allowed this token to take. No price and no pool is asked. With `asUnits` the collateral becomes units of the receiver's account 0, for when it cannot leave the ledger. Shares of a pool become its LP token.
        function redeemInKind(uint256 units, uint256 debtMax, address receiver, bool asUnits) external returns (uint256 debtPaid, uint256 collateral, uint256 shares);
    }
}

crate::verbs! { IProductTokenCalls, and erc4626::verbs::<UnitBook>(), erc20::verbs::<UnitBook>();
    productIdCall: View, 60 => |cx, _| Ok(super::product_of(cx)?.get());
    depositWithinCall: Write, 600 => |cx, c| actions::deposit_within(cx, c.assets, c.unitsMin, c.receiver, c.deadlineMs);
    redeemWithinCall: Write, 600 => |cx, c| actions::redeem_within(cx, c.units, c.assetsMin, c.receiver, c.deadlineMs);
    previewRedeemInKindCall: View, 300 => |cx, c| actions::preview_in_kind(cx, c.units);
    redeemInKindCall: Write, 600 => |cx, c| actions::redeem_in_kind(cx, c.units, c.debtMax, c.receiver, c.asUnits);
}
