// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {CapstanAddresses} from "capstan/CapstanAddresses.sol";
import {IErc20} from "capstan/IErc20.sol";
import {IErc4626} from "capstan/IErc4626.sol";
import {IFlash, IFlashBorrower, IFlashManyBorrower} from "capstan/IFlash.sol";

/// Borrows from lending markets for one call: one token, or several at once. What it does meanwhile is in `data`.
contract MarketBorrower is IFlashBorrower, IFlashManyBorrower {
    /// What to do with a loan.
    enum Use { Repay, Keep, SupplyAndLeave }

    /// What it held of each token while the loan ran.
    uint256[] public held;

    function borrow(address token, uint256 amount, Use use, address share) external {
        IFlash(CapstanAddresses.FLASH).flashLoan(address(this), token, amount, abi.encode(use, share));
    }

    function borrowMany(address[] calldata tokens, uint256[] calldata amounts) external {
        IFlash(CapstanAddresses.FLASH).flashLoanMany(address(this), tokens, amounts, "");
    }

    function onFlashLoan(address, address token, uint256 amount, uint256 fee, bytes calldata data)
        external
        returns (bytes32)
    {
        (Use use, address share) = abi.decode(data, (Use, address));
        held.push(IErc20(token).balanceOf(address(this)));
        if (use == Use.SupplyAndLeave) {
            // The market lends its own loan again: what it owes must not depend on that.
            IErc20(token).approve(share, amount);
            uint256 shares = IErc4626(share).deposit(amount, address(this));
            IErc4626(share).redeem(shares, address(this), address(this));
        }
        if (use != Use.Keep) IErc20(token).approve(msg.sender, amount + fee);
        return keccak256("ERC3156FlashBorrower.onFlashLoan");
    }

    function onFlashLoanMany(
        address,
        address[] calldata tokens,
        uint256[] calldata amounts,
        uint256[] calldata fees,
        bytes calldata
    ) external returns (bytes32) {
        for (uint256 i = 0; i < tokens.length; i++) {
            held.push(IErc20(tokens[i]).balanceOf(address(this)));
            IErc20(tokens[i]).approve(msg.sender, amounts[i] + fees[i]);
        }
        return keccak256("FlashManyBorrower.onFlashLoanMany");
    }
}
