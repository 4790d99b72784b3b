//! Chips that watch a machine (`/sys/class/hwmon`): watts and degrees.

use std::path::{Path, PathBuf};

use super::{Part, Sight, Source, decikelvin, files};

/// One chip.
#[derive(Debug)]
pub(super) struct Chip {
    name: String,
    part: Part,
    /// Of each channel of power the file that says it, the mean before the moment.
    powers: Vec<PathBuf>,
    warmths: Vec<PathBuf>,
}

/// All chips that say watts or degrees.
pub(super) fn chips(root: &Path) -> Vec<Chip> {
    let mut chips = Vec::new();
    for path in files::folder(&root.join("sys/class/hwmon")) {
        let kind = files::line(&path.join("name")).unwrap_or_default();
        let entries = files::folder(&path);
        let ends = |entry: &&PathBuf, start: &str, end: &str| {
            let name = files::name(entry);
            name.starts_with(start) && name.ends_with(end)
        };
        let means: Vec<&PathBuf> = entries
            .iter()
            .filter(|at| ends(at, "power", "_average"))
            .collect();
        let channel = |path: &Path| {
            files::name(path)
                .split('_')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let has_mean = |at: &Path| means.iter().any(|mean| channel(mean) == channel(at));
        let moments = entries
            .iter()
            .filter(|at| ends(at, "power", "_input") && !has_mean(at));
        let powers: Vec<PathBuf> = means.iter().copied().chain(moments).cloned().collect();
        let warmths: Vec<PathBuf> = entries
            .iter()
            .filter(|at| ends(at, "temp", "_input"))
            .cloned()
            .collect();
        if powers.is_empty() && warmths.is_empty() {
            continue;
        }
        let part = match kind.as_str() {
            "power_meter" | "acpi_power_meter" => Part::Whole,
            "amdgpu" | "i915" | "xe" | "nouveau" => Part::Card,
            "zenpower" | "fam15h_power" => Part::Processor,
            _ => Part::Other,
        };
        chips.push(Chip {
            name: format!("{} {kind}", files::name(&path)),
            part,
            powers,
            warmths,
        });
    }
    chips
}

impl Source for Chip {
    fn name(&self) -> &str {
        &self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn look(&mut self) -> Sight {
        // Microwatts. A channel that does not say makes the sum unknown.
        let watts = self.powers.iter().map(|path| files::number::<u64>(path));
        let sum = watts
            .sum::<Option<u64>>()
            .filter(|_| !self.powers.is_empty());
        let warmths = self.warmths.iter().filter_map(|path| files::number(path));
        Sight {
            milliwatts: sum.map(|microwatts| microwatts / 1_000),
            decikelvin: warmths.filter_map(decikelvin).max(),
            used_bps: None,
        }
    }
}
