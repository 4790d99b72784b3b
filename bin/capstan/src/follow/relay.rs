//! Transactions on their way to the leader: this node makes no blocks.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{B256, Bytes};
use capstan_chain::{Chain, Pooled};
use capstan_client::{BlockSource, PullError};
use tokio::{sync::broadcast::error::RecvError, time::sleep};

/// Transactions that wait while the leader is away; of more, the oldest stay in the pool alone.
const WAITING_MAX: usize = 4_096;
/// How long until a leader that did not answer is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Gives the leader what the pool takes, for ever.
pub(super) async fn relay(chain: &Chain, leader: &BlockSource) {
    let mut arrivals = chain.subscribe_pending();
    // What waited before the restart.
    let mut waiting: VecDeque<B256> = chain.pool().hashes().into();
    loop {
        while let Some(hash) = waiting.front().copied() {
            let Some(tx) = chain.pool().get(&hash) else {
                // It is in a block by now.
                waiting.pop_front();
                continue;
            };
            match give(chain, leader, &tx).await {
                Given::Done => drop(waiting.pop_front()),
                Given::Later => {
                    // Others need not wait for it.
                    waiting.rotate_left(1);
                    sleep(AGAIN_AFTER).await;
                    break;
                }
                Given::Away => {
                    sleep(AGAIN_AFTER).await;
                    break;
                }
            }
        }
        let more = match waiting.is_empty() {
            true => arrivals.recv().await,
            // Some are left because the leader is away: whoever came meanwhile stands behind them.
            false => match arrivals.try_recv() {
                Ok(more) => Ok(more),
                Err(_) => continue,
            },
        };
        match more {
            Ok(more) => waiting.extend(more.iter().map(|tx| tx.hash())),
            Err(RecvError::Lagged(_)) => waiting = chain.pool().hashes().into(),
            Err(RecvError::Closed) => std::future::pending().await,
        }
        let too_many = waiting.len().saturating_sub(WAITING_MAX);
        waiting.drain(..too_many);
    }
}

/// What came of giving the leader a transaction.
enum Given {
    /// The leader has it, or will never have it.
    Done,
    /// The leader may take it later.
    Later,
    /// Nobody is there who could take any.
    Away,
}

/// What the leader refuses leaves this pool: it would wait for ever. Whoever answers something else than a node would refuses
/// nothing.
async fn give(chain: &Chain, leader: &BlockSource, tx: &Arc<Pooled>) -> Given {
    let hash = tx.hash();
    match leader.submit(&Bytes::from(tx.tx.encoded_2718())).await {
        Ok(()) => Given::Done,
        Err(PullError::Away { .. } | PullError::Garbage(_)) => Given::Away,
        Err(error) if error.is_passing() => Given::Later,
        Err(error) => {
            tracing::debug!(%hash, %error, "the leader refuses a transaction");
            chain.forget(&hash);
            Given::Done
        }
    }
}
