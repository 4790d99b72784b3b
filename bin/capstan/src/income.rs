//! `capstan income`: what machines earn, what that carries, and what became of those that did not pay.

use alloy_primitives::U256;
use capstan_client::{
    Amount, AssetName, Assets, Fixed, IncomeCase, IncomeMachine, IncomeMarket, IncomeMarkets, Node,
    bid_for_title, borrow_on_income, income_markets, income_of, machines, preview_borrow,
    repay_income, supply_income, withdraw_income,
};
use capstan_contracts::{erc4626::IErc4626, income::ADDRESS};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, bail, eyre};
use serde_json::Value;

use crate::{
    account::balance,
    args::{AskOptions, IncomeCommand, Signing, Tranche, TrancheArgs},
    consent::Stakes,
    deed::{Signer, approval},
    swap::spendable,
    table::Table,
    words::{brief, count, lasting, time, when},
};

/// Days that are shown one by one.
const DAYS_SHOWN: usize = 7;
/// What can be borrowed falls by less than this part of it until the block.
const FALLS_DIVISOR: u64 = 10_000;

pub(crate) fn run(command: &IncomeCommand) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            IncomeCommand::Show { ask, machine } => show(ask, *machine).await,
            IncomeCommand::Market(ask) => market(ask).await,
            IncomeCommand::Cases(ask) => cases(ask).await,
            IncomeCommand::Borrow {
                signing,
                machine,
                amount,
            } => borrow(signing, *machine, amount).await,
            IncomeCommand::Repay {
                signing,
                machine,
                amount,
            } => repay(signing, *machine, amount).await,
            IncomeCommand::Supply {
                signing,
                into,
                amount,
                asset,
            } => supply(signing, *into, amount, asset).await,
            IncomeCommand::Withdraw {
                signing,
                from,
                amount,
                asset,
            } => withdraw(signing, *from, amount, asset).await,
            IncomeCommand::Bid {
                signing,
                machine,
                most,
            } => bid(signing, *machine, most.as_ref()).await,
        }
    })
}

fn row(name: &str, value: &str) {
    println!("{name:<13}{value}");
}

async fn show(ask: &AskOptions, number: u64) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let (all, _) = machines(&node, None).await?;
    if !all
        .iter()
        .any(|(_, machine)| machine.machine_id.to::<u64>() == number)
    {
        bail!("no machine has the number {number}; `capstan machine list` shows them");
    }
    let (found, now_ms) = income_of(&node, number).await?;
    let Some((whole, machine)) = found else {
        if ask.json {
            println!("null");
        } else {
            println!(
                "machine {number} has earned nothing yet: you can borrow 0 today. Its first paid job opens its book."
            );
        }
        return Ok(());
    };
    if ask.json {
        println!("{whole:#}");
        return Ok(());
    }
    row("machine", &number.to_string());
    row("holder", &machine.holder.to_string());
    earned(&machine);
    offered(&machine);
    owed(&machine, now_ms);
    security(&machine);
    if let Some(case) = &machine.case {
        println!();
        tell_case(case, now_ms);
    }
    Ok(())
}

/// What came in, and where it went.
fn earned(machine: &IncomeMachine) {
    let unit = &machine.asset.symbol;
    row(
        "earned",
        &format!(
            "{} {unit}: {} to the debt, {} kept for the next instalment, {} to the holder",
            machine.earned.text,
            machine.to_debt.text,
            machine.reserved.text,
            machine.to_holder.text
        ),
    );
    row(
        "power",
        &format!(
            "{} W at {} {unit} a kWh",
            machine.watts, machine.kwh_price.text
        ),
    );
    if machine.days.is_empty() {
        row("days", "no whole day with income yet");
        return;
    }
    row("days", &count(machine.days.len(), "day"));
    let mut table = Table::new(["day", "paid", "counts", "power", "net"]);
    let skipped = machine.days.len().saturating_sub(DAYS_SHOWN);
    for day in machine.days.iter().skip(skipped) {
        let date = time(day.start_ms.to());
        table.row([
            date.split('T').next().unwrap_or_default().to_owned(),
            brief(&day.gross),
            brief(&day.counted),
            brief(&day.power),
            brief(&day.net),
        ]);
    }
    print!("{table}");
}

/// What its holder can borrow, and why no more.
fn offered(machine: &IncomeMachine) {
    let (offer, unit) = (&machine.offer, &machine.asset.symbol);
    row(
        "you can",
        &format!("borrow {} {unit} today", offer.today.text),
    );
    row("", &format!("bound by {}", why_no_more(machine)));
    row(
        "later",
        &format!(
            "after {} at this use: {} {unit}, net of power ({} {unit} a day now, {} of {} days)",
            count(usize::from(offer.needed_days), "verified day"),
            offer.later.text,
            offer.net_per_day.text,
            offer.verified_days,
            offer.needed_days
        ),
    );
}

fn why_no_more(machine: &IncomeMachine) -> String {
    let (offer, unit) = (&machine.offer, &machine.asset.symbol);
    match offer.bound.as_str() {
        "too few verified days" => format!(
            "too few verified days: {} of {}",
            offer.verified_days, offer.needed_days
        ),
        "income" => format!(
            "what it earned: {} {unit} by income, {} by escrow, less what it owes",
            offer.by_income.text, offer.by_escrow.text
        ),
        "bond and fees" => format!(
            "what faking that income would have cost: {} {unit} of bond and fees, less what it owes",
            offer.by_bond_and_fees.text
        ),
        "idle units" => format!(
            "what lenders have that is not lent: {} {unit}",
            offer.by_market.text
        ),
        "first loss" => format!(
            "the first loss of its market: {} {unit}",
            offer.by_market.text
        ),
        "state of the machine" => {
            "the state of the machine: it must be live, in no open case, and its title free"
                .to_owned()
        }
        "paused" => "a pause of its market".to_owned(),
        "least loan" => "the least loan of its market".to_owned(),
        other => other.to_owned(),
    }
}

/// What it owes, and when.
fn owed(machine: &IncomeMachine, now_ms: u64) {
    let unit = &machine.asset.symbol;
    if machine.loans.is_empty() {
        row("owes", "nothing; its title is free");
        return;
    }
    row(
        "owes",
        &format!("{} {unit}, {} due now", machine.owed.text, machine.due.text),
    );
    for loan in &machine.loans {
        let next = match (loan.next_due_ms, &loan.next_payment) {
            (Some(at), Some(amount)) => {
                format!("next {} {unit} {}", amount.text, when(now_ms, at.to()))
            }
            _ => "all of it has fallen due".to_owned(),
        };
        row(
            "loan",
            &format!(
                "#{}: {} {unit} at {} a year, {next}",
                loan.loan_id.to::<u64>(),
                loan.owed.text,
                loan.rate_per_year.percent()
            ),
        );
    }
    if let Some(at) = machine.next_ms {
        let at = when(now_ms, at.to());
        match is_at_ease(machine) {
            true => row(
                "looked at",
                &format!("by the block {at}; nothing is due now"),
            ),
            false => row(
                "unless paid",
                &format!("the block takes the next step {at}"),
            ),
        }
    }
}

/// Whether the block comes to look alone: nothing is due, and no case is open.
fn is_at_ease(machine: &IncomeMachine) -> bool {
    let case = machine.case.as_ref();
    machine.due.amount.is_zero() && case.is_none_or(|case| case.closed_ms.is_some())
}

/// What a lender can take, and what not.
fn security(machine: &IncomeMachine) {
    let (stands, unit) = (&machine.security, &machine.asset.symbol);
    row(
        "lenders can",
        &format!(
            "take, in this order: its stream, {} {unit} kept, its title, its bond of {} {unit}",
            stands.reserved.text, stands.bond.text
        ),
    );
    row(
        "then lose",
        &format!(
            "{} {unit} from the first loss, {} {unit} from lenders, if all of that brought nothing but the bond",
            stands.first_loss.text, stands.lenders.text
        ),
    );
    row(
        "and never",
        "anything else: no wallet, no account, no other machine of its holder",
    );
}

async fn told(ask: &AskOptions) -> Result<(Value, IncomeMarkets)> {
    Ok(income_markets(&Node::new(&ask.rpc)?).await?)
}

async fn market(ask: &AskOptions) -> Result<()> {
    let (whole, told) = told(ask).await?;
    if ask.json {
        println!("{:#}", whole["markets"]);
        return Ok(());
    }
    if told.markets.is_empty() {
        println!("no market of machine loans is open here");
        return Ok(());
    }
    for (place, market) in told.markets.iter().enumerate() {
        if place > 0 {
            println!();
        }
        tell_market(market);
    }
    Ok(())
}

fn tell_market(market: &IncomeMarket) {
    let unit = &market.asset.symbol;
    row("market", &format!("#{} {unit}", market.asset.asset_id));
    let tranche = |owned: &Fixed, share| format!("{} {unit}, shares {share}", owned.text);
    row("lenders", &tranche(&market.lenders, market.lender_share));
    row(
        "first loss",
        &tranche(&market.first_loss, market.first_loss_share),
    );
    row("idle", &format!("{} {unit}", market.idle.text));
    row(
        "lent",
        &format!(
            "{} {unit} to {} at {} a year, in {} instalments of {}",
            market.lent.text,
            count(
                usize::try_from(market.debtors).unwrap_or(usize::MAX),
                "machine"
            ),
            market.rate_per_year.percent(),
            market.instalments,
            lasting(market.period_ms.to())
        ),
    );
    let coverage = match &market.coverage {
        None => "everything by bonds".to_owned(),
        Some(times) => format!(
            "{} {unit} by no bond, which the first loss covers {} times",
            market.uncovered.text, times.text
        ),
    };
    row("covered", &coverage);
    if let (Some(part), Some(machine)) = (&market.concentration, market.largest_machine) {
        row(
            "largest",
            &format!(
                "machine {}: {} {unit}, {} of it all",
                machine.to::<u64>(),
                market.largest.text,
                part.percent()
            ),
        );
    }
    row(
        "at risk",
        &format!("{} {unit} in open cases", market.at_risk.text),
    );
    row(
        "so far",
        &format!(
            "{} of interest; {} not cured: {} borne by the first loss, {} by lenders, {} came back",
            market.interest_paid.text,
            count(
                usize::try_from(market.defaults).unwrap_or(usize::MAX),
                "case"
            ),
            market.lost_first_loss.text,
            market.lost_lenders.text,
            market.recovered.text
        ),
    );
    if !market.paused.is_empty() {
        row("paused", &market.paused.join(", "));
    }
}

async fn cases(ask: &AskOptions) -> Result<()> {
    let (whole, told) = told(ask).await?;
    if ask.json {
        println!("{:#}", whole["cases"]);
        return Ok(());
    }
    if told.cases.is_empty() {
        println!("every machine that borrowed here has paid");
        return Ok(());
    }
    for (place, case) in told.cases.iter().enumerate() {
        if place > 0 {
            println!();
        }
        tell_case(case, told.time_ms.to());
    }
    Ok(())
}

fn tell_case(case: &IncomeCase, now_ms: u64) {
    let unit = &case.asset.symbol;
    row(
        "case",
        &format!(
            "{} of machine {}: {} since {}",
            case.case_id.to::<u64>(),
            case.machine_id.to::<u64>(),
            case.reason,
            time(case.opened_ms.to())
        ),
    );
    let stage = match (case.until_ms, case.closed_ms) {
        (_, Some(at)) => format!("{} at {}", case.stage, time(at.to())),
        (Some(until), None) => {
            format!("{}; the next step {}", case.stage, when(now_ms, until.to()))
        }
        (None, None) => case.stage.clone(),
    };
    row("stage", &stage);
    row(
        "owed",
        &format!(
            "{} {unit}, of it {} principal: {} paid, {} left",
            case.owed.text, case.principal.text, case.paid.text, case.left.text
        ),
    );
    for step in &case.steps {
        row(
            "",
            &format!("{} {unit} from {}", step.amount.text, step.tier),
        );
    }
    if !case.recovered.amount.is_zero() {
        row("came back", &format!("{} {unit}", case.recovered.text));
    }
}

/// A machine's book, of which there must be one to do something with it.
async fn book_of(node: &Node, number: u64) -> Result<IncomeMachine> {
    let (found, _) = income_of(node, number).await?;
    let (_, machine) = found.ok_or_else(|| {
        eyre!("machine {number} has earned nothing yet: its first paid job opens its book")
    })?;
    Ok(machine)
}

async fn borrow(signing: &Signing, number: u64, amount: &Amount) -> Result<()> {
    let node = Node::new(&signing.ask.rpc)?;
    let machine = book_of(&node, number).await?;
    let offered = machine.offer.today.amount;
    let signer = Signer::new(signing, node, machine.asset.asset_id).await?;
    let amount = match amount {
        // What can be borrowed falls with the machine's life: all of it would be too much in the next block.
        Amount::Max => offered - offered.div_ceil(U256::from(FALLS_DIVISOR)),
        amount => amount.resolve(signer.asset.decimals, offered)?,
    };
    if amount.is_zero() || amount > offered {
        bail!(
            "machine {number} can borrow {} today, bound by {}",
            signer.words(offered),
            why_no_more(&machine)
        );
    }
    let quote = preview_borrow(&signer.node, number, amount).await?;
    let period = lasting(u64::from(quote.periodS).saturating_mul(1_000));
    let rows = vec![
        ("borrow", signer.words(amount)),
        (
            "pay back",
            format!(
                "{} of interest, in {} instalments of {period}; the first is {} at {}",
                signer.words(quote.interest),
                quote.instalments,
                signer.words(quote.firstPayment),
                time(quote.firstDueMs)
            ),
        ),
        (
            "security",
            format!("the title and the income of machine {number}, until it is paid"),
        ),
    ];
    let stakes = Stakes::default();
    let stakes = stakes.amount(&signer.node, &signer.asset, amount, "are borrowed");
    let stakes = stakes.await;
    let call = borrow_on_income(number, amount);
    signer.carry_out(Vec::new(), call, rows, stakes).await
}

async fn repay(signing: &Signing, number: u64, amount: &Amount) -> Result<()> {
    let node = Node::new(&signing.ask.rpc)?;
    let machine = book_of(&node, number).await?;
    let owed = machine.owed.amount;
    let signer = Signer::new(signing, node, machine.asset.asset_id).await?;
    if owed.is_zero() {
        bail!("machine {number} owes nothing");
    }
    let has = balance(&signer.node, &signer.asset, signer.wallet).await?;
    let has = spendable(&signer.asset, has);
    // Interest runs until the block: all of it is the contract's to say, as far as the wallet allows.
    let is_all = *amount == Amount::Max;
    let amount = amount.resolve(signer.asset.decimals, owed)?.min(has);
    if amount.is_zero() {
        bail!("the wallet has {} to pay with", signer.words(has));
    }
    let rows = vec![
        (
            "pay",
            match is_all && amount >= owed {
                true => format!("all that is owed, {} now", signer.words(owed)),
                false => signer.words(amount),
            },
        ),
        ("owed", format!("{} now", signer.words(owed))),
    ];
    let approval = approval(&signer.node, &signer.asset, signer.wallet, ADDRESS, amount).await?;
    let stakes = Stakes::default();
    let stakes = stakes.amount(&signer.node, &signer.asset, amount.min(owed), "are paid");
    let stakes = stakes.await;
    let call = repay_income(number, amount);
    signer
        .carry_out(approval.into_iter().collect(), call, rows, stakes)
        .await
}

/// The market of an asset, and who signs.
async fn in_market<'a>(
    signing: &'a Signing,
    asset: &AssetName,
) -> Result<(Signer<'a>, IncomeMarket)> {
    let node = Node::new(&signing.ask.rpc)?;
    let asset = Assets::of(&node).await?.find(asset)?.clone();
    let (_, told) = income_markets(&node).await?;
    let mut markets = told.markets.into_iter();
    let market = markets
        .find(|market| market.asset.asset_id == asset.id)
        .ok_or_eyre(
            "no market of machine loans has this asset; `capstan income market` lists them",
        )?;
    Ok((Signer::new(signing, node, asset.id).await?, market))
}

async fn supply(
    signing: &Signing,
    into: TrancheArgs,
    amount: &Amount,
    asset: &AssetName,
) -> Result<()> {
    let (signer, market) = in_market(signing, asset).await?;
    let has = balance(&signer.node, &signer.asset, signer.wallet).await?;
    let has = spendable(&signer.asset, has);
    let amount = match amount {
        Amount::Max => has,
        amount => amount.resolve(signer.asset.decimals, has)?,
    };
    if amount.is_zero() || amount > has {
        let (wanted, has) = (signer.words(amount), signer.words(has));
        bail!("that would supply {wanted}, and the wallet has {has} to spend");
    }
    let (share, bears) = match into.tranche {
        Tranche::Lenders => (
            market.lender_share,
            format!(
                "a loss once the first loss of {} {} is spent",
                market.first_loss.text, market.asset.symbol
            ),
        ),
        Tranche::FirstLoss => (
            market.first_loss_share,
            "every loss first, and gets a part of all interest for it".to_owned(),
        ),
    };
    let rows = vec![
        ("supply", signer.words(amount)),
        ("bears", bears),
        (
            "leaves",
            "as far as units are not lent; machines pay back in instalments".to_owned(),
        ),
    ];
    let approval = approval(&signer.node, &signer.asset, signer.wallet, share, amount).await?;
    let stakes = Stakes::default();
    let stakes = stakes.amount(&signer.node, &signer.asset, amount, "are supplied");
    let stakes = stakes.await;
    let call = supply_income(share, amount, signer.wallet);
    signer
        .carry_out(approval.into_iter().collect(), call, rows, stakes)
        .await
}

async fn withdraw(
    signing: &Signing,
    from: TrancheArgs,
    amount: &Amount,
    asset: &AssetName,
) -> Result<()> {
    let (signer, market) = in_market(signing, asset).await?;
    let share = match from.tranche {
        Tranche::Lenders => market.lender_share,
        Tranche::FirstLoss => market.first_loss_share,
    };
    let call = IErc4626::maxWithdrawCall {
        owner: signer.wallet,
    };
    let most = signer.node.view(share, &call).await?;
    let amount = match amount {
        Amount::Max => most,
        amount => amount.resolve(signer.asset.decimals, most)?,
    };
    if amount.is_zero() || amount > most {
        bail!(
            "at most {} may leave now: the wallet's shares, and what is not lent",
            signer.words(most)
        );
    }
    let rows = vec![
        ("take out", signer.words(amount)),
        ("may leave", signer.words(most)),
    ];
    let call = withdraw_income(share, amount, signer.wallet);
    signer
        .carry_out(Vec::new(), call, rows, Stakes::default())
        .await
}

async fn bid(signing: &Signing, number: u64, most: Option<&Amount>) -> Result<()> {
    let node = Node::new(&signing.ask.rpc)?;
    let machine = book_of(&node, number).await?;
    let price = machine.title_price.as_ref();
    let price = price.ok_or_else(|| eyre!("the title of machine {number} is not for sale"))?;
    let signer = Signer::new(signing, node, machine.asset.asset_id).await?;
    let most = match most {
        None => price.amount,
        Some(Amount::Units(text)) => {
            Amount::Units(text.clone()).resolve(signer.asset.decimals, U256::ZERO)?
        }
        Some(_) => bail!("say how much is paid at most as a number"),
    };
    let rows = vec![
        (
            "buy",
            format!("the title of machine {number}, with its income from then on"),
        ),
        (
            "price",
            format!(
                "{} now, at most {}",
                signer.words(price.amount),
                decimal(most, signer.asset.decimals)
            ),
        ),
        (
            "bond",
            "may be short afterwards: then the machine is barred until it is filled up".to_owned(),
        ),
    ];
    let approval = approval(&signer.node, &signer.asset, signer.wallet, ADDRESS, most).await?;
    let stakes = Stakes::default();
    let stakes = stakes.amount(&signer.node, &signer.asset, most, "are paid at most");
    let stakes = stakes.await;
    let call = bid_for_title(number, most);
    signer
        .carry_out(approval.into_iter().collect(), call, rows, stakes)
        .await
}
