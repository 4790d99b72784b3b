//! A data folder, as the commands see it: the chain's own files, and beside them the genesis that made them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use capstan_chain::{Chain, ChainConfig, Genesis, GenesisError, Mining, Storage};
use eyre::{Report, Result, WrapErr, bail, eyre};

/// The genesis lies beside the chain, so that the tools need no other file.
const GENESIS_FILE: &str = "genesis.json";

/// The genesis of a folder that holds a chain.
pub(crate) fn genesis(folder: &Path) -> Result<Genesis> {
    let path = genesis_path(folder);
    if !path.exists() {
        bail!(
            "{} holds no chain ({GENESIS_FILE} is missing): name the folder that `capstan node` or `capstan dev --data` used",
            folder.display()
        );
    }
    read_genesis(&path)
}

/// Reads a genesis file; whatever is wrong with it is said with its name.
pub(crate) fn read_genesis(path: &Path) -> Result<Genesis> {
    Genesis::read(path).map_err(|error| match error {
        GenesisError::File { .. } => error.into(),
        wrong => Report::new(wrong).wrap_err(path.display().to_string()),
    })
}

/// Why a file cannot be made, and what to do.
pub(crate) fn cannot_make(path: &Path, error: &io::Error) -> Report {
    let advice = match error.kind() {
        io::ErrorKind::AlreadyExists => {
            "it exists, and no file is overwritten: choose another name"
        }
        io::ErrorKind::NotFound => "its folder does not exist: make that first",
        _ => return eyre!("cannot make {}: {error}", path.display()),
    };
    eyre!("cannot make {}: {advice}", path.display())
}

/// The genesis of a folder, if there is one already.
pub(crate) fn stored_genesis(folder: &Path) -> Result<Option<Genesis>> {
    if genesis_path(folder).exists() {
        genesis(folder).map(Some)
    } else {
        Ok(None)
    }
}

/// Opens a chain, and puts its genesis beside it if it is kept in a folder.
pub(crate) fn open(config: ChainConfig) -> Result<Chain> {
    let folder = match &config.storage {
        Storage::Folder(folder) => Some(folder.clone()),
        Storage::Memory | Storage::Scratch(_) | Storage::Looked(_) => None,
    };
    let chain = Chain::open(config)?;
    if let Some(folder) = folder {
        keep_genesis(chain.genesis(), &folder)?;
    }
    Ok(chain)
}

/// Writes the genesis into a folder, unless it is there.
pub(crate) fn keep_genesis(genesis: &Genesis, folder: &Path) -> Result<()> {
    let path = genesis_path(folder);
    if path.exists() {
        return Ok(());
    }
    fs::write(&path, genesis.to_json() + "\n")
        .wrap_err_with(|| format!("cannot write {}", path.display()))
}

/// How a tool opens a folder.
pub(crate) fn tool_config(genesis: Genesis, folder: &Path) -> ChainConfig {
    ChainConfig {
        mining: Mining::Manual,
        history_blocks: None,
        ..ChainConfig::node(genesis, folder.to_owned())
    }
}

fn genesis_path(folder: &Path) -> PathBuf {
    folder.join(GENESIS_FILE)
}
