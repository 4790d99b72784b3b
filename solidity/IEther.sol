// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

import {IErc20} from "./IErc20.sol";

/// The gas coin as an ERC-20 token with permit. Balances are the accounts' own coins.
interface IEther is IErc20 {
    /// Coins are not counted all together: gas burns them outside this contract.
    error EtherSupplyUncounted();
}
