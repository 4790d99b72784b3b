//! One log line now and then that says how the chain moves.
//!
//! A line for each block would be four a second and hide everything else; none at all leaves an operator in
//! the dark. So a node sums up every ten seconds, and a development chain every second in which something
//! was executed, with a line for each of the first transactions.

use std::time::Duration;

use alloy_consensus::Transaction as _;
use capstan_chain::{Chain, Mining};
use tokio::time::{MissedTickBehavior, interval};

/// How often, and whether of nothing too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    every: Duration,
    says_nothing_happened: bool,
    /// Transactions that have a line of their own, of those between two ticks.
    told_max: usize,
}

/// Blocks that one line sums up at most; of more, only the number is said.
const BLOCKS_READ_MAX: u64 = 10_000;

impl Status {
    /// For somebody who is writing a program against the chain.
    pub(crate) const DEV: Self = Self {
        every: Duration::from_secs(1),
        says_nothing_happened: false,
        told_max: 10,
    };
    /// For somebody who looks after a machine.
    pub(crate) const NODE: Self = Self {
        every: Duration::from_secs(10),
        says_nothing_happened: true,
        told_max: 0,
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
        tell_transactions(chain, last, head, self.told_max);
        if self.says_nothing_happened || done.transactions > 0 {
            tracing::info!(
                block = head,
                blocks = head - last,
                transactions = done.transactions,
                gas_used = done.gas_used,
                waiting = chain.pool().status().pending,
                "blocks made"
            );
        }
    }
}

/// A line for each of the first transactions of users after block `last`. Why one failed is for a trace to say.
fn tell_transactions(chain: &Chain, last: u64, head: u64, told_max: usize) {
    let mut left = told_max;
    for number in last + 1..=head {
        if left == 0 {
            return;
        }
        let Ok(Some(block)) = chain.block(number) else {
            continue;
        };
        let users = (0..block.transactions.len()).filter(|&index| !block.is_system(index));
        for index in users.take(left) {
            left -= 1;
            let tx = &block.transactions[index];
            let (hash, from, gas_used) = (tx.tx_hash(), tx.signer(), block.gas_used_by(index));
            let failed = !block.receipts[index].status();
            match tx.to() {
                _ if failed => {
                    let advice = "debug_traceTransaction or `cast run` say why";
                    tracing::warn!(block = number, %hash, %from, gas_used, advice, "transaction failed");
                }
                Some(to) => {
                    tracing::info!(block = number, %hash, %from, %to, gas_used, "transaction")
                }
                None => {
                    let created = from.create(tx.nonce());
                    tracing::info!(block = number, %hash, %from, %created, gas_used, "transaction");
                }
            }
        }
    }
}

#[derive(Default)]
struct Sum {
    transactions: usize,
    gas_used: u64,
}

impl Sum {
    /// What the blocks after `last` hold, up to `head`.
    fn of(chain: &Chain, last: u64, head: u64) -> Self {
        let first = (last + 1).max(head.saturating_sub(BLOCKS_READ_MAX));
        // A block that a rewind has just taken away counts no more.
        let blocks = (first..=head).filter_map(|number| chain.block(number).ok().flatten());
        blocks.fold(Self::default(), |sum, block| Self {
            transactions: sum.transactions + block.transactions.len(),
            gas_used: sum.gas_used.saturating_add(block.header.gas_used),
        })
    }
}
