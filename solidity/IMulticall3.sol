// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Many calls in one, as Multicall3.
interface IMulticall3 {
    /// A call that must succeed.
    struct Call {
        address target;
        bytes callData;
    }
    /// A call that may fail if it says so.
    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }
    /// The same, with coins.
    struct Call3Value {
        address target;
        bool allowFailure;
        uint256 value;
        bytes callData;
    }
    /// How one call ended.
    struct Result {
        bool success;
        bytes returnData;
    }

    /// Calls each; one failure fails all.
    function aggregate(Call[] calldata calls) external payable returns (uint256 blockNumber, bytes[] memory returnData);
    /// Calls each; a failure fails all only if `requireSuccess`.
    function tryAggregate(bool requireSuccess, Call[] calldata calls) external payable returns (Result[] memory returnData);
    /// The same, with number and hash of the block.
    function tryBlockAndAggregate(bool requireSuccess, Call[] calldata calls) external payable returns (uint256 blockNumber, bytes32 blockHash, Result[] memory returnData);
    /// The same, where one failure fails all.
    function blockAndAggregate(Call[] calldata calls) external payable returns (uint256 blockNumber, bytes32 blockHash, Result[] memory returnData);
    /// Calls each; each says whether it may fail.
    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory returnData);
    /// The same, each with coins; together they are exactly the coins that came.
    function aggregate3Value(Call3Value[] calldata calls) external payable returns (Result[] memory returnData);

    /// Hash of one of the last 256 blocks, or zero.
    function getBlockHash(uint256 blockNumber) external view returns (bytes32 blockHash);
    /// Height.
    function getBlockNumber() external view returns (uint256 blockNumber);
    /// Who earns the priority fees of this block.
    function getCurrentBlockCoinbase() external view returns (address coinbase);
    /// The randomness of this block (EIP-4399).
    function getCurrentBlockDifficulty() external view returns (uint256 difficulty);
    /// Gas limit of this block.
    function getCurrentBlockGasLimit() external view returns (uint256 gaslimit);
    /// Time of this block in seconds.
    function getCurrentBlockTimestamp() external view returns (uint256 timestamp);
    /// Coins of an account, in wei.
    function getEthBalance(address addr) external view returns (uint256 balance);
    /// Hash of the block before this one.
    function getLastBlockHash() external view returns (bytes32 blockHash);
    /// Base fee of this block, in wei per gas.
    function getBasefee() external view returns (uint256 basefee);
    /// Chain id.
    function getChainId() external view returns (uint256 chainid);
}
