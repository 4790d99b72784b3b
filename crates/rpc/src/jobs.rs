//! `capstan_jobs`: what work costs and who offers it, what customers have left and who may spend it, and where claims are.
//!
//! Phases, reasons and prices follow from record and time (JOB-11), so they are asked of the contract on the state of one
//! block and never stored here.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U64, U256};
use capstan_contracts::jobs::{
    ADDRESS,
    IJobs::{
        self, JobParams, channelOfCall, claimCountCall, claimOfCall, claimsOfCall, classOfCall,
        classesCall, customerOfCall, epochCall, keyOfCall, machineRecordCall, machinesInCall,
        offerOfCall, paramsCall,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    RpcContext,
    error::{RpcError, RpcResult},
    exchange::coins::{Coin, Coins},
    fixed::Fixed,
    machines::{REASONS as MACHINE_REASONS, STATES as MACHINE_STATES, some, word},
    methods::Methods,
    page::PageAsked,
    views::Views,
};

/// Words of phases by their numbers; specs/jobs.md has the table.
const PHASES: [&str; 8] = [
    "unknown",
    "waiting",
    "showing",
    "committing",
    "revealing",
    "ripe",
    "paid",
    "void",
];
const REASONS: [&str; 13] = [
    "none",
    "wrong",
    "cut short",
    "copied",
    "withheld",
    "not shown",
    "other program",
    "other machine",
    "other payer",
    "failed",
    "other epoch",
    "overcharged",
    "duplicate",
];
/// Decimals of a level: it is of 10^9.
const LEVEL_DECIMALS: u8 = 9;
/// Claims of all customers that one look passes.
const SCAN_MAX: u64 = 500;
/// Channels of a customer that one answer tells: the newest.
const CHANNELS_MAX: usize = 100;

pub(crate) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_jobs",
            ["filter?", "page?", "block?"],
            "Work that machines sell: classes and their prices; with {class} who offers it at which price now; with {machine} or {customer} claims by phase with the reason in words, what came of a machine's, a customer's balance, keys and channels. Page: {limit, cursor}.",
            jobs,
        )
        .heavy();
}

/// At most one of them.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    class: Option<u32>,
    machine: Option<U64>,
    customer: Option<Address>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Jobs {
    block_number: U64,
    time_ms: U64,
    /// What everything is paid in; null while nothing is sold.
    asset: Option<Coin>,
    epoch: Option<EpochItem>,
    /// What settlement takes, in hundredths of a percent and besides.
    fee_bps: u16,
    fee_flat: Option<Fixed>,
    classes: Option<Vec<ClassItem>>,
    offers: Option<Vec<OfferItem>>,
    machine: Option<RecordItem>,
    customer: Option<CustomerItem>,
    claims: Option<Vec<ClaimItem>>,
    /// What to pass for the next page; null at the end.
    cursor: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EpochItem {
    number: U64,
    start_ms: U64,
    end_ms: U64,
}

/// Prices are of a million units.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClassItem {
    class_id: u32,
    program: B256,
    quantisation: String,
    input_price: Fixed,
    output_price: Fixed,
    level_min: Fixed,
    level_max: Fixed,
    inputs_per_output: u32,
    is_closed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfferItem {
    machine_id: U64,
    class_id: u32,
    region: u32,
    endpoint: String,
    is_open: bool,
    /// The machine's.
    state: &'static str,
    reason: &'static str,
    /// Of this epoch: the region's price, and not below the machine's floors.
    input_price: Fixed,
    output_price: Fixed,
    input_floor: Fixed,
    output_floor: Fixed,
    /// Work that it can do in an epoch, how much it may claim and not have worked off, and how much that is.
    per_epoch: U64,
    allowed: U64,
    used: U64,
    bond: Fixed,
    /// What of the bond stands for open claims.
    reserved: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordItem {
    machine_id: U64,
    claims_paid: U64,
    claims_void: U64,
    receipts_paid: U64,
    receipts_void: U64,
    funded: Fixed,
    earned: Fixed,
    slashed: Fixed,
    /// Why its last void claim was; `none` before one.
    last_reason: &'static str,
    last_void_ms: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomerItem {
    customer: Address,
    free: Fixed,
    bound: Fixed,
    claimed: Fixed,
    paid: Fixed,
    since_ms: Option<U64>,
    keys: Vec<KeyItem>,
    /// The newest first.
    channels: Vec<ChannelItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyItem {
    key: Address,
    total: Fixed,
    per_period: Fixed,
    period_ms: U64,
    until_ms: U64,
    is_revoked: bool,
    spent: Fixed,
    spent_in_period: Fixed,
    /// What it may bind now.
    left: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChannelItem {
    channel: B256,
    key: Address,
    machine_id: U64,
    class_id: u32,
    until_ms: U64,
    /// From when on anybody may give back what is bound.
    free_from_ms: U64,
    bound: Fixed,
    claimed: Fixed,
    paid: Fixed,
    returned: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClaimItem {
    claim_id: U64,
    machine_id: U64,
    class_id: u32,
    customer: Address,
    channel: B256,
    epoch: U64,
    phase: &'static str,
    /// What was wrong; `none` where nothing was found.
    reason: &'static str,
    /// When the phase ends; null where it has ended for good.
    due_ms: Option<U64>,
    made_ms: U64,
    cost: Fixed,
    fee: Fixed,
    /// What of the bond stands for it.
    slash: Fixed,
    receipts: u32,
    /// How many of them were picked for an audit.
    picked: usize,
    input_units: U64,
    output_units: U64,
}

fn jobs(
    cx: &RpcContext,
    (filter, page, id): (Option<Filter>, Option<PageAsked>, Option<BlockId>),
) -> RpcResult<Jobs> {
    let (filter, page) = (filter.unwrap_or_default(), page.unwrap_or_default());
    let limit = page.limit()?;
    let mut views = Views::at(cx, id)?;
    let views = &mut views;
    let params = views.ask(ADDRESS, &paramsCall {})?.current;
    let mut answer = Jobs {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        asset: None,
        epoch: None,
        fee_bps: params.feeBps,
        fee_flat: None,
        classes: None,
        offers: None,
        machine: None,
        customer: None,
        claims: None,
        cursor: None,
    };
    // Before the owner of the scope said so, nothing is sold: every list is empty.
    let Some(unit) = Unit::of(views, &params)? else {
        answer.classes = Some(Vec::new());
        return Ok(answer);
    };
    answer.epoch = Some(epoch(views)?);
    answer.fee_flat = Some(unit.fixed(params.feeFlat));
    let from = page.cursor();
    match filter {
        Filter {
            class: None,
            machine: None,
            customer: None,
        } => answer.classes = Some(classes(views, &unit)?),
        Filter {
            class: Some(class),
            machine: None,
            customer: None,
        } => {
            let (offers, next) = offers(views, &unit, class, from.unwrap_or(0), limit)?;
            (answer.offers, answer.cursor) = (Some(offers), next);
        }
        Filter {
            class: None,
            machine: Some(machine),
            customer: None,
        } => {
            let machine = machine.to();
            answer.machine = Some(record(views, &unit, machine)?);
            let (claims, next) = claims_of(views, &unit, machine, from.unwrap_or(0), limit)?;
            (answer.claims, answer.cursor) = (Some(claims), next);
        }
        Filter {
            class: None,
            machine: None,
            customer: Some(who),
        } => {
            answer.customer = Some(customer(views, &unit, who)?);
            let (claims, next) = claims_by(views, &unit, who, from, limit)?;
            (answer.claims, answer.cursor) = (Some(claims), next);
        }
        _ => {
            return Err(RpcError::invalid_params(
                "name one of class, machine and customer",
            ));
        }
    }
    answer.asset = Some(unit.0);
    Ok(answer)
}

/// What everything is paid in.
struct Unit(Coin);

impl Unit {
    /// None while nothing is sold: an epoch has a length from the first parameters on.
    fn of(views: &mut Views<'_>, params: &JobParams) -> RpcResult<Option<Self>> {
        if params.epochMs == 0 {
            return Ok(None);
        }
        let mut coins = Coins::default();
        let coin = coins.get(views, params.assetId)?.clone();
        Ok(Some(Self(coin)))
    }

    fn fixed(&self, amount: U256) -> Fixed {
        Fixed::new(amount, self.0.decimals)
    }
}

fn epoch(views: &mut Views<'_>) -> RpcResult<EpochItem> {
    let epoch = views.ask(ADDRESS, &epochCall {})?;
    Ok(EpochItem {
        number: U64::from(epoch.number),
        start_ms: U64::from(epoch.startMs),
        end_ms: U64::from(epoch.endMs),
    })
}

fn classes(views: &mut Views<'_>, unit: &Unit) -> RpcResult<Vec<ClassItem>> {
    let numbers = views.ask(ADDRESS, &classesCall {})?;
    let mut items = Vec::with_capacity(numbers.len());
    for class_id in numbers {
        let class = views.ask(ADDRESS, &classOfCall { classId: class_id })?;
        let level = |level: u64| Fixed::new(U256::from(level), LEVEL_DECIMALS);
        items.push(ClassItem {
            class_id,
            program: class.program,
            quantisation: text_of(class.quantisation),
            input_price: unit.fixed(class.inputPrice),
            output_price: unit.fixed(class.outputPrice),
            level_min: level(class.levelMin),
            level_max: level(class.levelMax),
            inputs_per_output: class.inputsPerOutput,
            is_closed: class.isClosed,
        });
    }
    Ok(items)
}

/// A short word that is stored with zeros behind it; anything else as it is.
fn text_of(word: B256) -> String {
    let text: Vec<_> = word.into_iter().take_while(|byte| *byte != 0).collect();
    let is_all = B256::right_padding_from(&text) == word;
    match String::from_utf8(text) {
        Ok(text) if is_all && text.chars().all(|one| one.is_ascii_graphic()) => text,
        _ => word.to_string(),
    }
}

/// The cursor is the next place among the machines of a class.
fn offers(
    views: &mut Views<'_>,
    unit: &Unit,
    class_id: u32,
    from: u64,
    limit: usize,
) -> RpcResult<(Vec<OfferItem>, Option<U64>)> {
    // A class that there is not says so.
    views.ask(ADDRESS, &classOfCall { classId: class_id })?;
    let call = machinesInCall {
        classId: class_id,
        from: u32::try_from(from).unwrap_or(u32::MAX),
        count: u32::try_from(limit).unwrap_or(u32::MAX),
    };
    let seen = views.ask(ADDRESS, &call)?;
    let mut items = Vec::with_capacity(seen.machineIds.len());
    for machine in seen.machineIds {
        let call = offerOfCall {
            machineId: machine,
            classId: class_id,
        };
        let offer = views.ask(ADDRESS, &call)?;
        items.push(OfferItem {
            machine_id: U64::from(machine),
            class_id,
            region: offer.region,
            endpoint: offer.terms.endpoint,
            is_open: offer.terms.isOpen,
            state: word(&MACHINE_STATES, offer.state),
            reason: word(&MACHINE_REASONS, offer.reason),
            input_price: unit.fixed(offer.inputPrice),
            output_price: unit.fixed(offer.outputPrice),
            input_floor: unit.fixed(offer.terms.inputFloor),
            output_floor: unit.fixed(offer.terms.outputFloor),
            per_epoch: U64::from(offer.perEpoch),
            allowed: U64::from(offer.allowed),
            used: U64::from(offer.used),
            bond: unit.fixed(offer.bond),
            reserved: unit.fixed(offer.reserved),
        });
    }
    Ok((items, some(seen.next.into())))
}

fn record(views: &mut Views<'_>, unit: &Unit, machine: u64) -> RpcResult<RecordItem> {
    let call = machineRecordCall { machineId: machine };
    let record = views.ask(ADDRESS, &call)?;
    Ok(RecordItem {
        machine_id: U64::from(machine),
        claims_paid: U64::from(record.claimsPaid),
        claims_void: U64::from(record.claimsVoid),
        receipts_paid: U64::from(record.receiptsPaid),
        receipts_void: U64::from(record.receiptsVoid),
        funded: unit.fixed(record.funded),
        earned: unit.fixed(record.earned),
        slashed: unit.fixed(record.slashed),
        last_reason: word(&REASONS, record.lastReason),
        last_void_ms: some(record.lastVoidMs),
    })
}

fn customer(views: &mut Views<'_>, unit: &Unit, who: Address) -> RpcResult<CustomerItem> {
    let told = views.ask(ADDRESS, &customerOfCall { customer: who })?;
    let mut keys = Vec::with_capacity(told.keys.len());
    for key in told.keys {
        keys.push(key_of(views, unit, who, key)?);
    }
    let mut channels = Vec::new();
    let mut next = told.lastChannel;
    while !next.is_zero() && channels.len() < CHANNELS_MAX {
        let channel = views.ask(ADDRESS, &channelOfCall { channel: next })?;
        channels.push(channel_item(unit, next, &channel));
        next = channel.previous;
    }
    Ok(CustomerItem {
        customer: who,
        free: unit.fixed(told.free),
        bound: unit.fixed(told.bound),
        claimed: unit.fixed(told.claimed),
        paid: unit.fixed(told.paid),
        since_ms: some(told.sinceMs),
        keys,
        channels,
    })
}

fn key_of(views: &mut Views<'_>, unit: &Unit, who: Address, key: Address) -> RpcResult<KeyItem> {
    let call = keyOfCall { customer: who, key };
    let told = views.ask(ADDRESS, &call)?;
    Ok(KeyItem {
        key,
        total: unit.fixed(told.limits.total),
        per_period: unit.fixed(told.limits.perPeriod),
        period_ms: U64::from(told.limits.periodMs),
        until_ms: U64::from(told.limits.untilMs),
        is_revoked: told.isRevoked,
        spent: unit.fixed(told.spent),
        spent_in_period: unit.fixed(told.spentInPeriod),
        left: unit.fixed(told.left),
    })
}

fn channel_item(unit: &Unit, id: B256, channel: &IJobs::Channel) -> ChannelItem {
    ChannelItem {
        channel: id,
        key: channel.key,
        machine_id: U64::from(channel.machineId),
        class_id: channel.classId,
        until_ms: U64::from(channel.untilMs),
        free_from_ms: U64::from(channel.freeFromMs),
        bound: unit.fixed(channel.bound),
        claimed: unit.fixed(channel.claimed),
        paid: unit.fixed(channel.paid),
        returned: unit.fixed(channel.returned),
    }
}

/// The newest first; the cursor is the claim before which the next page begins.
fn claims_of(
    views: &mut Views<'_>,
    unit: &Unit,
    machine: u64,
    before: u64,
    limit: usize,
) -> RpcResult<(Vec<ClaimItem>, Option<U64>)> {
    let call = claimsOfCall {
        machineId: machine,
        before,
        count: u64::try_from(limit).unwrap_or(u64::MAX),
    };
    let numbers = views.ask(ADDRESS, &call)?;
    let mut items = Vec::with_capacity(numbers.len());
    for number in numbers {
        items.push(claim(views, unit, number)?);
    }
    let last = items.last().map(|item| item.claim_id);
    let next = last.filter(|last| *last > U64::from(1));
    Ok((items, next))
}

/// The same of a customer. Claims are kept by machine, so one look passes a bounded count of all of them: a page may be short
/// and still not the last.
fn claims_by(
    views: &mut Views<'_>,
    unit: &Unit,
    who: Address,
    before: Option<u64>,
    limit: usize,
) -> RpcResult<(Vec<ClaimItem>, Option<U64>)> {
    let count = views.ask(ADDRESS, &claimCountCall {})?;
    let mut at = before.unwrap_or(u64::MAX).min(count.saturating_add(1));
    let stop = at.saturating_sub(SCAN_MAX).max(1);
    let mut items = Vec::new();
    while at > stop && items.len() < limit {
        at = at.saturating_sub(1);
        let item = claim(views, unit, at)?;
        if item.customer == who {
            items.push(item);
        }
    }
    Ok((items, (at > 1).then(|| U64::from(at))))
}

fn claim(views: &mut Views<'_>, unit: &Unit, number: u64) -> RpcResult<ClaimItem> {
    let claim = views.ask(ADDRESS, &claimOfCall { claimId: number })?;
    Ok(ClaimItem {
        claim_id: U64::from(number),
        machine_id: U64::from(claim.machineId),
        class_id: claim.classId,
        customer: claim.customer,
        channel: claim.channel,
        epoch: U64::from(claim.voucher.epoch),
        phase: word(&PHASES, claim.phase),
        reason: word(&REASONS, claim.reason),
        due_ms: some(claim.dueMs),
        made_ms: U64::from(claim.madeMs),
        cost: unit.fixed(claim.voucher.cost),
        fee: unit.fixed(claim.fee),
        slash: unit.fixed(claim.slash),
        receipts: claim.voucher.receipts,
        picked: claim.picks.len(),
        input_units: U64::from(claim.voucher.inputUnits),
        output_units: U64::from(claim.voucher.outputUnits),
    })
}
