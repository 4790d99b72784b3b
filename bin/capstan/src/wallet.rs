//! `capstan wallet`: keys under passwords.

mod send;

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_signer_local::PrivateKeySigner;
use capstan_client::keystore::{Cost, Keystore};
use console::Term;
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde_json::json;

use crate::{
    args::{KeystoreOptions, PasswordOptions, WalletCommand},
    block_on,
    table::Table,
};

/// Variable that holds the password, for programs.
const PASSWORD_VARIABLE: &str = "CAPSTAN_PASSWORD";
/// Where wallets lie unless it is said.
const FOLDER: &str = ".capstan/keystore";

pub(crate) fn run(command: &WalletCommand) -> Result<()> {
    match command {
        WalletCommand::New {
            keystore,
            password,
            name,
            json,
        } => keep(keystore, password, name, &PrivateKeySigner::random(), *json),
        WalletCommand::Import {
            keystore,
            password,
            name,
            key_file,
            json,
        } => {
            let text = match key_file {
                Some(path) => fs::read_to_string(path)
                    .wrap_err_with(|| format!("cannot read {}", path.display()))?,
                None => ask("key in hexadecimal")?.ok_or_eyre(
                    "there is no terminal to ask for the key: give it by --key-file FILE",
                )?,
            };
            keep(keystore, password, name, &key(&text)?, *json)
        }
        WalletCommand::List { keystore, json } => list(keystore, *json),
        WalletCommand::Send {
            signing,
            amount,
            asset,
            to,
        } => block_on(send::send(signing, amount, asset, *to)),
    }
}

/// A key as text. It is never an argument: those stay in the shell's history.
pub(crate) fn key(text: &str) -> Result<PrivateKeySigner> {
    text.trim()
        .parse()
        .ok()
        .ok_or_eyre("the key is not 32 bytes in hexadecimal: write 64 digits, with or without 0x")
}

fn keep(
    keystore: &KeystoreOptions,
    password: &PasswordOptions,
    name: &str,
    signer: &PrivateKeySigner,
    json: bool,
) -> Result<()> {
    let keystore = open(keystore)?;
    let password = new_password(password)?;
    let path = keystore.add(name, signer, &password, Cost::STANDARD)?;
    if json {
        let told = json!({"name": name, "address": signer.address(), "path": path});
        println!("{told:#}");
        return Ok(());
    }
    println!("{name} is {}", signer.address());
    println!(
        "kept in {}; without its password nobody opens it, you neither",
        path.display()
    );
    Ok(())
}

fn list(keystore: &KeystoreOptions, json: bool) -> Result<()> {
    let keystore = open(keystore)?;
    let wallets = keystore.list()?;
    if json {
        let rows = wallets.iter().map(
            |wallet| json!({"name": wallet.name, "address": wallet.address, "path": wallet.path}),
        );
        println!("{:#}", json!(rows.collect::<Vec<_>>()));
        return Ok(());
    }
    if wallets.is_empty() {
        println!(
            "no wallets in {}; make one with: capstan wallet new NAME",
            keystore.folder().display()
        );
        return Ok(());
    }
    let mut table = Table::new(["wallet", "address"]);
    for wallet in wallets {
        let address = wallet.address.map(|address| address.to_string());
        table.row([wallet.name, address.unwrap_or_else(|| "not stated".into())]);
    }
    print!("{table}");
    Ok(())
}

/// The folder of wallets.
pub(crate) fn open(options: &KeystoreOptions) -> Result<Keystore> {
    if let Some(folder) = &options.keystore {
        return Ok(Keystore::new(folder));
    }
    let home = std::env::home_dir().ok_or_eyre("there is no home folder: give --keystore DIR")?;
    Ok(Keystore::new(home.join(FOLDER)))
}

/// The password of a wallet that is there.
pub(crate) fn password(options: &PasswordOptions, name: &str) -> Result<String> {
    if let Some(known) = known_password(options)? {
        return Ok(known);
    }
    ask(&format!("password of {name}"))?.ok_or_eyre(format!(
        "there is no terminal to ask for the password: give --password-file FILE or set {PASSWORD_VARIABLE}"
    ))
}

/// The password of a wallet that is being made: typed twice.
fn new_password(options: &PasswordOptions) -> Result<String> {
    if let Some(known) = known_password(options)? {
        return Ok(known);
    }
    let Some(first) = ask("new password")? else {
        bail!(
            "there is no terminal to ask for a password: give --password-file FILE or set {PASSWORD_VARIABLE}"
        );
    };
    if ask("the same once more")? != Some(first.clone()) {
        bail!("the two passwords differ");
    }
    Ok(first)
}

/// What a file or a variable says.
fn known_password(options: &PasswordOptions) -> Result<Option<String>> {
    match &options.password_file {
        Some(path) => first_line(path).map(Some),
        None => Ok(std::env::var(PASSWORD_VARIABLE).ok()),
    }
}

fn first_line(path: &PathBuf) -> Result<String> {
    let shown = Path::new(path).display();
    let text = fs::read_to_string(path).wrap_err_with(|| format!("cannot read {shown}"))?;
    let line = text.lines().next();
    Ok(line.ok_or_eyre(format!("{shown} is empty"))?.to_owned())
}

/// What somebody types, unseen; none if there is nobody.
fn ask(what: &str) -> Result<Option<String>> {
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return Ok(None);
    }
    terminal.write_str(&format!("{what}: "))?;
    Ok(Some(terminal.read_secure_line()?))
}
