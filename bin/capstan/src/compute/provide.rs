//! `capstan provide`: sells this machine's spare time, and gives it back when its owner wants it.
//!
//! ```text
//!   start: servers ─► how many tokens a second? ─► prices that earn the floor
//!          key of the folder ─► its seat on the chain, else: register it (the holder's wallet signs) ─► beats, challenges
//!          a gateway for those who pay ─► until SIGTERM or `stop`: who is at work is cut, settled, told
//! ```

use std::{fs, sync::Arc};

use alloy_primitives::{B256, U256};
use alloy_signer_local::PrivateKeySigner;
use capstan_agents::provider::{Seat, live, reports, seat, terms};
use capstan_client::{Assets, Call, Node, Registering, Sender, registered_machine};
use capstan_compute::{
    bundled::Bundled,
    gateway::{Gateway, Prices, Stance, install_recorder, serve},
    money::Dollars,
    scan::one_answer_rate,
    upstream::Upstream,
};
use capstan_contracts::machines::{ADDRESS, IMachines::Spec};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    Engines, block_on,
    engine::engines,
    folder,
    gateway::{Opened, prices, reached, signalled, upstreams},
    measured::Measured,
    office,
    sale::{Sale, SaleTerms, chosen, owes},
    scan,
};
use crate::{
    account::{balance, owner},
    args::{LedgerOptions, ProvideCommand, StartOptions},
    consent::Stakes,
    deed::{Deed, approval},
    words::lasting,
};

/// How long the key's word for its registration counts.
const WORD_MS: u64 = 600_000;
/// Coins with which a key sends about a day of beats at the lowest fee; below it a machine asks for more.
const FUEL_LOW_WEI: u64 = 1_000_000_000_000_000;

pub(crate) fn run(command: &ProvideCommand) -> Result<()> {
    match command {
        ProvideCommand::Scan(options) => scan::run(options),
        ProvideCommand::Start(options) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            runtime.block_on(start(options))
        }
        ProvideCommand::Pause(ledger) => tell(ledger, Some("pause")),
        ProvideCommand::Resume(ledger) => tell(ledger, Some("resume")),
        ProvideCommand::Stop(ledger) => tell(ledger, Some("stop")),
        ProvideCommand::Status(ledger) => tell(ledger, None),
    }
}

fn tell(ledger: &LedgerOptions, wish: Option<&str>) -> Result<()> {
    let office = office(ledger)?;
    let stance = block_on(async { Ok(office.pace(wish).await?) })?;
    if ledger.json {
        println!("{:#}", json!(stance));
    } else {
        println!("{}", in_words(&stance));
    }
    Ok(())
}

fn in_words(stance: &Stance) -> &'static str {
    match stance {
        Stance {
            is_stopped: true, ..
        } => "stopping: whoever was at work was cut and charged for what he had",
        Stance {
            is_paused: true, ..
        } => "paused: the machine is yours; `capstan provide resume` sells again",
        Stance {
            own_at_work: 1.., ..
        } => "your own requests are at work: others wait",
        _ => "selling",
    }
}

async fn start(options: &StartOptions) -> Result<()> {
    let mut servers = upstreams(&options.servers)?;
    servers.extend(fleet(options)?);
    let engines = engines(&options.servers.engine)?;
    let own = engines
        .iter()
        .map(|one| Arc::new(one.clone()) as Arc<dyn Upstream>);
    servers.extend(own);
    let prices = match options.floor {
        Some(floor) => earning(&servers, floor).await?,
        None => prices(&options.servers)?,
    };
    let folder = folder(options.data.as_deref())?;
    let opened = Opened::over(
        servers,
        prices,
        &options.servers,
        folder,
        &options.allow_host,
    )?;
    let asked = (options.host, options.port);
    let listener = TcpListener::bind(asked).await.wrap_err_with(|| {
        format!(
            "cannot listen on {}:{}; --port takes another",
            asked.0, asked.1
        )
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    install_recorder();
    let gateway = Arc::clone(&opened.gateway);
    let node = Node::new(&options.signing.ask.rpc)?;
    let programs: Vec<_> = engines.iter().map(program).collect();
    let chosen = chosen(&node, &gateway, &options.class, &programs).await?;
    let seat = match options.alone {
        true => None,
        false => match seated(options, &gateway, &engines, &url).await? {
            Some(seat) => Some(seat),
            // It was only to be shown.
            None => return Ok(()),
        },
    };
    let key = Arc::new(Sender::new(gateway.ledger().machine().signer().clone()));
    let settles = match &seat {
        Some(seat) => owes(&node, &gateway, seat.machine_id).await?,
        None => false,
    };
    let sale = match &seat {
        Some(seat) if settles || !chosen.class_ids.is_empty() => {
            let here = format!("{url}/v1");
            let terms = SaleTerms {
                class_ids: &chosen.class_ids,
                endpoint: options.endpoint.as_deref().unwrap_or(&here),
                unsigned: usize::try_from(options.unsigned)?,
            };
            Some(Sale::open(&node, Arc::clone(&key), &gateway, seat, &terms).await?)
        }
        _ => None,
    };
    let door = opened.door(&url)?;
    let who = gateway.ledger().machine().address();
    match &seat {
        Some(seat) => println!("machine {} ({who}) of {}", seat.machine_id, seat.holder),
        None => println!("machine {who}, on no chain"),
    }
    if let Some(sale) = &sale {
        println!("{}", sale.words());
    }
    for line in &chosen.remarks {
        println!("{line}");
    }
    println!("selling at {url}/v1");
    println!(
        "it is yours again at once: capstan provide pause --data {}",
        opened.folder.display()
    );
    let alive = async {
        let own = engines.iter().map(|one| Arc::clone(one.engine()));
        let worker = Engines(own.collect());
        let gauge = Measured::of(&gateway);
        match (&seat, &sale) {
            (Some(seat), Some(sale)) => {
                tokio::join!(
                    live(&node, &key, seat, &worker),
                    reports(&node, &key, seat, &gauge),
                    sale.keep()
                );
            }
            (Some(seat), None) => {
                tokio::join!(
                    live(&node, &key, seat, &worker),
                    reports(&node, &key, seat, &gauge)
                );
            }
            _ => {}
        }
        std::future::pending::<Result<()>>().await
    };
    let stopping = Arc::clone(&gateway);
    let stop = async move {
        let pace = Arc::clone(stopping.pace());
        tokio::select! {
            () = signalled() => {}
            () = pace.stopped() => {}
        }
        // Whoever is at work is cut here, settled at what he had, and told.
        pace.stop();
    };
    let served = tokio::select! {
        () = serve(listener, Arc::clone(&gateway), stop) => Ok(()),
        ended = alive => ended,
    };
    drop(door);
    if let Some(sale) = &sale {
        sale.end().await;
    }
    served
}

/// What a bundled engine runs: its weights.
fn program(engine: &Bundled) -> B256 {
    B256::from(engine.engine().card().sha256)
}

/// Addresses of more model servers, one a line.
fn fleet(options: &StartOptions) -> Result<Vec<Arc<dyn Upstream>>> {
    let Some(path) = &options.fleet else {
        return Ok(Vec::new());
    };
    let text =
        fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().map(str::trim);
    let urls = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let urls: Vec<String> = urls.map(str::to_owned).collect();
    reached(&options.servers, &urls)
}

/// Prices at which an hour of work brings in the floor, by what the servers do now.
async fn earning(servers: &[Arc<dyn Upstream>], floor: Dollars) -> Result<Prices> {
    let mut rates: Vec<(String, f64)> = Vec::new();
    for server in servers {
        let models = server.models().await;
        let models =
            models.wrap_err_with(|| format!("{} does not say what it has", server.name()))?;
        for model in models {
            if rates.iter().any(|(known, _)| *known == model.id) {
                continue;
            }
            eprintln!("measuring {} at {} ...", model.id, server.name());
            let rate = one_answer_rate(server.as_ref(), &model.id).await;
            let rate = rate.wrap_err_with(|| format!("{} does not answer", model.id))?;
            rates.push((model.id, rate));
        }
    }
    let prices = Prices::earning(floor, &rates);
    for (model, rate) in &rates {
        match prices.of(model) {
            Some(price) => eprintln!(
                "{model}: {rate:.1} tokens/s; at {} per million written and {} read an hour of writing brings in {floor}",
                price.output, price.input
            ),
            None => eprintln!("{model} wrote nothing and is not sold"),
        }
    }
    Ok(prices)
}

/// The machine's seat on the chain, made if it has none. None where that was only to be shown.
async fn seated(
    options: &StartOptions,
    gateway: &Gateway,
    engines: &[Bundled],
    url: &str,
) -> Result<Option<Seat>> {
    let signing = &options.signing;
    let node = Node::new(&signing.ask.rpc)?;
    let key = gateway.ledger().machine().signer();
    if let Some(seat) = seat(&node, key.address()).await? {
        let coins: U256 = node
            .read("eth_getBalance", json!([key.address(), "latest"]))
            .await?;
        if coins < U256::from(FUEL_LOW_WEI) {
            eprintln!(
                "warning: the key {} has few coins left for its beats: send it some by `capstan wallet send`",
                key.address()
            );
        }
        return Ok(Some(seat));
    }
    let deed = registration(options, &node, key, engines, url).await?;
    let Some(sent) = deed.carry_out(signing).await? else {
        return Ok(None);
    };
    let registered = registered_machine(&node, sent.hash).await?;
    registered.ok_or_eyre("the transaction registered no machine")?;
    Ok(seat(&node, key.address()).await?)
}

async fn registration(
    options: &StartOptions,
    node: &Node,
    key: &PrivateKeySigner,
    engines: &[Bundled],
    url: &str,
) -> Result<Deed> {
    let holder = owner(&options.signing.signer, None)?;
    let params = terms(node).await?;
    if params.intervalMs == 0 {
        bail!("this chain takes no machines yet: its owner has set no parameters of `machines`");
    }
    let assets = Assets::of(node).await?;
    let asset = assets
        .get(params.assetId)
        .ok_or_eyre("the bond's asset is not listed")?;
    let has = balance(node, asset, holder).await?;
    let bond = match &options.bond {
        Some(bond) => bond.resolve(asset.decimals, has)?,
        None => params.bondMin,
    };
    let words = |amount| format!("{} {}", decimal(amount, asset.decimals), asset.symbol);
    if bond < params.bondMin {
        bail!("a bond has at least {}", words(params.bondMin));
    }
    let is_engine_alone = !engines.is_empty() && options.servers.upstream.is_empty();
    let spec = Spec {
        kind: if is_engine_alone { 2 } else { 1 },
        region: options.region,
        hash: engines.first().map_or(B256::ZERO, program),
        uri: options
            .endpoint
            .clone()
            .unwrap_or_else(|| format!("{url}/v1")),
    };
    let kind = spec.kind;
    let registering = Registering {
        key,
        holder,
        spec,
        bond,
        deadline_ms: node.head_time_ms().await?.saturating_add(WORD_MS),
    };
    let mut before: Vec<Call> = approval(node, asset, holder, ADDRESS, bond)
        .await?
        .into_iter()
        .collect();
    let fuel = options.fuel.resolve(18, U256::MAX)?;
    before.push(Call {
        to: key.address(),
        value_wei: fuel,
        ..Call::default()
    });
    let stakes = Stakes::default()
        .amount(node, asset, bond, "stand for the machine's word")
        .await;
    let unbond = lasting(params.unbondMs);
    Ok(Deed {
        rows: vec![
            (
                "register",
                format!(
                    "machine {}, kind {kind}, region {}",
                    key.address(),
                    options.region
                ),
            ),
            (
                "holder",
                format!("wallet {holder}: its income and its bond are this wallet's"),
            ),
            (
                "bond",
                format!("{}, yours again {unbond} after it left", words(bond)),
            ),
            (
                "fuel",
                format!(
                    "{} ETH to the machine's key, for its beats",
                    decimal(fuel, 18)
                ),
            ),
            (
                "seen",
                format!(
                    "each {}, or it is dark after {} more",
                    lasting(params.intervalMs),
                    lasting(params.graceMs)
                ),
            ),
        ],
        told: json!({
            "key": key.address(), "holder": holder, "bond": bond, "fuel": fuel,
        }),
        wallet: holder,
        call: registering.call(node.chain_id().await?)?,
        approvals: before,
        node: node.clone(),
        stakes,
    })
}
