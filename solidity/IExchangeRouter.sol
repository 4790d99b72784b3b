// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Swaps along a path of tokens as Uniswap v2's router does, each step in the best of the exchange's pools.
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
