// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// The shortest pair that a swap in Solidity is made of: two tokens whose reserves keep their product, a fee of three in a
/// thousand, shares for who adds, a lock, and a price summed over time. It is written for tests of blocks, from the formula.
contract PeerPair {
    IERC20 public immutable token0;
    IERC20 public immutable token1;

    uint112 public reserve0;
    uint112 public reserve1;
    uint32 public at;
    uint256 public priceSum;
    uint256 public totalShares;
    mapping(address => uint256) public shares;
    uint256 private lock = 1;

    event Swap(address indexed who, bool isZeroIn, uint256 amountIn, uint256 amountOut);
    event Sync(uint112 reserve0, uint112 reserve1);

    error Locked();
    error TooLittle(uint256 amountOut, uint256 amountOutMin);
    error Nothing();

    modifier once() {
        if (lock != 1) revert Locked();
        lock = 2;
        _;
        lock = 1;
    }

    constructor(IERC20 token0_, IERC20 token1_) {
        (token0, token1) = (token0_, token1_);
    }

    function add(uint256 amount0, uint256 amount1) external once returns (uint256 made) {
        (uint256 before0, uint256 before1) = (reserve0, reserve1);
        token0.transferFrom(msg.sender, address(this), amount0);
        token1.transferFrom(msg.sender, address(this), amount1);
        if (totalShares == 0) {
            made = amount0 < amount1 ? amount0 : amount1;
        } else {
            uint256 made0 = amount0 * totalShares / before0;
            uint256 made1 = amount1 * totalShares / before1;
            made = made0 < made1 ? made0 : made1;
        }
        if (made == 0) revert Nothing();
        totalShares += made;
        shares[msg.sender] += made;
        keep();
    }

    function remove(uint256 gone) external once returns (uint256 amount0, uint256 amount1) {
        amount0 = gone * reserve0 / totalShares;
        amount1 = gone * reserve1 / totalShares;
        shares[msg.sender] -= gone;
        totalShares -= gone;
        token0.transfer(msg.sender, amount0);
        token1.transfer(msg.sender, amount1);
        keep();
    }

    function swap(bool isZeroIn, uint256 amountIn, uint256 amountOutMin) external once returns (uint256 amountOut) {
        (uint256 from, uint256 to) = isZeroIn ? (reserve0, reserve1) : (reserve1, reserve0);
        uint256 paid = amountIn * 997;
        amountOut = paid * to / (from * 1000 + paid);
        if (amountOut < amountOutMin) revert TooLittle(amountOut, amountOutMin);
        if (amountOut == 0) revert Nothing();
        (isZeroIn ? token0 : token1).transferFrom(msg.sender, address(this), amountIn);
        (isZeroIn ? token1 : token0).transfer(msg.sender, amountOut);
        keep();
        emit Swap(msg.sender, isZeroIn, amountIn, amountOut);
    }

    function keep() private {
        uint32 since = uint32(block.timestamp) - at;
        if (since > 0 && reserve0 > 0) priceSum += (uint256(reserve1) << 112) / reserve0 * since;
        at = uint32(block.timestamp);
        reserve0 = uint112(token0.balanceOf(address(this)));
        reserve1 = uint112(token1.balanceOf(address(this)));
        emit Sync(reserve0, reserve1);
    }
}
