//! Why the pool refuses a transaction, in the words that geth uses for the same mistake: wallets and
//! libraries match on them.

use alloy_primitives::{Address, B256, U256};

/// Why a transaction was refused. Nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The same transaction is already waiting.
    #[error("already known")]
    AlreadyKnown(B256),
    /// The nonce was used.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow {
        /// Nonce the account goes on with.
        next: u64,
        /// Nonce of the transaction.
        nonce: u64,
    },
    /// The nonce cannot be followed by another (EIP-2681).
    #[error("nonce has max value: address {sender}, nonce: {nonce}")]
    NonceMax {
        /// Sender.
        sender: Address,
        /// Nonce.
        nonce: u64,
    },
    /// The nonce is so far ahead that the gap cannot be filled within the sender's bound.
    #[error("nonce too high: next nonce {next}, tx nonce {nonce}, at most {ahead} ahead")]
    NonceTooHigh {
        /// Nonce the account goes on with.
        next: u64,
        /// Nonce of the transaction.
        nonce: u64,
        /// Most that a nonce may be ahead.
        ahead: u64,
    },
    /// Another transaction with this nonce waits, and this one does not raise both fees by the bump.
    #[error(
        "replacement transaction underpriced: both fees must rise by {bump_percent}%, to at least {min_fee_wei} and tip {min_tip_wei} wei"
    )]
    ReplacementUnderpriced {
        /// Smallest rise, in percent.
        bump_percent: u64,
        /// Smallest `maxFeePerGas` that replaces.
        min_fee_wei: u128,
        /// Smallest `maxPriorityFeePerGas` that replaces.
        min_tip_wei: u128,
    },
    /// The fee can never pay: below the chain's base-fee floor or the pool's smallest tip.
    #[error(
        "transaction underpriced: tip needed {needed_tip_wei} wei, tip permitted {tip_wei} wei"
    )]
    Underpriced {
        /// Tip of the transaction.
        tip_wei: u128,
        /// Smallest tip that the pool takes now.
        needed_tip_wei: u128,
    },
    /// The fee does not reach the base fee of the next block.
    #[error(
        "max fee per gas less than block base fee: address {sender}, maxFeePerGas: {max_fee_wei}, baseFee: {base_fee_wei}"
    )]
    FeeBelowBaseFee {
        /// Sender.
        sender: Address,
        /// Its `maxFeePerGas`.
        max_fee_wei: u128,
        /// Base fee of the next block.
        base_fee_wei: u64,
    },
    /// The tip is above the whole fee.
    #[error(
        "max priority fee per gas higher than max fee per gas: address {sender}, maxPriorityFeePerGas: {tip_wei}, maxFeePerGas: {max_fee_wei}"
    )]
    TipAboveFee {
        /// Sender.
        sender: Address,
        /// `maxPriorityFeePerGas`.
        tip_wei: u128,
        /// `maxFeePerGas`.
        max_fee_wei: u128,
    },
    /// The account cannot pay for this transaction and those before it.
    #[error("insufficient funds for gas * price + value: address {sender} have {have} want {want}")]
    InsufficientFunds {
        /// Sender.
        sender: Address,
        /// Balance in wei.
        have: U256,
        /// Cost in wei, with what its waiting transactions cost.
        want: U256,
    },
    /// Gas limit below what the transaction costs before it runs.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas {
        /// Gas limit of the transaction.
        have: u64,
        /// Smallest gas limit.
        want: u64,
    },
    /// Gas limit below the calldata floor (EIP-7623).
    #[error("insufficient gas for floor data gas cost: have {have}, want {want}")]
    FloorDataGas {
        /// Gas limit of the transaction.
        have: u64,
        /// Smallest gas limit.
        want: u64,
    },
    /// Gas limit above what one block gives to users.
    #[error("exceeds block gas limit: have {have}, block gives {limit}")]
    ExceedsBlockGas {
        /// Gas limit of the transaction.
        have: u64,
        /// User gas limit of a block.
        limit: u64,
    },
    /// Gas limit above the cap of one transaction (EIP-7825).
    #[error("transaction gas limit too high (cap: {cap}, tx: {have})")]
    TxGasCap {
        /// Gas limit of the transaction.
        have: u64,
        /// Cap.
        cap: u64,
    },
    /// Init code over the limit (EIP-3860).
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitcodeSize {
        /// Bytes of init code.
        size: usize,
        /// Most bytes.
        limit: usize,
    },
    /// Larger than any transaction may be.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Bytes of the transaction.
        size: usize,
        /// Most bytes.
        limit: usize,
    },
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {have} want {want}")]
    WrongChain {
        /// Chain id in the transaction.
        have: u64,
        /// Chain id of this chain.
        want: u64,
    },
    /// A legacy transaction without chain id, where those are not allowed.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    Unprotected,
    /// A blob transaction.
    #[error(
        "transaction type not supported: type 3 (blob) transactions are not accepted by this chain; use calldata"
    )]
    Blob,
    /// The shape that only the chain's own transactions have.
    #[error(
        "invalid sender: a transaction with signature r = s = 0 is a system transaction, made by the chain alone"
    )]
    SystemShape,
    /// A signature that names its sender instead of proving it, without the sender being impersonated.
    #[error("invalid sender: {0} is not impersonated")]
    NotImpersonated(Address),
    /// The sender is a native contract, which acts by its code alone.
    #[error(
        "sender {0} is a native contract, which sends no transactions: impersonate another account"
    )]
    NativeSender(Address),
    /// A set-code transaction without authorizations.
    #[error("EIP-7702 transaction with empty auth list (sender {0})")]
    EmptyAuthorizations(Address),
    /// A set-code transaction that creates.
    #[error("EIP-7702 transaction cannot be used to create contract (sender {0})")]
    SetCodeCreate(Address),
    /// The sender holds code that is not a delegation (EIP-3607).
    #[error("sender not an eoa: address {sender}, codehash: {code_hash}")]
    SenderNotEoa {
        /// Sender.
        sender: Address,
        /// Hash of its code.
        code_hash: B256,
    },
    /// A delegated account may have one transaction in flight: others can drain it at any time (EIP-7702).
    #[error("in-flight transaction limit reached for delegated accounts")]
    DelegatedInFlight,
    /// The sender has as many waiting transactions as one account may have.
    #[error("account limit exceeded: {limit} transactions of {sender} wait already")]
    AccountLimit {
        /// Sender.
        sender: Address,
        /// Most transactions of one account.
        limit: usize,
    },
    /// The pool is full, and this transaction pays no more than the cheapest in it.
    #[error(
        "txpool is full: {count} transactions, {bytes} bytes; a tip above {min_tip_wei} wei enters"
    )]
    Full {
        /// Transactions in the pool.
        count: usize,
        /// Bytes in the pool.
        bytes: usize,
        /// Tip of the cheapest transaction.
        min_tip_wei: u128,
    },
    /// The node could not read the sender's account.
    #[error("state is not readable: {0}")]
    State(String),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}
