//! `capstan machine`: machines of a chain, what stands for their word, and what they proved.

use alloy_primitives::Address;
use capstan_client::{
    Amount, Call, Machine, MachineReadings, Node, machine_add_bond, machine_leave,
    machine_withdraw, machines,
};
use capstan_contracts::machines::{ADDRESS, IMachines::paramsCall};
use eyre::{Result, bail, eyre};
use serde_json::{Value, json};

use crate::{
    account::{balance, owner},
    args::{MachineCommand, Signing},
    block_on,
    consent::Stakes,
    deed::{Deed, Signer, approval},
    swap::spendable,
    table::Table,
    words::{brief, lasting, time},
};

pub(crate) fn run(command: &MachineCommand) -> Result<()> {
    block_on(async {
        match command {
            MachineCommand::List { ask, holder } => {
                list(&Node::new(&ask.rpc)?, *holder, ask.json).await
            }
            MachineCommand::Show { ask, machine } => {
                show(&Node::new(&ask.rpc)?, *machine, ask.json).await
            }
            MachineCommand::Bond {
                signing,
                machine,
                amount,
            } => add_bond(signing, *machine, amount).await,
            MachineCommand::Leave { signing, machine } => leave(signing, *machine).await,
            MachineCommand::Withdraw { signing, machine } => withdraw(signing, *machine).await,
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
    let (whole, machine, now_ms) = found(node, number).await?;
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
        Some(said) => row("readings", read(said)),
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
                    why => format!("; {why}"),
                }
            ),
        ),
        None => row("challenge", "never asked".to_owned()),
    }
    Ok(())
}

/// What a machine measured. A sensor that says nothing is written as zero.
fn read(said: &MachineReadings) -> String {
    let watts = match said.watts {
        0 => "power unknown".to_owned(),
        watts => format!("{watts} W"),
    };
    let celsius = match said.celsius.amount.is_zero() {
        true => "warmth unknown".to_owned(),
        false => format!("{} °C", said.celsius.text),
    };
    format!(
        "{watts}, {celsius}, {} busy, until {}",
        said.utilisation.percent(),
        time(said.to_ms.to())
    )
}

/// A machine as the node wrote it, and read; and the time of the block it is of.
async fn found(node: &Node, number: u64) -> Result<(Value, Machine, u64)> {
    let (all, now_ms) = machines(node, None).await?;
    let mut all = all.into_iter();
    let found = all.find(|(_, machine)| machine.machine_id.to::<u64>() == number);
    let (whole, machine) = found.ok_or_else(|| {
        eyre!("no machine has the number {number}; `capstan machine list` shows them")
    })?;
    Ok((whole, machine, now_ms))
}

/// Adds to what stands for a machine's word. Anybody may; it stays the holder's.
async fn add_bond(signing: &Signing, number: u64, amount: &Amount) -> Result<()> {
    let node = Node::new(&signing.ask.rpc)?;
    let (_, machine, _) = found(&node, number).await?;
    if matches!(machine.state.as_str(), "leaving" | "gone") {
        bail!(
            "machine {number} is {}: nothing is added to its bond",
            machine.state
        );
    }
    let signer = Signer::new(signing, node, machine.asset.asset_id).await?;
    let there_is = balance(&signer.node, &signer.asset, signer.wallet).await?;
    let there_is = spendable(&signer.asset, there_is);
    let amount = match amount {
        Amount::Max => there_is,
        amount => amount.resolve(signer.asset.decimals, there_is)?,
    };
    if amount.is_zero() || amount > there_is {
        let (wanted, there_is) = (signer.words(amount), signer.words(there_is));
        bail!("that would add {wanted}, and the wallet has {there_is} to spend");
    }
    let rows = vec![
        ("machine", format!("{number}, {}", machine.key)),
        (
            "add",
            format!("{} to {}", signer.words(amount), bond_of(&machine)),
        ),
        (
            "whose",
            format!(
                "wallet {}'s, once the machine left, less what it loses",
                machine.holder
            ),
        ),
    ];
    let approval = approval(&signer.node, &signer.asset, signer.wallet, ADDRESS, amount).await?;
    let stakes = Stakes::default().receiver(machine.holder);
    let stakes = stakes.amount(
        &signer.node,
        &signer.asset,
        amount,
        "stand for the machine's word",
    );
    let stakes = stakes.await;
    let call = machine_add_bond(number, amount);
    signer
        .carry_out(approval.into_iter().collect(), call, rows, stakes)
        .await
}

async fn leave(signing: &Signing, number: u64) -> Result<()> {
    let node = Node::new(&signing.ask.rpc)?;
    let (_, machine, _) = found(&node, number).await?;
    let params = node.view(ADDRESS, &paramsCall {}).await?.current;
    let bond = bond_of(&machine);
    let rows = vec![
        ("machine", format!("{number}, {}", machine.key)),
        (
            "leaves",
            "for good: it sells nothing more, and its key never registers again".to_owned(),
        ),
        (
            "bond",
            format!(
                "{bond}, yours {} later by `capstan machine withdraw {number}`",
                lasting(params.unbondMs)
            ),
        ),
    ];
    let done = format!(
        "machine {number} leaves; `capstan machine show {number}` says from when its bond can be had"
    );
    deed(node, signing, machine_leave(number), rows, number)?
        .finish(signing, &done)
        .await
}

async fn withdraw(signing: &Signing, number: u64) -> Result<()> {
    let node = Node::new(&signing.ask.rpc)?;
    let (_, machine, _) = found(&node, number).await?;
    let bond = bond_of(&machine);
    let rows = vec![
        ("machine", number.to_string()),
        ("bond", format!("{bond}, to wallet {}", machine.holder)),
    ];
    let done = format!("{bond} are in the wallet");
    deed(node, signing, machine_withdraw(number), rows, number)?
        .finish(signing, &done)
        .await
}

fn bond_of(machine: &Machine) -> String {
    format!("{} {}", machine.bond.text, machine.asset.symbol)
}

fn deed(
    node: Node,
    signing: &Signing,
    call: Call,
    rows: Vec<(&'static str, String)>,
    number: u64,
) -> Result<Deed> {
    Ok(Deed {
        node,
        wallet: owner(&signing.signer, None)?,
        approvals: Vec::new(),
        call,
        rows,
        stakes: Stakes::default(),
        told: json!({"machine": number}),
    })
}

#[cfg(test)]
mod tests;
