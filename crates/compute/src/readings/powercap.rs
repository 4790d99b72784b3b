//! Counters of energy in processors (`/sys/class/powercap`, RAPL). Most systems let their owner alone read them.

use std::path::{Path, PathBuf};

use super::{Part, Sight, Source, files};

/// One zone: a package of cores, its memory, or the platform.
#[derive(Debug)]
pub(super) struct Zone {
    name: String,
    part: Part,
    counter: PathBuf,
    /// The counter goes back to zero after this.
    range_uj: Option<u64>,
    last: Option<u64>,
    sum_uj: u64,
}

/// Zones whose energy is their own: packages, and memory beside them. Cores lie inside their package and are left out. The
/// platform has all of them.
pub(super) fn zones(root: &Path) -> Vec<Zone> {
    let all = files::folder(&root.join("sys/class/powercap"));
    let mut zones = Vec::new();
    for path in all {
        let Some(kind) = files::line(&path.join("name")) else {
            continue;
        };
        // The same counter stands there once more under another driver.
        if files::name(&path).starts_with("intel-rapl-mmio") {
            continue;
        }
        let part = match kind.as_str() {
            "psys" => Part::Whole,
            "dram" => Part::Processor,
            kind if kind.starts_with("package") => Part::Processor,
            _ => continue,
        };
        zones.push(Zone {
            name: format!("powercap {} {kind}", files::name(&path)),
            part,
            counter: path.join("energy_uj"),
            range_uj: files::number(&path.join("max_energy_range_uj")),
            last: None,
            sum_uj: 0,
        });
    }
    zones
}

impl Source for Zone {
    fn name(&self) -> &str {
        &self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn look(&mut self) -> Sight {
        Sight::default()
    }

    fn energy_uj(&mut self) -> Option<u64> {
        let Some(now) = files::number::<u64>(&self.counter) else {
            // What it counts until it can be read again is nobody's.
            self.last = None;
            return None;
        };
        let Some(last) = self.last.replace(now) else {
            return Some(self.sum_uj);
        };
        match since(last, now, self.range_uj) {
            Some(more) => {
                self.sum_uj = self.sum_uj.saturating_add(more);
                Some(self.sum_uj)
            }
            None => None,
        }
    }
}

/// From one look to the next. A counter that is smaller than before went around its range if what that makes is the lesser
/// part of it; else it began anew, and nobody knows when.
pub(super) fn since(last: u64, now: u64, range: Option<u64>) -> Option<u64> {
    if now >= last {
        return Some(now - last);
    }
    let range = range.filter(|range| *range >= last)?;
    let around = (range - last).checked_add(now)?.checked_add(1)?;
    (around <= range / 2).then_some(around)
}
