//! `capstan receipt`: what a machine says it did, and whether it says so.

use std::{fs, path::Path};

use alloy_primitives::B256;
use capstan_compute::{
    gateway::saved_answer,
    receipt::{Outcome, Signed, request_hash},
    tab::cost_of,
};
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde_json::{Map, Value, json};

use super::{
    again::{Checked, compute_again},
    block_on, existing_office,
};
use crate::{args::ReceiptCommand, model::shelf};

pub(crate) fn run(command: &ReceiptCommand) -> Result<()> {
    match command {
        ReceiptCommand::Show { ledger, id } => {
            let office = existing_office(ledger)?;
            let signed = block_on(async { Ok(office.receipt(id).await?) })?;
            if ledger.json {
                println!("{:#}", json!(signed));
            } else {
                show(&signed);
            }
            Ok(())
        }
        ReceiptCommand::Verify {
            ledger,
            id,
            input,
            output,
            model,
            shelf: options,
        } => {
            let office = existing_office(ledger)?;
            let (signed, evidence) = block_on(async {
                let signed = office.receipt(id).await?;
                let evidence = office.evidence(&signed.id).await?;
                Ok((signed, evidence))
            })?;
            let mut checks = verify(&signed, input.as_deref(), output.as_deref())?;
            let shelf = shelf(options)?;
            let mut left = Vec::new();
            match compute_again(&signed, evidence.as_ref(), model.as_deref(), &shelf)? {
                Checked::Ok(words) => checks.push(words),
                Checked::Not(words) => left.push(words),
            }
            if ledger.json {
                let told = json!({ "id": signed.id, "checked": checks, "not_checked": left });
                println!("{told:#}");
                return Ok(());
            }
            for check in &checks {
                println!("ok: {check}");
            }
            for words in &left {
                println!("not checked: {words}");
            }
            Ok(())
        }
    }
}

fn verify(signed: &Signed, input: Option<&Path>, output: Option<&Path>) -> Result<Vec<String>> {
    signed
        .verify()
        .wrap_err_with(|| format!("receipt {} does not hold", signed.id))?;
    let receipt = &signed.receipt;
    let mut checks = vec![
        "the id is that of its fields, and the notes are those that were signed".to_owned(),
        format!("machine {} signed it", receipt.machine),
        format!("it says that {} answered", answerer(signed)),
    ];
    if let Some(path) = input {
        same("request", request_hash(&object(path)?), receipt.input)?;
        checks.push("the request is yours".to_owned());
    }
    if let Some(path) = output {
        let answer = saved_answer(&text(path)?).wrap_err_with(|| path.display().to_string())?;
        same("answer", answer.hash(), receipt.output)?;
        checks.push("the answer is yours".to_owned());
    }
    Ok(checks)
}

fn same(what: &str, is: B256, said: B256) -> Result<()> {
    if is != said {
        bail!("the {what} in the file hashes to {is}, and the receipt is of {said}");
    }
    Ok(())
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))
}

fn object(path: &Path) -> Result<Map<String, Value>> {
    let read: Value = serde_json::from_str(&text(path)?)
        .wrap_err_with(|| format!("{} is no JSON", path.display()))?;
    let object = read.as_object().cloned();
    object.ok_or_eyre(format!("{} holds no JSON object", path.display()))
}

/// What a note says.
fn note(notes: &Map<String, Value>, name: &str) -> String {
    match notes.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "unknown".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// What a program's hash is of.
fn of(notes: &Map<String, Value>) -> &'static str {
    match notes.get("pinned") {
        Some(Value::Bool(true)) => "its weights",
        _ => "its name: the weights are not known",
    }
}

/// Which model, how its weights are stored, and its hash.
fn answerer(signed: &Signed) -> String {
    let Signed { receipt, notes, .. } = signed;
    let (model, stored) = (note(notes, "model"), note(notes, "quantisation"));
    format!("{model} ({stored}), {} of {},", receipt.program, of(notes))
}

/// What it cost, in dollars where it says what it counts.
fn cost(signed: &Signed) -> String {
    match cost_of(signed) {
        Some(dollars) => dollars.to_string(),
        None => format!(
            "{} smallest units of what jobs are paid in",
            signed.receipt.cost
        ),
    }
}

fn show(signed: &Signed) {
    let Signed {
        id, receipt, notes, ..
    } = signed;
    let note = |name: &str| note(notes, name);
    println!("receipt     {id}");
    println!("outcome     {}", Outcome::words(receipt.outcome));
    println!("model       {} ({})", note("model"), note("quantisation"));
    println!("program     {} of {}", receipt.program, of(notes));
    println!(
        "server      {}, attempt {}",
        note("upstream"),
        note("attempts")
    );
    println!("machine     {}", receipt.machine);
    println!(
        "tokens      {} read, {} written, counted by: {}",
        receipt.inputUnits,
        receipt.outputUnits,
        note("usage")
    );
    println!("cost        {}", cost(signed));
    println!(
        "time        {} ms, {} ms to the first part",
        receipt.tookMs, receipt.firstMs
    );
    let energy = match receipt.energyMj {
        0 => "not measured".to_owned(),
        millijoules => format!("{millijoules} mJ"),
    };
    println!("energy      {energy}");
    println!("request     {}", receipt.input);
    println!("answer      {}", receipt.output);
    println!("key         {}", receipt.payer);
}
