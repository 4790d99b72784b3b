//! `capstan provide`: sells this machine's spare time, and gives it back when its owner wants it.
//!
//! ```text
//!   start: what is cheap to know: folder, port, addresses, its seat on the chain, else wallet, bond and coins
//!          servers ─► how many tokens a second? ─► prices that earn the floor
//!          no seat: register it (the holder's wallet signs) ─► beats, challenges
//!          a gateway for those who pay ─► until SIGTERM or `stop`: who is at work is cut, settled, told
//! ```

use std::{fs, sync::Arc};

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use capstan_agents::provider::{Seat, live, reports, seat, terms};
use capstan_client::{Asset, Assets, Call, Node, Registering, Sender, registered_machine};
use capstan_compute::{
    bundled::Bundled,
    gateway::{Gateway, Prices, Stance, install_recorder, serve},
    money::Dollars,
    scan::one_answer_rate,
    upstream::Upstream,
};
use capstan_contracts::machines::{
    ADDRESS,
    IMachines::{MachineParams, Spec, machineCall},
    State,
};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use futures::future::OptionFuture;
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    Engines, block_on,
    challenge::{Voice, Workshop},
    engine::engines,
    folder,
    gateway::{Book, Opened, prices, reached, signalled, upstream_key, upstreams},
    measured::Measured,
    office,
    runs::Weights,
    sale::{Programs, Sale, SaleTerms, chosen, class_words, owes},
    scan,
    upstreams::lack_no_v1,
};
use crate::{
    account::{balance, coins, owner},
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
    // What stands in the way is said before seconds are spent on models and measuring.
    let book = Book::open(folder(options.data.as_deref())?)?;
    let asked = (options.host, options.port);
    let listener = TcpListener::bind(asked).await.wrap_err_with(|| {
        format!(
            "cannot listen on {}:{}; --port takes another",
            asked.0, asked.1
        )
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    let upstream_key = upstream_key(&options.servers)?;
    lack_no_v1(&options.servers.upstream, upstream_key.as_deref()).await?;
    let node = Node::new(&options.signing.ask.rpc)?;
    let standing = match options.alone {
        true => None,
        false => Some(standing(options, &node, book.ledger.machine().address()).await?),
    };
    let engines = engines(&options.servers.engine)?;
    let weights = Weights::of(&options.runs, &options.servers.engine.shelf)?;
    let servers = servers(options, &engines)?;
    for one in &weights {
        one.tried(&servers).await?;
    }
    let mut prices = match options.floor {
        Some(floor) => earning(&servers, floor).await?,
        None => prices(&options.servers)?,
    };
    for one in &weights {
        one.pin(&mut prices)?;
    }
    let voices = voices(&engines, weights)?;
    let opened = Opened::over(servers, prices, &options.servers, book, &options.allow_host)?;
    install_recorder();
    let gateway = Arc::clone(&opened.gateway);
    let able = Programs {
        computed: engines.iter().map(program).collect(),
        recited: voices.iter().map(|voice| voice.program).collect(),
    };
    let leaves = matches!(standing, Some(Standing::Leaving(_)));
    let wishes = if leaves { &[][..] } else { &options.class[..] };
    let chosen = chosen(&node, &gateway, wishes, &able).await?;
    let seat = match standing {
        None => None,
        Some(Standing::Seated(seat) | Standing::Leaving(seat)) => Some(seat),
        Some(Standing::New(means)) => {
            let sells = class_words(&node, &gateway, &chosen.class_ids).await?;
            let key = gateway.ledger().machine().signer();
            let deed = registration(options, &node, key, &engines, &url, &means, &sells).await?;
            match seated(options, &node, key, &deed).await? {
                Some(seat) => Some(seat),
                // It was only to be shown.
                None => return Ok(()),
            }
        }
    };
    let key = Arc::new(Sender::new(gateway.ledger().machine().signer().clone()));
    let settles = match &seat {
        Some(seat) => owes(&node, &gateway, seat.machine_id).await?,
        None => false,
    };
    if let (true, false, Some(seat)) = (leaves, settles, &seat) {
        bail!(
            "machine {id} is leaving, and settles nothing more: `capstan machine show {id}` says from when its bond can be had. Another \
             --data makes a new machine, and --alone sells to holders of keys without one",
            id = seat.machine_id
        );
    }
    let sale = match &seat {
        Some(seat) if settles || !chosen.class_ids.is_empty() => {
            let here = format!("{url}/v1");
            let terms = SaleTerms {
                class_ids: &chosen.class_ids,
                endpoint: options.endpoint.as_deref().unwrap_or(&here),
                unsigned: usize::try_from(options.unsigned)?,
                voices: &voices,
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
    if let Some(seat) = &seat {
        println!("{}", to_network(seat, sale.as_ref(), leaves));
    }
    for line in &chosen.remarks {
        println!("{line}");
    }
    println!("selling at {url}/v1");
    println!(
        "it is yours again at once: capstan provide pause --data {}",
        opened.folder.display()
    );
    let on_chain = async {
        if let Some(seat) = &seat {
            let own = engines.iter().map(|one| Arc::clone(one.engine()));
            let worker = Workshop {
                engines: match Engines::new(own.collect()) {
                    Ok(engines) => engines,
                    Err(error) => {
                        tracing::error!("no challenge is answered: {error:#}");
                        return;
                    }
                },
                gateway: Arc::clone(&gateway),
                voices: Arc::clone(&voices),
            };
            let gauge = Measured::of(&gateway);
            let sells = sale.as_ref().map(Sale::keep);
            tokio::join!(
                live(&node, &key, seat, &worker),
                reports(&node, &key, seat, &gauge),
                OptionFuture::from(sells)
            );
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = serve(listener, Arc::clone(&gateway), stopped(Arc::clone(&gateway))) => {}
        () = on_chain => {}
    }
    drop(door);
    if let Some(sale) = &sale {
        sale.end().await;
    }
    Ok(())
}

/// Ready once the machine is to end: whoever is at work is cut then, settled at what he had, and told.
async fn stopped(gateway: Arc<Gateway>) {
    let pace = gateway.pace();
    tokio::select! {
        () = signalled() => {}
        () = pace.stopped() => {}
    }
    pace.stop();
}

/// Everything that answers, in the order in which it is asked.
fn servers(options: &StartOptions, engines: &[Bundled]) -> Result<Vec<Arc<dyn Upstream>>> {
    let mut servers = upstreams(&options.servers)?;
    servers.extend(fleet(options)?);
    let own = engines.iter();
    servers.extend(own.map(|one| Arc::new(one.clone()) as Arc<dyn Upstream>));
    Ok(servers)
}

/// What can be recited: models of engines here, and those whose weights are named.
fn voices(engines: &[Bundled], weights: Vec<Weights>) -> Result<Arc<[Voice]>> {
    let named = weights.iter().map(Weights::voice);
    let own = engines.iter().map(|one| {
        Ok(Voice {
            model: one.model().to_owned(),
            program: program(one),
            reader: Arc::clone(one.engine().reader()),
        })
    });
    named.chain(own).collect()
}

/// What a machine sells besides to holders of keys.
fn to_network(seat: &Seat, sale: Option<&Sale>, leaves: bool) -> String {
    match sale {
        Some(_) if leaves => format!(
            "machine {} is leaving: nothing to the network any more; what was sold before is claimed and shown",
            seat.machine_id
        ),
        Some(sale) => sale.words(),
        None => "nothing to the network, to holders of keys alone: no class of work is named. --class all sells each that a \
                 model here can serve, `capstan jobs classes` shows them"
            .to_owned(),
    }
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

/// How a machine's key stands on its chain.
enum Standing {
    /// Registered.
    Seated(Seat),
    /// Registered, and told to leave.
    Leaving(Seat),
    /// Not registered; what its holder would do that with.
    New(Box<Means>),
}

/// What a holder registers a machine with. He has it.
struct Means {
    holder: Address,
    params: MachineParams,
    asset: Asset,
    bond: U256,
    fuel: U256,
}

impl Means {
    fn words(&self, amount: U256) -> String {
        format!(
            "{} {}",
            decimal(amount, self.asset.decimals),
            self.asset.symbol
        )
    }
}

/// How the key stands. A warning where it can hardly beat.
///
/// # Errors
/// The node does not answer, the key is nobody's any more, or who would register it cannot.
async fn standing(options: &StartOptions, node: &Node, key: Address) -> Result<Standing> {
    let Some(seat) = seat(node, key).await? else {
        return Ok(Standing::New(Box::new(means(options, node).await?)));
    };
    let call = machineCall {
        machineId: seat.machine_id,
    };
    let state = node.view(ADDRESS, &call).await?.state;
    if [State::Leaving, State::Gone]
        .map(State::number)
        .contains(&state)
    {
        return Ok(Standing::Leaving(seat));
    }
    if coins(node, key).await? < U256::from(FUEL_LOW_WEI) {
        eprintln!(
            "warning: the key {key} has few coins left for its beats: send it some by `capstan wallet send`"
        );
    }
    Ok(Standing::Seated(seat))
}

/// What a machine is registered with.
///
/// # Errors
/// There is no such wallet, the chain takes no machines, or the wallet lacks the bond or the coins.
async fn means(options: &StartOptions, node: &Node) -> Result<Means> {
    let holder = owner(&options.signing.signer, None)?;
    let params = terms(node).await?;
    if params.intervalMs == 0 {
        bail!("this chain takes no machines yet: its owner has set no parameters of `machines`");
    }
    let assets = Assets::of(node).await?;
    let asset = assets
        .get(params.assetId)
        .ok_or_eyre("the bond's asset is not listed")?
        .clone();
    let has = balance(node, &asset, holder).await?;
    let bond = match &options.bond {
        Some(bond) => bond.resolve(asset.decimals, has)?,
        None => params.bondMin,
    };
    let fuel = options.fuel.resolve(18, U256::MAX)?;
    let means = Means {
        holder,
        params,
        asset,
        bond,
        fuel,
    };
    if bond < means.params.bondMin {
        bail!("a bond has at least {}", means.words(means.params.bondMin));
    }
    if has < bond {
        bail!(
            "the bond is {}, and wallet {holder} has {}: send it some, or name another wallet",
            means.words(bond),
            means.words(has)
        );
    }
    let coins = coins(node, holder).await?;
    if coins <= fuel {
        bail!(
            "wallet {holder} has {} ETH: the machine's key gets {} of it for its beats (--fuel), and the registration costs gas",
            decimal(coins, 18),
            decimal(fuel, 18)
        );
    }
    Ok(means)
}

/// The seat that the deed makes. None where that was only to be shown.
async fn seated(
    options: &StartOptions,
    node: &Node,
    key: &PrivateKeySigner,
    deed: &Deed,
) -> Result<Option<Seat>> {
    let Some(sent) = deed.carry_out(&options.signing).await? else {
        return Ok(None);
    };
    let registered = registered_machine(node, sent.hash).await?;
    registered.ok_or_eyre("the transaction registered no machine")?;
    Ok(seat(node, key.address()).await?)
}

async fn registration(
    options: &StartOptions,
    node: &Node,
    key: &PrivateKeySigner,
    engines: &[Bundled],
    url: &str,
    means: &Means,
    sells: &[String],
) -> Result<Deed> {
    let Means {
        holder,
        params,
        asset,
        bond,
        fuel,
    } = means;
    let (holder, bond, fuel) = (*holder, *bond, *fuel);
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
                    "machine {}, {}, region {}",
                    key.address(),
                    match is_engine_alone {
                        true => "which computes on its CPU (kind cpu)",
                        false => "before a model server (kind gpu)",
                    },
                    options.region
                ),
            ),
            (
                "holder",
                format!("wallet {holder}: its income and its bond are this wallet's"),
            ),
            (
                "bond",
                format!("{}, yours again {unbond} after it left", means.words(bond)),
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
            (
                "sells",
                match sells {
                    [] => "nothing to the network: no class is named (--class all)".to_owned(),
                    lines => lines.join("; "),
                },
            ),
        ],
        told: json!({
            "key": key.address(), "holder": holder, "bond": bond, "fuel": fuel, "sells": sells,
        }),
        wallet: holder,
        call: registering.call(node.chain_id().await?)?,
        approvals: before,
        node: node.clone(),
        stakes,
    })
}
