//! `capstan jobs`: what work costs, who sells it, and what a customer has and lets his keys spend.

use alloy_primitives::{Address, U256};
use capstan_client::{
    Amount, Fixed, JobClaim, JobCustomer, JobKey, Jobs, JobsOf, MachineAsset, Node,
    deposit_for_jobs, jobs, machines, revoke_job_key, set_job_key, withdraw_from_jobs,
};
use capstan_compute::audit::spelled;
use capstan_contracts::jobs::{ADDRESS, IJobs::KeyLimits};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, bail};

use crate::{
    account::balance,
    args::{AskOptions, JobKeyCommand, JobsCommand, Signing, Whose},
    consent::Stakes,
    deed::{Signer, approval},
    swap::spendable,
    table::Table,
    words::{brief, lasting, time},
};

pub(crate) fn run(command: &JobsCommand) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            JobsCommand::Classes(ask) => classes(ask).await,
            JobsCommand::Offers { ask, class } => offers(ask, *class).await,
            JobsCommand::Claims { ask, whose, limit } => claims(ask, whose, *limit).await,
            JobsCommand::Balance { ask, customer } => show_balance(ask, *customer).await,
            JobsCommand::Keys { ask, customer } => keys(ask, *customer).await,
            JobsCommand::Deposit {
                signing,
                amount,
                to,
            } => deposit(signing, amount, *to).await,
            JobsCommand::Withdraw { signing, amount } => withdraw(signing, amount).await,
            JobsCommand::Key { command } => key(command).await,
        }
    })
}

/// What everything here is paid in.
fn paid_in(told: &Jobs) -> Result<&MachineAsset> {
    let asset = told.asset.as_ref();
    asset.ok_or_eyre("nothing is sold on this chain: the owner of jobs has set no parameters yet")
}

async fn classes(ask: &AskOptions) -> Result<()> {
    let (whole, told) = jobs(&Node::new(&ask.rpc)?, JobsOf::All, 0).await?;
    if ask.json {
        println!("{:#}", whole["classes"]);
        return Ok(());
    }
    let all = told.classes.as_deref().unwrap_or_default();
    if all.is_empty() {
        println!("no class of work is open here");
        return Ok(());
    }
    let symbol = &paid_in(&told)?.symbol;
    println!("prices are in {symbol} for a million units, where use has not moved them");
    let mut table = Table::new(["class", "read", "written", "moves", "format", "program"]);
    for class in all {
        let moves = match class.level_min.amount == class.level_max.amount {
            true => "never".to_owned(),
            false => format!("{} to {}", class.level_min.text, class.level_max.text),
        };
        let state = if class.is_closed { " (closed)" } else { "" };
        table.row([
            format!("{}{state}", class.class_id),
            class.input_price.text.clone(),
            class.output_price.text.clone(),
            moves,
            format(&class.quantisation),
            short(&class.program.to_string()),
        ]);
    }
    print!("{table}");
    Ok(())
}

/// A format of numbers is named by a hash; those that auditors know have words.
fn format(quantisation: &str) -> String {
    let named = quantisation.parse().ok().and_then(spelled);
    named.map_or_else(
        || short(quantisation),
        |(format, ground)| ground.name(format),
    )
}

/// The beginning of a long number: enough to tell two apart.
fn short(text: &str) -> String {
    text.chars().take(12).collect()
}

async fn offers(ask: &AskOptions, class: u32) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let (_, known) = jobs(&node, JobsOf::All, 0).await?;
    let known = known.classes.unwrap_or_default();
    if !known.iter().any(|known| known.class_id == class) {
        bail!("no class of work has the number {class}; `capstan jobs classes` shows them");
    }
    let (whole, told) = jobs(&node, JobsOf::Class(class), usize::MAX).await?;
    if ask.json {
        println!("{:#}", whole["offers"]);
        return Ok(());
    }
    let symbol = &paid_in(&told)?.symbol;
    let all = told.offers.as_deref().unwrap_or_default();
    if all.is_empty() {
        println!("no machine offers class {class}");
        return Ok(());
    }
    println!("prices are in {symbol} for a million units, in this epoch");
    let mut table = Table::new([
        "machine",
        "state",
        "read",
        "written",
        "free bond",
        "answers at",
    ]);
    for offer in all {
        let state = match (offer.is_open, offer.reason.as_str()) {
            (false, _) => "closed".to_owned(),
            (true, "none") => offer.state.clone(),
            (true, why) => format!("{}: {why}", offer.state),
        };
        let free = offer.bond.amount.saturating_sub(offer.reserved.amount);
        table.row([
            offer.machine_id.to::<u64>().to_string(),
            state,
            offer.input_price.text.clone(),
            offer.output_price.text.clone(),
            decimal(free, offer.bond.decimals),
            offer.endpoint.clone(),
        ]);
    }
    print!("{table}");
    Ok(())
}

async fn claims(ask: &AskOptions, whose: &Whose, limit: usize) -> Result<()> {
    let of = match (whose.machine, whose.customer) {
        (Some(machine), None) => JobsOf::Machine(machine),
        (None, Some(customer)) => JobsOf::Customer(customer),
        _ => bail!("say --machine NUMBER or --customer ADDRESS"),
    };
    let node = Node::new(&ask.rpc)?;
    if let Some(machine) = whose.machine {
        expect_machine(&node, machine).await?;
    }
    let (whole, told) = jobs(&node, of, limit).await?;
    if ask.json {
        println!("{:#}", whole["claims"]);
        return Ok(());
    }
    let symbol = &paid_in(&told)?.symbol;
    if let Some(record) = &told.machine {
        let (paid, void) = (
            record.claims_paid.to::<u64>(),
            record.claims_void.to::<u64>(),
        );
        let why = match record.last_reason.as_str() {
            "none" => String::new(),
            why => format!(", the last: {why}"),
        };
        println!(
            "{paid} paid, {void} void{why}; earned {} {symbol}, lost {} of its bond, {} bound to it",
            record.earned.text, record.slashed.text, record.funded.text
        );
    }
    let all = told.claims.as_deref().unwrap_or_default();
    if all.is_empty() {
        println!("no claims");
        return Ok(());
    }
    let mut table = Table::new(["claim", "machine", "class", "receipts", "cost", "phase"]);
    for claim in all {
        table.row([
            claim.claim_id.to::<u64>().to_string(),
            claim.machine_id.to::<u64>().to_string(),
            claim.class_id.to_string(),
            claim.receipts.to_string(),
            format!("{} {symbol}", brief(&claim.cost)),
            phase_of(claim, told.time_ms.to()),
        ]);
    }
    print!("{table}");
    Ok(())
}

/// A machine that is not there has no claims, but for another reason than one that has made none.
async fn expect_machine(node: &Node, number: u64) -> Result<()> {
    let (all, _) = machines(node, None).await?;
    let mut all = all.iter();
    if all.any(|(_, machine)| machine.machine_id.to::<u64>() == number) {
        return Ok(());
    }
    bail!("no machine has the number {number}; `capstan machine list` shows them")
}

/// Where a claim is, and until when or why.
fn phase_of(claim: &JobClaim, now_ms: u64) -> String {
    let left = claim
        .due_ms
        .map(|due| due.to::<u64>().saturating_sub(now_ms));
    match (claim.reason.as_str(), left) {
        ("none", Some(left)) if left > 0 => format!("{}, {} left", claim.phase, lasting(left)),
        ("none", _) => claim.phase.clone(),
        (why, _) => format!("{}: {why}", claim.phase),
    }
}

async fn customer_of(node: &Node, who: Address) -> Result<(serde_json::Value, Jobs)> {
    Ok(jobs(node, JobsOf::Customer(who), 0).await?)
}

fn told_customer(told: &Jobs) -> Result<&JobCustomer> {
    let customer = told.customer.as_ref();
    customer
        .ok_or_eyre("nothing is sold on this chain: the owner of jobs has set no parameters yet")
}

async fn show_balance(ask: &AskOptions, who: Address) -> Result<()> {
    let (whole, told) = customer_of(&Node::new(&ask.rpc)?, who).await?;
    if ask.json {
        println!("{:#}", whole["customer"]);
        return Ok(());
    }
    let customer = told_customer(&told)?;
    let symbol = &paid_in(&told)?.symbol;
    let row = |name: &str, amount: &Fixed, about: &str| {
        println!("{name:<10}{} {symbol}{about}", amount.text);
    };
    row("free", &customer.free, ", which `withdraw` takes out");
    row("bound", &customer.bound, " to machines, for work to come");
    row(
        "claimed",
        &customer.claimed,
        " for work that is being settled",
    );
    row("paid", &customer.paid, " so far");
    Ok(())
}

async fn keys(ask: &AskOptions, who: Address) -> Result<()> {
    let (whole, told) = customer_of(&Node::new(&ask.rpc)?, who).await?;
    if ask.json {
        println!("{:#}", whole["customer"]["keys"]);
        return Ok(());
    }
    let customer = told_customer(&told)?;
    let symbol = &paid_in(&told)?.symbol;
    if customer.keys.is_empty() {
        println!("no key spends for {who}; `capstan jobs key add` lets one");
        return Ok(());
    }
    let mut table = Table::new(["key", "left now", "bound of all", "each", "until"]);
    for key in &customer.keys {
        table.row([
            key.key.to_string(),
            match is_bounded(&key.left) {
                true => format!("{} {symbol}", key.left.text),
                false => "all that is free".to_owned(),
            },
            match is_bounded(&key.total) {
                true => format!("{} of {}", key.spent.text, key.total.text),
                false => format!("{}, no limit", key.spent.text),
            },
            each_of(key),
            match (key.is_revoked, key.until_ms.to()) {
                (true, _) => "revoked".to_owned(),
                (false, u64::MAX) => "it is revoked".to_owned(),
                (false, until_ms) => time(until_ms),
            },
        ]);
    }
    print!("{table}");
    Ok(())
}

fn each_of(key: &JobKey) -> String {
    let period = lasting(key.period_ms.to());
    match is_bounded(&key.per_period) {
        true => format!("{} in {period}", key.per_period.text),
        false => "no limit".to_owned(),
    }
}

/// Whether an amount says how much. An amount of the contract has 112 bits, and who wants no limit writes them all; what is left of
/// it is a little less later.
fn is_bounded(amount: &Fixed) -> bool {
    amount.amount.bit_len() < 112
}

/// Whoever signs a call about jobs.
async fn signer(signing: &Signing) -> Result<Signer<'_>> {
    let node = Node::new(&signing.ask.rpc)?;
    let (_, told) = jobs(&node, JobsOf::All, 0).await?;
    let asset = paid_in(&told)?.asset_id;
    Signer::new(signing, node, asset).await
}

async fn deposit(signing: &Signing, amount: &Amount, to: Option<Address>) -> Result<()> {
    let signer = signer(signing).await?;
    let there_is = balance(&signer.node, &signer.asset, signer.wallet).await?;
    let there_is = spendable(&signer.asset, there_is);
    let amount = match amount {
        Amount::Max => there_is,
        amount => amount.resolve(signer.asset.decimals, there_is)?,
    };
    if amount.is_zero() || amount > there_is {
        let (wanted, there_is) = (signer.words(amount), signer.words(there_is));
        bail!("that would bring {wanted} in, and the wallet has {there_is} to spend");
    }
    let customer = to.unwrap_or(signer.wallet);
    let rows = vec![
        ("bring in", signer.words(amount)),
        (
            "for",
            match to {
                None => format!("{customer}, the wallet itself"),
                Some(_) => format!("{customer}: only its holder takes it out again"),
            },
        ),
    ];
    let approval = approval(&signer.node, &signer.asset, signer.wallet, ADDRESS, amount).await?;
    let stakes = Stakes::default().receiver(customer);
    let stakes = stakes.amount(&signer.node, &signer.asset, amount, "are brought in");
    let stakes = stakes.await;
    let call = deposit_for_jobs(customer, amount);
    signer
        .carry_out(approval.into_iter().collect(), call, rows, stakes)
        .await
}

async fn withdraw(signing: &Signing, amount: &Amount) -> Result<()> {
    let signer = signer(signing).await?;
    let (_, told) = customer_of(&signer.node, signer.wallet).await?;
    let free = told_customer(&told)?.free.amount;
    let amount = match amount {
        Amount::Max => free,
        amount => amount.resolve(signer.asset.decimals, free)?,
    };
    if amount.is_zero() || amount > free {
        let (wanted, free) = (signer.words(amount), signer.words(free));
        bail!(
            "that would take {wanted} out, and {free} are free; what is bound comes back when its holds are over"
        );
    }
    let rows = vec![
        ("take out", signer.words(amount)),
        ("left", signer.words(free.saturating_sub(amount))),
    ];
    let call = withdraw_from_jobs(amount);
    signer
        .carry_out(Vec::new(), call, rows, Stakes::default())
        .await
}

/// What a key may spend is a number: there is nothing of which it could be a part.
fn units(amount: &Amount, decimals: u8) -> Result<U256> {
    match amount {
        Amount::Units(_) => Ok(amount.resolve(decimals, U256::ZERO)?),
        _ => bail!("say how much a key may spend as a number"),
    }
}

async fn key(command: &JobKeyCommand) -> Result<()> {
    match command {
        JobKeyCommand::Add {
            signing,
            key,
            total,
            each,
            period,
            lasts,
        } => {
            let signer = signer(signing).await?;
            let decimals = signer.asset.decimals;
            let total = units(total, decimals)?;
            let each = match each {
                Some(each) => units(each, decimals)?,
                None => total,
            };
            let now_ms = jobs(&signer.node, JobsOf::All, 0)
                .await?
                .1
                .time_ms
                .to::<u64>();
            let millis =
                |time: &humantime::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let limits = KeyLimits {
                total,
                perPeriod: each,
                periodMs: millis(period),
                untilMs: now_ms.saturating_add(millis(lasts)),
            };
            let rows = vec![
                ("key", key.to_string()),
                ("in all", signer.words(total)),
                (
                    "each",
                    format!("{} in {}", signer.words(each), lasting(limits.periodMs)),
                ),
                ("until", time(limits.untilMs)),
            ];
            let stakes = Stakes::default();
            let stakes = stakes.amount(&signer.node, &signer.asset, total, "may be spent by a key");
            let stakes = stakes.await;
            let call = set_job_key(*key, limits);
            signer.carry_out(Vec::new(), call, rows, stakes).await
        }
        JobKeyCommand::Revoke { signing, key } => {
            let signer = signer(signing).await?;
            let rows = vec![
                ("end", key.to_string()),
                (
                    "bound",
                    "stays with its machines until its holds are over".to_owned(),
                ),
            ];
            let call = revoke_job_key(*key);
            signer
                .carry_out(Vec::new(), call, rows, Stakes::default())
                .await
        }
    }
}
