//! The verbs of Uniswap v2's router that need no wrapped coin, and their table.

use alloy_sol_types::sol;

use super::actions;
use IExchangeRouter::*;

sol! {
    /// Swaps along a path of tokens as Uniswap v2's router does, each step in the best of the exchange's pools.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IExchangeRouter {
        /// The token is no asset of the ledger. The owner lists it first.
        error RouterUnknownToken(address token);
        /// A path has two to `max` tokens, each of them once.
        error RouterBadPath(uint256 length, uint256 max);
        /// No pool swaps these two for that amount. Try another path, or less.
        error RouterNoPool(address tokenIn, address tokenOut);

        /// What `amountIn` of the first token comes to at each step.
        function getAmountsOut(uint256 amountIn, address[] calldata path) external view returns (uint256[] memory amounts);
        /// What each step needs so that `amountOut` of the last token comes out.
        function getAmountsIn(uint256 amountOut, address[] calldata path) external view returns (uint256[] memory amounts);
        /// Swaps exactly `amountIn` from the caller's wallet, who allowed it to this contract. The deadline is in seconds.
        function swapExactTokensForTokens(uint256 amountIn, uint256 amountOutMin, address[] calldata path, address to, uint256 deadline) external returns (uint256[] memory amounts);
        /// Swaps so much that exactly `amountOut` comes out. The deadline is in seconds.
        function swapTokensForExactTokens(uint256 amountOut, uint256 amountInMax, address[] calldata path, address to, uint256 deadline) external returns (uint256[] memory amounts);
    }
}

crate::verbs! { IExchangeRouterCalls;
    getAmountsOutCall: View, 400 => |cx, c| actions::amounts_out(cx, c.amountIn, &c.path);
    getAmountsInCall: View, 400 => |cx, c| actions::amounts_in(cx, c.amountOut, &c.path);
    swapExactTokensForTokensCall: Write, 600 => |cx, c| actions::swap_exact_in(cx, &c);
    swapTokensForExactTokensCall: Write, 600 => |cx, c| actions::swap_exact_out(cx, &c);
}
