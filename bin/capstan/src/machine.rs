//! `capstan machine`: machines of a chain, what stands for their word, and what they proved.

use alloy_primitives::Address;
use capstan_client::{Machine, Node, machines};
use eyre::{Result, eyre};
use serde_json::{Value, json};

use crate::{
    args::MachineCommand,
    table::Table,
    words::{brief, lasting, time},
};

pub(crate) fn run(command: &MachineCommand) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            MachineCommand::List { ask, holder } => {
                list(&Node::new(&ask.rpc)?, *holder, ask.json).await
            }
            MachineCommand::Show { ask, machine } => {
                show(&Node::new(&ask.rpc)?, *machine, ask.json).await
            }
        }
    })
}

async fn list(node: &Node, holder: Option<Address>, is_json: bool) -> Result<()> {
    let (all, now_ms) = machines(node, holder).await?;
    if is_json {
        let whole: Vec<_> = all.iter().map(|(whole, _)| whole).collect();
        println!("{:#}", json!(whole));
        return Ok(());
    }
    if all.is_empty() {
        println!("no machines here; `capstan provide start` registers one");
        return Ok(());
    }
    let mut table = Table::new([
        "machine", "kind", "state", "seen", "life", "bond", "per hour",
    ]);
    for (_, machine) in &all {
        let seen = now_ms.saturating_sub(machine.last_beat_ms.to());
        let proven = machine.challenge.as_ref();
        table.row([
            machine.machine_id.to::<u64>().to_string(),
            machine.kind.clone(),
            machine.state.clone(),
            format!("{} ago", lasting(seen)),
            lasting(machine.life_ms.to()),
            format!("{} {}", brief(&machine.bond), machine.asset.symbol),
            proven.map_or_else(
                || "-".to_owned(),
                |last| last.per_hour.to::<u64>().to_string(),
            ),
        ]);
    }
    print!("{table}");
    Ok(())
}

async fn show(node: &Node, number: u64, is_json: bool) -> Result<()> {
    let (all, now_ms) = machines(node, None).await?;
    let found = all
        .into_iter()
        .find(|(_, machine)| machine.machine_id.to::<u64>() == number);
    let (whole, machine): (Value, Machine) = found.ok_or_else(|| {
        eyre!("no machine has the number {number}; `capstan machine list` shows them")
    })?;
    if is_json {
        println!("{whole:#}");
        return Ok(());
    }
    let row = |name: &str, value: String| println!("{name:<13}{value}");
    row(
        "machine",
        format!("{number}, {} of region {}", machine.kind, machine.region),
    );
    row("key", machine.key.to_string());
    row("holder", machine.holder.to_string());
    if !machine.uri.is_empty() {
        row("about", machine.uri.clone());
    }
    let since = time(machine.since_ms.to());
    row(
        "state",
        match machine.reason.as_str() {
            "none" => format!("{} since {since}", machine.state),
            why => format!("{} since {since}: {why}", machine.state),
        },
    );
    let seen = now_ms.saturating_sub(machine.last_beat_ms.to());
    row("seen", format!("{} ago", lasting(seen)));
    row(
        "life",
        format!(
            "{} proven, {} dark in {} times",
            lasting(machine.life_ms.to()),
            lasting(machine.dark_ms.to()),
            machine.dark_count
        ),
    );
    let symbol = &machine.asset.symbol;
    row(
        "bond",
        format!(
            "{} {symbol}, at least {}",
            machine.bond.text, machine.bond_min.text
        ),
    );
    if let Some(from) = machine.withdraw_from_ms {
        row("withdraw", format!("from {}", time(from.to())));
    }
    match &machine.readings {
        Some(said) => row(
            "readings",
            format!(
                "{} W, {} °C, {} busy, until {}",
                said.watts,
                said.celsius.text,
                said.utilisation.percent(),
                time(said.to_ms.to())
            ),
        ),
        None => row("readings", "none".to_owned()),
    }
    match &machine.challenge {
        Some(last) => row(
            "challenge",
            format!(
                "{} of class {}: {}; {} units an hour{}",
                last.number.to::<u64>(),
                last.class,
                last.phase,
                last.per_hour.to::<u64>(),
                match last.reason.as_str() {
                    "none" => String::new(),
                    why => format!(", since {why}"),
                }
            ),
        ),
        None => row("challenge", "never asked".to_owned()),
    }
    Ok(())
}
