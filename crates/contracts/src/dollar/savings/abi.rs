//! What savings answer beside the ERC-20 face.

use alloy_sol_types::sol;

use super::{SavingsBook, actions};
use crate::erc20;
use ISavings::*;

sol! {
    /// Saved dollars as a token of the wallet (ERC-4626). What savers earn comes from the dollar's surplus.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface ISavings is IErc20 {
        /// Dollars became shares.
        event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares);
        /// Shares became dollars.
        event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares);

        /// Token that is deposited.
        function asset() external view returns (address);
        /// What all shares are worth.
        function totalAssets() external view returns (uint256);
        /// Shares for these dollars, rounded down.
        function convertToShares(uint256 assets) external view returns (uint256);
        /// Dollars for these shares, rounded down.
        function convertToAssets(uint256 shares) external view returns (uint256);
        /// Most that may be deposited now.
        function maxDeposit(address receiver) external view returns (uint256);
        /// What a deposit makes now.
        function previewDeposit(uint256 assets) external view returns (uint256);
        /// Takes `assets` from the caller and makes shares for `receiver`. The caller needs to allow nothing.
        function deposit(uint256 assets, address receiver) external returns (uint256 shares);
        /// Most shares that may be made now.
        function maxMint(address receiver) external view returns (uint256);
        /// What these shares cost now, rounded up.
        function previewMint(uint256 shares) external view returns (uint256);
        /// Makes exactly `shares` for `receiver` and takes what they cost from the caller.
        function mint(uint256 shares, address receiver) external returns (uint256 assets);
        /// Most that the owner may withdraw now.
        function maxWithdraw(address owner) external view returns (uint256);
        /// Shares that a withdrawal burns now, rounded up.
        function previewWithdraw(uint256 assets) external view returns (uint256);
        /// Burns shares of the owner, by allowance if he is not the caller, and sends exactly `assets` to `receiver`.
        function withdraw(uint256 assets, address receiver, address owner) external returns (uint256 shares);
        /// Most shares that the owner may redeem now.
        function maxRedeem(address owner) external view returns (uint256);
        /// What these shares give now, rounded down.
        function previewRedeem(uint256 shares) external view returns (uint256);
        /// Burns exactly `shares` of the owner, by allowance if he is not the caller, and sends what they are worth.
        function redeem(uint256 shares, address receiver, address owner) external returns (uint256 assets);
    }
}

crate::verbs! { ISavingsCalls, and erc20::verbs::<SavingsBook>();
    assetCall: View, 100 => |cx, _| actions::asset(cx);
    totalAssetsCall: View, 200 => |cx, _| actions::total_assets(cx);
    convertToSharesCall: View, 200 => |cx, c| actions::to_shares_down(cx, c.assets);
    convertToAssetsCall: View, 200 => |cx, c| actions::to_assets_down(cx, c.shares);
    maxDepositCall: View, 300 => |cx, _| actions::max_deposit(cx);
    previewDepositCall: View, 200 => |cx, c| actions::to_shares_down(cx, c.assets);
    depositCall: Write, 400 => |cx, c| actions::deposit(cx, c.assets, c.receiver);
    maxMintCall: View, 300 => |cx, _| actions::max_mint(cx);
    previewMintCall: View, 200 => |cx, c| actions::to_assets_up(cx, c.shares);
    mintCall: Write, 400 => |cx, c| actions::mint(cx, c.shares, c.receiver);
    maxWithdrawCall: View, 300 => |cx, c| actions::max_withdraw(cx, c.owner);
    previewWithdrawCall: View, 200 => |cx, c| actions::to_shares_up(cx, c.assets);
    withdrawCall: Write, 400 => |cx, c| actions::withdraw(cx, c.assets, c.receiver, c.owner);
    maxRedeemCall: View, 300 => |cx, c| actions::max_redeem(cx, c.owner);
    previewRedeemCall: View, 200 => |cx, c| actions::to_assets_down(cx, c.shares);
    redeemCall: Write, 400 => |cx, c| actions::redeem(cx, c.shares, c.receiver, c.owner);
}
