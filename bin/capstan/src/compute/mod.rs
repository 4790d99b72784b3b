//! What a machine runs: the gateway, its keys and receipts, and what the machine can do.

mod again;
mod audit;
mod challenge;
mod earned;
mod endpoints;
mod engine;
mod gateway;
pub(crate) mod in_contract;
mod inspect;
mod key;
mod measured;
mod provide;
mod purchase;
mod receipt;
mod runs;
mod sale;
mod scan;
mod spend;
mod upstreams;

use std::path::{Path, PathBuf};

use capstan_compute::gateway::Office;
use eyre::{OptionExt as _, Result};

use crate::{args::LedgerOptions, block_on};

pub(crate) use audit::{auditor, run as audit};
pub(crate) use challenge::Engines;
pub(crate) use gateway::{Beside, INPUT_MOST, OUTPUT_MOST, run as gateway};
pub(crate) use key::run as key;
pub(crate) use provide::run as provide;
pub(crate) use purchase::{Purchase, Spend, Wanted};
pub(crate) use receipt::run as receipt;
pub(crate) use runs::Runs;
pub(crate) use sale::{Sale, SaleTerms};
pub(crate) use spend::run as spend;

/// Where a gateway's ledger lies unless it is said.
const FOLDER: &str = ".capstan/gateway";

fn folder(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = named {
        return Ok(folder.to_owned());
    }
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    Ok(home
        .ok_or_eyre("there is no home folder; say where keys lie by --data DIR")?
        .join(FOLDER))
}

/// The office of who makes something: its folder is made, too.
fn office(options: &LedgerOptions) -> Result<Office> {
    Ok(Office::of(&folder(options.data.as_deref())?)?)
}

/// The office of who looks: a folder that is not there stays away.
fn existing_office(options: &LedgerOptions) -> Result<Office> {
    Ok(Office::existing(&folder(options.data.as_deref())?)?)
}
