// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.7.0;
pragma experimental ABIEncoderV2;

import '@balancer-labs/v2-pool-stable/contracts/StableMath.sol';

/// Balancer's arithmetic of stable pools, to be called. It counts the amplification in thousandths.
contract PeerStable is StableMath {
    function invariant(uint256 amp, uint256[] memory balances, bool up) external pure returns (uint256) {
        return _calculateInvariant(amp, balances, up);
    }

    function outGivenIn(uint256 amp, uint256[] memory balances, uint256 from, uint256 to, uint256 amount)
        external
        pure
        returns (uint256)
    {
        return _calcOutGivenIn(amp, balances, from, to, amount);
    }

    function inGivenOut(uint256 amp, uint256[] memory balances, uint256 from, uint256 to, uint256 amount)
        external
        pure
        returns (uint256)
    {
        return _calcInGivenOut(amp, balances, from, to, amount);
    }
}
