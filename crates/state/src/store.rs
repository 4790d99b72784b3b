//! The one trait between contract code and the world.

use alloy_primitives::{Address, B256, Bytes, LogData, U256};

use crate::BlockInfo;

/// Why a contract stops before its end. The compiler asks every caller which kind it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The caller's mistake. State is rewound and these ABI bytes go back to the caller.
    Revert(Bytes),
    /// The frame's gas does not pay for the next step. All of it is consumed.
    OutOfGas,
    /// A write inside a static call. All gas is consumed, as the EVM does.
    StaticViolation,
    /// Our own storage failed, or holds words that nobody writes. A store that failed remembers it, and whoever runs a
    /// contract asks it first: the node stops before it writes anything. Damaged words end the frame.
    Fatal(String),
}

/// A point that the store can rewind to. Marks nest: the inner one is closed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a mark is closed by `commit` or `rewind`"]
pub struct Mark(pub usize);

/// How a commutative write is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GasClass {
    /// Shared totals and sinks, stored biased by one: the price depends on cold or warm alone, never on
    /// the value, and there is no refund. So gas cannot depend on what other transactions added.
    /// A word that was never written counts as one. Every store uses the arithmetic of
    /// [`commute`](crate::commute) and the prices of [`gas`](crate::gas).
    Flat,
    /// A user's own balance: the EVM's SSTORE schedule, in which only zero or not zero matters.
    ZeroAware,
}

/// What a call may do to the callee's world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// An ordinary call; it inherits the static flag of the frame that makes it.
    Call,
    /// A call that must not write.
    Static,
}

/// A call into whatever code lives at `target`: EVM code or another native contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRequest {
    /// Ordinary or static.
    pub kind: CallKind,
    /// Caller as the callee sees it: the contract whose frame this is.
    pub from: Address,
    /// Callee.
    pub target: Address,
    /// Coins that move with the call, in wei. Zero for static calls.
    pub value: U256,
    /// Calldata.
    pub input: Bytes,
    /// Most gas the callee may use; `None` is all that EIP-150 lets through (63/64).
    pub gas_limit: Option<u64>,
}

/// How a call ended. A callee's revert is an outcome, not a [`Halt`]: its effects are gone, ours stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// Whether the callee ended well.
    pub success: bool,
    /// Return data, or revert data.
    pub output: Bytes,
}

/// Creation of EVM code by a native contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRequest {
    /// Creator: the contract whose frame this is.
    pub from: Address,
    /// `Some` is CREATE2.
    pub salt: Option<B256>,
    /// Endowment in wei.
    pub value: U256,
    /// Init code.
    pub init_code: Bytes,
}

/// How a creation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateOutcome {
    /// Where the code now lives; `None` if creation failed.
    pub address: Option<Address>,
    /// Revert data of a failed creation.
    pub output: Bytes,
}

/// Everything a contract can touch. Object-safe, so contracts are compiled once.
///
/// Every method that costs gas charges it by the EVM's own cold and warm rules before it acts.
/// Hold no loaded value across [`Store::call`]: the callee may have changed it.
pub trait Store {
    /// Reads a storage word of the contract `at`.
    fn load(&mut self, at: Address, slot: U256) -> Result<U256, Halt>;
    /// Writes a storage word of the contract `at`.
    fn save(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt>;

    /// Adds `delta`, blindly: the new value is not returned, so the write commutes.
    /// Overflow of the word is `Panic(0x11)`.
    fn add(&mut self, at: Address, slot: U256, delta: U256, class: GasClass) -> Result<(), Halt>;
    /// Subtracts `delta` unless the word would fall below `min`; answers whether it did.
    fn sub_bounded(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        min: U256,
        class: GasClass,
    ) -> Result<bool, Halt>;
    /// Adds `delta` unless the word would rise above `cap`; answers whether it did.
    fn add_capped(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        cap: U256,
        class: GasClass,
    ) -> Result<bool, Halt>;

    /// Reads a transient word: it lives until the end of the transaction.
    fn tload(&mut self, at: Address, slot: U256) -> Result<U256, Halt>;
    /// Writes a transient word.
    fn tsave(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt>;

    /// Gas-coin balance of any account, in wei.
    fn coin_balance(&mut self, of: Address) -> Result<U256, Halt>;
    /// Moves gas coins; answers `false`, and moves nothing, if `from` has too few.
    fn coin_move(&mut self, from: Address, to: Address, amount: U256) -> Result<bool, Halt>;
    /// Size of the code at an address, in bytes.
    fn code_size(&mut self, of: Address) -> Result<usize, Halt>;
    /// Puts the one-byte marker code at a native address, so that the account is not empty
    /// (EIP-161) and Solidity's `extcodesize` check passes.
    fn deploy_marker(&mut self, at: Address) -> Result<(), Halt>;

    /// Creates EVM code.
    fn create(&mut self, request: CreateRequest) -> Result<CreateOutcome, Halt>;
    /// Calls EVM code or another native contract. Reverts this item in a system phase.
    fn call(&mut self, request: CallRequest) -> Result<CallOutcome, Halt>;
    /// Emits a log from `at`.
    fn emit(&mut self, at: Address, log: LogData) -> Result<(), Halt>;

    /// Charges gas for work that is not storage.
    fn charge(&mut self, gas: u64) -> Result<(), Halt>;
    /// Gas left in this frame.
    fn gas_left(&self) -> u64;
    /// Whether this frame may not write.
    fn is_static(&self) -> bool;
    /// The block.
    fn block(&self) -> &BlockInfo;
    /// Hash of one of the last 256 blocks, as BLOCKHASH answers it: zero for any other number, and for
    /// every number in a store that keeps no history.
    fn block_hash(&mut self, number: u64) -> Result<B256, Halt> {
        let _ = number;
        Ok(B256::ZERO)
    }

    /// Opens a checkpoint over storage, coins, logs and transient words.
    fn mark(&mut self) -> Mark;
    /// Keeps what happened since `mark`.
    fn commit(&mut self, mark: Mark);
    /// Undoes what happened since `mark`.
    fn rewind(&mut self, mark: Mark);

    /// Signer of a 32-byte digest; `None` if the signature is not valid (or its `s` is high).
    fn recover(&mut self, digest: B256, v: u8, r: B256, s: B256) -> Result<Option<Address>, Halt>;
    /// Keccak-256, charged as the opcode is.
    fn keccak(&mut self, bytes: &[u8]) -> Result<B256, Halt>;
}
