//! `capstan gateway`: the door in front of one's own model servers.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use capstan_client::Node;
use capstan_compute::{
    gateway::{Bounds, Gateway, OpenDoor, Prices, Settings, install_recorder, router, serve},
    keys::{Ledger, Secret, system_clock},
    readings::{Board, Meter, Places, Sensors},
    upstream::{Http, HttpSettings, Pool, PoolSettings, Upstream},
};
use eyre::{OptionExt as _, Result, WrapErr as _, eyre};
use tokio::net::TcpListener;

use super::{
    engine::engines,
    folder,
    purchase::{Purchase, Spend, Wanted},
    upstreams::look,
};
use crate::{
    args::{BesideOptions, GatewayOptions, NetworkOptions, ServersOptions},
    port,
};

/// Prices where no file says others: about what small models cost where they are sold.
const INPUT: &str = "0.1usd";
const OUTPUT: &str = "0.4usd";
/// What the network may cost at most where no file says so.
pub(crate) const INPUT_MOST: &str = "5usd";
pub(crate) const OUTPUT_MOST: &str = "20usd";

pub(crate) fn run(options: &GatewayOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(listen(options))
}

/// The ledger of a folder, which is nobody else's as long as this is there.
pub(super) struct Book {
    pub(super) ledger: Ledger,
    folder: PathBuf,
}

impl Book {
    pub(super) fn open(folder: PathBuf) -> Result<Self> {
        let ledger = Ledger::open(&folder, system_clock())
            .wrap_err_with(|| format!("cannot open {}", folder.display()))?;
        Ok(Self { ledger, folder })
    }
}

/// A gateway with everything that its owner needs to reach it.
pub(super) struct Opened {
    pub(super) gateway: Arc<Gateway>,
    pub(super) admin: Secret,
    pub(super) folder: PathBuf,
}

impl Opened {
    fn new(
        servers: &ServersOptions,
        folder: PathBuf,
        allow_hosts: &[String],
        buying: &NetworkOptions,
    ) -> Result<Self> {
        let mut upstreams = upstreams(servers)?;
        // A server of its own is faster than this program on the same machine, so it comes first.
        let engines = engines(&servers.engine)?.into_iter();
        upstreams.extend(engines.map(|engine| Arc::new(engine) as Arc<dyn Upstream>));
        let prices = match (&servers.prices, &buying.spend) {
            // What is bought costs what the chain says: these are only what it must not exceed.
            (None, Some(_)) => Prices::flat(INPUT_MOST.parse()?, OUTPUT_MOST.parse()?),
            _ => prices(servers)?,
        };
        let book = Book::open(folder)?;
        Self::over(upstreams, prices, servers, book, allow_hosts)
    }

    /// The same before these servers, in this order.
    pub(super) fn over(
        upstreams: Vec<Arc<dyn Upstream>>,
        prices: Prices,
        servers: &ServersOptions,
        book: Book,
        allow_hosts: &[String],
    ) -> Result<Self> {
        let Book { ledger, folder } = book;
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
            keep: servers.keep(),
        };
        let gateway = Gateway::new(ledger, Pool::new(upstreams, pool), settings);
        let sensors = Sensors::find(&places(&servers.sensors));
        gateway.measure(Board::new(Meter::new(sensors)));
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

/// Where sensors are looked for.
pub(super) fn places(root: &Path) -> Places {
    Places {
        root: root.to_owned(),
        ..Places::default()
    }
}

/// A gateway on a node's port, and what it buys of that node's chain.
pub(crate) struct Beside {
    opened: Opened,
    spend: Option<Spend>,
    buying: NetworkOptions,
}

impl Beside {
    /// The gateway that was asked for, if one was.
    pub(crate) fn open(options: &BesideOptions, allow_hosts: &[String]) -> Result<Option<Self>> {
        let (servers, buying) = (&options.servers, &options.buying);
        let has_none = servers.upstream.is_empty() && servers.engine.model.is_empty();
        if has_none && buying.spend.is_none() {
            return Ok(None);
        }
        let folder = folder(options.gateway_data.as_deref())?;
        let spend = buying.spend.as_deref().map(Spend::read).transpose()?;
        Ok(Some(Self {
            opened: Opened::new(servers, folder, allow_hosts, buying)?,
            spend,
            buying: buying.clone(),
        }))
    }

    /// What the node's port answers besides its own.
    pub(crate) fn routes(&self) -> axum::Router {
        router(Arc::clone(&self.opened.gateway))
    }

    /// How long a connection may wait for its answer.
    pub(crate) fn answer_time_max(&self) -> std::time::Duration {
        self.opened.gateway.answer_time_max()
    }

    /// Says where it is, lets `capstan key` find it, and looks after its servers for as long as the node runs.
    pub(crate) async fn live(self, address: SocketAddr) -> Result<Infallible> {
        let url = format!("http://{address}");
        let _door = self.opened.door(&url)?;
        println!("Gateway    {url}/v1");
        println!(
            "Use        {url}/usage#token={}",
            self.opened.admin.reveal()
        );
        let gateway = &self.opened.gateway;
        let bought = async {
            if let Some(spend) = &self.spend {
                let node = Node::new(&url)?;
                buying(&node, gateway, spend, &wanted(&self.buying)).await;
            }
            std::future::pending::<Result<Infallible>>().await
        };
        tokio::select! {
            () = Arc::clone(gateway).watch() => std::future::pending().await,
            ended = bought => ended,
        }
    }
}

/// Of whom is bought.
fn wanted(options: &NetworkOptions) -> Wanted<'_> {
    Wanted {
        classes: &options.buy_class,
        machines: &options.buy_machine,
        usual: options.bind,
    }
}

/// Between two tries to begin at a chain that is not ready.
const AGAIN: Duration = Duration::from_secs(2);

/// Buys of a chain's machines; one that is not there yet is asked again.
async fn buying(node: &Node, gateway: &Arc<Gateway>, spend: &Spend, wanted: &Wanted<'_>) {
    let mut was_told = false;
    let purchase = loop {
        match Purchase::open(node, gateway, spend, wanted).await {
            Ok(purchase) => break purchase,
            Err(error) if was_told => tracing::debug!(%error, "the network is asked again"),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "nothing is bought yet");
                was_told = true;
            }
        }
        tokio::time::sleep(AGAIN).await;
    };
    purchase.keep().await;
}

async fn listen(options: &GatewayOptions) -> Result<()> {
    let folder = folder(options.ledger.data.as_deref())?;
    let buying_of = &options.buying;
    let spend = buying_of.spend.as_deref().map(Spend::read).transpose()?;
    let opened = Opened::new(&options.servers, folder, &options.allow_host, buying_of)?;
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
    let bought = async {
        if let (Some(url), Some(spend)) = (&options.network, &spend) {
            let node = Node::new(url)?;
            buying(&node, gateway, spend, &wanted(buying_of)).await;
        }
        std::future::pending::<Result<()>>().await
    };
    let served = tokio::select! {
        () = serve(listener, Arc::clone(gateway), stopped()) => Ok(()),
        ended = bought => ended,
    };
    drop(door);
    served
}

fn greet(options: &GatewayOptions, who: &str, url: &str, admin: &Secret, folder: &Path) {
    println!("gateway of {who} at {url}/v1");
    match (&options.network, &options.servers.prices) {
        (Some(_), None) => println!(
            "machines of the network are paid their own prices, at most {INPUT_MOST} read and {OUTPUT_MOST} written per million \
             tokens; --prices FILE says another bound, and what own servers cost"
        ),
        (Some(_), Some(file)) => println!(
            "machines of the network are paid their own prices, at most those in {}",
            file.display()
        ),
        (None, None) => println!(
            "prices per million tokens: {INPUT} read, {OUTPUT} written; --prices FILE says others"
        ),
        (None, Some(file)) => println!("prices per million tokens: those in {}", file.display()),
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

pub(super) fn upstream_key(options: &ServersOptions) -> Result<Option<String>> {
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
