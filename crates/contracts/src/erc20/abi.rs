//! The interface and its rows, for any [`Book`].

use alloy_sol_types::sol;

use super::{Book, Permit, actions, permit};
use crate::contract::Interface;
use IErc20::*;

sol! {
    /// An ERC-20 token with permit (EIP-2612) whose permit domain can be read (ERC-5267).
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IErc20 {
        /// `value` moved. Minting comes from the zero address, burning goes to it.
        event Transfer(address indexed from, address indexed to, uint256 value);
        /// `spender` may take `value` from `owner`.
        event Approval(address indexed owner, address indexed spender, uint256 value);
        /// The EIP-712 domain changed (it never does; ERC-5267 asks for the event).
        event EIP712DomainChanged();

        /// The sender has less than he wants to move. Move at most `balance`.
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        /// The zero address sends nothing.
        error ERC20InvalidSender(address sender);
        /// The zero address receives nothing.
        error ERC20InvalidReceiver(address receiver);
        /// The spender is allowed less than he wants to move. The owner approves more first.
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
        /// The zero address approves nothing.
        error ERC20InvalidApprover(address approver);
        /// The zero address spends nothing.
        error ERC20InvalidSpender(address spender);
        /// The supply would rise above 2^112 - 1.
        error ERC20ExceededCap(uint256 increasedSupply, uint256 cap);
        /// The permit's deadline has passed. Sign a new one.
        error ERC2612ExpiredSignature(uint256 deadline);
        /// The permit was signed by another key, or over other values, nonce, token or chain.
        error ERC2612InvalidSigner(address signer, address owner);
        /// The signature recovers to nobody.
        error ECDSAInvalidSignature();
        /// The signature is the malleable twin of a good one. Use the one with the lower `s`.
        error ECDSAInvalidSignatureS(bytes32 s);

        /// Moves `value` from the caller to `to`.
        function transfer(address to, uint256 value) external returns (bool);
        /// Moves `value` from `from` to `to` by the caller's allowance.
        function transferFrom(address from, address to, uint256 value) external returns (bool);
        /// Lets `spender` take up to `value` from the caller; the largest number is without limit.
        function approve(address spender, uint256 value) external returns (bool);
        /// Approves by the owner's signature (EIP-2612).
        function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
        /// What the account holds.
        function balanceOf(address account) external view returns (uint256);
        /// What `spender` may still take from `owner`.
        function allowance(address owner, address spender) external view returns (uint256);
        /// What all accounts hold together.
        function totalSupply() external view returns (uint256);
        /// Name for people.
        function name() external view returns (string memory);
        /// Short name for people.
        function symbol() external view returns (string memory);
        /// Digits behind the point of one whole token.
        function decimals() external view returns (uint8);
        /// Nonce of the owner's next permit.
        function nonces(address owner) external view returns (uint256);
        /// What ties permits to this token and chain (EIP-712).
        function DOMAIN_SEPARATOR() external view returns (bytes32);
        /// The same in parts (ERC-5267).
        function eip712Domain() external view returns (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] memory extensions);
    }
}

/// What tools are told about the face.
pub const INTERFACE: Interface = Interface {
    name: "erc20",
    abi: IErc20::abi::contract,
    source: include_str!("abi.rs"),
};

crate::verbs! { face <B: Book> IErc20Calls;
    transferCall: Write, 60 => |cx, c| actions::transfer::<B>(cx, c.to, c.value);
    transferFromCall: Write, 80 => |cx, c| actions::transfer_from::<B>(cx, c.from, c.to, c.value);
    approveCall: Write, 60 => |cx, c| actions::approve::<B>(cx, c.spender, c.value);
    permitCall: Write, 200 => |cx, c| permit::permit::<B>(cx, &Permit {
        owner: c.owner, spender: c.spender, value: c.value, deadline: c.deadline, v: c.v, r: c.r, s: c.s,
    });
    balanceOfCall: View, 40 => |cx, c| B::balance_of(cx, c.account);
    allowanceCall: View, 40 => |cx, c| B::allowance(c.owner, c.spender).load(cx);
    totalSupplyCall: View, 40 => |cx, _| B::total_supply(cx);
    nameCall: View, 40 => |cx, _| B::name(cx);
    symbolCall: View, 40 => |cx, _| B::symbol(cx);
    decimalsCall: View, 40 => |cx, _| B::decimals(cx);
    noncesCall: View, 40 => |cx, c| B::nonces().at(c.owner).load(cx);
    DOMAIN_SEPARATORCall: View, 100 => |cx, _| permit::domain_separator::<B>(cx);
    eip712DomainCall: View, 100 => |cx, _| permit::eip712_domain::<B>(cx);
}
