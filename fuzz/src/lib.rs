//! Fuzz targets for everything that reads bytes which this program did not make itself.
//!
//! A [`Target`] is a plain function over bytes that panics when a promise is broken: it reads the input,
//! and for what it accepts asserts that writing and reading again gives the same. Beside that, every input
//! is watched for panics, for memory out of proportion to its length, and for time.
//!
//! ```text
//!   seeds (made by the encoders, and fuzz/seeds/) ─► Mutator ─► Target::run ─► what it said
//!        ▲                                                                        │
//!        └────────────── an input whose answer has a new shape is kept ◄──────────┘
//! ```
//!
//! Two drivers share the targets: [`hunt`], which runs on the stable toolchain (a moment in the tests, long in
//! `cargo xtask soak`), and libFuzzer through cargo-fuzz, where a nightly toolchain is at hand.

mod contracts;
mod files;
pub mod hunt;
pub mod memory;
mod mutate;
mod storage;
mod wire;
mod world;

pub use hunt::{Hunt, Limit, hunt, judge};

/// One decoder, or one door with decoders behind it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// One word.
    pub name: &'static str,
    /// What reads the bytes.
    pub what: &'static str,
    /// Reads the input and panics when a promise is broken. Answers `ok ..` for what it accepted, and the
    /// reason otherwise.
    pub run: fn(&[u8]) -> String,
    /// Good inputs, to begin from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Bytes of memory that any input may take.
    pub memory_base: usize,
    /// Bytes of memory for each byte of the input beyond that.
    pub memory_factor: usize,
}

const MIB: usize = 1 << 20;

/// Every target.
pub const TARGETS: &[Target] = &[
    target(
        "log",
        "frames and segments of the block log",
        storage::log,
        storage::log_seeds,
    ),
    target(
        "block",
        "a block as it is exported and sent",
        storage::block,
        storage::block_seeds,
    ),
    target(
        "frame",
        "a block as the log keeps it",
        storage::frame,
        storage::frame_seeds,
    ),
    target(
        "node",
        "a stored node of the trie",
        storage::node,
        storage::node_seeds,
    ),
    target(
        "journal",
        "the pool's journal",
        storage::journal,
        storage::journal_seeds,
    ),
    Target {
        // The chain behind it executes what is accepted.
        memory_base: 64 * MIB,
        ..target(
            "export",
            "an export file",
            storage::export,
            storage::export_seeds,
        )
    },
    target(
        "transaction",
        "a transaction, typed or legacy",
        wire::transaction,
        wire::transaction_seeds,
    ),
    target(
        "access",
        "a block access list",
        wire::access,
        wire::access_seeds,
    ),
    Target {
        // An access is one byte, and a node of the graph of who waits for whom.
        memory_factor: 1_024,
        ..target(
            "sidecar",
            "who touched what in a block, and its analysis",
            wire::sidecar,
            wire::sidecar_seeds,
        )
    },
    target(
        "message",
        "a JSON-RPC body",
        wire::message,
        wire::message_seeds,
    ),
    Target {
        // A chain is opened with what is accepted.
        memory_base: 64 * MIB,
        ..target(
            "genesis",
            "a genesis file, ours or an Ethereum client's",
            files::genesis,
            files::genesis_seeds,
        )
    },
    Target {
        // Memory of the EVM is paid for in gas, which the target bounds.
        memory_base: 64 * MIB,
        ..target(
            "statetest",
            "a file of state tests, and running it",
            files::statetest,
            files::statetest_seeds,
        )
    },
    target(
        "abi",
        "calldata of every native contract",
        contracts::abi,
        contracts::abi_seeds,
    ),
    target(
        "error",
        "revert data, calldata and events, in words",
        contracts::error,
        contracts::error_seeds,
    ),
];

const fn target(
    name: &'static str,
    what: &'static str,
    run: fn(&[u8]) -> String,
    seeds: fn() -> Vec<Vec<u8>>,
) -> Target {
    Target {
        name,
        what,
        run,
        seeds,
        memory_base: 4 * MIB,
        memory_factor: 256,
    }
}

/// The target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
