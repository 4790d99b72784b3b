//! What identities answer beside ERC-721 (ERC-5192), and their table of verbs.

use alloy_sol_types::sol;

use super::{Identities, locked};
use crate::erc721;
use IMachineIdentity::*;

sol! {
    /// Who machines are, as tokens that never leave their key (ERC-721, ERC-5192).
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
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
}

crate::verbs! { IMachineIdentityCalls, and erc721::verbs::<Identities>();
    lockedCall: View, 60 => |cx, c| locked(cx, c.tokenId);
}
