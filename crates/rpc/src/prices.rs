//! Prices: reports that come in, and the history of what was accepted.

use alloy_primitives::{Address, Bytes, Signature, U64, U256};
use alloy_sol_types::SolEvent as _;
use capstan_chain::{Budget, LogEntry, LogQuery, LogRange, ReportError};
use capstan_contracts::oracle::{
    self, ADDRESS as ORACLE,
    IOracle::{self, PriceAccepted, SignedReport},
};
use serde::{Deserialize, Serialize};

use crate::{
    RpcContext,
    error::{RpcError, RpcResult, chain_error},
    methods::Methods,
    page::{Page, PageAsked},
};

/// Heights of the first look back; each further look is twice as long.
const FIRST_SPAN: u64 = 1_024;
/// Digits behind the point of a price.
const DECIMALS: u8 = 18;

pub(crate) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_submitReport",
            ["report", "signature"],
            "Takes a reporter's signed prices (EIP-712) for the next block; answers the reporter.",
            submit_report,
        )
        .writes();
    table
        .blocking(
            "capstan_priceHistory",
            ["assetId", "page?"],
            "Accepted prices of an asset, newest first, from events. Page: {limit, cursor}.",
            price_history,
        )
        .heavy();
}

/// A number, or a quantity in hexadecimal.
#[derive(Deserialize)]
#[serde(untagged)]
enum Small {
    Number(u64),
    Quantity(U64),
}

impl Small {
    fn narrow<T: TryFrom<u64>>(&self, name: &str) -> RpcResult<T> {
        let number = match self {
            Self::Number(number) => *number,
            Self::Quantity(quantity) => quantity.to(),
        };
        T::try_from(number)
            .map_err(|_| RpcError::invalid_params(format!("{name} {number} is out of range")))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReportAsked {
    round: Small,
    time_ms: Small,
    entries: Vec<EntryAsked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EntryAsked {
    asset_id: Small,
    price: U256,
    confidence_bps: Small,
}

impl ReportAsked {
    fn read(&self) -> RpcResult<IOracle::Report> {
        let entries = self.entries.iter().map(|entry| {
            let price = u128::try_from(entry.price).map_err(|_| {
                RpcError::invalid_params(format!("price {} is out of range", entry.price))
            })?;
            Ok(IOracle::Entry {
                assetId: entry.asset_id.narrow("assetId")?,
                price,
                confidenceBps: entry.confidence_bps.narrow("confidenceBps")?,
            })
        });
        Ok(IOracle::Report {
            round: self.round.narrow("round")?,
            timeMs: self.time_ms.narrow("timeMs")?,
            entries: entries.collect::<RpcResult<_>>()?,
        })
    }
}

fn submit_report(cx: &RpcContext, (report, signature): (ReportAsked, Bytes)) -> RpcResult<Address> {
    let report = report.read()?;
    let bad = |why: String| RpcError::invalid_params(format!("signature: {why}"));
    let signature = Signature::from_raw(&signature).map_err(|error| bad(error.to_string()))?;
    let digest = oracle::digest(cx.chain().rules().chain_id, &report);
    let reporter = signature
        .recover_address_from_prehash(&digest)
        .map_err(|error| bad(error.to_string()))?;
    let signed = SignedReport {
        reporter,
        report,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    };
    match cx.chain().submit_report(signed) {
        Ok(()) => Ok(reporter),
        Err(error @ ReportError::State(_)) => Err(RpcError::internal(error.to_string())),
        Err(error) => Err(RpcError::server(format!("{error} (reporter {reporter})"))),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PriceItem {
    block_number: U64,
    round: U64,
    time_ms: U64,
    spot: U256,
    smoothed: U256,
    /// Before the growth cap.
    median: U256,
    confidence_bps: u16,
    decimals: u8,
}

impl PriceItem {
    fn read(entry: &LogEntry) -> Option<Self> {
        let event = PriceAccepted::decode_log(&entry.log).ok()?.data;
        Some(Self {
            block_number: U64::from(entry.block_number),
            round: U64::from(event.round),
            time_ms: U64::from(event.timeMs),
            spot: U256::from(event.spot),
            smoothed: U256::from(event.smoothed),
            median: U256::from(event.median),
            confidence_bps: event.confidenceBps,
            decimals: DECIMALS,
        })
    }
}

/// Looks back from the cursor in growing spans until the page is full. The cursor is the highest block of the next page:
/// an asset has at most one price per block.
fn price_history(
    cx: &RpcContext,
    (asset_id, page): (u32, Option<PageAsked>),
) -> RpcResult<Page<PriceItem>> {
    let page = page.unwrap_or_default();
    let limit = page.limit()?;
    let head = cx.chain().head().number();
    let mut next = Some(page.cursor().map_or(head, |cursor| cursor.min(head)));
    let mut span = FIRST_SPAN;
    let mut items = Vec::new();
    while let Some(to) = next
        && items.len() < limit
    {
        let from = to.saturating_sub(span - 1);
        let found = prices_between(cx, asset_id, from, to)?;
        let room = limit - items.len();
        let kept = found.iter().rev().take(room);
        items.extend(kept.filter_map(PriceItem::read));
        next = match found.len().checked_sub(room + 1) {
            Some(left) => Some(found[left].block_number),
            None => from.checked_sub(1),
        };
        span = span.saturating_mul(2);
    }
    Ok(Page {
        items,
        cursor: next.map(U64::from),
    })
}

fn prices_between(cx: &RpcContext, asset_id: u32, from: u64, to: u64) -> RpcResult<Vec<LogEntry>> {
    let query = LogQuery {
        range: LogRange::Numbers { from, to },
        addresses: vec![ORACLE],
        topics: [
            vec![PriceAccepted::SIGNATURE_HASH],
            vec![U256::from(asset_id).into()],
            Vec::new(),
            Vec::new(),
        ],
    };
    let time = cx
        .deadline()
        .saturating_duration_since(std::time::Instant::now());
    let budget = Budget {
        results: cx.limits().logs_max,
        time,
    };
    cx.chain().logs(&query, &budget).map_err(chain_error)
}
