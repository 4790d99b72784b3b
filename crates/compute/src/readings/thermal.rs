//! Zones of warmth (`/sys/class/thermal`), for machines whose chips say none.

use std::path::{Path, PathBuf};

use super::{Part, Sight, Source, decikelvin, files};

/// All zones together.
#[derive(Debug)]
pub(super) struct Zones(Vec<PathBuf>);

/// None where there are none.
pub(super) fn zones(root: &Path) -> Option<Zones> {
    let entries = files::folder(&root.join("sys/class/thermal")).into_iter();
    let is_zone = |path: &PathBuf| files::name(path).starts_with("thermal_zone");
    let zones: Vec<PathBuf> = entries
        .filter(is_zone)
        .map(|path| path.join("temp"))
        .collect();
    (!zones.is_empty()).then_some(Zones(zones))
}

impl Source for Zones {
    fn name(&self) -> &str {
        "thermal zones"
    }

    fn part(&self) -> Part {
        Part::Other
    }

    fn look(&mut self) -> Sight {
        let warmths = self.0.iter().filter_map(|path| files::number(path));
        Sight {
            decikelvin: warmths.filter_map(decikelvin).max(),
            ..Sight::default()
        }
    }
}
