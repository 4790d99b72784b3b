//! Executes transactions and blocks: revm with native contracts inside.
//!
//! ```text
//!            BlockRun ── one block, sequential, deterministic ──► receipts, access list, StateDiff
//!            verify ── the same block from its access list, on all cores, any transaction by itself
//!            parallel ── the same block on all cores, the same bytes
//!            call::Session ── eth_call, estimate, simulate, trace: a scratch overlay, kept or thrown away
//!                 │
//!             CapstanEvm ── an own `EvmTr`: calls to native addresses run Rust, everything else runs bytecode
//!              │       │
//!       EVM interpreter  RevmStore ── `capstan_state::Store` over revm's journal, with the EVM's gas
//!              │       │
//!              Overlay ── what this block (or call) changed, over `dyn StateRead`
//! ```
//!
//! A native contract may call EVM code and be called by it, in any mix up to [`NATIVE_DEPTH_MAX`]. Everything a
//! native writes goes through the same journal as bytecode, so reverts, access lists, tracers and proofs need
//! no special case. The rules are in `specs/execution.md`.

pub mod block;
mod bloom;
pub mod call;
mod codes;
pub mod console;
mod diff;
mod error;
mod evm;
mod handler;
mod hashes;
mod list;
pub mod mem;
mod natives;
mod overlay;
mod overrides;
pub mod parallel;
mod precompiles;
pub mod record;
mod rules;
mod sig;
mod state;
pub mod statetest;
mod stop;
mod store;
mod system;
pub mod trace;
mod tx;
pub mod verify;

pub use block::{BlockContext, BlockOutcome, BlockRun, TxOutcome};
pub use diff::{AccountDiff, StateDiff};
pub use error::{ExecError, StateError, TxRefused};
pub use list::encode_access_list;
pub use natives::{Natives, Protocol};
pub use overlay::Overlay;
pub use rules::{BaseFeeRule, Fork, NEWEST_VERSION, Rules};
pub use sig::recover;
pub use state::{AccountInfo, StateRead};
pub use stop::Stop;
pub use system::{SYSTEM_SENDER, SystemTx};

/// A signed transaction of any type that a block may hold, without blob sidecars.
pub type Tx = alloy_consensus::EthereumTxEnvelope<alloy_consensus::TxEip4844>;

/// A receipt with its bloom.
pub type Receipt = alloy_consensus::ReceiptEnvelope;

/// Most native frames that may be open at once, EVM frames between them not counted. The next call fails as
/// if the call stack were full, and its gas comes back.
pub const NATIVE_DEPTH_MAX: usize = 16;

/// Stack that a thread must have to execute: [`NATIVE_DEPTH_MAX`] native frames with bytecode between them. It is
/// what threads of the standard library and of tokio have unless told otherwise.
pub const STACK_BYTES: usize = 2 * 1024 * 1024;
