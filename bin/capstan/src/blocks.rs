//! `capstan blocks analyse`: where blocks waited, how parallel they were, and what more cores would gain.
//!
//! A node has done the work (`capstan_contention`, `capstan_record`); here it is put into a table, and one block into a drawing.

mod draw;
mod shapes;
mod told;

use std::{fs, path::Path};

use capstan_client::Node;
use eyre::{Result, WrapErr, bail};
use serde_json::{Value, json};

use crate::{
    args::{AnalyseOptions, BlocksCommand},
    block_on,
};
use shapes::{Contention, Record};
use told::told;

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
    let told = told(&found);
    let drawn = drawn(&node, options, &found).await?;
    for (path, text) in [
        (&options.svg, drawn.as_ref().map(draw::svg)),
        (
            &options.html,
            drawn.as_ref().map(|record| draw::html(record, &told)),
        ),
    ] {
        if let (Some(path), Some(text)) = (path, text) {
            write(path, &text)?;
        }
    }
    match options.ask.json {
        true => println!("{whole:#}"),
        false => print!("{told}"),
    }
    Ok(())
}

/// The range that was asked for, in numbers, within what there is.
async fn range(node: &Node, options: &AnalyseOptions) -> Result<(String, String)> {
    let newest = node.quantity("eth_blockNumber", json!([])).await?;
    let number = |text: &str| {
        let read = match text.strip_prefix("0x") {
            _ if text == "latest" => Ok(newest),
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        match read {
            Ok(number) if number <= newest => Ok(number),
            Ok(number) => bail!("block {number} does not exist: the newest is block {newest}"),
            Err(_) => bail!("`{text}` is no block: write a number, or `latest`"),
        }
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

#[cfg(test)]
mod tests;
