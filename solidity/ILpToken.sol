// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

import {IErc20} from "./IErc20.sol";

/// Shares of a pool of the exchange as a token.
interface ILpToken is IErc20 {
    /// The pool whose shares these are.
    function poolId() external view returns (uint32);
}
