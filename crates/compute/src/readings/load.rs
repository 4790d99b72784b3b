//! How busy the processors are (`/proc/stat`).

use std::path::{Path, PathBuf};

use super::{ALWAYS_BPS, Part, Sight, Source, files};
use crate::scan::ticks;

/// All cores since the look before.
#[derive(Debug)]
pub(super) struct Processors {
    stat: PathBuf,
    last: Option<(u64, u64)>,
}

/// None where the system does not say.
pub(super) fn processors(root: &Path) -> Option<Processors> {
    let stat = root.join("proc/stat");
    let last = files::line(&stat).and_then(|line| ticks(&line));
    last.is_some().then_some(Processors { stat, last })
}

impl Source for Processors {
    fn name(&self) -> &str {
        "proc/stat"
    }

    fn part(&self) -> Part {
        Part::Processor
    }

    fn look(&mut self) -> Sight {
        let now = files::line(&self.stat).and_then(|line| ticks(&line));
        let before = std::mem::replace(&mut self.last, now);
        let used = before.zip(now).and_then(|(before, now)| part(before, now));
        Sight {
            used_bps: used,
            ..Sight::default()
        }
    }
}

/// The part in use between two looks. None where the ticks ran backwards, or not at all.
fn part((used, all): (u64, u64), now: (u64, u64)) -> Option<u16> {
    let (used, all) = (now.0.checked_sub(used)?, now.1.checked_sub(all)?);
    let part = used.checked_mul(ALWAYS_BPS)?.checked_div(all)?;
    u16::try_from(part.min(ALWAYS_BPS)).ok()
}
