//! `capstan gateway`: the door in front of one's own model servers.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use capstan_compute::{
    gateway::{Bounds, Gateway, OpenDoor, Prices, Settings, install_recorder, router, serve},
    keys::{Ledger, Secret, system_clock},
    upstream::{Http, HttpSettings, Pool, PoolSettings, Upstream},
};
use eyre::{OptionExt as _, Result, WrapErr as _, eyre};
use tokio::net::TcpListener;

use super::{engine::engines, folder, upstreams::look};
use crate::{
    args::{BesideOptions, GatewayOptions, ServersOptions},
    port,
};

/// Prices where no file says others: about what small models cost where they are sold.
const INPUT: &str = "0.1usd";
const OUTPUT: &str = "0.4usd";

pub(crate) fn run(options: &GatewayOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(listen(options))
}

/// A gateway with everything that its owner needs to reach it.
pub(super) struct Opened {
    pub(super) gateway: Arc<Gateway>,
    pub(super) admin: Secret,
    pub(super) folder: PathBuf,
}

impl Opened {
    fn new(servers: &ServersOptions, folder: PathBuf, allow_hosts: &[String]) -> Result<Self> {
        let mut upstreams = upstreams(servers)?;
        // A server of its own is faster than this program on the same machine, so it comes first.
        let engines = engines(&servers.engine)?.into_iter();
        upstreams.extend(engines.map(|engine| Arc::new(engine) as Arc<dyn Upstream>));
        Self::over(upstreams, prices(servers)?, servers, folder, allow_hosts)
    }

    /// The same before these servers, in this order.
    pub(super) fn over(
        upstreams: Vec<Arc<dyn Upstream>>,
        prices: Prices,
        servers: &ServersOptions,
        folder: PathBuf,
        allow_hosts: &[String],
    ) -> Result<Self> {
        let ledger = Ledger::open(&folder, system_clock())
            .wrap_err_with(|| format!("cannot open {}", folder.display()))?;
        let admin = Secret::owners();
        let pool = PoolSettings {
            queue: usize::try_from(servers.queue)?,
            wait: servers.wait,
            parallel: usize::try_from(servers.parallel)?,
        };
        let settings = Settings {
            prices,
            bounds: Bounds::default(),
            admin: admin.clone(),
            allow_hosts: allow_hosts.to_vec(),
        };
        let gateway = Gateway::new(ledger, Pool::new(upstreams, pool), settings);
        Ok(Self {
            gateway,
            admin,
            folder,
        })
    }

    pub(super) fn door(&self, url: &str) -> Result<OpenDoor> {
        Ok(OpenDoor::new(&self.folder, url, &self.admin)?)
    }
}

/// A gateway on a node's port.
pub(crate) struct Beside(Opened);

impl Beside {
    /// The gateway that was asked for, if one was.
    pub(crate) fn open(options: &BesideOptions, allow_hosts: &[String]) -> Result<Option<Self>> {
        let servers = &options.servers;
        if servers.upstream.is_empty() && servers.engine.model.is_empty() {
            return Ok(None);
        }
        let folder = folder(options.gateway_data.as_deref())?;
        Ok(Some(Self(Opened::new(servers, folder, allow_hosts)?)))
    }

    /// What the node's port answers besides its own.
    pub(crate) fn routes(&self) -> axum::Router {
        router(Arc::clone(&self.0.gateway))
    }

    /// Says where it is, lets `capstan key` find it, and looks after its servers for as long as the node runs.
    pub(crate) async fn live(self, address: SocketAddr) -> Result<Infallible> {
        let url = format!("http://{address}");
        let _door = self.0.door(&url)?;
        println!("Gateway    {url}/v1");
        println!("Use        {url}/usage#token={}", self.0.admin.reveal());
        Arc::clone(&self.0.gateway).watch().await;
        std::future::pending().await
    }
}

async fn listen(options: &GatewayOptions) -> Result<()> {
    let folder = folder(options.ledger.data.as_deref())?;
    let opened = Opened::new(&options.servers, folder, &options.allow_host)?;
    // Who cannot listen must not have looked at servers or promised anything.
    let asked = SocketAddr::new(options.host, options.port);
    let listener = match TcpListener::bind(asked).await {
        Ok(listener) => listener,
        Err(error) => return Err(port::taken(asked, &error).await),
    };
    let key = upstream_key(&options.servers)?;
    look(&options.servers.upstream, key.as_deref()).await?;
    install_recorder();
    let Opened {
        gateway,
        admin,
        folder,
    } = &opened;
    let machine = gateway.ledger().machine().address();
    let url = format!("http://{}", listener.local_addr()?);
    // Held until the end: other commands find this gateway by it.
    let door = opened.door(&url)?;
    if options.ledger.json {
        let page = format!("{url}/usage#token={}", admin.reveal());
        println!(
            "{}",
            serde_json::json!({ "machine": machine, "url": format!("{url}/v1"), "use": page })
        );
    } else {
        greet(options, &format!("machine {machine}"), &url, admin, folder);
    }
    let served = serve(listener, Arc::clone(gateway), stopped()).await;
    drop(door);
    Ok(served?)
}

fn greet(options: &GatewayOptions, who: &str, url: &str, admin: &Secret, folder: &Path) {
    println!("gateway of {who} at {url}/v1");
    if options.servers.prices.is_none() {
        println!(
            "prices per million tokens: {INPUT} read, {OUTPUT} written; --prices FILE says others"
        );
    }
    println!("use: {url}/usage#token={}", admin.reveal());
    println!(
        "a key: capstan key new --total 5usd --day 1usd --data {}",
        folder.display()
    );
}

async fn stopped() {
    signalled().await;
    eprintln!("stopping: streams in progress have ten seconds");
}

/// Ready once the process is told to end.
pub(super) async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

pub(super) fn prices(options: &ServersOptions) -> Result<Prices> {
    let Some(path) = &options.prices else {
        return Ok(Prices::flat(INPUT.parse()?, OUTPUT.parse()?));
    };
    let text =
        fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
    Prices::from_toml(&text).wrap_err_with(|| path.display().to_string())
}

/// The model servers that were named.
pub(super) fn upstreams(options: &ServersOptions) -> Result<Vec<Arc<dyn Upstream>>> {
    reached(options, &options.upstream)
}

fn upstream_key(options: &ServersOptions) -> Result<Option<String>> {
    let Some(name) = &options.upstream_key_env else {
        return Ok(None);
    };
    let key = std::env::var(name).ok().filter(|key| !key.is_empty());
    key.map(Some).ok_or_eyre(format!(
        "the variable {name} holds no key of the model servers; `export {name}=...` before, or leave --upstream-key-env out"
    ))
}

/// Model servers at these addresses.
pub(super) fn reached(options: &ServersOptions, urls: &[String]) -> Result<Vec<Arc<dyn Upstream>>> {
    let key = upstream_key(options)?;
    let settings = HttpSettings {
        first: options.first,
        ..HttpSettings::default()
    };
    let upstream = |url: &String| {
        let http = Http::new(url, key.clone(), settings.clone()).map_err(|why| eyre!(why))?;
        Ok(Arc::new(http) as Arc<dyn Upstream>)
    };
    urls.iter().map(upstream).collect()
}
