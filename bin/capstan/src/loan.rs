//! `capstan loan`: who lends what at fixed terms, what an account owes by them, and what somebody is owed.
//!
//! ```text
//!   offer, cancel, hand-over   calls of a wallet         shown as deeds
//!   take, repay                verbs of the account      shown as batches, since its health is at stake
//! ```

use alloy_primitives::U256;
use capstan_client::{
    AccountName, Amount, Asked, Asset, AssetName, Assets, Node, Wish, account, cancel_loan_offer,
    claims_of, hand_over_claim, loan, loan_offer, loan_offers, loan_payments, loan_plan, loans_of,
    made_loan_offer, offer_loan,
};
use capstan_contracts::term::{
    ADDRESS,
    ITerm::{Instalment, Loan, Offer, OfferTerms},
};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    account::{Step, balance, one, owner},
    amounts::{of, sized, told},
    args::{ActOptions, Amortisation, LoanCommand, OfferOptions, Receiver},
    block_on,
    consent::Stakes,
    deed::{Deed, approval},
    swap::spendable,
    table::Table,
    words::{lasting, percent, time},
};

/// A whole, in hundredths of a percent.
const WHOLE_BPS: u64 = 10_000;
/// Interest until the block: so many parts of a debt, at least one unit, are brought on top.
const GROWTH_DIVISOR: u64 = 10_000;
const MS_PER_S: u64 = 1_000;

pub(crate) fn run(command: &LoanCommand) -> Result<()> {
    block_on(async {
        match command {
            LoanCommand::Offers(ask) => offers(&Node::new(&ask.rpc)?, ask.json).await,
            LoanCommand::List {
                ask,
                signer,
                index,
                owner: stated,
            } => {
                let name = AccountName {
                    owner: owner(signer, *stated)?,
                    index: *index,
                };
                list(&Node::new(&ask.rpc)?, name, ask.json).await
            }
            LoanCommand::Show { ask, loan } => show(&Node::new(&ask.rpc)?, *loan, ask.json).await,
            LoanCommand::Offer(options) => offer(options).await,
            LoanCommand::Take {
                act,
                offer,
                amount,
                keep,
            } => take(act, *offer, amount, *keep).await,
            LoanCommand::Repay { act, loan, amount } => repay(act, *loan, amount).await,
            LoanCommand::Cancel { act, offer } => cancel(act, *offer).await,
            LoanCommand::HandOver { act, loan, to } => hand_over(act, *loan, *to).await,
        }
    })
}

async fn offers(node: &Node, is_json: bool) -> Result<()> {
    let assets = Assets::of(node).await?;
    let now_ms = node.head_time_ms().await?;
    let mut all = loan_offers(node).await?;
    all.sort_by_key(|offer| (offer.terms.assetId, offer.terms.rateBps, offer.id));
    if is_json {
        let told: Vec<_> = all.iter().map(offer_told).collect();
        println!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    if all.is_empty() {
        println!("nobody offers a loan at fixed terms; `capstan loan offer` makes the first offer");
        return Ok(());
    }
    let mut table = Table::new(["offer", "left", "a year", "paid back", "stands for"]);
    for offer in &all {
        let asset = of(&assets, offer.terms.assetId)?;
        let left_ms = offer.terms.expiresMs.saturating_sub(now_ms);
        table.row([
            offer.id.to_string(),
            told(asset, offer.left),
            percent(offer.terms.rateBps),
            format!(
                "{} in {}",
                offer.terms.instalments,
                lasting(length_ms(&offer.terms))
            ),
            match left_ms {
                0 => "expired".to_owned(),
                left => lasting(left - left % (60 * MS_PER_S)),
            },
        ]);
    }
    print!("{table}");
    Ok(())
}

async fn list(node: &Node, name: AccountName, is_json: bool) -> Result<()> {
    let assets = Assets::of(node).await?;
    let owes = loans_of(node, name).await?;
    let owed = claims_of(node, name.owner).await?;
    if is_json {
        let told = |all: &[Loan]| -> Vec<Value> { all.iter().map(loan_told).collect() };
        println!("{:#}", json!({"owes": told(&owes), "isOwed": told(&owed)}));
        return Ok(());
    }
    if owes.is_empty() && owed.is_empty() {
        println!("no loans at fixed terms; `capstan loan offers` shows what can be borrowed");
        return Ok(());
    }
    let mut table = Table::new(["loan", "side", "owed", "due now", "a year", "standing"]);
    let sides = [("owes", &owes), ("is owed", &owed)];
    for (side, loan) in sides
        .iter()
        .flat_map(|(side, all)| all.iter().map(move |loan| (side, loan)))
    {
        let asset = of(&assets, loan.assetId)?;
        table.row([
            loan.id.to_string(),
            (*side).to_owned(),
            told(asset, loan.owed),
            told(asset, loan.due),
            percent(loan.rateBps),
            standing(loan).to_owned(),
        ]);
    }
    print!("{table}");
    Ok(())
}

async fn show(node: &Node, id: u64, is_json: bool) -> Result<()> {
    let found = found(node, id).await?;
    let payments = loan_payments(node, id).await?;
    if is_json {
        let payments: Vec<_> = payments.iter().map(payment_told).collect();
        println!(
            "{:#}",
            json!({"loan": loan_told(&found), "payments": payments})
        );
        return Ok(());
    }
    let assets = Assets::of(node).await?;
    let asset = of(&assets, found.assetId)?;
    let offer = loan_offer(node, found.offer).await?;
    let terms = offer.ok_or_eyre("a loan of no offer")?.terms;
    let row = |name: &str, value: String| println!("{name:<10}{value}");
    row(
        "loan",
        format!("{id}, {}, by offer {}", standing(&found), found.offer),
    );
    row(
        "borrower",
        format!("account {} of {}", found.borrowerIndex, found.borrower),
    );
    row(
        "lender",
        format!("account {} of {}", found.lenderIndex, found.lender),
    );
    row(
        "owed",
        format!(
            "{} of {} taken on {}",
            told(asset, found.owed),
            told(asset, found.principal),
            time(found.startMs)
        ),
    );
    for (name, value) in terms_in_words(&terms) {
        row(name, value);
    }
    if !found.due.is_zero() {
        row("due now", told(asset, found.due));
    }
    if !found.late.is_zero() {
        row("late fees", told(asset, found.late));
    }
    row(
        "default",
        match found.inDefault {
            true => "collateral is on offer for it".to_owned(),
            false => format!("{} if nobody pays", time(found.defaultMs)),
        },
    );
    print!("{}", payments_table(asset, &payments));
    Ok(())
}

fn payments_table(asset: &Asset, payments: &[Instalment]) -> Table {
    let mut table = Table::new(["due", "principal", "interest", "then owed"]);
    for payment in payments {
        let cell = |amount| decimal(amount, asset.decimals);
        table.row([
            time(payment.dueMs),
            cell(payment.principal),
            cell(payment.interest),
            cell(payment.balance),
        ]);
    }
    table
}

async fn offer(options: &OfferOptions) -> Result<()> {
    let signing = &options.act.signing;
    let node = Node::new(&signing.ask.rpc)?;
    let wallet = owner(&signing.signer, None)?;
    let assets = Assets::of(&node).await?;
    let asset = assets.find(&options.amount.asset)?.clone();
    let there_is = spendable(&asset, balance(&node, &asset, wallet).await?);
    let amount = sized(&options.amount.amount, &asset, there_is)?;
    let least = match &options.least {
        None => U256::from(1),
        Some(least) => sized(least, &asset, amount)?,
    };
    let now_ms = node.head_time_ms().await?;
    let terms = OfferTerms {
        assetId: asset.id,
        rateBps: options.rate,
        instalments: options.instalments,
        periodS: seconds(options.every)?,
        amortisation: ways_back(options.by).0,
        graceS: seconds(options.grace)?,
        lateBps: options.late,
        earlyFeeBps: u16::try_from(options.early)?,
        defaultS: seconds(options.default_after)?,
        least,
        expiresMs: now_ms
            .saturating_add(u64::from(seconds(options.lasts)?).saturating_mul(MS_PER_S)),
    };
    // Terms out of range are refused here, in words, before anything is shown.
    let payments = loan_plan(&node, terms.clone(), amount).await?;
    let mut rows = vec![("lend", told(&asset, amount))];
    rows.extend(terms_in_words(&terms));
    rows.push((
        "until",
        format!(
            "{}; what nobody took comes back by `capstan loan cancel`",
            time(terms.expiresMs)
        ),
    ));
    rows.push(("brings", payments_in_words(&asset, &payments)));
    rows.push(("to", format!("account {} of {wallet}", options.act.index)));
    let call = offer_loan(terms.clone(), amount, options.act.index);
    let deed = Deed {
        approvals: approval(&node, &asset, wallet, ADDRESS, amount)
            .await?
            .into_iter()
            .collect(),
        wallet,
        rows,
        stakes: Stakes::default()
            .amount(&node, &asset, amount, "would be lent")
            .await,
        told: json!({"amount": decimal(amount, asset.decimals), "terms": terms_told(&terms), "to": call.to, "input": call.input}),
        call,
        node,
    };
    let Some(sent) = deed.carry_out(signing).await? else {
        return Ok(());
    };
    let id = made_loan_offer(&deed.node, sent.hash).await?;
    let id = id.ok_or_eyre("the transaction was mined and says of no offer")?;
    if signing.ask.json {
        println!(
            "{:#}",
            json!({"transaction": sent.to_json(), "offer": deed.told, "id": id})
        );
        return Ok(());
    }
    println!("{sent}");
    println!(
        "offer {id} stands: `capstan loan offers` shows it, `capstan loan cancel {id}` ends it"
    );
    Ok(())
}

/// What all payments come to, if the whole offer were taken now.
fn payments_in_words(asset: &Asset, payments: &[Instalment]) -> String {
    let sum = |part: fn(&Instalment) -> U256| {
        let parts = payments.iter().map(part);
        parts.fold(U256::ZERO, U256::saturating_add)
    };
    let interest = sum(|payment| payment.interest);
    let first = payments.first().map_or(U256::ZERO, |payment| {
        payment.principal.saturating_add(payment.interest)
    });
    format!(
        "{} of interest if all of it is taken now; the first payment is {}",
        told(asset, interest),
        told(asset, first)
    )
}

async fn take(act: &ActOptions, id: u64, amount: &Amount, keep: bool) -> Result<()> {
    let node = Node::new(&act.signing.ask.rpc)?;
    let found = loan_offer(&node, id)
        .await?
        .filter(|offer| !offer.left.is_zero());
    let offer = found.ok_or_eyre(format!(
        "there is nothing to take of offer {id}; `capstan loan offers` shows those that stand"
    ))?;
    let assets = Assets::of(&node).await?;
    let asset = of(&assets, offer.terms.assetId)?;
    let amount = sized(amount, asset, offer.left)?;
    if !act.signing.ask.json {
        println!("offer     {id} of {}", offer.lender);
        for (name, value) in terms_in_words(&offer.terms) {
            println!("{name:<10}{value}");
        }
        let payments = loan_plan(&node, offer.terms.clone(), amount).await?;
        print!("{}", payments_table(asset, &payments));
        println!();
    }
    let exactly = exactly(asset, amount);
    let mut steps = vec![Step::Move(Wish::TakeLoan { offer: id }, exactly.clone())];
    if !keep {
        let to = owner(&act.signing.signer, None)?;
        steps.push(Step::Move(Wish::Withdraw { to }, exactly));
    }
    one(act, steps).await
}

async fn repay(act: &ActOptions, id: u64, amount: &Amount) -> Result<()> {
    let node = Node::new(&act.signing.ask.rpc)?;
    let found = found(&node, id).await?;
    let name = AccountName {
        owner: owner(&act.signing.signer, None)?,
        index: act.index,
    };
    ensure!(
        (found.borrower, found.borrowerIndex) == (name.owner, name.index),
        "loan {id} is owed by account {} of {}: pay it as that account",
        found.borrowerIndex,
        found.borrower
    );
    let assets = Assets::of(&node).await?;
    let asset = of(&assets, found.assetId)?;
    let (_, state) = account(&node, name).await?;
    let units = state
        .standing
        .holding(asset.id)
        .map_or(U256::ZERO, |held| held.units.amount);
    let ends = bring_to_end(&node, &found).await?;
    let (paid, wanted) = match amount {
        Amount::Max => (Amount::Max, ends),
        amount => {
            let amount = sized(amount, asset, ends)?;
            (Amount::Units(decimal(amount, asset.decimals)), amount)
        }
    };
    let mut steps = Vec::new();
    let lacking = wanted.saturating_sub(units);
    if !lacking.is_zero() {
        steps.push(Step::Move(Wish::Deposit, exactly(asset, lacking)));
    }
    let asset = AssetName::Number(asset.id);
    steps.push(Step::Move(
        Wish::RepayLoan { loan: id },
        Asked {
            amount: paid,
            asset,
        },
    ));
    one(act, steps).await
}

/// What ends a loan, rounded up, with what grows until the block.
async fn bring_to_end(node: &Node, loan: &Loan) -> Result<U256> {
    let offer = loan_offer(node, loan.offer).await?;
    let fee_bps = offer.ok_or_eyre("a loan of no offer")?.terms.earlyFeeBps;
    let fee = loan
        .balance
        .saturating_mul(U256::from(fee_bps))
        .div_ceil(U256::from(WHOLE_BPS));
    let ends = loan.owed.saturating_add(fee);
    let growth = ends / U256::from(GROWTH_DIVISOR) + U256::from(1);
    Ok(ends.saturating_add(growth))
}

async fn cancel(act: &ActOptions, id: u64) -> Result<()> {
    let node = Node::new(&act.signing.ask.rpc)?;
    let offer = loan_offer(&node, id).await?;
    let offer = offer.ok_or_eyre(format!("nobody ever made an offer {id}"))?;
    let assets = Assets::of(&node).await?;
    let left = told(of(&assets, offer.terms.assetId)?, offer.left);
    let rows = vec![
        ("offer", id.to_string()),
        (
            "back",
            format!(
                "{left}, to account {} of {}",
                offer.lenderIndex, offer.lender
            ),
        ),
    ];
    let done = format!(
        "offer {id} is gone; {left} are on account {}",
        offer.lenderIndex
    );
    let deed = Deed {
        node,
        wallet: owner(&act.signing.signer, None)?,
        approvals: Vec::new(),
        call: cancel_loan_offer(id),
        rows,
        stakes: Stakes::default(),
        told: json!({"offer": id}),
    };
    deed.finish(&act.signing, &done).await
}

async fn hand_over(act: &ActOptions, id: u64, to: Receiver) -> Result<()> {
    let node = Node::new(&act.signing.ask.rpc)?;
    let found = found(&node, id).await?;
    let assets = Assets::of(&node).await?;
    let asset = of(&assets, found.assetId)?;
    let receiver = AccountName {
        owner: to.to,
        index: to.to_index,
    };
    let rows = vec![
        (
            "claim",
            format!("on loan {id}: {} are owed", told(asset, found.owed)),
        ),
        ("to", format!("account {} of {}", to.to_index, to.to)),
    ];
    let stakes = Stakes::default().receiver(to.to);
    let stakes = stakes
        .amount(&node, asset, found.owed, "would be somebody else's")
        .await;
    let done = format!(
        "what is paid on loan {id} goes to account {} of {} from now on",
        to.to_index, to.to
    );
    let deed = Deed {
        node,
        wallet: owner(&act.signing.signer, None)?,
        approvals: Vec::new(),
        call: hand_over_claim(id, receiver),
        rows,
        stakes,
        told: json!({"loan": id, "to": to.to, "index": to.to_index}),
    };
    deed.finish(&act.signing, &done).await
}

async fn found(node: &Node, id: u64) -> Result<Loan> {
    let found = loan(node, id).await?;
    found.ok_or_eyre(format!(
        "nothing is owed on a loan {id}; `capstan loan list` shows those of a wallet"
    ))
}

fn exactly(asset: &Asset, amount: U256) -> Asked {
    Asked {
        amount: Amount::Units(decimal(amount, asset.decimals)),
        asset: AssetName::Number(asset.id),
    }
}

fn seconds(time: humantime::Duration) -> Result<u32> {
    u32::try_from(time.as_secs()).map_err(|_| eyre::eyre!("{time} is longer than any loan"))
}

/// From the first day to the last payment.
fn length_ms(terms: &OfferTerms) -> u64 {
    u64::from(terms.periodS)
        .saturating_mul(MS_PER_S)
        .saturating_mul(terms.instalments.into())
}

/// The contract's number of a way to pay back, and its words.
const fn ways_back(by: Amortisation) -> (u8, &'static str) {
    match by {
        Amortisation::Principal => (0, "equal parts of the principal"),
        Amortisation::Annuity => (1, "equal payments"),
        Amortisation::Bullet => (2, "all of it at the end"),
    }
}

fn terms_in_words(terms: &OfferTerms) -> Vec<(&'static str, String)> {
    let every = lasting(u64::from(terms.periodS).saturating_mul(MS_PER_S));
    let ways = [
        Amortisation::Principal,
        Amortisation::Annuity,
        Amortisation::Bullet,
    ]
    .map(ways_back);
    let way = ways
        .iter()
        .find(|(number, _)| *number == terms.amortisation);
    let way = way.map_or("in another way", |(_, words)| words);
    let in_s = |seconds: u32| lasting(u64::from(seconds).saturating_mul(MS_PER_S));
    vec![
        ("costs", format!("{} a year", percent(terms.rateBps))),
        (
            "back in",
            match terms.instalments {
                1 => format!("one payment after {every}"),
                many => format!("{many} payments, one every {every}: {way}"),
            },
        ),
        (
            "late",
            format!(
                "{} a year on top after {} of grace; collateral is sold for what is unpaid {} after it fell due",
                percent(terms.lateBps),
                in_s(terms.graceS),
                in_s(terms.defaultS)
            ),
        ),
        (
            "early",
            match terms.earlyFeeBps {
                0 => "without a fee".to_owned(),
                fee => format!("costs {} of what is paid early", percent(fee)),
            },
        ),
    ]
}

/// How a loan stands, in a word or two.
fn standing(loan: &Loan) -> &'static str {
    if loan.inDefault {
        "in default"
    } else if !loan.overdue.is_zero() {
        "late"
    } else if !loan.due.is_zero() {
        "due now"
    } else {
        "on schedule"
    }
}

fn offer_told(offer: &Offer) -> Value {
    json!({
        "id": offer.id,
        "lender": offer.lender,
        "lenderIndex": offer.lenderIndex,
        "left": offer.left,
        "terms": terms_told(&offer.terms),
    })
}

fn terms_told(terms: &OfferTerms) -> Value {
    json!({
        "assetId": terms.assetId,
        "rateBps": terms.rateBps,
        "instalments": terms.instalments,
        "periodS": terms.periodS,
        "amortisation": terms.amortisation,
        "graceS": terms.graceS,
        "lateBps": terms.lateBps,
        "earlyFeeBps": terms.earlyFeeBps,
        "defaultS": terms.defaultS,
        "least": terms.least,
        "expiresMs": terms.expiresMs,
    })
}

fn loan_told(loan: &Loan) -> Value {
    json!({
        "id": loan.id,
        "offer": loan.offer,
        "lender": loan.lender,
        "lenderIndex": loan.lenderIndex,
        "borrower": loan.borrower,
        "borrowerIndex": loan.borrowerIndex,
        "assetId": loan.assetId,
        "rateBps": loan.rateBps,
        "principal": loan.principal,
        "startMs": loan.startMs,
        "paymentsDone": loan.done,
        "owed": loan.owed,
        "balance": loan.balance,
        "accrued": loan.accrued,
        "due": loan.due,
        "overdue": loan.overdue,
        "lateFees": loan.late,
        "defaultMs": loan.defaultMs,
        "inDefault": loan.inDefault,
    })
}

fn payment_told(payment: &Instalment) -> Value {
    json!({
        "dueMs": payment.dueMs,
        "principal": payment.principal,
        "interest": payment.interest,
        "balance": payment.balance,
    })
}
