//! `capstan audit earned | withdraw`: what an auditor's findings were paid, and how that comes to his wallet.

use alloy_primitives::Address;
use capstan_client::{Amount, JobsOf, MachineAsset, Node, jobs, withdraw_audit_pay};
use capstan_contracts::jobs::{
    ADDRESS,
    IJobs::{auditEarningsCall, auditEarningsReturn, auditorRecordCall, paramsCall},
};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, bail};
use serde_json::json;

use crate::{
    args::{AskOptions, Signing},
    consent::Stakes,
    deed::Signer,
};

/// What audits are paid in.
async fn paid_in(node: &Node) -> Result<MachineAsset> {
    let (_, told) = jobs(node, JobsOf::All, 0).await?;
    told.asset
        .ok_or_eyre("nothing is audited on this chain: the owner of jobs has set no parameters yet")
}

async fn earnings(node: &Node, auditor: Address) -> Result<auditEarningsReturn> {
    Ok(node.view(ADDRESS, &auditEarningsCall { auditor }).await?)
}

pub(super) async fn show(ask: &AskOptions, auditor: Address) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let asset = paid_in(&node).await?;
    let earned = earnings(&node, auditor).await?;
    let record = node.view(ADDRESS, &auditorRecordCall { auditor }).await?;
    let pay = node.view(ADDRESS, &paramsCall {}).await?.current.auditPay;
    if ask.json {
        let whole = json!({
            "assetId": asset.asset_id, "owed": earned.owed, "earned": earned.earned, "auditPay": pay,
            "agreed": record.agreed, "differed": record.differed, "silent": record.silent,
        });
        println!("{whole:#}");
        return Ok(());
    }
    let words = |amount| format!("{} {}", decimal(amount, asset.decimals), asset.symbol);
    println!(
        "owed      {}, which `capstan audit withdraw` takes out",
        words(earned.owed)
    );
    println!("earned    {} in all", words(earned.earned));
    println!(
        "findings  {} as a quorum's, {} other, {} not shown",
        record.agreed, record.differed, record.silent
    );
    println!(
        "pay       {} at most for each receipt of which a quorum finds the same, out of fees",
        words(pay)
    );
    Ok(())
}

pub(super) async fn withdraw(signing: &Signing, amount: &Amount) -> Result<()> {
    let node = Node::new(&signing.ask.rpc)?;
    let asset = paid_in(&node).await?.asset_id;
    let signer = Signer::new(signing, node, asset).await?;
    let owed = earnings(&signer.node, signer.wallet).await?.owed;
    let amount = match amount {
        Amount::Max => owed,
        amount => amount.resolve(signer.asset.decimals, owed)?,
    };
    if amount.is_zero() || amount > owed {
        let (wanted, owed) = (signer.words(amount), signer.words(owed));
        bail!("that would take {wanted} out, and {owed} are owed to the wallet for its audits");
    }
    let rows = vec![
        ("take out", signer.words(amount)),
        ("left", signer.words(owed.saturating_sub(amount))),
    ];
    let call = withdraw_audit_pay(amount);
    signer
        .carry_out(Vec::new(), call, rows, Stakes::default())
        .await
}
