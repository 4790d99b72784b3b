//! The typed store: everything a contract can touch, and the handles it touches it with.
//!
//! ```text
//!   contract code ──► Ctx ──► Value · Map · List · Record · Total     (typed, by field name)
//!                      │
//!                      └────► dyn Store                               (words, coins, logs, calls, gas)
//!                               ├── MemStore     risk lab, unit tests, fuzzers
//!                               ├── RevmStore    the chain (crate `evm`): journal, warm and cold gas
//!                               └── FaultStore   tests: fails at the n-th touch
//! ```
//!
//! Nothing here knows an EVM, a clock, a thread or a file. The same contract code runs over every store.

mod block;
mod ctx;
mod store;

pub use block::{BlockInfo, ProtocolVersion};
pub use ctx::{Ctx, Frame};
pub use store::{
    CallKind, CallOutcome, CallRequest, CreateOutcome, CreateRequest, GasClass, Halt, Mark, Store,
};
