//! The interface and its rows, for any [`Vault`].

use alloy_sol_types::sol;

use super::{Vault, withdraw};
use crate::contract::Interface;
use IErc4626::*;

sol! {
    /// Shares of something as a token of the wallet (ERC-4626).
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IErc4626 is IErc20 {
        /// Assets became shares.
        event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares);
        /// Shares became assets.
        event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares);

        /// Token that is deposited.
        function asset() external view returns (address);
        /// What all shares of this token are worth.
        function totalAssets() external view returns (uint256);
        /// Shares for these assets, rounded down.
        function convertToShares(uint256 assets) external view returns (uint256);
        /// Assets for these shares, rounded down.
        function convertToAssets(uint256 shares) external view returns (uint256);
        /// Most that may be deposited now.
        function maxDeposit(address receiver) external view returns (uint256);
        /// What a deposit makes now.
        function previewDeposit(uint256 assets) external view returns (uint256);
        /// Takes `assets` from the caller and makes shares for `receiver`.
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

/// What tools are told about the face.
pub const INTERFACE: Interface = Interface {
    name: "erc4626",
    abi: IErc4626::abi::contract,
    source: include_str!("abi.rs"),
};

crate::verbs! { face <V: Vault> IErc4626Calls;
    assetCall: View, 100 => |cx, _| V::asset(cx);
    totalAssetsCall: View, 200 => |cx, _| V::total_assets(cx);
    convertToSharesCall: View, 200 => |cx, c| V::shares_down(cx, c.assets);
    convertToAssetsCall: View, 200 => |cx, c| V::assets_down(cx, c.shares);
    maxDepositCall: View, 300 => |cx, _| V::max_deposit(cx);
    previewDepositCall: View, 200 => |cx, c| V::preview_deposit(cx, c.assets);
    depositCall: Write, 400 => |cx, c| V::deposit(cx, c.assets, c.receiver);
    maxMintCall: View, 300 => |cx, _| V::max_mint(cx);
    previewMintCall: View, 200 => |cx, c| V::assets_up(cx, c.shares);
    mintCall: Write, 400 => |cx, c| V::mint(cx, c.shares, c.receiver);
    maxWithdrawCall: View, 300 => |cx, c| V::max_withdraw(cx, c.owner);
    previewWithdrawCall: View, 200 => |cx, c| V::shares_up(cx, c.assets);
    withdrawCall: Write, 400 => |cx, c| withdraw::<V>(cx, c.assets, c.receiver, c.owner);
    maxRedeemCall: View, 300 => |cx, c| V::max_redeem(cx, c.owner);
    previewRedeemCall: View, 200 => |cx, c| V::preview_redeem(cx, c.shares);
    redeemCall: Write, 400 => |cx, c| V::redeem(cx, c.shares, c.receiver, c.owner);
}
