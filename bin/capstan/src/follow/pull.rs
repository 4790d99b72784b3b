//! Blocks from the leader, one after another.

use std::time::{Duration, Instant};

use capstan_chain::{Chain, RawBlock, Verdict};
use capstan_client::{BlockPage, BlockSource};
use eyre::Result;
use tokio::{sync::watch, time::sleep};

/// Blocks that are asked for at once.
const PAGE: u64 = 256;
/// How long until the leader is asked again that had nothing new: half of the pace, within these.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// How long until a leader is asked again that did not answer, or not well: twice as long each time, within these.
/// How often in a row a block waits until somebody is told: ten seconds.
const WAITS_TOLD: u32 = 40;
const AGAIN_AFTER: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// The same trouble is told again after this long.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Why the next block is not here yet.
enum Trouble {
    /// The leader does not answer.
    Away(String),
    /// What it answered is refused.
    Garbage(String),
    /// Nothing is wrong; it is too early.
    Wait(String),
}

/// Takes blocks for ever. An error is this node's own.
pub(super) async fn pull(
    chain: &Chain,
    source: &BlockSource,
    stop: &watch::Receiver<bool>,
) -> Result<()> {
    let pace = Duration::from_millis(chain.genesis().pace_ms) / 2;
    let look_every = pace.clamp(LOOK_EVERY.0, LOOK_EVERY.1);
    let mut mood = Mood::default();
    loop {
        let taken = match source.blocks(chain.head().number() + 1, PAGE).await {
            Ok(page) => take(chain, &page, stop).await?,
            Err(error) if error.is_passing() => Err(Trouble::Away(error.to_string())),
            Err(error) => Err(Trouble::Garbage(error.to_string())),
        };
        let wait = match taken {
            Ok(0) => {
                mood.fine(chain);
                look_every
            }
            Ok(_) => {
                mood.fine(chain);
                Duration::ZERO
            }
            Err(trouble) => mood.troubled(trouble),
        };
        // Also without a wait: who asks for the end is heard between pages.
        sleep(wait).await;
    }
}

/// Judges the blocks of a page and makes them final. Answers how many.
async fn take(
    chain: &Chain,
    page: &BlockPage,
    stop: &watch::Receiver<bool>,
) -> Result<Result<usize, Trouble>> {
    let garbage = |what: String| Ok(Err(Trouble::Garbage(what)));
    let own = chain
        .block(0)?
        .map(|block| block.hash())
        .unwrap_or_default();
    let (chain_id, theirs): (u64, u64) = (chain.rules().chain_id, page.chain_id.to());
    if (theirs, page.genesis_hash) != (chain_id, own) {
        return garbage(format!(
            "the leader has another chain: id {theirs} and genesis block {}, not {chain_id} and {own}",
            page.genesis_hash
        ));
    }
    if page.blocks.len() as u64 > PAGE {
        return garbage(format!(
            "{} blocks, of {PAGE} that were asked for",
            page.blocks.len()
        ));
    }
    let head = chain.head();
    let newest: u64 = page.head.number.to();
    metrics_behind(newest.saturating_sub(head.number()));
    if newest == head.number() && page.head.hash != head.hash() {
        return garbage(format!(
            "the leader's block {newest} is {}, and this node made {} final there",
            page.head.hash,
            head.hash()
        ));
    }
    for bytes in &page.blocks {
        if *stop.borrow() {
            break;
        }
        let number = chain.head().number() + 1;
        let raw = match RawBlock::decode(bytes) {
            Ok(raw) => raw,
            Err(error) => return garbage(format!("block {number} is no block: {error}")),
        };
        if let Err(trouble) = take_one(chain, &raw)? {
            return Ok(Err(trouble));
        }
        metrics_behind(newest.saturating_sub(number));
        // Whoever gives transactions to the leader shares this thread.
        tokio::task::yield_now().await;
    }
    if page.blocks.is_empty() && newest < head.number() {
        let ours = head.number();
        return Ok(Err(Trouble::Wait(format!(
            "the leader is at block {newest}, behind block {ours} of this node"
        ))));
    }
    Ok(Ok(page.blocks.len()))
}

/// Judges one block as if a stranger had sent it.
fn take_one(chain: &Chain, raw: &RawBlock) -> Result<Result<(), Trouble>> {
    let head = chain.head();
    let (number, hash) = (raw.header.number, raw.header.hash_slow());
    if number != head.number() + 1 {
        return Ok(Err(Trouble::Garbage(format!(
            "block {} was asked for, and the header of block {number} came",
            head.number() + 1
        ))));
    }
    if raw.header.parent_hash != head.hash() {
        return Ok(Err(Trouble::Garbage(format!(
            "block {number} ({hash}) stands on {}, and this node made {} final there",
            raw.header.parent_hash,
            head.hash()
        ))));
    }
    Ok(match chain.check(raw)? {
        Verdict::Ok => {
            chain.finalize(hash)?;
            Ok(())
        }
        Verdict::Bad(reason) => Err(Trouble::Garbage(format!(
            "block {number} ({hash}) does not hold: {reason}"
        ))),
        Verdict::NotYet(why) => Err(Trouble::Wait(format!("block {number} must wait: {why}"))),
    })
}

fn metrics_behind(blocks: u64) {
    metrics::gauge!("capstan_follow_behind_blocks").set(blocks as f64);
}

/// What was told of the leader, so that it is told once.
#[derive(Default)]
struct Mood {
    again_after: Duration,
    told: Option<(String, Instant)>,
    /// How often in a row a block had to wait for the clock.
    waits: u32,
}

impl Mood {
    fn fine(&mut self, chain: &Chain) {
        self.again_after = Duration::ZERO;
        self.waits = 0;
        if self.told.take().is_some() {
            tracing::info!(block = chain.head().number(), "following again");
        }
    }

    /// How long to wait.
    fn troubled(&mut self, trouble: Trouble) -> Duration {
        let (words, is_garbage) = match trouble {
            Trouble::Away(why) => (why, false),
            // The clocks of two machines differ a little; told is what lasts.
            Trouble::Wait(why) => {
                self.waits = self.waits.saturating_add(1);
                if self.waits.is_multiple_of(WAITS_TOLD) {
                    tracing::warn!("{why}; the clock of one of the two nodes is wrong");
                } else {
                    tracing::debug!("{why}");
                }
                return AGAIN_AFTER.0;
            }
            Trouble::Garbage(what) => {
                metrics::counter!("capstan_follow_refused_total").increment(1);
                (format!("refused what the leader sent: {what}"), true)
            }
        };
        let is_new = self
            .told
            .as_ref()
            .is_none_or(|(before, when)| *before != words || when.elapsed() > TOLD_EVERY);
        if is_new {
            match is_garbage {
                true => tracing::error!("{words}"),
                false => tracing::warn!("{words}; asking again until it does"),
            }
            self.told = Some((words, Instant::now()));
        }
        self.again_after = (self.again_after * 2).clamp(AGAIN_AFTER.0, AGAIN_AFTER.1);
        self.again_after
    }
}
