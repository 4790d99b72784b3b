//! Blocks that are executed again: `replay`, and what `import` shares with it.

use std::time::Duration;

use capstan_chain::{Chain, ChainConfig, Mining, RawBlock, Storage, Verdict};
use eyre::{OptionExt, Result, WrapErr, bail};

use crate::{args::DataOptions, data, progress::Progress};

/// Blocks of the past are judged by what they hold, not by this machine's clock: a development chain may have
/// jumped ahead of it.
const ANY_CLOCK: Duration = Duration::from_secs(1_000 * 365 * 86_400);

/// Blocks whose state the second execution keeps.
const REPLAY_HISTORY_BLOCKS: u64 = 16;

/// Executes every stored block again in memory, from genesis, and compares the hashes.
pub(crate) fn replay(options: &DataOptions) -> Result<()> {
    let source = data::open_existing(&options.data)?;
    let genesis = source.genesis().clone();
    let copy = Chain::open(ChainConfig {
        storage: Storage::Memory,
        mining: Mining::Manual,
        history_blocks: Some(REPLAY_HISTORY_BLOCKS),
        clock_tolerance: ANY_CLOCK,
        ..ChainConfig::dev(genesis)
    })?;
    let head = source.head().number();
    let progress = Progress::new("blocks replayed", head);
    for number in 1..=head {
        let block = source.block(number)?.ok_or_eyre(format!(
            "block {number} is not stored any more: replay needs every block from genesis"
        ))?;
        append(&copy, &block.raw())?;
        progress.at(number);
    }
    let (ours, theirs) = (copy.head(), source.head());
    if ours.hash() != theirs.hash() {
        bail!(
            "replay ends in {} at block {head}, but the folder in {}",
            ours.hash(),
            theirs.hash()
        );
    }
    progress.finish(head);
    println!(
        "replayed {head} blocks: state root {} agrees",
        theirs.header.state_root
    );
    Ok(())
}

/// Checks a block on the newest one and makes it final.
pub(crate) fn append(chain: &Chain, block: &RawBlock) -> Result<()> {
    let number = block.header.number;
    let parent = chain.head();
    if block.header.parent_hash != parent.hash() {
        bail!(
            "block {number} names the parent {}, but block {} here is {}: it belongs to another chain",
            block.header.parent_hash,
            parent.number(),
            parent.hash()
        );
    }
    match chain.check(block)? {
        Verdict::Ok => {}
        Verdict::Bad(why) => bail!("block {number} is not what its transactions make: {why}"),
        Verdict::NotYet(what) => bail!("block {number} cannot be judged yet: {what}"),
    }
    chain
        .finalize(block.header.hash_slow())
        .wrap_err_with(|| format!("block {number} cannot be made final"))?;
    Ok(())
}

/// How a folder is opened to append blocks of the past.
pub(crate) fn import_config(config: ChainConfig) -> ChainConfig {
    ChainConfig {
        clock_tolerance: ANY_CLOCK,
        ..config
    }
}
