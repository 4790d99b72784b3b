//! `capstan genesis init`.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use capstan_chain::{Genesis, GenesisAccount};
use eyre::{Result, WrapErr, bail};
use serde_json::json;

use crate::{accounts, args::GenesisInitOptions, data};

/// Accounts of a development genesis.
const DEV_ACCOUNT_COUNT: u32 = 20;

/// Writes a valid genesis file and says what to do with it.
pub(crate) fn init(options: &GenesisInitOptions) -> Result<()> {
    let mut genesis = if options.dev {
        crate::node::dev_genesis(&accounts::mnemonic(0)?, DEV_ACCOUNT_COUNT, 10_000)?.0
    } else {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .wrap_err("this machine's clock is before 1970")?;
        Genesis {
            time_ms: u64::try_from(now.as_millis())?,
            ..Genesis::new(options.chain_id)
        }
    };
    genesis.chain_id = options.chain_id;
    if let Some(owner) = options.owner {
        genesis.native.admin_owner = owner;
    }
    for (address, wei) in &options.fund {
        genesis.alloc.insert(
            *address,
            GenesisAccount {
                balance: *wei,
                ..GenesisAccount::default()
            },
        );
    }
    genesis.validate()?;
    let text = genesis.to_json() + "\n";

    let Some(path) = &options.out else {
        print!("{text}");
        return Ok(());
    };
    if path.exists() && !options.force {
        bail!(
            "{} exists: choose another name, or add --force to replace it",
            path.display()
        );
    }
    fs::write(path, text).map_err(|error| data::cannot_make(path, &error))?;
    let notes = notes(&genesis);
    if options.json {
        let told = json!({"path": path, "chainId": genesis.chain_id, "notes": notes});
        println!("{told:#}");
        return Ok(());
    }
    println!(
        "wrote {}; every field is explained in specs/genesis.md",
        path.display()
    );
    println!(
        "start a node with: capstan node --genesis {} --data DIR",
        path.display()
    );
    for note in notes {
        println!("note: {note}");
    }
    Ok(())
}

/// What somebody may not have meant.
fn notes(genesis: &Genesis) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if genesis.alloc.is_empty() {
        notes.push("nobody has coins on this chain; fund accounts with --fund ADDRESS=1000ether");
    }
    if genesis.native.admin_owner.is_zero() {
        notes.push(
            "nobody administers the native contracts of this chain, so it will never have a price or a market; name who \
             does with --owner ADDRESS (and --force to write the file again)",
        );
    }
    notes
}
