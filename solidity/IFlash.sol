// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Flash mint of factory tokens (ERC-3156).
interface IFlash {
    /// A loan was made and repaid.
    event FlashLoan(address indexed receiver, address indexed token, address indexed initiator, uint256 amount, uint256 fee);
    /// The fee changed.
    event FlashFeeSet(uint16 feeBps);

    /// The token does not lend here. Its owner grants this contract the roles MINT and BURN first.
    error FlashTokenUnsupported(address token);
    /// More than the token may still mint. Borrow at most `max`.
    error FlashAmountTooHigh(address token, uint256 amount, uint256 max);
    /// The receiver did not answer keccak256("ERC3156FlashBorrower.onFlashLoan").
    error FlashCallbackRefused(address receiver, bytes answer);
    /// The fee is above the highest one.
    error FlashFeeTooHigh(uint256 feeBps, uint256 maxBps);

    /// Most that may be borrowed now; zero if the token does not lend here.
    function maxFlashLoan(address token) external view returns (uint256);
    /// Fee of a loan, rounded up.
    function flashFee(address token, uint256 amount) external view returns (uint256);
    /// Lends `amount` to `receiver` for the length of its callback. The receiver lets this contract take
    /// `amount` and the fee before the callback ends.
    function flashLoan(address receiver, address token, uint256 amount, bytes calldata data) external returns (bool);
    /// The fee in hundredths of a percent.
    function feeBps() external view returns (uint16);
    /// Sets the fee. Only the owner of this contract's scope.
    function setFeeBps(uint16 feeBps) external;
}

/// What a receiver implements.
interface IFlashBorrower {
    /// Receives a loan; answers keccak256("ERC3156FlashBorrower.onFlashLoan").
    function onFlashLoan(address initiator, address token, uint256 amount, uint256 fee, bytes calldata data) external returns (bytes32);
}
