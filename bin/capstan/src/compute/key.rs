//! `capstan key`: keys with budgets for the gateway.

use std::time::{SystemTime, UNIX_EPOCH};

use capstan_compute::{
    gateway::{NewKey, not_one},
    keys::{KeyView, Limits, meant},
    money::Dollars,
};
use eyre::{OptionExt as _, Result, bail};
use serde_json::json;

use super::{block_on, existing_office, office};
use crate::{args::KeyCommand, table::Table};

pub(crate) fn run(command: &KeyCommand) -> Result<()> {
    match command {
        KeyCommand::New {
            ledger,
            total,
            day,
            parallel,
            expires,
            own,
            name,
        } => {
            let expires_ms = match expires {
                Some(time) => {
                    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                    Some(now_ms().saturating_add(ms))
                }
                None => None,
            };
            let limits = Limits {
                total: *total,
                day: *day,
                parallel: *parallel,
                expires_ms,
                own: *own,
            };
            let wanted = NewKey {
                name: name.clone(),
                limits,
            };
            let office = office(ledger)?;
            let (secret, key) = block_on(async { Ok(office.new_key(wanted).await?) })?;
            if ledger.json {
                println!(
                    "{:#}",
                    json!({ "secret": secret, "id": key.id(), "key": key })
                );
            } else {
                // Alone on stdout, so that `$(capstan key new ...)` is the key.
                println!("{secret}");
                eprintln!(
                    "key {}: it is shown this once; `capstan key usage {0}` follows it",
                    key.id()
                );
            }
            Ok(())
        }
        KeyCommand::List(ledger) => {
            let office = existing_office(ledger)?;
            let keys = block_on(async { Ok(office.keys().await?) })?;
            if ledger.json {
                println!("{:#}", json!(keys));
                return Ok(());
            }
            if keys.is_empty() {
                println!("no keys yet; `capstan key new --total 5usd --day 1usd` makes one");
                return Ok(());
            }
            let mut table = Table::new([
                "key", "name", "state", "spent", "of", "today", "of", "requests",
            ]);
            for key in &keys {
                table.row(row(key));
            }
            print!("{table}");
            Ok(())
        }
        KeyCommand::Usage { ledger, key } => {
            let office = existing_office(ledger)?;
            let keys = block_on(async { Ok(office.keys().await?) })?;
            let view = one(&keys, key)?;
            if ledger.json {
                println!("{:#}", json!(view));
            } else {
                show(view);
            }
            Ok(())
        }
        KeyCommand::Revoke { ledger, key } => {
            let office = existing_office(ledger)?;
            let revoked = block_on(async { Ok(office.revoke(key).await?) })?;
            if ledger.json {
                println!("{:#}", json!(revoked));
            } else {
                println!(
                    "key {} is revoked: it spent {}",
                    revoked.id(),
                    revoked.spent
                );
            }
            Ok(())
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn one<'k>(views: &'k [KeyView], word: &str) -> Result<&'k KeyView> {
    let meant = meant(views.iter().map(|view| &view.key), word);
    let [key] = meant.as_slice() else {
        bail!("{}", not_one(word, meant.len()));
    };
    let view = views.iter().find(|view| view.key.hash == key.hash);
    view.ok_or_eyre(not_one(word, 0))
}

fn limit(amount: Option<Dollars>) -> String {
    amount.map_or_else(|| "no limit".to_owned(), |amount| amount.to_string())
}

fn state(view: &KeyView) -> &'static str {
    let limits = &view.key.limits;
    match (view.key.revoked_ms, limits.expires_ms) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now_ms() => "ended",
        _ => "works",
    }
}

fn row(view: &KeyView) -> [String; 8] {
    let key = &view.key;
    [
        view.id.clone(),
        key.name.clone(),
        state(view).to_owned(),
        key.spent.to_string(),
        limit(key.limits.total),
        key.spent_today.to_string(),
        limit(key.limits.day),
        key.requests.to_string(),
    ]
}

fn show(view: &KeyView) {
    let key = &view.key;
    println!("key {} {}: {}", view.id, key.name, state(view));
    println!("spent     {} of {}", key.spent, limit(key.limits.total));
    println!("that day  {} of {}", key.spent_today, limit(key.limits.day));
    println!("reserved  {} by requests at work", view.reserved);
    println!("left      {}", limit(view.payable));
    println!("requests  {}", key.requests);
    println!(
        "tokens    {} read, {} written",
        key.input_tokens, key.output_tokens
    );
}
