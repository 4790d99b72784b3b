//! What an operator does with a data folder besides running it: `replay`, `export`, `import`, `db`.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter},
    path::{Path, PathBuf},
    time::Duration,
};

use capstan_chain::{
    Chain, ChainConfig, Genesis, Storage, Verified, backup_folder, compact_folder, restore_folder,
    verify_folder,
};
use eyre::{Result, WrapErr, bail};
use serde_json::{Value, json};

use crate::{
    args::{DataOptions, DbCommand, ExportOptions, ImportOptions, ReplayOptions},
    data,
    progress::Progress,
};

/// Blocks of the past are judged by what they hold, not by this machine's clock: a development chain may have
/// jumped ahead of it.
const ANY_CLOCK: Duration = Duration::from_secs(1_000 * 365 * 86_400);

/// Executes every stored block again, from genesis, and compares everything that execution makes. The folder stays as it
/// is.
pub(crate) fn replay(options: &ReplayOptions) -> Result<()> {
    let chain = look_at(&options.data.data)?;
    let scratch = scratch(options.scratch.as_deref())?;
    let (kind, doing) = match options.from_records {
        true => ("records", "blocks redone"),
        false => ("execution", "blocks replayed"),
    };
    let progress = Progress::new(doing);
    let mut watch = |done, total| progress.at(done, total);
    let done = match options.from_records {
        true => chain.replay_records(Some(scratch.path()), &mut watch)?,
        false => chain.replay_in(1, Some(scratch.path()), &mut watch)?,
    };
    progress.finish(done.blocks);
    let (how, what) = match options.from_records {
        true => (
            "redid",
            "every access list is the one its header names, and the state roots behind them agree",
        ),
        false => ("replayed", "every result and state root agrees"),
    };
    let hash = chain.head().hash();
    tell(
        &options.data,
        json!({"kind": kind, "blocks": done.blocks, "transactions": done.transactions, "blockHash": hash}),
        format!(
            "{how} {} blocks with {} transactions: {what}; the newest block is {hash}",
            done.blocks, done.transactions
        ),
    );
    Ok(())
}

/// Writes blocks to a file.
pub(crate) fn export(options: &ExportOptions) -> Result<()> {
    let chain = look_at(&options.data.data)?;
    let head = chain.head().number();
    let to = options.to.unwrap_or(head);
    if to > head || options.from == 0 || options.from > to.max(1) {
        bail!(
            "blocks {} to {to} do not exist: this chain has blocks 1 to {head}",
            options.from
        );
    }
    let out = &options.out;
    let file = File::create_new(out).map_err(|error| data::cannot_make(out, &error))?;
    let mut writer = BufWriter::new(file);
    let progress = Progress::new("blocks written");
    let count = chain.export(&mut writer, options.from, Some(to), &mut |done, total| {
        progress.at(done, total)
    })?;
    let flushed = writer
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)
        .and_then(|file| file.sync_all());
    flushed.wrap_err_with(|| format!("cannot write {}", out.display()))?;
    progress.finish(count);
    tell(
        &options.data,
        json!({"path": out, "blocks": count, "from": options.from, "to": to}),
        format!("wrote {count} blocks to {}", out.display()),
    );
    Ok(())
}

/// Checks and appends the blocks of a file.
pub(crate) fn import(options: &ImportOptions) -> Result<()> {
    let folder = &options.data.data;
    let genesis = match (data::stored_genesis(folder)?, &options.genesis) {
        (Some(genesis), _) => genesis,
        (None, Some(path)) => data::read_genesis(path)?,
        (None, None) => bail!(
            "{} is new: say with --genesis FILE which chain it will hold",
            folder.display()
        ),
    };
    let file = File::open(&options.file)
        .wrap_err_with(|| format!("cannot open {}", options.file.display()))?;
    let chain = data::open(tool_config(genesis, folder))?;
    let progress = Progress::new("blocks read");
    let done = chain.import(&mut BufReader::new(file), &mut |done, total| {
        progress.at(done, total)
    });
    chain.close()?;
    let done = done.wrap_err_with(|| {
        format!(
            "cannot import {} (the newest block here is {})",
            options.file.display(),
            chain.head().number()
        )
    })?;
    progress.finish(done.added + done.known);
    let head = chain.head();
    let (number, hash) = (head.number(), head.hash());
    tell(
        &options.data,
        json!({"added": done.added, "known": done.known, "blockNumber": number, "blockHash": hash}),
        format!(
            "appended {} blocks ({} were here already); the newest is block {number} ({hash})",
            done.added, done.known
        ),
    );
    Ok(())
}

/// Looks after a folder that no node uses.
pub(crate) fn db(command: &DbCommand) -> Result<()> {
    match command {
        DbCommand::Verify(options) => {
            data::genesis(&options.data)?;
            let progress = Progress::new("blocks verified");
            let found = verify_folder(&options.data, &mut |done, total| progress.at(done, total))?;
            progress.finish(found.blocks);
            let told = format!("verified {}: {}", options.data.display(), words(&found));
            tell(options, told_of(&options.data, &found), told);
        }
        DbCommand::Compact(options) => {
            data::genesis(&options.data)?;
            let (before_bytes, after_bytes) = compact_folder(&options.data)?;
            let place = options.data.display();
            tell(
                options,
                json!({"path": options.data, "bytesBefore": before_bytes, "bytesAfter": after_bytes}),
                format!("compacted {place}: {before_bytes} bytes before, {after_bytes} after"),
            );
        }
        DbCommand::Backup { data: from, to } => {
            let genesis = data::genesis(&from.data)?;
            let progress = Progress::new("parts copied");
            backup_folder(&from.data, to, &mut |done, total| progress.at(done, total))?;
            data::keep_genesis(&genesis, to)?;
            progress.finish_quietly();
            let told = format!("backed up {} to {}", from.data.display(), to.display());
            tell(from, json!({"path": to, "from": from.data}), told);
        }
        DbCommand::Restore { data: to, from } => {
            let genesis =
                data::genesis(from).wrap_err_with(|| format!("{} is no backup", from.display()))?;
            let existed = to.data.exists();
            let progress = Progress::new("parts copied");
            let found = restore_folder(from, &to.data, &mut |done, total| progress.at(done, total));
            let found = found.inspect_err(|_| forget(&to.data, existed))?;
            data::keep_genesis(&genesis, &to.data)?;
            progress.finish_quietly();
            let told = format!("restored {}: {}", to.data.display(), words(&found));
            tell(to, told_of(&to.data, &found), told);
        }
    }
    Ok(())
}

/// What was done: as JSON where that was asked for, else in words.
fn tell(options: &DataOptions, whole: Value, words: String) {
    match options.json {
        true => println!("{whole:#}"),
        false => println!("{words}"),
    }
}

fn told_of(path: &Path, found: &Verified) -> Value {
    json!({
        "path": path,
        "blocks": found.blocks,
        "transactions": found.transactions,
        "accounts": found.accounts,
        "slots": found.slots,
        "stateRoot": found.state_root,
        "databaseHeight": found.database_height,
        "trieRecords": found.nodes,
        "historyEntries": found.history,
    })
}

/// What was found bad is not left where a node could be started on it.
fn forget(folder: &Path, existed: bool) {
    if !existed && let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!(%error, folder = %folder.display(), "the half restored folder cannot be removed");
    }
}

fn words(found: &Verified) -> String {
    format!(
        "{} blocks with {} transactions; {} accounts and {} slots make the state root {} of block {}; {} trie records, {} \
         entries of history and all indexes agree",
        found.blocks,
        found.transactions,
        found.accounts,
        found.slots,
        found.state_root,
        found.database_height,
        found.nodes,
        found.history
    )
}

/// A folder of our own for what is thrown away.
fn scratch(within: Option<&Path>) -> Result<Scratch> {
    let within = within.map_or_else(std::env::temp_dir, Path::to_owned);
    let folder = within.join(format!("capstan-replay-{}", std::process::id()));
    fs::create_dir(&folder).wrap_err_with(|| {
        format!(
            "cannot make {}: name another folder with --scratch",
            folder.display()
        )
    })?;
    Ok(Scratch(folder))
}

/// Removed when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "the scratch folder is left behind; remove it");
        }
    }
}

/// Opens a chain and changes nothing in its folder.
fn look_at(folder: &Path) -> Result<Chain> {
    let config = tool_config(data::genesis(folder)?, folder);
    Ok(Chain::open(ChainConfig {
        storage: Storage::Looked(folder.to_owned()),
        ..config
    })?)
}

/// How a tool opens a folder.
fn tool_config(genesis: Genesis, folder: &Path) -> ChainConfig {
    ChainConfig {
        clock_tolerance: ANY_CLOCK,
        ..data::tool_config(genesis, folder)
    }
}
