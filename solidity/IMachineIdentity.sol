// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

import {IErc721} from "./IErc721.sol";

/// Who machines are, as tokens that never leave their key (ERC-721, ERC-5192).
interface IMachineIdentity is IErc721 {
    /// A token is bound to its owner.
    event Locked(uint256 tokenId);
    /// A token is free to move (it never is; ERC-5192 asks for the event).
    event Unlocked(uint256 tokenId);

    /// An identity stays with its machine's key. Transfer the title, or rotate the key.
    error MachineIdentityBound(uint256 tokenId);

    /// Whether a token is bound to its owner: every one is.
    function locked(uint256 tokenId) external view returns (bool);
}
