//! `capstan farm`: what is staked for which rewards, and what an account does there.

use alloy_primitives::I256;
use capstan_client::{AccountName, Farm, Fixed, Node, Standing, account, farms};
use eyre::{OptionExt as _, Result};
use serde_json::json;

use crate::{
    account::{FarmStep, in_farm, owner},
    args::FarmCommand,
    block_on,
    table::Table,
    words::{lasting, time},
};

/// Digits behind the point that people see.
const PLACES: u8 = 6;
/// A hundredth of a dollar, in parts of 10^-18.
const CENT_WEI: u64 = 10_000_000_000_000_000;
const DAYS_PER_YEAR: u64 = 365;
/// A whole, in hundredths of a percent.
const WHOLE_BPS: u64 = 10_000;

pub(crate) fn run(command: &FarmCommand) -> Result<()> {
    block_on(async {
        match command {
            FarmCommand::List(ask) => list(&Node::new(&ask.rpc)?, ask.json).await,
            FarmCommand::Show {
                ask,
                signer,
                index,
                farm,
                owner: stated,
            } => {
                let name = AccountName {
                    owner: owner(signer, *stated)?,
                    index: *index,
                };
                show(&Node::new(&ask.rpc)?, *farm, name, ask.json).await
            }
            FarmCommand::Stake { act, farm, amount } => {
                in_farm(act, FarmStep::Stake(*farm, amount.clone())).await
            }
            FarmCommand::Unstake { act, farm, amount } => {
                in_farm(act, FarmStep::Unstake(*farm, amount.clone())).await
            }
            FarmCommand::Claim { act, farm } => in_farm(act, FarmStep::Claim(*farm)).await,
            FarmCommand::Compound { act, farm, swap } => {
                in_farm(act, FarmStep::Compound(*farm, *swap)).await
            }
            FarmCommand::Enter {
                act,
                farm,
                own,
                borrow,
                swap,
            } => {
                let step = FarmStep::Enter {
                    farm: *farm,
                    own: own.clone(),
                    borrow: borrow.clone(),
                    slippage: *swap,
                };
                in_farm(act, step).await
            }
            FarmCommand::Leave { act, farm, swap } => {
                in_farm(act, FarmStep::Leave(*farm, *swap)).await
            }
        }
    })
}

async fn list(node: &Node, is_json: bool) -> Result<()> {
    let all = farms(node, None).await?;
    if is_json {
        let whole: Vec<_> = all.iter().map(|(whole, _)| whole).collect();
        println!("{}", serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    if all.is_empty() {
        println!("there are no farms");
        return Ok(());
    }
    let mut table = Table::new(["farm", "stake", "rewards", "staked USD", "a year"]);
    for (_, farm) in &all {
        let rewards: Vec<_> = farm.rewards.iter().map(|of| of.symbol.as_str()).collect();
        table.row([
            farm.farm_id.to_string(),
            staked_thing(farm),
            rewards.join(" "),
            or_unknown(farm.staked_value.as_ref().map(|value| value.near(2))),
            or_unknown(farm.rate_per_year.as_ref().map(|rate| rate.percent())),
        ]);
    }
    print!("{table}");
    Ok(())
}

fn staked_thing(farm: &Farm) -> String {
    match (&farm.asset, farm.pool_id) {
        (Some(asset), _) => asset.symbol.clone(),
        (None, Some(pool)) => format!("shares of pool {pool}"),
        (None, None) => "?".to_owned(),
    }
}

fn or_unknown(text: Option<String>) -> String {
    text.unwrap_or_else(|| "?".to_owned())
}

async fn show(node: &Node, number: u32, name: AccountName, is_json: bool) -> Result<()> {
    let all = farms(node, Some(name)).await?;
    let mut found = all.into_iter().filter(|(_, farm)| farm.farm_id == number);
    let (whole, farm) = found.next().ok_or_eyre(format!(
        "there is no farm {number}; `capstan farm list` names those there are"
    ))?;
    let (account_whole, state) = account(node, name).await?;
    if is_json {
        println!("{:#}", json!({"farm": whole, "account": account_whole}));
        return Ok(());
    }
    let row = |name: &str, value: String| println!("{name:<10}{value}");
    row("farm", format!("#{number} of {}", staked_thing(&farm)));
    row(
        "staked",
        format!(
            "{}, worth {} USD",
            farm.staked.near(PLACES),
            or_unknown(farm.staked_value.as_ref().map(|value| value.near(2)))
        ),
    );
    for reward in &farm.rewards {
        let time = lasting(reward.left_ms.to());
        row(
            "flows",
            format!(
                "{} {} within {time}",
                reward.left.near(PLACES),
                reward.symbol
            ),
        );
    }
    row(
        "a year",
        or_unknown(farm.rate_per_year.as_ref().map(|rate| rate.percent())),
    );
    if farm.is_fed {
        row(
            "fees",
            "the protocol's part of the pool's fees flows here".to_owned(),
        );
    }
    if let Some(boost) = &farm.boost {
        row(
            "lock",
            format!(
                "one {} lifts {} of the stake",
                boost.symbol, boost.lift.text
            ),
        );
    }
    own(&farm, &state.standing);
    Ok(())
}

fn own(farm: &Farm, standing: &Standing) {
    let row = |name: &str, value: String| println!("{name:<10}{value}");
    let Some(own) = farm.own.as_ref().filter(|own| {
        !own.amount.amount.is_zero() || own.due.iter().any(|due| !due.amount.is_zero())
    }) else {
        row("own", "nothing".to_owned());
        return;
    };
    let value = or_unknown(own.value.as_ref().map(|value| value.near(2)));
    row(
        "own",
        format!("{}, worth {value} USD", own.amount.near(PLACES)),
    );
    if let (Some(locked), Some(until_ms)) = (&own.locked, own.locked_until_ms) {
        row(
            "locked",
            format!("{} until {}", locked.near(PLACES), time(until_ms.to())),
        );
    }
    for (due, reward) in own.due.iter().zip(&farm.rewards) {
        row("due", format!("{} {}", due.near(PLACES), reward.symbol));
    }
    let mut pieces = standing.pieces.iter().flatten();
    let piece = pieces
        .find(|piece| piece.kind == "stake" && piece.id.to::<u64>() == u64::from(farm.farm_id));
    if let Some(piece) = piece {
        row(
            "held",
            format!(
                "what was put in would be worth {} USD, the stake is worth {} USD: {} by the move of prices, swap fees counted in",
                piece.if_held.near(2),
                piece.value.near(2),
                cents(signed(&piece.value).saturating_sub(signed(&piece.if_held)))
            ),
        );
    }
    let (Some(earns), Some(report)) = (&own.per_year_value, &standing.report) else {
        return;
    };
    let costs = signed(&report.cost_per_day).saturating_mul(whole(DAYS_PER_YEAR));
    let net = signed(earns).saturating_sub(costs);
    row(
        "earns",
        format!("{} USD a year at this speed", earns.near(2)),
    );
    row(
        "costs",
        format!("{} USD a year for the account's debts", cents(costs)),
    );
    let equity = signed(&report.collateral).saturating_sub(signed(&report.debt));
    let rate = if equity.is_positive() {
        let bps = net.saturating_mul(whole(WHOLE_BPS)) / equity;
        format!(", {} % of what is the account's own", hundredths(bps))
    } else {
        String::new()
    };
    row(
        "net",
        format!(
            "{} USD a year{rate}; swap fees come on top, and prices move it either way",
            cents(net)
        ),
    );
}

/// A value in dollars, with a sign.
fn signed(value: &Fixed) -> I256 {
    I256::try_from(value.amount).unwrap_or(I256::MAX)
}

fn whole(number: u64) -> I256 {
    I256::try_from(number).unwrap_or(I256::MAX)
}

/// Dollars and cents of a value.
fn cents(value: I256) -> String {
    hundredths(value / whole(CENT_WEI))
}

fn hundredths(value: I256) -> String {
    let sign = if value.is_negative() { "-" } else { "" };
    format!("{sign}{}", capstan_units::decimal(value.unsigned_abs(), 2))
}
