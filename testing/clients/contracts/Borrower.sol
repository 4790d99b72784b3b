// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {CapstanAddresses} from "capstan/CapstanAddresses.sol";
import {IErc20} from "capstan/IErc20.sol";
import {IFlash, IFlashBorrower} from "capstan/IFlash.sol";

/// Borrows from the native flash contract, as somebody would write it against the generated interfaces.
contract Borrower is IFlashBorrower {
    /// What it held while the loan ran.
    uint256 public held;
    bool public immutable honest;

    error NotTheLender(address caller);

    constructor(bool isHonest) {
        honest = isHonest;
    }

    function borrow(address token, uint256 amount) external returns (bool) {
        return IFlash(CapstanAddresses.FLASH).flashLoan(address(this), token, amount, "");
    }

    function onFlashLoan(address, address token, uint256 amount, uint256 fee, bytes calldata)
        external
        returns (bytes32)
    {
        if (msg.sender != CapstanAddresses.FLASH) revert NotTheLender(msg.sender);
        held = IErc20(token).balanceOf(address(this));
        IErc20(token).approve(msg.sender, amount + fee);
        return honest ? keccak256("ERC3156FlashBorrower.onFlashLoan") : bytes32(0);
    }
}
