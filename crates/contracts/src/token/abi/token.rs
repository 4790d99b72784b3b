//! What a token answers beside the ERC-20 face.

use alloy_sol_types::sol;

use super::super::actions::{self, TokenBook};
use crate::erc20;
use IToken::*;

sol! {
    /// An ERC-20 token with permit, made by the token factory; minted and burned by role.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IToken is IErc20 {
        /// Makes tokens. Needs the role MINT (1).
        function mint(address to, uint256 value) external;
        /// Destroys tokens of the caller. Needs the role BURN (2).
        function burn(uint256 value) external;
        /// Destroys tokens of `account` by allowance. Needs the role BURN (2).
        function burnFrom(address account, uint256 value) external;
    }
}

crate::verbs! { ITokenCalls, and erc20::verbs::<TokenBook>();
    mintCall: Write, 100 => |cx, c| actions::mint(cx, c.to, c.value);
    burnCall: Write, 100 => |cx, c| actions::burn(cx, c.value);
    burnFromCall: Write, 120 => |cx, c| actions::burn_from(cx, c.account, c.value);
}
