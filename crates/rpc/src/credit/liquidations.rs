//! `capstan_liquidations` and `capstan_explainLiquidation`: what the block sold and why, from stored events alone.

use alloy_primitives::{Address, B256, U64, U256};
use alloy_sol_types::SolEvent;
use capstan_chain::LogEntry;
use capstan_contracts::{
    account::{
        self,
        IAccount::{AccountRef, Liquidated, LiquidationStep, LossRealised},
    },
    ledger::{self, ILedger},
};
use serde::Serialize;

use super::{
    account::AccountAsked,
    compared::{Compared, compare},
    look_back::{logs_between, look_back, position},
};
use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    fixed::Fixed,
    methods::Methods,
    page::{Page, PageAsked},
    views::Views,
};

/// An id is the height of its block, and a number in it.
const NUMBER_BITS: u32 = 16;

pub(super) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_liquidations",
        ["account?", "page?"],
        "Liquidations of an account, or of all, newest first: id, price round, health before and after. Page: {limit, cursor}.",
        liquidations,
    );
    table.blocking(
        "capstan_explainLiquidation",
        ["id"],
        "A liquidation from its events: each step with amounts, discount and buyer, and who bore what was not covered; and what it cost beside what Aave's rule would have taken.",
        explain,
    );
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Liquidation {
    id: U64,
    block_number: U64,
    /// Header time of the block, in seconds.
    timestamp: U64,
    transaction_hash: B256,
    owner: Address,
    index: u8,
    price_round: U64,
    health_before: Fixed,
    /// Null where no debt was left.
    health_after: Option<Fixed>,
}

impl Liquidation {
    fn read(entry: &LogEntry) -> Option<Self> {
        let event = event::<Liquidated>(entry)?;
        let after = event.healthAfter;
        Some(Self {
            id: U64::from(event.id),
            block_number: U64::from(entry.block_number),
            timestamp: U64::from(entry.block_timestamp_s),
            transaction_hash: entry.tx_hash,
            owner: event.owner,
            index: event.index,
            price_round: U64::from(event.priceRound),
            health_before: Fixed::wad(event.healthBefore),
            health_after: (after != U256::MAX).then(|| Fixed::wad(after)),
        })
    }
}

/// The event in a log, if it is of this kind.
fn event<E: SolEvent>(entry: &LogEntry) -> Option<E> {
    let is_kind = entry.log.topics().first() == Some(&E::SIGNATURE_HASH);
    let decoded = is_kind.then(|| E::decode_log(&entry.log))?;
    Some(decoded.ok()?.data)
}

fn liquidations(
    cx: &RpcContext,
    (asked, page): (Option<AccountAsked>, Option<PageAsked>),
) -> RpcResult<Page<Liquidation>> {
    let mut topics = [vec![Liquidated::SIGNATURE_HASH], vec![], vec![], vec![]];
    if let Some(asked) = asked {
        let of = AccountRef::from(asked);
        topics[2].push(of.owner.into_word());
        topics[3].push(U256::from(of.index).into());
    }
    look_back(cx, page.unwrap_or_default(), |from, to| {
        let entries = logs_between(cx, account::ADDRESS, topics.clone(), from, to)?;
        let read = |entry: &LogEntry| Some((position(entry), Liquidation::read(entry)?));
        Ok(entries.iter().filter_map(read).collect())
    })
}

#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    liquidation: Liquidation,
    steps: Vec<Step>,
    losses: Vec<Loss>,
    /// What it cost, beside what another rule would have; null where nothing was sold, or where a state or a price is not
    /// there any more.
    compared: Option<Compared>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    venue: &'static str,
    debt_asset_id: u32,
    paid: Fixed,
    collateral_asset_id: u32,
    taken: Fixed,
    /// Given up beside it: what the reserve got.
    to_reserve: Fixed,
    discount_bps: u16,
    buyer: Address,
    buyer_index: u8,
}

/// What nothing backed, and who bore it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Loss {
    asset_id: u32,
    tier: &'static str,
    amount: Fixed,
}

fn explain(cx: &RpcContext, (id,): (U64,)) -> RpcResult<Explained> {
    let unknown = || RpcError::not_found(format!("there is no liquidation {id}"));
    let height = id.to::<u64>() >> NUMBER_BITS;
    if height > cx.chain().head().number() {
        return Err(unknown());
    }
    let topics = [
        vec![],
        vec![U256::from(id.to::<u64>()).into()],
        vec![],
        vec![],
    ];
    let entries = logs_between(cx, account::ADDRESS, topics, height, height)?;
    let liquidation = entries.iter().find_map(Liquidation::read);
    let mut explained = Explained {
        liquidation: liquidation.ok_or_else(unknown)?,
        steps: Vec::new(),
        losses: Vec::new(),
        compared: None,
    };
    // Decimals are fixed at listing, so the newest state tells them, too.
    let mut views = Views::at(cx, None)?;
    let mut steps = Vec::new();
    for entry in &entries {
        if let Some(step) = event::<LiquidationStep>(entry) {
            explained.steps.push(Step::read(&mut views, &step)?);
            steps.push(step);
        } else if let Some(loss) = event::<LossRealised>(entry) {
            explained.losses.push(Loss {
                asset_id: loss.assetId,
                tier: tier(loss.tier),
                amount: amount(&mut views, loss.assetId, loss.amount)?,
            });
        }
    }
    let told = entries.iter().find_map(event::<Liquidated>);
    if let (Some(told), Some(before)) = (told, height.checked_sub(1)) {
        explained.compared = compared_at(cx, before, height, &told, &steps)?;
    }
    Ok(explained)
}

/// The comparison, if both states are kept.
fn compared_at(
    cx: &RpcContext,
    before: u64,
    height: u64,
    told: &Liquidated,
    steps: &[LiquidationStep],
) -> RpcResult<Option<Compared>> {
    let (Ok(mut before), Ok(mut at)) = (
        Views::at(cx, Some(before.into())),
        Views::at(cx, Some(height.into())),
    ) else {
        return Ok(None);
    };
    let of = AccountRef {
        owner: told.owner,
        index: told.index,
    };
    compare(&mut before, &mut at, of, told.healthBefore, steps)
}

impl Step {
    fn read(views: &mut Views<'_>, step: &LiquidationStep) -> RpcResult<Self> {
        Ok(Self {
            venue: venue(step.venue),
            debt_asset_id: step.debtAssetId,
            paid: amount(views, step.debtAssetId, step.paid)?,
            collateral_asset_id: step.collateralAssetId,
            taken: amount(views, step.collateralAssetId, step.taken)?,
            to_reserve: amount(views, step.collateralAssetId, step.toReserve)?,
            discount_bps: step.discountBps,
            buyer: step.buyer,
            buyer_index: step.buyerIndex,
        })
    }
}

/// An amount of an asset, with its decimals.
fn amount(views: &mut Views<'_>, asset_id: u32, amount: U256) -> RpcResult<Fixed> {
    let asset = views.ask(ledger::ADDRESS, &ILedger::assetCall { assetId: asset_id })?;
    Ok(Fixed::new(amount, asset.decimals))
}

/// Venues as the contract numbers them.
fn venue(number: u8) -> &'static str {
    match number {
        1 => "netting",
        2 => "exchange",
        3 => "offer",
        4 => "backstop",
        5 => "match",
        _ => "unknown",
    }
}

/// Who bears a loss, in order.
fn tier(number: u8) -> &'static str {
    match number {
        1 => "reserve",
        2 => "backstop",
        3 => "lenders",
        _ => "unknown",
    }
}
