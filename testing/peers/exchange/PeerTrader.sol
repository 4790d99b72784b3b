// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.7.0;
pragma experimental ABIEncoderV2;

/// A token of which anybody has as much as he makes.
contract PeerCoin {
    mapping(address => uint256) public balanceOf;

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        require(balanceOf[msg.sender] >= value, 'too little');
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        return true;
    }
}

interface IPaid {
    function transfer(address to, uint256 value) external returns (bool);
}

interface IPair {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function mint(address to) external returns (uint256);
    function burn(address to) external returns (uint256, uint256);
    function swap(uint256 out0, uint256 out1, address to, bytes calldata data) external;
    function transfer(address to, uint256 value) external returns (bool);
}

interface IRanges {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function mint(address to, int24 lower, int24 upper, uint128 liquidity, bytes calldata data)
        external
        returns (uint256, uint256);
    function swap(address to, bool isDown, int256 amount, uint160 end, bytes calldata data)
        external
        returns (int256, int256);
}

/// Holds tokens and pays pools what they ask: what a wallet needs a contract for.
contract PeerTrader {
    /// Makes the same calls again and again.
    function drive(uint256 count, address[] calldata targets, bytes[] calldata data) external {
        bytes[] memory inputs = data;
        for (uint256 i = 0; i < count; i++) {
            for (uint256 j = 0; j < targets.length; j++) {
                address target = targets[j];
                bytes memory input = inputs[j];
                assembly {
                    if iszero(call(gas(), target, 0, add(input, 32), mload(input), 0, 0)) {
                        returndatacopy(0, 0, returndatasize())
                        revert(0, returndatasize())
                    }
                }
            }
        }
    }

    function addToPair(IPair pair, uint256 amount0, uint256 amount1) external returns (uint256) {
        IPaid(pair.token0()).transfer(address(pair), amount0);
        IPaid(pair.token1()).transfer(address(pair), amount1);
        return pair.mint(address(this));
    }

    function removeFromPair(IPair pair, uint256 shares) external returns (uint256, uint256) {
        pair.transfer(address(pair), shares);
        return pair.burn(address(this));
    }

    function swapInPair(IPair pair, bool isZeroIn, uint256 amountIn, uint256 amountOut) external {
        IPaid(isZeroIn ? pair.token0() : pair.token1()).transfer(address(pair), amountIn);
        (uint256 out0, uint256 out1) = isZeroIn ? (uint256(0), amountOut) : (amountOut, uint256(0));
        pair.swap(out0, out1, address(this), '');
    }

    function addToRanges(IRanges pool, address owner, int24 lower, int24 upper, uint128 liquidity)
        external
        returns (uint256, uint256)
    {
        return pool.mint(owner, lower, upper, liquidity, abi.encode(pool.token0(), pool.token1()));
    }

    function swapInRanges(IRanges pool, bool isDown, int256 amount, uint160 end) external returns (int256, int256) {
        return pool.swap(address(this), isDown, amount, end, abi.encode(pool.token0(), pool.token1()));
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata tokens) external {
        (IPaid token0, IPaid token1) = abi.decode(tokens, (IPaid, IPaid));
        if (amount0 > 0) token0.transfer(msg.sender, amount0);
        if (amount1 > 0) token1.transfer(msg.sender, amount1);
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata tokens) external {
        (IPaid token0, IPaid token1) = abi.decode(tokens, (IPaid, IPaid));
        if (amount0 > 0) token0.transfer(msg.sender, uint256(amount0));
        if (amount1 > 0) token1.transfer(msg.sender, uint256(amount1));
    }
}
