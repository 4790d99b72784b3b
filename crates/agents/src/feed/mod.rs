//! A price reporter: watches prices somewhere, signs them, and submits them to a node.
//!
//! ```text
//!   Source: a file · HTTP, WebSocket or a command · a synthetic market · one that a person can push
//!      │ quotes, when they are due
//!      ▼
//!   Feeder ─► Report of the newest block's time ─► signature of each key ─► capstan_submitReport
//! ```
//!
//! A source that fails says nothing: no old price is ever repeated, so the chain sees a price grow stale rather than
//! wrong. A report carries the time of the newest block, never a time that the chain has not reached.

mod error;
mod file;
mod living;
mod market;
mod price;
mod setup;
mod web;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use alloy_primitives::{Address, Signature, U256, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use capstan_client::{ClientError, Node};
use capstan_contracts::oracle::{
    self,
    IOracle::{self, Entry, Report},
};
use serde_json::json;

pub use error::FeedError;
pub use file::Recording;
pub use living::{Claim, Hand, Living, Shock, ShockPath, Target};
pub use market::{Market, MarketSettings, Simulated};
pub use price::{parse_price, show_price};
pub use setup::{DEV_PARAMS, setup};
pub use web::{Web, WebSettings};

/// What was observed of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Number of the asset.
    pub asset_id: u32,
    /// Dollars per whole token times 10^18.
    pub price: u128,
    /// Half the width of what is plausible, in hundredths of a percent.
    pub confidence_bps: u16,
}

/// Where prices come from.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a program has one")]
pub enum Source {
    /// A file that was recorded before.
    Recording(Recording),
    /// Servers that answer JSON.
    Web(Web),
    /// Made up.
    Market(Market),
    /// Made up, and moved by a person's hand.
    Living(Living),
}

impl Source {
    /// Waits until quotes are due; `None` is the end. Never answers an asset twice.
    ///
    /// # Errors
    /// What makes going on pointless, as a broken file. A server that fails is a gap, not an error.
    pub async fn next(&mut self) -> Result<Option<Vec<Quote>>, FeedError> {
        match self {
            Self::Recording(recording) => recording.next().await,
            Self::Web(web) => Ok(Some(web.next().await)),
            Self::Market(market) => Ok(Some(market.next().await)),
            Self::Living(living) => Ok(Some(living.next().await?)),
        }
    }
}

/// Signs and submits.
#[derive(Debug)]
pub struct Feeder {
    node: Node,
    chain_id: u64,
    reporters: Vec<PrivateKeySigner>,
    last_round: u64,
    /// Assets that the oracle was asked about.
    looked_at: BTreeSet<u32>,
    is_quiet: bool,
}

/// What became of a batch of quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Submitted {
    /// Reports that the node took.
    pub taken: usize,
    /// Reports that it refused.
    pub refused: usize,
}

impl Feeder {
    /// A feeder for the chain behind `node`, signing with each of these keys.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn new(node: Node, reporters: Vec<PrivateKeySigner>) -> Result<Self, FeedError> {
        let chain_id = node.chain_id().await?;
        Ok(Self {
            node,
            chain_id,
            reporters,
            last_round: 0,
            looked_at: BTreeSet::new(),
            is_quiet: false,
        })
    }

    /// Says nothing of what goes well, nor of refusals: for a feeder that nobody started.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self {
            is_quiet: true,
            ..self
        }
    }

    /// Who signs.
    pub fn reporters(&self) -> impl Iterator<Item = Address> {
        self.reporters.iter().map(PrivateKeySigner::address)
    }

    /// Feeds until the source ends. What fails once is logged, and tried again with the next quotes.
    ///
    /// # Errors
    /// The source's.
    pub async fn run(&mut self, source: &mut Source) -> Result<Submitted, FeedError> {
        let mut total = Submitted::default();
        while let Some(quotes) = source.next().await? {
            if quotes.is_empty() {
                continue;
            }
            match self.submit(&quotes).await {
                Ok(submitted) => {
                    total.taken += submitted.taken;
                    total.refused += submitted.refused;
                }
                Err(error) => tracing::warn!(%error, "these quotes were not submitted"),
            }
        }
        Ok(total)
    }

    /// Signs quotes with every key and submits them.
    ///
    /// # Errors
    /// The node does not answer, or a key does not sign. A refusal is counted and logged instead.
    pub async fn submit(&mut self, quotes: &[Quote]) -> Result<Submitted, FeedError> {
        self.warn_of_the_unlisted(quotes).await?;
        let time_ms = self.node.head_time_ms().await?;
        // Times rise with rounds, and a feeder that starts again goes on where it was.
        self.last_round = time_ms.max(self.last_round + 1);
        let report = report(self.last_round, time_ms, quotes);
        let digest = oracle::digest(self.chain_id, &report);
        let mut submitted = Submitted::default();
        for reporter in &self.reporters {
            let signature = reporter
                .sign_hash_sync(&digest)
                .map_err(|error| FeedError::Key(error.to_string()))?;
            match submit(&self.node, &report, &signature).await {
                Ok(()) => submitted.taken += 1,
                Err(ClientError::Refused { message, .. }) => {
                    submitted.refused += 1;
                    if self.is_quiet {
                        continue;
                    }
                    let reporter = reporter.address();
                    tracing::warn!(%reporter, %message, "a report was refused");
                }
                Err(error) => return Err(error.into()),
            }
        }
        if submitted.taken > 0 && !self.is_quiet {
            for quote in quotes {
                let price = show_price(quote.price);
                tracing::info!(asset = quote.asset_id, %price, taken = submitted.taken, "reported");
            }
        }
        Ok(submitted)
    }

    /// The oracle takes a report with the price of an asset that it does not list, and leaves that price out: said once
    /// for each asset.
    async fn warn_of_the_unlisted(&mut self, quotes: &[Quote]) -> Result<(), FeedError> {
        let is_new = |quote: &&Quote| !self.looked_at.contains(&quote.asset_id);
        let new: Vec<u32> = quotes.iter().filter(is_new).map(|q| q.asset_id).collect();
        if new.is_empty() {
            return Ok(());
        }
        let listed: U256 = self
            .node
            .view(oracle::ADDRESS, &IOracle::feedsCall {})
            .await?;
        for asset in new {
            let is_listed = usize::try_from(asset).is_ok_and(|bit| listed.bit(bit));
            if !is_listed {
                tracing::warn!(
                    asset,
                    "the oracle has no feed of this asset, so its prices go nowhere: its owner makes one with listFeed, on a \
                     development chain `capstan feed market --setup` does"
                );
            }
            self.looked_at.insert(asset);
        }
        Ok(())
    }
}

/// The report of these quotes, in the order that the oracle wants.
fn report(round: u64, time_ms: u64, quotes: &[Quote]) -> Report {
    let mut quotes = quotes.to_vec();
    quotes.sort_by_key(|quote| quote.asset_id);
    let entries = quotes.iter().map(|quote| Entry {
        assetId: quote.asset_id,
        price: quote.price,
        confidenceBps: quote.confidence_bps,
    });
    Report {
        round,
        timeMs: time_ms,
        entries: entries.collect(),
    }
}

/// Gives a signed report to a node.
async fn submit(node: &Node, report: &Report, signature: &Signature) -> Result<(), ClientError> {
    let entries: Vec<_> = report
        .entries
        .iter()
        .map(|entry| {
            json!({
                "assetId": entry.assetId,
                "price": U256::from(entry.price),
                "confidenceBps": entry.confidenceBps,
            })
        })
        .collect();
    let report = json!({"round": report.round, "timeMs": report.timeMs, "entries": entries});
    let signature = hex::encode_prefixed(signature.as_bytes());
    node.call("capstan_submitReport", json!([report, signature]))
        .await?;
    Ok(())
}
