//! One log line now and then that says how the chain moves.
//!
//! A line for each block would be four a second and hide everything else; none at all leaves an operator in
//! the dark. So a node sums up every ten seconds, and a development chain every second in which something
//! was executed, with a line for each of the first transactions.

use std::time::Duration;

use capstan_chain::{Block, Chain, Mining};
use tokio::time::{MissedTickBehavior, interval};

use crate::told;

/// How often, and whether of nothing too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    every: Duration,
    says_nothing_happened: bool,
    /// Transactions that have a line of their own, of those between two ticks.
    told_max: usize,
    /// What was done with the blocks.
    done: &'static str,
}

/// Blocks that one line sums up at most; of more, only the number is said.
const BLOCKS_READ_MAX: u64 = 10_000;

impl Status {
    /// For somebody who is writing a program against the chain.
    pub(crate) const DEV: Self = Self {
        every: Duration::from_secs(1),
        says_nothing_happened: false,
        told_max: 10,
        done: "blocks made",
    };
    /// For somebody who looks after a machine.
    pub(crate) const NODE: Self = Self {
        every: Duration::from_secs(10),
        says_nothing_happened: true,
        told_max: 0,
        done: "blocks made",
    };
    /// The same where another node makes the blocks.
    pub(crate) const FOLLOWER: Self = Self {
        done: "blocks taken",
        ..Self::NODE
    };

    /// Tells until it is dropped.
    pub(crate) async fn tell(self, chain: &Chain) {
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut last = chain.head().number();
        loop {
            ticks.tick().await;
            let head = chain.head().number();
            if self.told_max > 0 && head > last {
                let (chain, most) = (chain.clone(), self.told_max);
                let blocks = first_read(last, head)..=head;
                let told = move || told::tell(&chain, blocks, most);
                // A panic in there is in the log; the next lines are told nevertheless.
                let _ = tokio::task::spawn_blocking(told).await;
            }
            self.line(chain, last, head);
            last = head;
        }
    }

    fn line(self, chain: &Chain, last: u64, head: u64) {
        if head < last {
            tracing::info!(block = head, "went back from block {last}");
            return;
        }
        let pace_passed = matches!(chain.mining(), Mining::Interval(pace) if pace < self.every);
        if head == last && pace_passed {
            tracing::warn!(block = head, "no block for {:?}", self.every);
            return;
        }
        let done = Sum::of(chain, last, head);
        if self.says_nothing_happened || done.transactions > 0 {
            tracing::info!(
                block = head,
                blocks = head - last,
                transactions = done.transactions,
                gas_used = done.gas_used,
                waiting = chain.pool().status().pending,
                "{}",
                self.done
            );
        }
    }
}

/// The first block after `last` that is read.
fn first_read(last: u64, head: u64) -> u64 {
    (last + 1).max(head.saturating_sub(BLOCKS_READ_MAX))
}

/// Indexes of transactions that somebody sent. The chain's own, as prices, come with every other block.
fn users(block: &Block) -> impl Iterator<Item = usize> + '_ {
    (0..block.transactions.len()).filter(|&index| !block.is_system(index))
}

#[derive(Default)]
struct Sum {
    transactions: usize,
    gas_used: u64,
}

impl Sum {
    /// What the blocks after `last` hold, up to `head`.
    fn of(chain: &Chain, last: u64, head: u64) -> Self {
        // A block that a rewind has just taken away counts no more.
        let blocks =
            (first_read(last, head)..=head).filter_map(|number| chain.block(number).ok().flatten());
        blocks.fold(Self::default(), |sum, block| Self {
            transactions: sum.transactions + users(&block).count(),
            gas_used: sum.gas_used.saturating_add(block.header.gas_used),
        })
    }
}
