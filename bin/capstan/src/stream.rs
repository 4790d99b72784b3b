//! `capstan stream`: value that flows to somebody all the time, or to a debt of his first.

use alloy_primitives::{Address, U256};
use capstan_client::{
    AccountName, Amount, Asset, Assets, Flow, Node, Stream, cancel_stream, collect_stream,
    hand_over_stream, open_stream, opened_stream, pay_into_stream, stream, streams_of,
};
use capstan_contracts::streams::ADDRESS;
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    account::{Step, balance, one, owner},
    amounts::{of, sized, told},
    args::{ActOptions, OpenStreamOptions, Receiver, StreamCommand},
    block_on,
    consent::Stakes,
    deed::{Deed, approval},
    swap::spendable,
    table::Table,
    words::{lasting, time},
};

pub(crate) fn run(command: &StreamCommand) -> Result<()> {
    block_on(async {
        match command {
            StreamCommand::List { ask, signer, who } => {
                let who = owner(signer, *who)?;
                list(&Node::new(&ask.rpc)?, who, ask.json).await
            }
            StreamCommand::Show { ask, stream } => {
                show(&Node::new(&ask.rpc)?, *stream, ask.json).await
            }
            StreamCommand::Open(options) => open(options).await,
            StreamCommand::PayIn {
                act,
                stream,
                amount,
            } => pay_in(act, *stream, amount).await,
            StreamCommand::Collect { act, stream, keep } => collect(act, *stream, *keep).await,
            StreamCommand::Assign { act, stream } => one(act, vec![Step::Assign(*stream)]).await,
            StreamCommand::Cancel { act, stream } => cancel(act, *stream).await,
            StreamCommand::HandOver { act, stream, to } => hand_over(act, *stream, *to).await,
        }
    })
}

async fn list(node: &Node, who: Address, is_json: bool) -> Result<()> {
    let all = streams_of(node, who).await?;
    if is_json {
        let told: Vec<_> = all.iter().map(stream_told).collect();
        println!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    if all.is_empty() {
        println!("{who} owns and pays no streams; `capstan stream open` begins one");
        return Ok(());
    }
    let assets = Assets::of(node).await?;
    let now_ms = node.head_time_ms().await?;
    let mut table = Table::new(["stream", "side", "with", "due", "to come", "ends in"]);
    for one in &all {
        let fields = &one.fields;
        let asset = of(&assets, fields.assetId)?;
        let (side, with) = match fields.owner == who {
            true => ("owns", fields.payer),
            false => ("pays", fields.owner),
        };
        table.row([
            one.id.to_string(),
            side.to_owned(),
            short(with),
            told(asset, one.due),
            decimal(fields.paid.saturating_sub(fields.flowed), asset.decimals),
            ends(one, now_ms),
        ]);
    }
    print!("{table}");
    Ok(())
}

/// An address by its ends, as tables have room for.
fn short(address: Address) -> String {
    let text = address.to_string();
    format!("{}..{}", &text[..6], &text[text.len() - 4..])
}

fn ends(of: &Stream, now_ms: u64) -> String {
    let fields = &of.fields;
    if fields.isStopped {
        "stopped".to_owned()
    } else if fields.isSettled {
        "never".to_owned()
    } else {
        match fields.endMs.saturating_sub(now_ms) {
            0 => "ran dry".to_owned(),
            left_ms => lasting(left_ms),
        }
    }
}

async fn show(node: &Node, id: u64, is_json: bool) -> Result<()> {
    let found = found(node, id).await?;
    if is_json {
        println!("{:#}", stream_told(&found));
        return Ok(());
    }
    let assets = Assets::of(node).await?;
    let fields = &found.fields;
    let asset = of(&assets, fields.assetId)?;
    let row = |name: &str, value: String| println!("{name:<10}{value}");
    let account = |owner: Address, index: u8| format!("account {index} of {owner}");
    let kind = match (fields.isSettled, fields.isFinal) {
        (true, _) => "passes on what is paid in at once",
        (_, true) => "flows evenly, and its payer can never stop it",
        (_, false) => "flows evenly until it ends or its payer stops it",
    };
    row("stream", format!("{id}: {kind}"));
    row("owner", account(fields.owner, fields.ownerIndex));
    row("payer", account(fields.payer, fields.payerIndex));
    if !fields.assignedTo.is_zero() {
        row(
            "pays",
            format!(
                "the debt of {} in {}",
                account(fields.assignedTo, fields.assignedIndex),
                asset.symbol
            ),
        );
    }
    row("paid in", told(asset, fields.paid));
    row("flowed", told(asset, fields.flowed));
    row("due", told(asset, found.due));
    if !fields.isSettled && !fields.isStopped {
        if fields.cliffMs > fields.sinceMs {
            row("cliff", format!("nothing before {}", time(fields.cliffMs)));
        }
        row("ends", time(fields.endMs));
    }
    if fields.isStopped {
        row("ends", "it was stopped".to_owned());
    }
    Ok(())
}

async fn open(options: &OpenStreamOptions) -> Result<()> {
    let signing = &options.act.signing;
    let node = Node::new(&signing.ask.rpc)?;
    let wallet = owner(&signing.signer, None)?;
    let assets = Assets::of(&node).await?;
    let asset = assets.find(&options.amount.asset)?.clone();
    let there_is = spendable(&asset, balance(&node, &asset, wallet).await?);
    let amount = sized(&options.amount.amount, &asset, there_is)?;
    let to = AccountName {
        owner: options.to.to,
        index: options.to.to_index,
    };
    let ms = |time: humantime::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    ensure!(
        ms(options.cliff) <= ms(options.lasts),
        "nothing is to be had for {}, and it only lasts {}",
        options.cliff,
        options.lasts
    );
    let now_ms = node.head_time_ms().await?;
    let cliff_ms = match ms(options.cliff) {
        0 => 0,
        after => now_ms.saturating_add(after),
    };
    let flow = Flow {
        start_ms: 0,
        cliff_ms,
        end_ms: now_ms.saturating_add(ms(options.lasts)),
        is_final: options.is_final,
    };
    let call = open_stream(asset.id, to, amount, flow);
    let deed = Deed {
        approvals: approval(&node, &asset, wallet, ADDRESS, amount)
            .await?
            .into_iter()
            .collect(),
        wallet,
        rows: opening(&asset, amount, to, flow, options),
        stakes: Stakes::default()
            .receiver(to.owner)
            .amount(&node, &asset, amount, "would flow to somebody else")
            .await,
        told: json!({
            "amount": decimal(amount, asset.decimals),
            "assetId": asset.id,
            "to": to.owner,
            "index": to.index,
            "cliffMs": flow.cliff_ms,
            "endMs": flow.end_ms,
            "isFinal": flow.is_final,
            "call": {"to": call.to, "input": call.input},
        }),
        call,
        node,
    };
    let Some(sent) = deed.carry_out(signing).await? else {
        return Ok(());
    };
    let id = opened_stream(&deed.node, sent.hash).await?;
    let id = id.ok_or_eyre("the transaction was mined and says of no stream")?;
    if signing.ask.json {
        let told = json!({"transaction": sent.to_json(), "stream": deed.told, "id": id});
        println!("{told:#}");
        return Ok(());
    }
    println!("{sent}");
    println!("stream {id} flows: `capstan stream show {id}` says how far it came");
    Ok(())
}

fn opening(
    asset: &Asset,
    amount: U256,
    to: AccountName,
    flow: Flow,
    options: &OpenStreamOptions,
) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("pay in", told(asset, amount)),
        ("to", format!("account {} of {}", to.index, to.owner)),
        (
            "flows",
            format!("evenly for {}, until {}", options.lasts, time(flow.end_ms)),
        ),
    ];
    if flow.cliff_ms != 0 {
        rows.push(("cliff", format!("nothing before {}", time(flow.cliff_ms))));
    }
    let stopped = match flow.is_final {
        true => "never: you give up the right to stop it".to_owned(),
        false => "by you, at any time; what has not flowed comes back".to_owned(),
    };
    rows.push(("stopped", stopped));
    rows
}

async fn pay_in(act: &ActOptions, id: u64, amount: &Amount) -> Result<()> {
    let signing = &act.signing;
    let node = Node::new(&signing.ask.rpc)?;
    let found = found(&node, id).await?;
    let wallet = owner(&signing.signer, None)?;
    let assets = Assets::of(&node).await?;
    let asset = of(&assets, found.fields.assetId)?;
    let there_is = spendable(asset, balance(&node, asset, wallet).await?);
    let amount = sized(amount, asset, there_is)?;
    let mut rows = vec![("stream", id.to_string()), ("pay in", told(asset, amount))];
    if found.fields.payer != wallet {
        let payer = found.fields.payer;
        rows.push((
            "gift",
            format!("a cancellation returns it to its payer, {payer}"),
        ));
    }
    let approvals = approval(&node, asset, wallet, ADDRESS, amount).await?;
    let stakes = Stakes::default();
    let stakes = stakes
        .amount(&node, asset, amount, "would flow to somebody else")
        .await;
    let deed = Deed {
        wallet,
        approvals: approvals.into_iter().collect(),
        call: pay_into_stream(id, amount),
        rows,
        stakes,
        told: json!({"stream": id, "amount": decimal(amount, asset.decimals)}),
        node,
    };
    let done = format!("stream {id} has {} more", told(asset, amount));
    deed.finish(signing, &done).await
}

async fn collect(act: &ActOptions, id: u64, keep: bool) -> Result<()> {
    let node = Node::new(&act.signing.ask.rpc)?;
    let found = found(&node, id).await?;
    // An assigned stream pays a debt, which the account alone does.
    if keep || !found.fields.assignedTo.is_zero() {
        return one(act, vec![Step::Collect(id)]).await;
    }
    let assets = Assets::of(&node).await?;
    let due = told(of(&assets, found.fields.assetId)?, found.due);
    let rows = vec![
        ("stream", id.to_string()),
        ("brings", format!("{due}, and what flows until the block")),
    ];
    let done = format!("what stream {id} owed is in the wallet");
    let deed = Deed {
        node,
        wallet: owner(&act.signing.signer, None)?,
        approvals: Vec::new(),
        call: collect_stream(id),
        rows,
        stakes: Stakes::default(),
        told: json!({"stream": id}),
    };
    deed.finish(&act.signing, &done).await
}

async fn cancel(act: &ActOptions, id: u64) -> Result<()> {
    let node = Node::new(&act.signing.ask.rpc)?;
    let found = found(&node, id).await?;
    let assets = Assets::of(&node).await?;
    let fields = &found.fields;
    let back = fields.paid.saturating_sub(fields.flowed);
    let back = told(of(&assets, fields.assetId)?, back);
    let rows = vec![
        ("stream", id.to_string()),
        ("back", format!("{back}, less what flows until the block")),
    ];
    let done = format!("stream {id} is stopped, and what had not flowed is in the wallet");
    let deed = Deed {
        node,
        wallet: owner(&act.signing.signer, None)?,
        approvals: Vec::new(),
        call: cancel_stream(id),
        rows,
        stakes: Stakes::default(),
        told: json!({"stream": id}),
    };
    deed.finish(&act.signing, &done).await
}

async fn hand_over(act: &ActOptions, id: u64, to: Receiver) -> Result<()> {
    let node = Node::new(&act.signing.ask.rpc)?;
    let found = found(&node, id).await?;
    let assets = Assets::of(&node).await?;
    let asset = of(&assets, found.fields.assetId)?;
    let worth = found
        .due
        .saturating_add(found.fields.paid.saturating_sub(found.fields.flowed));
    let rows = vec![
        (
            "stream",
            format!("{id}, with {} that is due or to come", told(asset, worth)),
        ),
        ("to", format!("account {} of {}", to.to_index, to.to)),
    ];
    let stakes = Stakes::default().receiver(to.to);
    let stakes = stakes
        .amount(&node, asset, worth, "would be somebody else's")
        .await;
    let done = format!("stream {id} is of account {} of {}", to.to_index, to.to);
    let receiver = AccountName {
        owner: to.to,
        index: to.to_index,
    };
    let deed = Deed {
        node,
        wallet: owner(&act.signing.signer, None)?,
        approvals: Vec::new(),
        call: hand_over_stream(id, receiver),
        rows,
        stakes,
        told: json!({"stream": id, "to": to.to, "index": to.to_index}),
    };
    deed.finish(&act.signing, &done).await
}

async fn found(node: &Node, id: u64) -> Result<Stream> {
    let found = stream(node, id).await?;
    found.ok_or_eyre(format!(
        "no stream has the number {id}; `capstan stream list` shows those of a wallet"
    ))
}

fn stream_told(of: &Stream) -> Value {
    let fields = &of.fields;
    json!({
        "id": of.id,
        "owner": fields.owner,
        "ownerIndex": fields.ownerIndex,
        "payer": fields.payer,
        "payerIndex": fields.payerIndex,
        "assignedTo": (!fields.assignedTo.is_zero()).then_some(fields.assignedTo),
        "assignedIndex": fields.assignedIndex,
        "assetId": fields.assetId,
        "isSettled": fields.isSettled,
        "isFinal": fields.isFinal,
        "isStopped": fields.isStopped,
        "rate": fields.rate,
        "periodMs": fields.periodMs,
        "sinceMs": fields.sinceMs,
        "cliffMs": fields.cliffMs,
        "endMs": fields.endMs,
        "paid": fields.paid,
        "flowed": fields.flowed,
        "collected": fields.collected,
        "due": of.due,
    })
}
