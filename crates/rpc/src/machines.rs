//! `capstan_machines`: machines with their state in words, what stands for their word, and what they last said.
//!
//! States, reasons and phases follow from record and time alone (MACH-9), so they are asked of the contract on the state of
//! one block and never stored here.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U64, U256};
use capstan_contracts::machines::{
    ADDRESS,
    IMachines::{self, challengeCall, machineCall, machineCountCall, machinesOfCall, readingsCall},
    SCAN_MAX,
};
use serde::Serialize;

use crate::{
    RpcContext,
    error::RpcResult,
    exchange::coins::{Coin, Coins},
    fixed::Fixed,
    methods::Methods,
    page::PageAsked,
    views::Views,
};

/// Words of states by their numbers; specs/machines.md has the table.
pub(crate) const STATES: [&str; 8] = [
    "unknown",
    "probation",
    "live",
    "late",
    "dark",
    "leaving",
    "gone",
    "barred",
];
pub(crate) const REASONS: [&str; 12] = [
    "none",
    "new",
    "beat missed",
    "grace over",
    "holder left",
    "bond taken",
    "bond short",
    "wrong answer",
    "no answer",
    "never proven",
    "too old",
    "slashed",
];
const PHASES: [&str; 10] = [
    "none",
    "asked",
    "drawn",
    "committing",
    "revealing",
    "passed",
    "wrong",
    "unanswered",
    "no quorum",
    "lapsed",
];
/// Freezing, in hundredths of a kelvin.
const ZERO_CELSIUS_CENTIKELVIN: u64 = 27_315;
const KINDS: [&str; 6] = ["unsaid", "gpu", "cpu", "sensor", "vehicle", "panel"];

pub(crate) fn register(table: &mut Methods) {
    table
        .blocking(
            "capstan_machines",
            ["holder?", "page?", "block?"],
            "Machines by number: holder, state and reason in words, bond, proven life, last readings, last challenge and what it proved; of one holder where an address is named. Page: {limit, cursor}.",
            machines,
        )
        .heavy();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Machines {
    block_number: U64,
    time_ms: U64,
    items: Vec<MachineItem>,
    /// What to pass for the next page; null at the end.
    cursor: Option<U64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MachineItem {
    machine_id: U64,
    key: Address,
    holder: Address,
    /// Its own word: `gpu`, `cpu` ..., or a number that no word stands for.
    kind: String,
    region: u32,
    uri: String,
    state: &'static str,
    reason: &'static str,
    since_ms: U64,
    asset: Coin,
    bond: Fixed,
    bond_min: Fixed,
    registered_ms: U64,
    last_beat_ms: U64,
    /// When it would be dark if it stayed silent; null where that does not apply.
    dark_from_ms: Option<U64>,
    /// When its bond may be taken; null unless it leaves.
    withdraw_from_ms: Option<U64>,
    life_ms: U64,
    dark_ms: U64,
    dark_count: u32,
    /// Null for one that never went dark.
    last_dark_from_ms: Option<U64>,
    /// Null before the first.
    readings: Option<ReadingsItem>,
    /// Null before the first.
    challenge: Option<ChallengeItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadingsItem {
    from_ms: U64,
    to_ms: U64,
    count: u32,
    root: B256,
    watts: u32,
    celsius: Fixed,
    utilisation: Fixed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChallengeItem {
    number: U64,
    class: u32,
    phase: &'static str,
    /// When that ends; null where it has ended for good or waits for a block.
    due_ms: Option<U64>,
    units: U64,
    asked_ms: U64,
    answered_ms: Option<U64>,
    /// What the machine is known to do in that class.
    per_hour: U64,
    /// Why it is nothing; `none` where it is something.
    reason: &'static str,
    until_ms: Option<U64>,
}

/// The cursor is the next number of a machine to look at.
fn machines(
    cx: &RpcContext,
    (holder, page, id): (Option<Address>, Option<PageAsked>, Option<BlockId>),
) -> RpcResult<Machines> {
    let page = page.unwrap_or_default();
    let limit = page.limit()?;
    let mut views = Views::at(cx, id)?;
    let (numbers, cursor) = numbers(&mut views, holder, page.cursor().unwrap_or(0), limit)?;
    let mut coins = Coins::default();
    let items = numbers
        .into_iter()
        .map(|number| item(&mut views, &mut coins, number));
    let items = items.collect::<RpcResult<_>>()?;
    Ok(Machines {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        items,
        cursor: cursor.map(U64::from),
    })
}

/// Numbers of one page, and where the next begins. Of a holder, one look passes a bounded count of machines, so a page may be
/// short and still not the last.
fn numbers(
    views: &mut Views<'_>,
    holder: Option<Address>,
    from: u64,
    limit: usize,
) -> RpcResult<(Vec<u64>, Option<u64>)> {
    let limit = u64::try_from(limit).unwrap_or(SCAN_MAX);
    if let Some(holder) = holder {
        let count = limit.min(SCAN_MAX);
        let call = machinesOfCall {
            holder,
            from,
            count,
        };
        let seen = views.ask(ADDRESS, &call)?;
        return Ok((seen.machineIds, Some(seen.next).filter(|next| *next > 0)));
    }
    let count = views.ask(ADDRESS, &machineCountCall {})?;
    let end = from.saturating_add(limit).min(count);
    Ok(((from..end).collect(), (end < count).then_some(end)))
}

fn item(views: &mut Views<'_>, coins: &mut Coins, number: u64) -> RpcResult<MachineItem> {
    let machine = views.ask(ADDRESS, &machineCall { machineId: number })?;
    let coin = coins.get(views, machine.assetId)?.clone();
    let units = |amount| Fixed::new(amount, coin.decimals);
    Ok(MachineItem {
        machine_id: U64::from(number),
        key: machine.key,
        holder: machine.holder,
        kind: match KINDS.get(usize::from(machine.spec.kind)) {
            Some(word) => (*word).to_owned(),
            None => machine.spec.kind.to_string(),
        },
        region: machine.spec.region,
        uri: machine.spec.uri,
        state: word(&STATES, machine.state),
        reason: word(&REASONS, machine.reason),
        since_ms: U64::from(machine.sinceMs),
        bond: units(machine.bond),
        bond_min: units(machine.bondMin),
        registered_ms: U64::from(machine.registeredMs),
        last_beat_ms: U64::from(machine.lastBeatMs),
        dark_from_ms: some(machine.darkFromMs),
        withdraw_from_ms: some(machine.withdrawFromMs),
        life_ms: U64::from(machine.lifeMs),
        dark_ms: U64::from(machine.darkMs),
        dark_count: machine.darkCount,
        last_dark_from_ms: some(machine.lastDarkFromMs),
        readings: readings(views, number)?,
        challenge: match machine.challenge {
            0 => None,
            _ => Some(challenge(views, number)?),
        },
        asset: coin,
    })
}

fn readings(views: &mut Views<'_>, number: u64) -> RpcResult<Option<ReadingsItem>> {
    let said: IMachines::Readings = views.ask(ADDRESS, &readingsCall { machineId: number })?;
    if said.sequence == 0 {
        return Ok(None);
    }
    // Machines work above freezing; colder ones are shown at zero.
    let celsius = u64::from(said.decikelvin).saturating_mul(10);
    let celsius = celsius.saturating_sub(ZERO_CELSIUS_CENTIKELVIN);
    Ok(Some(ReadingsItem {
        from_ms: U64::from(said.fromMs),
        to_ms: U64::from(said.toMs),
        count: said.count,
        root: said.root,
        watts: said.watts,
        celsius: Fixed::new(U256::from(celsius), 2),
        utilisation: Fixed::new(U256::from(said.utilisationBps), 4),
    }))
}

fn challenge(views: &mut Views<'_>, number: u64) -> RpcResult<ChallengeItem> {
    let last = views.ask(ADDRESS, &challengeCall { machineId: number })?;
    let call = IMachines::capacityCall {
        machineId: number,
        class: last.class,
    };
    let capacity = views.ask(ADDRESS, &call)?;
    Ok(ChallengeItem {
        number: U64::from(last.number),
        class: last.class,
        phase: word(&PHASES, last.phase),
        due_ms: some(last.dueMs),
        units: U64::from(last.units),
        asked_ms: U64::from(last.askedMs),
        answered_ms: some(last.answeredMs),
        per_hour: U64::from(capacity.perHour),
        reason: word(&REASONS, capacity.reason),
        until_ms: some(capacity.untilMs),
    })
}

/// The contract writes zero where there is nothing.
pub(crate) fn some(ms: u64) -> Option<U64> {
    (ms != 0).then(|| U64::from(ms))
}

pub(crate) fn word(words: &[&'static str], number: u8) -> &'static str {
    words.get(usize::from(number)).copied().unwrap_or("unknown")
}
