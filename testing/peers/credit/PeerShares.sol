// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {SharesMathLib} from '@morpho-org/morpho-blue/src/libraries/SharesMathLib.sol';
import {ERC20} from '@openzeppelin/contracts/token/ERC20/ERC20.sol';
import {IERC20} from '@openzeppelin/contracts/token/ERC20/IERC20.sol';
import {ERC4626} from '@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol';

/// Morpho Blue's conversions between shares and assets.
contract PeerMorpho {
    using SharesMathLib for uint256;

    function sharesDown(uint256 assets, uint256 totalAssets, uint256 totalShares) external pure returns (uint256) {
        return assets.toSharesDown(totalAssets, totalShares);
    }

    function assetsDown(uint256 shares, uint256 totalAssets, uint256 totalShares) external pure returns (uint256) {
        return shares.toAssetsDown(totalAssets, totalShares);
    }
}

/// OpenZeppelin's ERC-4626 over a token that anyone may make.
contract PeerAsset is ERC20('Peer', 'PEER') {
    function mint(address to, uint256 value) external {
        _mint(to, value);
    }
}

contract PeerVault is ERC4626 {
    constructor(IERC20 asset_) ERC20('Vault', 'VLT') ERC4626(asset_) {}
}
