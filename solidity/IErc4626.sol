// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

import {IErc20} from "./IErc20.sol";

/// Shares of something as a token of the wallet (ERC-4626).
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
