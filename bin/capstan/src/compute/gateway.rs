//! `capstan gateway`: the door in front of one's own model servers.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use capstan_compute::{
    gateway::{Bounds, Gateway, OpenDoor, Prices, Settings, install_recorder, serve},
    keys::{Ledger, Secret, system_clock},
    upstream::{Http, HttpSettings, Pool, PoolSettings, Upstream},
};
use eyre::{OptionExt as _, Result, WrapErr as _, eyre};
use tokio::net::TcpListener;

use super::{folder, upstreams::look};
use crate::{args::GatewayOptions, port};

/// Prices where no file says others: about what small models cost where they are sold.
const INPUT: &str = "0.1usd";
const OUTPUT: &str = "0.4usd";

pub(crate) fn run(options: &GatewayOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(listen(options))
}

async fn listen(options: &GatewayOptions) -> Result<()> {
    let folder = folder(&options.ledger)?;
    let prices = prices(options)?;
    let key = upstream_key(options)?;
    let upstreams = upstreams(options, key.as_deref())?;
    let ledger = Ledger::open(&folder, system_clock())
        .wrap_err_with(|| format!("cannot open {}", folder.display()))?;
    // Who cannot listen must not have looked at servers or promised anything.
    let asked = SocketAddr::new(options.host, options.port);
    let listener = match TcpListener::bind(asked).await {
        Ok(listener) => listener,
        Err(error) => return Err(port::taken(asked, &error).await),
    };
    look(&options.upstream, key.as_deref()).await?;
    install_recorder();
    let admin = Secret::owners();
    let pool = PoolSettings {
        queue: usize::try_from(options.queue)?,
        wait: options.wait,
        parallel: usize::try_from(options.parallel)?,
    };
    let settings = Settings {
        prices,
        bounds: Bounds::default(),
        admin: admin.clone(),
        allow_hosts: options.allow_host.clone(),
    };
    let machine = ledger.machine().address();
    let gateway = Gateway::new(ledger, Pool::new(upstreams, pool), settings);
    let url = format!("http://{}", listener.local_addr()?);
    // Held until the end: other commands find this gateway by it.
    let door = OpenDoor::new(&folder, &url, &admin)?;
    if options.ledger.json {
        let page = format!("{url}/usage#token={}", admin.reveal());
        println!(
            "{}",
            serde_json::json!({ "machine": machine, "url": format!("{url}/v1"), "use": page })
        );
    } else {
        greet(
            options,
            &format!("machine {machine}"),
            &url,
            &admin,
            &folder,
        );
    }
    let served = serve(listener, Arc::clone(&gateway), stopped()).await;
    drop(door);
    Ok(served?)
}

fn greet(options: &GatewayOptions, who: &str, url: &str, admin: &Secret, folder: &Path) {
    println!("gateway of {who} at {url}/v1");
    if options.prices.is_none() {
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
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    eprintln!("stopping: streams in progress have ten seconds");
}

fn prices(options: &GatewayOptions) -> Result<Prices> {
    let Some(path) = &options.prices else {
        return Ok(Prices::flat(INPUT.parse()?, OUTPUT.parse()?));
    };
    let text =
        fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
    Prices::from_toml(&text).wrap_err_with(|| path.display().to_string())
}

fn upstream_key(options: &GatewayOptions) -> Result<Option<String>> {
    let Some(name) = &options.upstream_key_env else {
        return Ok(None);
    };
    let key = std::env::var(name).ok().filter(|key| !key.is_empty());
    key.map(Some).ok_or_eyre(format!(
        "the variable {name} holds no key of the model servers; `export {name}=...` before, or leave --upstream-key-env out"
    ))
}

fn upstreams(options: &GatewayOptions, key: Option<&str>) -> Result<Vec<Arc<dyn Upstream>>> {
    let settings = HttpSettings {
        first: options.first,
        ..HttpSettings::default()
    };
    let upstream = |url: &String| {
        let http =
            Http::new(url, key.map(str::to_owned), settings.clone()).map_err(|why| eyre!(why))?;
        Ok(Arc::new(http) as Arc<dyn Upstream>)
    };
    options.upstream.iter().map(upstream).collect()
}
