// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// The smallest contract with something of each kind: state, an event, a custom error, a reason, a payable verb.
contract Counter {
    uint256 public value;
    mapping(address => uint256) public paid;

    event Incremented(address indexed by, uint256 value);

    error TooMuch(uint256 asked, uint256 max);

    constructor(uint256 start) {
        value = start;
    }

    function increment(uint256 by) external returns (uint256) {
        if (by > 10) revert TooMuch(by, 10);
        value += by;
        emit Incremented(msg.sender, value);
        return value;
    }

    function refuse() external pure {
        revert("not today");
    }

    function overflow() external pure returns (uint256) {
        uint256 zero = 0;
        return zero - 1;
    }

    function pay() external payable {
        paid[msg.sender] += msg.value;
    }
}
