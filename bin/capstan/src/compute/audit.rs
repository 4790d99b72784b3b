//! `capstan audit`: computes again what machines are paid for, says on chain what was found, and is paid for that.

use std::{fs, sync::Arc};

use alloy_signer_local::PrivateKeySigner;
use capstan_agents::{
    auditor::{Auditor, Told},
    provider::Worker,
};
use capstan_client::Node;
use capstan_compute::engine::Engine;
use capstan_contracts::{
    admin::{self, IAdmin::hasRoleCall},
    jobs, machines,
};
use eyre::{OptionExt as _, Result, WrapErr as _, bail};

use super::{Engines, block_on, earned, inspect::Inspector};
use crate::{
    accounts,
    args::{AuditCommand, AuditOptions},
    model::shelf,
    wallet,
};

/// Variable that holds the key, for those who keep it out of files.
const KEY_VARIABLE: &str = "CAPSTAN_AUDIT_KEY";

pub(crate) fn run(command: &AuditCommand) -> Result<()> {
    let options = match command {
        AuditCommand::Run(options) => options,
        AuditCommand::Earned { ask, auditor } => return block_on(earned::show(ask, *auditor)),
        AuditCommand::Withdraw { signing, amount } => {
            return block_on(earned::withdraw(signing, amount));
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            ended = audit(options) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}

async fn audit(options: &AuditOptions) -> Result<()> {
    let node = Node::new(&options.rpc)?;
    let key = key(options)?;
    let engines = engines(options)?;
    let worker = Arc::new(Engines::new(engines.clone())?);
    let auditor = auditor(&node, key, engines.clone(), worker, !options.never_ask).await?;
    let who = auditor.key.address();
    for (scope, what) in [
        (jobs::ADDRESS, "receipts"),
        (machines::ADDRESS, "challenges"),
    ] {
        if !may_audit(&node, scope, &auditor).await? {
            eprintln!(
                "warning: {who} is no auditor of {what} on this chain: its owner grants role 2 by `capstan admin roles grant`"
            );
        }
    }
    println!("auditing {} as {who}", options.rpc);
    for engine in &engines {
        let card = engine.card();
        println!(
            "with {} ({}), {}",
            card.name, card.quantisation, card.kernels
        );
    }
    auditor.run(&|told: &Told| println!("{told}")).await;
    Ok(())
}

async fn may_audit(
    node: &Node,
    scope: alloy_primitives::Address,
    auditor: &Auditor,
) -> Result<bool> {
    let call = hasRoleCall {
        scope,
        // The same number in both rooms.
        role: jobs::AUDIT,
        account: auditor.key.address(),
    };
    Ok(node.view(admin::ADDRESS, &call).await?)
}

/// An auditor with models of this machine, and with who computes challenges.
pub(crate) async fn auditor(
    node: &Node,
    key: PrivateKeySigner,
    engines: Vec<Arc<Engine>>,
    worker: Arc<dyn Worker>,
    asks: bool,
) -> Result<Auditor> {
    let examiner = Inspector::new(node, key.clone(), engines).await?;
    Ok(Auditor {
        node: node.clone(),
        key,
        examiner: Arc::new(examiner),
        worker,
        asks,
    })
}

/// The key that signs: of a file, of a development account, or of the environment.
fn key(options: &AuditOptions) -> Result<PrivateKeySigner> {
    if let Some(path) = &options.key_file {
        let text =
            fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
        return wallet::key(&text);
    }
    if let Some(at) = options.dev_account {
        let signers = accounts::signers(&accounts::mnemonic(0)?, at + 1)?;
        return signers.into_iter().last().ok_or_eyre("no such account");
    }
    match std::env::var(KEY_VARIABLE) {
        Ok(text) => wallet::key(&text),
        Err(_) => bail!(
            "no key: give --key-file, set {KEY_VARIABLE}, or name a development account by --dev-account 1"
        ),
    }
}

/// The models that were named, or all that there are.
fn engines(options: &AuditOptions) -> Result<Vec<Arc<Engine>>> {
    let shelf = shelf(&options.shelf)?;
    let paths = match options.model.is_empty() {
        true => shelf.list()?.into_iter().map(|model| model.path).collect(),
        false => {
            let found = options.model.iter().map(|name| shelf.find(name));
            found.collect::<Result<Vec<_>, _>>()?
        }
    };
    if paths.is_empty() {
        bail!("there is no model here to compute with: `capstan model get smollm2` gets one");
    }
    let load = |path: &std::path::PathBuf| {
        Engine::load(path, options.engine_threads)
            .wrap_err_with(|| format!("cannot load {}", path.display()))
    };
    paths.iter().map(load).collect()
}
