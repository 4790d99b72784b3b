// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Flash loans of what lending markets hold, and flash mint of factory tokens (ERC-3156).
interface IFlash {
    /// A loan was made and repaid.
    event FlashLoan(address indexed receiver, address indexed token, address indexed initiator, uint256 amount, uint256 fee);
    /// The fee of tokens without one of their own changed.
    event FlashFeeSet(uint16 feeBps);
    /// The fee of one token changed.
    event FlashFeeOfSet(address indexed token, uint16 feeBps);

    /// The token does not lend here: it has no market, and its owner did not grant this contract the roles MINT and BURN.
    error FlashTokenUnsupported(address token);
    /// More than can be lent of this token now. Borrow at most `max`.
    error FlashAmountTooHigh(address token, uint256 amount, uint256 max);
    /// The receiver did not answer keccak256("ERC3156FlashBorrower.onFlashLoan"), or keccak256("FlashManyBorrower.onFlashLoanMany")
    /// for a loan of several tokens.
    error FlashCallbackRefused(address receiver, bytes answer);
    /// The fee is above the highest one.
    error FlashFeeTooHigh(uint256 feeBps, uint256 maxBps);
    /// A loan is of one token at least and of `max` at most, and names an amount for each.
    error FlashBadList(uint256 tokens, uint256 amounts, uint256 max);
    /// The token stands twice in one loan. Borrow both amounts as one.
    error FlashTokenTwice(address token);

    /// Most that may be borrowed now; zero if the token does not lend, or while a loan of it runs.
    function maxFlashLoan(address token) external view returns (uint256);
    /// Fee of a loan, rounded up.
    function flashFee(address token, uint256 amount) external view returns (uint256);
    /// Lends `amount` to `receiver` for the length of its callback. The receiver lets this contract take
    /// `amount` and the fee before the callback ends.
    function flashLoan(address receiver, address token, uint256 amount, bytes calldata data) external returns (bool);
    /// Lends several tokens to `receiver` for the length of one callback, `onFlashLoanMany`. The receiver lets this
    /// contract take each amount and its fee before the callback ends.
    function flashLoanMany(address receiver, address[] calldata tokens, uint256[] calldata amounts, bytes calldata data) external returns (bool);
    /// The fee of tokens without one of their own, in hundredths of a percent.
    function feeBps() external view returns (uint16);
    /// The fee of a token, in hundredths of a percent.
    function feeBpsOf(address token) external view returns (uint16);
    /// Sets the fee of tokens without one of their own. Only the owner of this contract's scope.
    function setFeeBps(uint16 feeBps) external;
    /// Sets the fee of one token. Only the owner of this contract's scope.
    function setFeeBpsOf(address token, uint16 feeBps) external;
}

/// What a receiver of one token implements.
interface IFlashBorrower {
    /// Receives a loan; answers keccak256("ERC3156FlashBorrower.onFlashLoan").
    function onFlashLoan(address initiator, address token, uint256 amount, uint256 fee, bytes calldata data) external returns (bytes32);
}

/// What a receiver of several tokens implements.
interface IFlashManyBorrower {
    /// Receives a loan; answers keccak256("FlashManyBorrower.onFlashLoanMany").
    function onFlashLoanMany(address initiator, address[] calldata tokens, uint256[] calldata amounts, uint256[] calldata fees, bytes calldata data) external returns (bytes32);
}
