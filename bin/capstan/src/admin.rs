//! `capstan admin`: what the owner of a chain's protocol does with it, each step shown before it is signed.
//!
//! A wish becomes one transaction or a few ([`Step`]). Each is tried first, so that what would fail is said in the words of
//! the contract that refuses it, and nothing is signed.

mod caps;
mod dollar;
mod exchange;
mod factors;
mod list;
mod pending;
mod roles;

use std::path::Path;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use capstan_client::{Call, Node, Sent, send, try_in_turn};
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde_json::{Value, json};

use crate::{
    account::owner,
    args::{AdminCommand, Signing},
    block_on,
    consent::{self, Stakes},
    deed::decoded,
};

pub(crate) fn run(command: &AdminCommand) -> Result<()> {
    block_on(command_of(command))
}

async fn command_of(command: &AdminCommand) -> Result<()> {
    match command {
        AdminCommand::List { example: true, .. } => {
            print!("{}", capstan_client::EXAMPLE);
            Ok(())
        }
        AdminCommand::List { signing, file, .. } => {
            let (file, text) = described(file.as_deref())?;
            let mut change = Change::begin(signing)?;
            list::plan(&mut change, &text).await.wrap_err(file)?;
            change.carry_out(signing).await
        }
        AdminCommand::Dollar { example: true, .. } => {
            print!("{}", capstan_client::DOLLAR_EXAMPLE);
            Ok(())
        }
        AdminCommand::Dollar { signing, file, .. } => {
            let (file, text) = described(file.as_deref())?;
            let mut change = Change::begin(signing)?;
            dollar::plan(&mut change, &text).await.wrap_err(file)?;
            change.carry_out(signing).await
        }
        AdminCommand::Caps {
            signing,
            asset,
            supply,
            borrow,
            deposit,
        } => {
            let mut change = Change::begin(signing)?;
            let wanted = caps::Wanted {
                supply: supply.as_deref(),
                borrow: borrow.as_deref(),
                deposit: deposit.as_deref(),
            };
            caps::plan(&mut change, asset, wanted).await?;
            change.carry_out(signing).await
        }
        AdminCommand::Pause {
            signing,
            asset,
            verbs,
        } => {
            let mut change = Change::begin(signing)?;
            caps::stop(&mut change, asset, verbs).await?;
            change.carry_out(signing).await
        }
        AdminCommand::Resume {
            signing,
            asset,
            verbs,
        } => {
            let mut change = Change::begin(signing)?;
            caps::go_on(&mut change, asset, verbs).await?;
            change.carry_out(signing).await
        }
        AdminCommand::Factors {
            signing,
            asset,
            borrow,
            stay,
            category_borrow,
            category_stay,
            over,
        } => {
            let mut change = Change::begin(signing)?;
            let wanted = factors::Wanted {
                borrow: *borrow,
                stay: *stay,
                category_borrow: *category_borrow,
                category_stay: *category_stay,
            };
            factors::plan(&mut change, asset, &wanted, **over).await?;
            change.carry_out(signing).await
        }
        AdminCommand::Pool { command } => exchange::pool(command).await,
        AdminCommand::Exchange { command } => exchange::exchange(command).await,
        AdminCommand::Reporters { command } => roles::reporters(command).await,
        AdminCommand::Roles { command } => roles::roles(command).await,
        AdminCommand::Pending(ask) => pending::show(ask).await,
    }
}

/// A description: where it lies, and what it says.
fn described(file: Option<&Path>) -> Result<(String, String)> {
    let file = file.ok_or_eyre("which file?")?;
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).wrap_err_with(|| format!("cannot read {name}"))?;
    Ok((name, text))
}

/// One transaction, and what it does in words.
struct Step {
    to: Address,
    input: Bytes,
    words: Vec<String>,
}

impl Step {
    fn new(to: Address, call: &impl SolCall, words: Vec<String>) -> Self {
        Self {
            to,
            input: call.abi_encode().into(),
            words,
        }
    }

    fn call(&self) -> Call {
        Call {
            to: self.to,
            input: self.input.clone(),
            value_wei: U256::ZERO,
        }
    }

    fn to_json(&self) -> Value {
        json!({"to": self.to, "input": self.input, "call": decoded(&self.call()), "effect": self.words})
    }
}

/// Steps that are about to be signed.
struct Change {
    node: Node,
    /// Who signs them.
    from: Address,
    steps: Vec<Step>,
    /// Who gains a role or a contract, and what is paid.
    stakes: Stakes,
}

impl Change {
    fn begin(signing: &Signing) -> Result<Self> {
        Ok(Self {
            node: Node::new(&signing.ask.rpc)?,
            from: owner(&signing.signer, None)?,
            steps: Vec::new(),
            stakes: Stakes::default(),
        })
    }

    fn step(&mut self, to: Address, call: &impl SolCall, words: Vec<String>) {
        self.steps.push(Step::new(to, call, words));
    }

    /// Somebody gains by it.
    fn receiver(&mut self, who: Address) {
        self.stakes = std::mem::take(&mut self.stakes).receiver(who);
    }

    /// So many dollars, times 10^18, leave the signer's wallet.
    fn pays(&mut self, value: U256, what: &'static str) {
        self.stakes = std::mem::take(&mut self.stakes).value(value, what);
    }

    /// Shows, tries, asks, signs, and says what became of it.
    async fn carry_out(self, signing: &Signing) -> Result<()> {
        if self.steps.is_empty() {
            bail!("that is so already: nothing to sign");
        }
        let is_json = signing.ask.json;
        if !is_json {
            self.show();
        }
        self.try_all().await?;
        if signing.preview {
            if is_json {
                println!("{:#}", self.told(&[]));
            }
            return Ok(());
        }
        let key = consent::key(&self.node, signing, self.from, &self.stakes).await?;
        let mut all = Vec::new();
        for step in &self.steps {
            let sent = send(&self.node, &key, &step.call()).await?;
            if !is_json {
                println!("{sent}");
            }
            all.push(sent);
        }
        if is_json {
            println!("{:#}", self.told(&all));
        }
        Ok(())
    }

    fn show(&self) {
        println!("signed by {}", self.from);
        for step in &self.steps {
            for line in &step.words {
                println!("{line}");
            }
            println!("  call: {}", decoded(&step.call()));
        }
    }

    fn told(&self, sent: &[Sent]) -> Value {
        let steps: Vec<_> = self.steps.iter().map(Step::to_json).collect();
        let sent: Vec<_> = sent.iter().map(Sent::to_json).collect();
        json!({"from": self.from, "steps": steps, "transactions": sent})
    }

    /// If one of them would fail after those before it, none is signed.
    async fn try_all(&self) -> Result<()> {
        let calls: Vec<Call> = self.steps.iter().map(Step::call).collect();
        let tried = try_in_turn(&self.node, self.from, &calls).await;
        tried.wrap_err("this would fail").map(drop)
    }
}
