//! The interface of an LP token beyond ERC-20, and its table of verbs.

use alloy_sol_types::sol;

use super::LpBook;
use crate::erc20;
use ILpToken::*;

sol! {
    /// Shares of a pool of the exchange as a token.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface ILpToken is IErc20 {
        /// The pool whose shares these are.
        function poolId() external view returns (uint32);
    }
}

crate::verbs! { ILpTokenCalls, and erc20::verbs::<LpBook>();
    poolIdCall: View, 60 => |cx, _| Ok(super::pool_of(cx)?.get());
}
