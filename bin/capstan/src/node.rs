//! `capstan dev` and `capstan node`: a chain, the driver that makes its blocks, and the front door, until a
//! signal says stop.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use capstan_chain::{
    Chain, ChainConfig, DEV_CHAIN_ID, Genesis, GenesisAccount, Mining, Solo, Storage,
};
use capstan_rpc::{Access, DevKeysConfig, RpcConfig, ServeError, ServerHandle};
use eyre::{Result, WrapErr, bail, eyre};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    accounts,
    args::{BlockTime, DevCommand, DevOptions, History, ListenOptions, NodeOptions},
    banner::{self, DevWorld},
    cheat,
    compute::Beside,
    crash, data, port, progress,
    status::Status,
    world::{self, Cast, Life, World},
};

/// Coins of a development account.
const DEV_BALANCE_ETH: u64 = 10_000;

const WEI_PER_ETH: u64 = 1_000_000_000_000_000_000;

/// Where machines of the prepared world keep their books, in the folder of the chain.
const WORLD: &str = "world";

/// Signals this close together are one wish to stop.
const SAME_WISH: Duration = Duration::from_millis(300);

/// What a process that was told to stop twice exits with, as shells expect of an interrupted one.
const INTERRUPTED: i32 = 130;

/// A development chain.
pub(crate) fn dev(options: &DevOptions) -> Result<()> {
    match &options.command {
        Some(DevCommand::Crash(options)) => return crash::run(options),
        Some(DevCommand::Cheat(options)) => return cheat::run(options),
        None => {}
    }
    let life = Life {
        seed: options.seed,
        feed: options.feed,
        bots: world::bots(options.seed, options.bot_count())?,
        cast: world::cast(options.seed, options.machine_count())?,
        folder: options.data.as_ref().map(|data| data.join(WORLD)),
    };
    let mnemonic = match &options.mnemonic {
        Some(words) => words.clone(),
        None => accounts::mnemonic(options.seed)?,
    };
    let stored = match &options.data {
        Some(folder) => data::stored_genesis(folder)?.map(|genesis| (folder, genesis)),
        None => None,
    };
    let (genesis, signers) = match stored {
        Some((folder, genesis)) => {
            let signers = stored_accounts(folder, &genesis, &mnemonic, options)?;
            (genesis, signers)
        }
        None => {
            let balance_eth = options.balance.unwrap_or(DEV_BALANCE_ETH);
            let (mut made, signers) = dev_genesis(&mnemonic, options.accounts, balance_eth)?;
            // The first account deploys what people try: it stays untouched.
            if let (false, Some(last)) = (options.empty, signers.last()) {
                made.native.admin_owner = last.address();
            }
            let cast = life.cast.iter().flat_map(Cast::addresses);
            for somebody in world::addresses(&life.bots).chain(cast) {
                made.alloc.insert(somebody, funded(DEV_BALANCE_ETH));
            }
            let chain_id = options.chain_id.unwrap_or(DEV_CHAIN_ID);
            (Genesis { chain_id, ..made }, signers)
        }
    };
    let balance_eth = signers.first().map_or(0, |first| {
        let wei = genesis.alloc.get(&first.address()).map(|at| at.balance);
        (wei.unwrap_or_default() / U256::from(WEI_PER_ETH)).saturating_to()
    });
    let mining = match options.block_time {
        BlockTime::Instant => Mining::Instant,
        BlockTime::Every(time) => Mining::Interval(time),
    };
    let storage = match options.data.clone() {
        Some(folder) => Storage::Folder(folder),
        None => Storage::Memory,
    };
    let beside = Beside::open(&options.gateway, &options.listen.allow_host)?;
    let rpc = RpcConfig {
        dev_keys: Some(DevKeysConfig {
            mnemonic: mnemonic.clone(),
            account_count: u32::try_from(signers.len())?,
        }),
        client_version: options.client_version.clone(),
        ..rpc_config(&options.listen)
    };
    if !options.listen.host.is_loopback() {
        tracing::warn!(
            host = %options.listen.host,
            "whoever reaches this address may spend from the unlocked accounts and change the chain at will"
        );
    }
    let world = DevWorld {
        mnemonic,
        own_words: options.mnemonic.is_some(),
        signers,
        balance_eth,
        block_time: options.block_time,
        data: options.data.clone(),
        has_markets: !options.empty,
        has_machines: life.cast.is_some(),
    };
    serve(
        ChainConfig {
            storage,
            mining,
            ..ChainConfig::dev(genesis)
        },
        rpc,
        beside,
        Status::DEV,
        |chain| {
            if options.empty {
                return Ok(None);
            }
            world::make(chain, &world.signers, life)
                .wrap_err("the prepared world was not made; --empty starts without it")
        },
        solo,
        |chain, address| {
            banner::dev(chain, address, &world);
        },
    )
}

/// The accounts of the chain that a folder holds, unless the words ask for another chain.
fn stored_accounts(
    folder: &Path,
    genesis: &Genesis,
    mnemonic: &str,
    options: &DevOptions,
) -> Result<Vec<PrivateKeySigner>> {
    let (place, id) = (folder.display(), genesis.chain_id);
    if !genesis.development {
        bail!(
            "{place} holds a chain of `capstan node`, not a development chain: start it with \
             `capstan node --data {place}`, or give another --data folder"
        );
    }
    if options.chain_id.is_some_and(|asked| asked != id) {
        bail!(
            "{place} holds the chain with id {id}: leave --chain-id out, or give another --data folder"
        );
    }
    let signers = accounts::signers(mnemonic, options.accounts)?;
    let funded = |signer: &PrivateKeySigner| genesis.alloc.get(&signer.address());
    let asked = options
        .balance
        .map(|eth| U256::from(eth) * U256::from(WEI_PER_ETH));
    for account in signers.iter().filter_map(funded) {
        if let Some(asked) = asked.filter(|asked| *asked != account.balance) {
            bail!(
                "the accounts in {place} began with {} wei, not {asked}: leave --balance out, or give another --data folder",
                account.balance
            );
        }
    }
    let known: Vec<_> = signers
        .into_iter()
        .filter(|signer| funded(signer).is_some())
        .collect();
    if known.is_empty() && options.accounts > 0 && !genesis.alloc.is_empty() {
        let asked = match options.mnemonic {
            Some(_) => "these words".to_owned(),
            None => format!("seed {}", options.seed),
        };
        bail!(
            "the chain in {place} has no account of {asked}: give the --seed or --mnemonic that it was made with, \
             --accounts 0 for none, or another --data folder"
        );
    }
    Ok(known)
}

/// The genesis of a development chain whose accounts come from `mnemonic`.
pub(crate) fn dev_genesis(
    mnemonic: &str,
    account_count: u32,
    balance_eth: u64,
) -> Result<(Genesis, Vec<PrivateKeySigner>)> {
    let signers = accounts::signers(mnemonic, account_count)?;
    let mut genesis = Genesis::dev(0, 0);
    for address in accounts::addresses(&signers) {
        genesis.alloc.insert(address, funded(balance_eth));
    }
    if let Some(first) = signers.first() {
        genesis.native.admin_owner = first.address();
    }
    Ok((genesis, signers))
}

pub(crate) fn funded(balance_eth: u64) -> GenesisAccount {
    GenesisAccount {
        balance: U256::from(balance_eth) * U256::from(WEI_PER_ETH),
        ..GenesisAccount::default()
    }
}

/// A node of a chain.
pub(crate) fn node(options: &NodeOptions) -> Result<()> {
    let genesis = match &options.genesis {
        Some(path) => data::read_genesis(path)?,
        None => data::stored_genesis(&options.data)?.ok_or_else(|| {
            eyre!(
                "{} holds no chain yet: say with --genesis FILE which one it will hold (`capstan genesis init` writes such \
                 a file)",
                options.data.display()
            )
        })?,
    };
    let config = ChainConfig {
        beneficiary: options.beneficiary,
        history_blocks: match options.history {
            History::All => None,
            History::Blocks(count) => Some(count),
        },
        ..ChainConfig::node(genesis, PathBuf::from(&options.data))
    };
    let config = ChainConfig {
        threads: options.threads.map_or(config.threads, usize::from),
        ..config
    };
    let rpc = rpc_config(&options.listen);
    let beside = Beside::open(&options.gateway, &options.listen.allow_host)?;
    let no_world = |_: &Chain| Ok(None);
    serve(
        config,
        rpc,
        beside,
        Status::NODE,
        no_world,
        solo,
        |chain, address| banner::node(chain, address, &options.data),
    )
}

/// Where a node's blocks come from.
pub(crate) trait Driver: Send {
    /// Whether it still works. It ends by itself only by a failure, which [`Driver::stop`] tells.
    fn is_running(&self) -> bool;
    /// Ends it, with everything flushed.
    fn stop(self: Box<Self>) -> Result<()>;
}

impl Driver for Solo {
    fn is_running(&self) -> bool {
        Self::is_running(self)
    }

    fn stop(self: Box<Self>) -> Result<()> {
        Ok(Self::stop(&self)?)
    }
}

/// This node makes its blocks itself.
fn solo(chain: &Chain) -> Result<Box<dyn Driver>> {
    Ok(Box::new(Solo::start(chain)?))
}

pub(crate) fn rpc_config(listen: &ListenOptions) -> RpcConfig {
    RpcConfig {
        listen: SocketAddr::new(listen.host, listen.port),
        access: Access {
            cors_origins: listen.cors.clone(),
            hosts: listen.allow_host.clone(),
        },
        site: capstan_page::SITE,
        ..RpcConfig::default()
    }
}

/// Opens the chain, then the door, then starts making blocks: whoever gets an answer gets it from a whole chain.
pub(crate) fn serve(
    config: ChainConfig,
    mut rpc: RpcConfig,
    beside: Option<Beside>,
    status: Status,
    prepare: impl FnOnce(&Chain) -> Result<Option<World>>,
    drive: impl FnOnce(&Chain) -> Result<Box<dyn Driver>>,
    announce: impl FnOnce(&Chain, SocketAddr),
) -> Result<()> {
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .wrap_err("cannot start the threads that serve requests")?;
    // Signals are taken before the folder is: a stop during recovery must not leave half a start behind.
    let mut stop = runtime.block_on(async { Stop::new() })?;
    let free = capstan_rpc::probe(rpc.listen);
    runtime.block_on(listens(free))?;
    let chain = data::open(config)?;
    let world = prepare(&chain)?;
    rpc.world = world.as_ref().map(World::door);
    rpc.beside = beside.as_ref().map(Beside::routes);
    if let Some(beside) = &beside {
        rpc.limits.answer_time_max = rpc.limits.answer_time_max.max(beside.answer_time_max());
    }
    let server =
        runtime.block_on(async { listens(capstan_rpc::serve(rpc, chain.clone()).await).await })?;
    let driver = drive(&chain)?;
    announce(&chain, server.address());
    if !capstan_page::IS_BUILT {
        tracing::info!(
            "the page is not in this program, which was built without Node.js; what is there says how to get it"
        );
    }
    tracing::info!(
        block = chain.head().number(),
        address = %server.address(),
        "ready after {}",
        progress::short(start.elapsed())
    );
    let watched = chain.clone();
    let address = server.address();
    let world = live(address, world);
    let gateway = answer(address, beside);
    runtime.block_on(async move {
        tokio::select! {
            name = stop.wait() => tracing::info!("{name}: stopping; once more forces"),
            () = driver_end(&*driver) => {}
            () = status.tell(&watched) => {}
            () = world => {}
            () = gateway => {}
        }
        tokio::spawn(async move {
            // One wish may arrive twice: a terminal signals a whole group, and its parent passes it on.
            let begun = Instant::now();
            while begun.elapsed() < SAME_WISH {
                stop.wait().await;
            }
            tracing::error!("stopped by force; what was final is in the log");
            std::process::exit(INTERRUPTED);
        });
        end(server, driver).await
    })?;
    tracing::info!(block = chain.head().number(), "stopped");
    Ok(())
}

/// A door that cannot be opened, with who stands in it.
async fn listens<T>(opened: Result<T, ServeError>) -> Result<T> {
    match opened {
        Ok(opened) => Ok(opened),
        Err(ServeError::Listen { address, reason }) => Err(port::taken(address, &reason).await),
        Err(error) => Err(error.into()),
    }
}

/// Lets the prepared world live, if there is one. Never returns: without prices the chain goes on.
async fn live(address: SocketAddr, world: Option<World>) {
    if let Some(world) = world
        && let Err(error) = world.live(address).await
    {
        tracing::error!(%error, "the made-up market has ended");
    }
    std::future::pending().await
}

/// Keeps the gateway on the node's port, if there is one. Never returns: without it the chain goes on.
async fn answer(address: SocketAddr, beside: Option<Beside>) {
    if let Some(beside) = beside
        && let Err(error) = beside.live(address).await
    {
        tracing::error!(%error, "the gateway cannot be found by `capstan key`");
    }
    std::future::pending().await
}

/// Returns when blocks are no longer made, which only a failure does; [`end`] says which one.
async fn driver_end(driver: &dyn Driver) {
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    while driver.is_running() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The door closes first, so that nobody is told of a block that the end would not keep.
async fn end(server: ServerHandle, driver: Box<dyn Driver>) -> Result<()> {
    server.stop().await;
    tokio::task::spawn_blocking(move || driver.stop())
        .await
        .wrap_err("the block driver ended badly")??;
    Ok(())
}

/// The signals that ask for a clean end.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).wrap_err("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
