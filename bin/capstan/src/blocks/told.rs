//! What blocks waited for, in lines and tables, for a terminal or a page.

use std::fmt;

use super::shapes::{Contention, PlaceName};
use crate::table::Table;

/// Names of a packed word that are told; where there are more, it says so.
const PACKED_MAX: usize = 3;

/// Lines first, then tables under what they are.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) lines: Vec<String>,
    pub(super) tables: Vec<(&'static str, Table)>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        for (what, table) in &self.tables {
            write!(f, "\n{what}\n{table}")?;
        }
        Ok(())
    }
}

/// All of it.
pub(super) fn told(found: &Contention) -> Told {
    let mut told = Told::default();
    let blocks = match found.from == found.to {
        true => format!("block {}", found.from.0),
        false => format!("blocks {} to {}", found.from.0, found.to.0),
    };
    let transactions = counted(found.transaction_count.0, "transaction");
    told.lines.push(format!(
        "{blocks}: {transactions}, {} gas",
        found.gas_used.0
    ));
    if let Some(next) = &found.next {
        let next = next.0;
        told.lines.push(format!(
            "one answer goes no further: go on with --from {next}"
        ));
    }
    if found.transaction_count.0 == 0 {
        told.lines.push("nothing ran, so nobody waited".to_owned());
        return told;
    }
    told.lines.push(format!(
        "critical path: {} gas, the longest chain of transactions of which each waits for the one before",
        found.critical_gas.0
    ));
    told.lines.push(format!(
        "parallelism: {}, all gas over that of the critical path",
        times(found.parallelism_milli)
    ));
    told.lines.push(runs(found));
    if found.hot.is_empty() {
        told.lines
            .push("no transaction waited for another".to_owned());
    }
    told.tables.push((
        "speed-up over one core, PROJECTED from gas, not measured",
        projected(found),
    ));
    if !found.hot.is_empty() {
        told.tables.push((
            "hot places: those for which most transactions waited",
            hot(found),
        ));
    }
    if !found.fields.is_empty() {
        told.tables
            .push(("the same by field of a contract", fields(found)));
    }
    told
}

fn runs(found: &Contention) -> String {
    let Some(runs) = &found.runs else {
        return "runs: not known; a node remembers those of the last blocks that it built since it started".to_owned();
    };
    format!(
        "runs, measured: {} of {} in {} that this node built; {} of the runs in vain (what was read ahead had changed by its turn)",
        counted(runs.run_count.0, "run"),
        match runs.transaction_count.0 {
            1 => "1 user's transaction".to_owned(),
            many => format!("{many} users' transactions"),
        },
        counted(runs.block_count.0, "block"),
        runs.in_vain_count.0
    )
}

fn projected(found: &Contention) -> Table {
    let mut table = Table::new(["cores", "producing", "verifying"]);
    for row in &found.projected {
        table.row([
            row.cores.to_string(),
            times(row.produce_milli),
            times(row.verify_milli),
        ]);
    }
    table
}

fn hot(found: &Contention) -> Table {
    let mut table = Table::new(["place", "waits", "reads", "writes", "adds", "blocks"]);
    for row in &found.hot {
        table.row([
            name(&row.place),
            row.touches.wait_count.0.to_string(),
            row.touches.read_count.0.to_string(),
            row.touches.write_count.0.to_string(),
            row.touches.delta_count.0.to_string(),
            row.touches.block_count.0.to_string(),
        ]);
    }
    table
}

fn fields(found: &Contention) -> Table {
    let mut table = Table::new(["field", "words", "waits", "reads", "writes", "adds"]);
    for row in &found.fields {
        table.row([
            format!("{}.{}", row.contract, row.field),
            row.word_count.0.to_string(),
            row.touches.wait_count.0.to_string(),
            row.touches.read_count.0.to_string(),
            row.touches.write_count.0.to_string(),
            row.touches.delta_count.0.to_string(),
        ]);
    }
    table
}

/// A place as people say it: `lending.markets[0].{supply_index, borrow_index} (ETH)`.
pub(super) fn name(place: &PlaceName) -> String {
    let owner = match &place.contract {
        Some(contract) => contract.clone(),
        None => place.address.to_string(),
    };
    let word = match (&place.name, &place.slot) {
        (Some(name), _) => format!("{owner}.{}", shortened(name)),
        (None, Some(slot)) => format!("{owner} slot {slot:#x}"),
        (None, None) => format!("{owner} coins, nonce, code"),
    };
    match &place.which {
        Some(which) => format!("{word} ({which})"),
        None => word,
    }
}

/// A name without most of what one word holds beside each other.
fn shortened(name: &str) -> String {
    let packed = name.strip_suffix('}').and_then(|name| name.split_once('{'));
    let Some((before, packed)) = packed else {
        return name.to_owned();
    };
    let names: Vec<&str> = packed.split(", ").collect();
    match names.get(..PACKED_MAX) {
        Some(first) if names.len() > PACKED_MAX => format!("{before}{{{}, …}}", first.join(", ")),
        _ => name.to_owned(),
    }
}

/// Thousandths as a multiple.
pub(super) fn times(milli: u64) -> String {
    format!("{}.{:02}x", milli / 1_000, milli % 1_000 / 10)
}

/// So many of them.
pub(super) fn counted(count: u64, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}
