// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

import {IErc4626} from "./IErc4626.sol";

/// Shares of a tranche of a market of machine loans as a token of the wallet (ERC-4626). What is lent is not there to leave; who leaves while a machine is recovered from supposes that nothing comes of it.
interface IMachineShare is IErc4626 {
    /// What may leave the tranche now, all owners together.
    function free() external view returns (uint256);
}
