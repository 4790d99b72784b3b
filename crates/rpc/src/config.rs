//! Settings of the front door. Every limit is named, has a default, and is listed in specs/rpc.md.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use crate::{dev::DevWorld, server::SiteFile};

/// What `serve` needs to know.
#[derive(Clone, Debug)]
pub struct RpcConfig {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Bounds on what one request, call or connection may use.
    pub limits: Limits,
    /// Who may talk to us from a browser.
    pub access: Access,
    /// Unlocked development accounts; `None` on a real node.
    pub dev_keys: Option<DevKeysConfig>,
    /// What `web3_clientVersion` answers.
    pub client_version: String,
    /// Largest fee that a transaction sent through this door may promise, in wei; 0 is no limit.
    pub fee_wei_max: u128,
    /// The page for people who open the port in a browser; nothing for none.
    pub site: &'static [SiteFile],
    /// The prepared world of a development node; `None` where there is none.
    pub world: Option<Arc<dyn DevWorld>>,
    /// Routes of another room on the same port, which guards them itself.
    pub beside: Option<axum::Router>,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8545)),
            limits: Limits::default(),
            access: Access::default(),
            dev_keys: None,
            client_version: format!(
                "Capstan/v{}/{}-{}/rust",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::OS,
                std::env::consts::ARCH
            ),
            fee_wei_max: 0,
            site: &[],
            world: None,
            beside: None,
        }
    }
}

impl RpcConfig {
    /// The settings of `capstan dev`: the well-known mnemonic, `account_count` accounts.
    pub fn dev(account_count: u32) -> Self {
        Self {
            dev_keys: Some(DevKeysConfig {
                account_count,
                ..DevKeysConfig::default()
            }),
            ..Self::default()
        }
    }
}

/// Bounds on what one request, call or connection may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest request body or WebSocket message.
    pub body_bytes_max: usize,
    /// Entries of one batch.
    pub batch_entries_max: usize,
    /// Entries of one batch that are worked on at once.
    pub batch_entries_at_once: usize,
    /// Largest answer; a batch as a whole may use it once.
    pub response_bytes_max: usize,
    /// Longest time for one call, and for all calls of a batch.
    pub call_time_max: Duration,
    /// Threads for calls that run the EVM or read the disk.
    pub blocking_threads: usize,
    /// Calls that may wait for such a thread.
    pub blocking_queue_max: usize,
    /// Gas that `eth_call`, `eth_estimateGas` and traces may use.
    pub call_gas_max: u64,
    /// Open connections, HTTP and WebSocket together.
    pub connections_max: usize,
    /// Calls of one WebSocket connection that are worked on at once.
    pub ws_calls_at_once: usize,
    /// Messages that wait for one WebSocket client. A slower reader is disconnected.
    pub ws_queue_max: usize,
    /// Bytes of answers and notifications that all clients together have not read. Beyond it WebSocket clients that are
    /// behind are disconnected, and large answers over HTTP are refused.
    pub unread_bytes_max: usize,
    /// How long a client may leave what it is sent unread; after that it must take 64 KiB a second.
    pub unread_time_max: Duration,
    /// How long nothing may move on a connection whose answer, or the rest of it, is waited for.
    pub answer_time_max: Duration,
    /// Subscriptions of all connections.
    pub subscriptions_max: usize,
    /// Subscriptions of one connection.
    pub subscriptions_per_connection_max: usize,
    /// Installed filters, all clients together.
    pub filters_max: usize,
    /// A filter that is not asked for this long is removed.
    pub filter_idle_max: Duration,
    /// Logs in one answer.
    pub logs_max: usize,
    /// How long beyond its pace a block may be out before `/health` says that the chain is stalled.
    pub stall_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get());
        Self {
            body_bytes_max: 15 << 20,
            batch_entries_max: 1_000,
            batch_entries_at_once: 64,
            response_bytes_max: 150 << 20,
            call_time_max: Duration::from_secs(20),
            blocking_threads: (2 * cores).max(4),
            blocking_queue_max: 1_024,
            call_gas_max: 50_000_000,
            connections_max: 2_048,
            ws_calls_at_once: 64,
            ws_queue_max: 4_096,
            unread_bytes_max: 512 << 20,
            unread_time_max: Duration::from_secs(30),
            answer_time_max: Duration::from_secs(120),
            subscriptions_max: 16_384,
            subscriptions_per_connection_max: 128,
            filters_max: 4_096,
            filter_idle_max: Duration::from_secs(300),
            logs_max: 20_000,
            stall_after: Duration::from_secs(10),
        }
    }
}

/// Which web pages and host names may talk to this node.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Origins beside localhost and browser extensions; `*` admits every page.
    pub cors_origins: Vec<String>,
    /// Host names beside localhost and plain addresses; `*` admits every name.
    pub hosts: Vec<String>,
}

/// Unlocked development accounts.
#[derive(Clone, Debug)]
pub struct DevKeysConfig {
    /// BIP-39 words.
    pub mnemonic: String,
    /// Accounts at `m/44'/60'/0'/0/i`.
    pub account_count: u32,
}

impl Default for DevKeysConfig {
    fn default() -> Self {
        Self {
            mnemonic: DEV_MNEMONIC.to_owned(),
            account_count: 20,
        }
    }
}

/// The mnemonic that every Ethereum development tool knows.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";
