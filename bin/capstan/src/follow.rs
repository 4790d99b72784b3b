//! `capstan follow`: a second node, which takes blocks from a leader and judges each of them itself.
//!
//! ```text
//!   leader ─► pull: pages of blocks ─► take: height, parent, check, finalize ─► the same chain behind another door
//!   pool of this node ─► relay ─► leader
//! ```
//!
//! One thread does both, with a runtime of its own: judging a block takes as long as it takes, and nothing else waits for it.

mod pull;
mod relay;

use std::{net::TcpListener, path::PathBuf, sync::Arc, thread, time::Duration};

use capstan_chain::{Chain, ChainConfig, Genesis, Helpers, Mining, Token, Verify};
use capstan_client::BlockSource;
use eyre::{Result, WrapErr, bail, eyre};
use tokio::sync::watch;

use crate::{
    args::{FollowOptions, History},
    banner, block_on, data,
    node::{Driver, rpc_config, serve},
    status::Status,
};

/// Stack of the thread that judges blocks; execution brings larger ones where it needs them.
const STACK_BYTES: usize = 8 << 20;

/// A node that follows another.
pub(crate) fn run(options: &FollowOptions) -> Result<()> {
    let source = BlockSource::new(&options.rpc)?;
    let genesis = genesis(options, &source)?;
    let mining = match genesis.development {
        // A development chain makes blocks when it likes: none is owed.
        true => Mining::Manual,
        false => Mining::Interval(Duration::from_millis(genesis.pace_ms)),
    };
    // Before the folder is made: where nobody can be waited for, nothing is left behind.
    let door = options.verify_listen.map(Helpers::bind).transpose()?;
    let config = ChainConfig {
        mining,
        history_blocks: match options.history {
            History::All => None,
            History::Blocks(count) => Some(count),
        },
        verify: Verify {
            from_gas: options.verify_from_gas,
            ..Verify::default()
        },
        ..ChainConfig::node(genesis, PathBuf::from(&options.data))
    };
    let (rpc, leader) = (rpc_config(&options.listen), options.rpc.clone());
    serve(
        config,
        rpc,
        None,
        Status::FOLLOWER,
        |_| Ok(None),
        move |chain| {
            let helpers = helpers(options, door, chain)?;
            Ok(Box::new(Follower::start(chain, source, helpers)?))
        },
        |chain, address| {
            banner::node(chain, address, &options.data);
            tracing::info!(%leader, "following");
        },
    )
}

/// Lets other processes help, if that is wished.
fn helpers(
    options: &FollowOptions,
    door: Option<TcpListener>,
    chain: &Chain,
) -> Result<Option<Arc<Helpers>>> {
    let (Some(door), Some(path)) = (door, &options.verify_token) else {
        return Ok(None);
    };
    let helpers = Helpers::listen(door, Token::read_or_make(path)?, chain.genesis())?;
    tracing::info!(address = %helpers.address(), "waiting for workers that help to verify");
    chain.use_helpers(Arc::clone(&helpers));
    Ok(Some(helpers))
}

/// The chain to follow: of the folder, of a file, or, where there is neither, as the leader names it.
fn genesis(options: &FollowOptions, source: &BlockSource) -> Result<Genesis> {
    if let Some(path) = &options.genesis {
        return data::read_genesis(path);
    }
    if let Some(genesis) = data::stored_genesis(&options.data)? {
        return Ok(genesis);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let told = runtime
        .block_on(source.genesis())
        .wrap_err("the chain to follow is not known here; --genesis FILE says it without asking")?;
    let genesis = Genesis::from_json(&told.genesis.to_string())
        .map_err(|error| eyre!("the leader's genesis describes no chain: {error}"))?;
    tracing::warn!(
        hash = %told.hash,
        "taking the chain as the leader names it; compare this hash of its genesis block, or give --genesis FILE"
    );
    Ok(genesis)
}

/// Blocks and transactions on their way between two nodes.
pub(crate) struct Follower {
    chain: Chain,
    stop: watch::Sender<bool>,
    helpers: Option<Arc<Helpers>>,
    thread: thread::JoinHandle<Result<()>>,
}

impl Follower {
    fn start(chain: &Chain, source: BlockSource, helpers: Option<Arc<Helpers>>) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let of = chain.clone();
        let thread = thread::Builder::new()
            .name("follow".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || block_on(live(&of, &source, stopped)))
            .wrap_err("cannot start the thread that follows")?;
        Ok(Self {
            chain: chain.clone(),
            stop,
            helpers,
            thread,
        })
    }
}

impl Driver for Follower {
    fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }

    fn stop(self: Box<Self>) -> Result<()> {
        let Self {
            chain,
            stop,
            helpers,
            thread,
        } = *self;
        if let Some(helpers) = helpers {
            helpers.stop();
        }
        // Who has ended hears nothing more.
        let _ = stop.send(true);
        let ended = match thread.join() {
            Ok(ended) => ended,
            Err(_) => bail!("following ended by a panic; see the log"),
        };
        chain.close()?;
        ended
    }
}

/// Follows until it is told to stop. Only trouble of this node's own ends it early.
async fn live(
    chain: &Chain,
    source: &BlockSource,
    mut stopped: watch::Receiver<bool>,
) -> Result<()> {
    let stop = stopped.clone();
    tokio::select! {
        ended = pull::pull(chain, source, &stop) => ended,
        () = relay::relay(chain, source) => Ok(()),
        _ = stopped.changed() => Ok(()),
    }
}
