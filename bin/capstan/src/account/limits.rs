//! `capstan account limits`: what an owner forbids himself, shown before it is signed.

use alloy_sol_types::SolCall as _;
use capstan_client::{AccountName, Call, ClientError, Node, send};
use capstan_contracts::account::{
    ADDRESS as ACCOUNT,
    IAccount::{self, AccountRef, DayOfLoss, OwnLimits},
    NOTICE_MS,
};
use capstan_units::decimal_down;
use eyre::{Result, WrapErr as _, bail};
use serde_json::{Value, json};

use super::owner;
use crate::{
    args::{ActOptions, LimitArgs},
    consent::{self, Stakes},
    deed::tried,
    words::{lasting, time, when},
};

/// Decimals of dollars here, and how many of them people want to see.
const DOLLAR_DECIMALS: u8 = 18;
const DOLLAR_PLACES: u8 = 2;
const WHOLE_BPS: u32 = 10_000;

/// What is in force, what follows, and how the day stands.
struct Told {
    now_ms: u64,
    now: OwnLimits,
    next: OwnLimits,
    from_ms: u64,
    /// None while a price that it needs is unusable.
    day: Option<DayOfLoss>,
}

impl Told {
    async fn of(node: &Node, name: AccountName) -> Result<Self> {
        let account = || AccountRef {
            owner: name.owner,
            index: name.index,
        };
        let asked = IAccount::limitsOfCall { account: account() };
        let limits = node.view(ACCOUNT, &asked).await?;
        let asked = IAccount::dayOfCall { account: account() };
        let day = match node.view(ACCOUNT, &asked).await {
            Ok(day) => Some(day),
            Err(ClientError::Reverted(_)) => None,
            Err(other) => return Err(other.into()),
        };
        Ok(Self {
            now_ms: node.head_time_ms().await?,
            now: limits.now,
            next: limits.next,
            from_ms: limits.fromMs,
            day,
        })
    }

    fn to_json(&self) -> Value {
        let limits = |limits: &OwnLimits| {
            json!({
                "leverageMaxBps": limits.leverageMaxBps,
                "dailyLossMaxUsd": limits.dailyLossMaxUsd,
                "coolingOffS": limits.coolingOffS,
            })
        };
        let day = self.day.as_ref().filter(|day| day.endsMs != 0).map(|day| {
            json!({
                "beganMs": day.beganMs,
                "endsMs": day.endsMs,
                "loss": day.loss.to_string(),
                "lossMax": day.lossMax.to_string(),
                "coolingOff": day.coolingOff,
            })
        });
        json!({
            "now": limits(&self.now),
            "next": limits(&self.next),
            "fromMs": self.from_ms,
            "day": day,
        })
    }

    fn show(&self) {
        let row = |name: &str, text: String| println!("{name:<15}{text}");
        let with_next = |now: String, next: String| {
            if now == next || self.from_ms <= self.now_ms {
                now
            } else {
                format!("{now}; {next} {}", when(self.now_ms, self.from_ms))
            }
        };
        row(
            "leverage",
            with_next(
                leverage(self.now.leverageMaxBps),
                leverage(self.next.leverageMaxBps),
            ),
        );
        row(
            "loss of a day",
            with_next(
                loss(self.now.dailyLossMaxUsd),
                loss(self.next.dailyLossMaxUsd),
            ),
        );
        row(
            "cooling off",
            with_next(
                cooling(self.now.coolingOffS),
                cooling(self.next.coolingOffS),
            ),
        );
        if self.now.dailyLossMaxUsd != 0 {
            row("today", today(self.day.as_ref()));
        }
    }
}

fn leverage(bps: u32) -> String {
    match bps {
        0 => "any".to_owned(),
        bps => format!(
            "at most {}x",
            capstan_units::decimal(bps.try_into().unwrap_or_default(), 4)
        ),
    }
}

fn loss(usd: u32) -> String {
    match usd {
        0 => "any".to_owned(),
        usd => format!("at most {usd} USD"),
    }
}

fn cooling(s: u32) -> String {
    match s {
        0 => "none".to_owned(),
        s => lasting(u64::from(s) * 1_000),
    }
}

/// How the day stands.
fn today(day: Option<&DayOfLoss>) -> String {
    let Some(day) = day else {
        return "not known: a price is not usable now".to_owned();
    };
    let (sign, value) = day.loss.into_sign_and_abs();
    let value = decimal_down(value, DOLLAR_DECIMALS, DOLLAR_PLACES);
    let result = if sign.is_negative() {
        format!("{value} USD won")
    } else {
        format!("{value} USD lost")
    };
    let until = time(day.endsMs);
    if day.coolingOff {
        format!("{result}; COOLING OFF: no new risk until {until}")
    } else {
        format!("{result}; the day ends {until}")
    }
}

/// What is wished, where what is not named stays.
fn wished(args: &LimitArgs, stays: &OwnLimits) -> Result<OwnLimits> {
    let leverage = match args.leverage.as_deref() {
        None => stays.leverageMaxBps,
        Some("none") => 0,
        Some(text) => {
            let bps = capstan_units::parse_decimal(text.trim_end_matches('x'), 4);
            let bps = bps.wrap_err_with(|| format!("--leverage {text}"))?;
            match u32::try_from(bps) {
                Ok(bps) if bps >= WHOLE_BPS => bps,
                _ => bail!("--leverage {text}: write 3, 1.5 or none; 1 is without debt"),
            }
        }
    };
    let loss = match args.daily_loss.as_deref() {
        None => stays.dailyLossMaxUsd,
        Some("none") => 0,
        Some(text) => {
            let usd = capstan_units::parse_decimal(text, 0);
            let usd = usd.wrap_err_with(|| format!("--daily-loss {text}"))?;
            match u32::try_from(usd) {
                Ok(usd) if usd > 0 => usd,
                _ => bail!("--daily-loss {text}: write whole dollars, or none"),
            }
        }
    };
    let cooling = match args.cooling_off {
        None => stays.coolingOffS,
        Some(time) => u32::try_from(time.as_secs()).unwrap_or(u32::MAX),
    };
    Ok(OwnLimits {
        leverageMaxBps: leverage,
        dailyLossMaxUsd: loss,
        coolingOffS: cooling,
    })
}

/// One line per limit that changes. Tighter counts at once, looser after a day (ACC-11).
fn effect(told: &Told, wish: &OwnLimits) -> Vec<String> {
    let later = match &told.day {
        Some(day) if day.coolingOff => day.endsMs.max(told.now_ms.saturating_add(NOTICE_MS)),
        _ => told.now_ms.saturating_add(NOTICE_MS),
    };
    let less = |now: u32, then: u32| now == 0 || (then != 0 && then <= now);
    let line = |name: &str, now: String, then: String, is_tighter: bool| {
        let at_ms = if is_tighter { told.now_ms } else { later };
        format!("{name}: {now} -> {then}, {}", when(told.now_ms, at_ms))
    };
    let (now, mut lines) = (&told.now, Vec::new());
    if now.leverageMaxBps != wish.leverageMaxBps {
        lines.push(line(
            "leverage",
            leverage(now.leverageMaxBps),
            leverage(wish.leverageMaxBps),
            less(now.leverageMaxBps, wish.leverageMaxBps),
        ));
    }
    if now.dailyLossMaxUsd != wish.dailyLossMaxUsd {
        lines.push(line(
            "loss of a day",
            loss(now.dailyLossMaxUsd),
            loss(wish.dailyLossMaxUsd),
            less(now.dailyLossMaxUsd, wish.dailyLossMaxUsd),
        ));
    }
    if now.coolingOffS != wish.coolingOffS {
        lines.push(line(
            "cooling off",
            cooling(now.coolingOffS),
            cooling(wish.coolingOffS),
            wish.coolingOffS >= now.coolingOffS,
        ));
    }
    lines
}

/// Shows limits, or sets those that are named.
pub(super) async fn run(act: &ActOptions, args: &LimitArgs) -> Result<()> {
    let node = Node::new(&act.signing.ask.rpc)?;
    let name = AccountName {
        owner: owner(&act.signing.signer, None)?,
        index: act.index,
    };
    let told = Told::of(&node, name).await?;
    if !args.sets() {
        if act.signing.ask.json {
            println!("{:#}", told.to_json());
        } else {
            println!("account {} of {}", name.index, name.owner);
            told.show();
        }
        return Ok(());
    }
    // What was announced and is not named goes on.
    let wish = wished(args, &told.next)?;
    if wish == told.next {
        bail!("that is so already: nothing to sign");
    }
    let lines = effect(&told, &wish);
    if !act.signing.ask.json {
        println!("account {} of {}", name.index, name.owner);
        for line in &lines {
            println!("{line}");
        }
    }
    let call = IAccount::setLimitsCall {
        index: act.index,
        limits: wish,
    };
    let call = Call {
        to: ACCOUNT,
        input: call.abi_encode().into(),
        ..Call::default()
    };
    tried(&node, name.owner, &[], &call).await?;
    if act.signing.preview {
        if act.signing.ask.json {
            println!("{:#}", json!({"effect": lines, "limits": told.to_json()}));
        }
        return Ok(());
    }
    let key = consent::key(&node, &act.signing, name.owner, &Stakes::default()).await?;
    let sent = send(&node, &key, &call).await?;
    let told = Told::of(&node, name).await?;
    if act.signing.ask.json {
        println!(
            "{:#}",
            json!({"transactionHash": sent.hash, "blockNumber": sent.block_number, "limits": told.to_json()})
        );
        return Ok(());
    }
    let block: u64 = sent.block_number.to();
    println!("done in block {block}: {}", sent.hash);
    told.show();
    Ok(())
}

/// One line after an account or a preview, if its owner limits its losses.
pub(super) async fn line(node: &Node, name: AccountName) -> Result<()> {
    let told = Told::of(node, name).await?;
    if told.now.dailyLossMaxUsd != 0 {
        let most = loss(told.now.dailyLossMaxUsd);
        println!("{:<15}{}; {most} a day", "today", today(told.day.as_ref()));
    }
    Ok(())
}
