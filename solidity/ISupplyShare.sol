// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

import {IErc4626} from "./IErc4626.sol";

/// Shares of a lending market as a token of the wallet (ERC-4626).
interface ISupplyShare is IErc4626 {
    /// The token kept a part of what it moved, so these shares would not be paid for. Use `deposit`.
    error ShareAssetTakesFee(uint256 wanted, uint256 arrived);
}
