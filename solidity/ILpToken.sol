// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Shares of a pool of the exchange as a token.
interface ILpToken {
    /// The pool whose shares these are.
    function poolId() external view returns (uint32);
}
