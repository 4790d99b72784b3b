// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

import {IErc20} from "./IErc20.sol";

/// An ERC-20 token with permit, made by the token factory; minted and burned by role.
interface IToken is IErc20 {
    /// Makes tokens. Needs the role MINT (1).
    function mint(address to, uint256 value) external;
    /// Destroys tokens of the caller. Needs the role BURN (2).
    function burn(uint256 value) external;
    /// Destroys tokens of `account` by allowance. Needs the role BURN (2).
    function burnFrom(address account, uint256 value) external;
}
