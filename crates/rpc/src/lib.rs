//! One front router: JSON-RPC over HTTP and WebSocket, the page, metrics and health, on one port.
//!
//! ```text
//!   POST / ──► access (Origin, Host) ──► parse ──► dispatch ──► Methods table ──► handler
//!   GET  / ──► WebSocket ───────────────────┘          │            eth/ debug/ net web3 txpool
//!   GET /health /live /metrics, files of the page       │            capstan dev/
//!                                                      └─► WorkPool: EVM and disk, big stacks
//!   Chain events ──► Hub ──► subscriptions (WebSocket), filters (polling)
//! ```
//!
//! Rooms: [`methods`] is the table, [`error`] the words, [`config`] the limits. The JSON-RPC layer is
//! our own because batch entries run together here, and answers are written as JSON exactly once.
//!
//! Invariants RPC-1.. are sentences of specs/rpc.md; tests name them.

mod capstan;
pub mod config;
mod context;
pub mod convert;
mod credit;
mod debug;
mod dev;
pub mod error;
mod eth;
mod exchange;
mod explorer;
mod filters;
mod fixed;
mod following;
mod health;
mod income;
mod jobs;
mod keys;
mod labels;
mod machines;
pub mod methods;
mod metrics;
mod net;
mod page;
mod prices;
mod server;
mod subscriptions;
mod txpool;
mod views;
mod web3;
mod words;
mod work;

pub use config::{Access, DEV_MNEMONIC, DevKeysConfig, Limits, RpcConfig};
pub use context::RpcContext;
pub use dev::{DevWorld, WorldCheat, WorldFeed, WorldLabel, WorldShock};
pub use error::{RpcError, RpcResult};
pub use keys::{DevKeys, KeysError};
pub use methods::Methods;
pub use server::message;
pub use server::{ServeError, ServerHandle, SiteFile, probe, router, serve};

/// Every namespace puts its rows into the table.
fn register_all(table: &mut Methods) {
    eth::register(table);
    debug::register(table);
    net::register(table);
    web3::register(table);
    txpool::register(table);
    capstan::register(table);
    prices::register(table);
    credit::register(table);
    exchange::register(table);
    machines::register(table);
    jobs::register(table);
    income::register(table);
    explorer::register(table);
    following::register(table);
    dev::register(table);
    subscriptions::register(table);
}
