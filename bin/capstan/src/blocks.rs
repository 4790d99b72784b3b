//! `capstan blocks analyse`: where blocks waited, how parallel they were, and what more cores would gain.
//!
//! A node has done the work (`capstan_contention`, `capstan_record`); here it is put into a table, and one block into a drawing.

mod draw;
mod shapes;

use std::{fs, path::Path};

use capstan_client::Node;
use eyre::{Result, WrapErr, bail};
use serde_json::{Value, json};

use crate::{
    args::{AnalyseOptions, BlocksCommand},
    block_on,
    table::Table,
};
use shapes::{Contention, PlaceName, Record};

pub(crate) fn run(command: &BlocksCommand) -> Result<()> {
    match command {
        BlocksCommand::Analyse(options) => block_on(analyse(options)),
    }
}

async fn analyse(options: &AnalyseOptions) -> Result<()> {
    let node = Node::new(&options.ask.rpc)?;
    let (from, to) = range(&node, options).await?;
    let asked = json!([{"from": from, "to": to}]);
    let whole = node.call_in_words("capstan_contention", asked).await?;
    let found: Contention = serde_json::from_value(whole.clone())
        .wrap_err("capstan_contention is answered by something else")?;
    let drawn = drawn(&node, options, &found).await?;
    for (path, text) in [
        (&options.svg, drawn.as_ref().map(draw::svg)),
        (
            &options.html,
            drawn
                .as_ref()
                .map(|record| draw::html(record, &told(&found))),
        ),
    ] {
        if let (Some(path), Some(text)) = (path, text) {
            write(path, &text)?;
        }
    }
    match options.ask.json {
        true => println!("{whole:#}"),
        false => print!("{}", told(&found)),
    }
    Ok(())
}

/// The range that was asked for, in numbers, within what there is.
async fn range(node: &Node, options: &AnalyseOptions) -> Result<(String, String)> {
    let newest = node.quantity("eth_blockNumber", json!([])).await?;
    let number = |text: &str| match text {
        "latest" => Ok(newest),
        text => match text.parse::<u64>() {
            Ok(number) if number <= newest => Ok(number),
            Ok(number) => bail!("block {number} does not exist: the newest is block {newest}"),
            Err(_) => bail!("`{text}` is no block: write a number, or `latest`"),
        },
    };
    let from = number(&options.from)?;
    let to = options.to.as_deref().map_or(Ok(from), number)?;
    if from > to {
        bail!("the range from {from} to {to} is empty");
    }
    Ok((format!("{from:#x}"), format!("{to:#x}")))
}

/// The record of the block that is drawn: the one with the most gas.
async fn drawn(
    node: &Node,
    options: &AnalyseOptions,
    found: &Contention,
) -> Result<Option<Record>> {
    if options.svg.is_none() && options.html.is_none() {
        return Ok(None);
    }
    let most = found.blocks.iter().max_by_key(|block| block.gas_used.0);
    let Some(most) = most.filter(|block| block.transaction_count.0 > 0) else {
        bail!("nothing to draw: no transaction in these blocks");
    };
    let answer: Value = node
        .call_in_words("capstan_record", json!([most.hash]))
        .await?;
    let record: Record =
        serde_json::from_value(answer).wrap_err("capstan_record is answered by something else")?;
    Ok(Some(record))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).wrap_err_with(|| format!("cannot write {}", path.display()))
}

/// The whole table, as text.
fn told(found: &Contention) -> String {
    let mut text = format!(
        "blocks {} to {}: {} transactions, {} gas\n",
        found.from.0, found.to.0, found.transaction_count.0, found.gas_used.0
    );
    text += &format!(
        "critical path: {} gas; parallelism: {}\n",
        found.critical_gas.0,
        times(found.parallelism_milli)
    );
    text += &match &found.runs {
        Some(runs) => format!(
            "runs: {} of {} transactions in {} blocks that this node built, {} in vain (measured)\n",
            runs.run_count.0, runs.transaction_count.0, runs.block_count.0, runs.in_vain_count.0
        ),
        None => "runs: not known; a node remembers those of the last blocks that it built since it started\n".to_owned(),
    };
    text += "\nspeed-up over one core, PROJECTED from gas, not measured\n";
    text += &projected(found).to_string();
    if found.hot.is_empty() {
        text += "\nno transaction waited for another\n";
    } else {
        text += "\nplaces with most waiting\n";
        text += &hot(found).to_string();
    }
    if !found.fields.is_empty() {
        text += "\nby field of a contract\n";
        text += &fields(found).to_string();
    }
    if let Some(next) = &found.next {
        text += &format!(
            "\nthe answer ended before block {}: go on with --from {0}\n",
            next.0
        );
    }
    text
}

fn projected(found: &Contention) -> Table {
    let mut table = Table::new(["cores", "producing", "verifying"]);
    for row in &found.projected {
        table.row([
            row.cores.to_string(),
            times(row.produce_milli),
            times(row.verify_milli),
        ]);
    }
    table
}

fn hot(found: &Contention) -> Table {
    let mut table = Table::new(["place", "waits", "reads", "writes", "adds", "blocks"]);
    for row in &found.hot {
        table.row([
            name(&row.place),
            row.touches.wait_count.0.to_string(),
            row.touches.read_count.0.to_string(),
            row.touches.write_count.0.to_string(),
            row.touches.delta_count.0.to_string(),
            row.touches.block_count.0.to_string(),
        ]);
    }
    table
}

fn fields(found: &Contention) -> Table {
    let mut table = Table::new(["field", "words", "waits", "reads", "writes", "adds"]);
    for row in &found.fields {
        table.row([
            format!("{}.{}", row.contract, row.field),
            row.word_count.0.to_string(),
            row.touches.wait_count.0.to_string(),
            row.touches.read_count.0.to_string(),
            row.touches.write_count.0.to_string(),
            row.touches.delta_count.0.to_string(),
        ]);
    }
    table
}

/// A place as people say it.
fn name(place: &PlaceName) -> String {
    let owner = match &place.contract {
        Some(contract) => contract.clone(),
        None => place.address.to_string(),
    };
    match (&place.name, &place.slot) {
        (Some(name), _) => format!("{owner}.{name}"),
        (None, Some(slot)) => format!("{owner} slot {slot:#x}"),
        (None, None) => format!("{owner} coins, nonce, code"),
    }
}

/// Thousandths as a multiple.
fn times(milli: u64) -> String {
    format!("{}.{:02}x", milli / 1_000, milli % 1_000 / 10)
}

#[cfg(test)]
mod tests;
