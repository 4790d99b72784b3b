//! All sources of a machine, and what they come to together.

use std::{
    env,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{Part, Reading, Sight, Source, hwmon, load, nvidia, powercap, thermal};

/// More than any machine takes in its life between two looks: what says so is broken.
const MILLIWATTS_MAX: u64 = 100_000_000;
/// Power that was not looked at for so long says nothing of now.
const STALE: Duration = Duration::from_secs(10);

/// Where sources are looked for.
#[derive(Clone, Debug)]
pub struct Places {
    /// Below which `sys` and `proc` lie.
    pub root: PathBuf,
    /// Folders of programs.
    pub programs: Vec<PathBuf>,
}

impl Default for Places {
    fn default() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        Self {
            root: PathBuf::from("/"),
            programs: env::split_paths(&path).collect(),
        }
    }
}

/// A source and what it said last.
#[derive(Debug)]
struct Seat {
    source: Box<dyn Source>,
    sight: Sight,
    looked: Instant,
    /// Its counter at the last look.
    energy_uj: Option<u64>,
    /// Whether its power was ever known: then the sum is unknown without it.
    has_power: bool,
}

/// What one source says, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What it is called.
    pub name: String,
    /// What its power is of.
    pub part: Part,
    /// Watts, in thousandths.
    pub milliwatts: Option<u64>,
    /// Tenths of a kelvin.
    pub decikelvin: Option<u16>,
    /// Hundredths of a percent.
    pub used_bps: Option<u16>,
    /// Whether it counts energy, so that a request's is known and not guessed.
    pub counts_energy: bool,
}

/// All sources.
#[derive(Debug)]
pub struct Sensors {
    seats: Vec<Seat>,
    /// Until when energy was taken.
    taken: Instant,
}

impl Sensors {
    /// Looks for sources.
    pub fn find(places: &Places) -> Self {
        let root = &places.root;
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        let boxed = |source| Box::new(source) as Box<dyn Source>;
        sources.extend(
            powercap::zones(root)
                .into_iter()
                .map(|zone| Box::new(zone) as _),
        );
        sources.extend(hwmon::chips(root).into_iter().map(boxed));
        sources.extend(thermal::zones(root).map(|zones| Box::new(zones) as _));
        sources.extend(nvidia::cards(&places.programs).map(|cards| Box::new(cards) as _));
        sources.extend(load::processors(root).map(|all| Box::new(all) as _));
        Self::of(sources, Instant::now())
    }

    /// Of these.
    pub fn of(sources: Vec<Box<dyn Source>>, now: Instant) -> Self {
        let seat = |mut source: Box<dyn Source>| {
            let sight = source.look();
            let energy_uj = source.energy_uj();
            Seat {
                has_power: sight.milliwatts.is_some() || energy_uj.is_some(),
                source,
                sight,
                looked: now,
                energy_uj,
            }
        };
        Self {
            seats: sources.into_iter().map(seat).collect(),
            taken: now,
        }
    }

    /// Whether the power of anything that counts was ever known.
    pub fn know_power(&self) -> bool {
        self.seats
            .iter()
            .any(|seat| seat.has_power && seat.source.part() != Part::Other)
    }

    /// Until when energy was taken.
    pub(super) const fn taken(&self) -> Instant {
        self.taken
    }

    /// Microjoules since this was asked last; none where a part of it is unknown.
    pub(super) fn energy_uj(&mut self, now: Instant) -> Option<u64> {
        // Who waited for the lock may come with a moment that is over.
        let now = now.max(self.taken);
        let since = now.saturating_duration_since(self.taken);
        self.taken = now;
        let has_whole = self
            .seats
            .iter()
            .any(|seat| seat.has_power && seat.source.part() == Part::Whole);
        let (mut sum, mut any) = (Some(0_u64), false);
        for seat in &mut self.seats {
            let is_counted = match seat.source.part() {
                Part::Whole => true,
                Part::Processor | Part::Card => !has_whole,
                Part::Other => false,
            };
            let part = seat.energy_uj(since, now);
            if is_counted && seat.has_power {
                any = true;
                sum = sum.zip(part).and_then(|(sum, part)| sum.checked_add(part));
            }
        }
        let most = MILLIWATTS_MAX.saturating_mul(millis(since).saturating_add(1));
        sum.filter(|sum| any && *sum <= most)
    }

    /// Looks at everything anew. Power is the mean of `energy` over `since`, which the meter took.
    pub(super) fn look(
        &mut self,
        at_ms: u64,
        energy_uj: Option<u64>,
        since: Duration,
        now: Instant,
    ) -> Reading {
        for seat in &mut self.seats {
            seat.sight = seat.source.look();
            seat.looked = now;
            seat.has_power |= seat.sight.milliwatts.is_some();
        }
        let sights = || {
            self.seats
                .iter()
                .map(|seat| (seat.source.part(), seat.sight))
        };
        let used = |wanted: Part| {
            sights()
                .filter_map(move |(part, sight)| sight.used_bps.filter(|_| part == wanted))
                .max()
        };
        Reading {
            at_ms,
            milliwatts: energy_uj.and_then(|energy| mean_milliwatts(energy, since)),
            decikelvin: sights().filter_map(|(_, sight)| sight.decikelvin).max(),
            used_bps: used(Part::Card).or_else(|| used(Part::Processor)),
        }
    }

    /// What these come to together, in milliwatts: the whole machine, or processors and cards.
    pub fn sum(found: &[Found]) -> Option<u64> {
        let of = |parts: &[Part]| {
            let known = found.iter().filter(|one| parts.contains(&one.part));
            let known: Vec<u64> = known.filter_map(|one| one.milliwatts).collect();
            (!known.is_empty()).then(|| known.iter().sum())
        };
        of(&[Part::Whole]).or_else(|| of(&[Part::Processor, Part::Card]))
    }

    /// What each source says now, for people; counters over the moment since they were looked at.
    pub fn found(&mut self, over: Duration) -> Vec<Found> {
        let before: Vec<Option<u64>> = self
            .seats
            .iter_mut()
            .map(|seat| seat.source.energy_uj())
            .collect();
        std::thread::sleep(over);
        let found = self.seats.iter_mut().zip(before).map(|(seat, before)| {
            let sight = seat.source.look();
            let counted = before.zip(seat.source.energy_uj());
            let counted = counted
                .and_then(|(before, after)| mean_milliwatts(after.checked_sub(before)?, over));
            Found {
                name: seat.source.name().to_owned(),
                part: seat.source.part(),
                milliwatts: counted.or(sight.milliwatts),
                decikelvin: sight.decikelvin,
                used_bps: sight.used_bps,
                counts_energy: before.is_some(),
            }
        });
        found.collect()
    }
}

impl Seat {
    /// Microjoules of it over a time: what it counted, or its power over that time.
    fn energy_uj(&mut self, since: Duration, now: Instant) -> Option<u64> {
        let counted = self.source.energy_uj();
        let before = std::mem::replace(&mut self.energy_uj, counted);
        if counted.is_some() || before.is_some() {
            self.has_power = true;
            return counted
                .zip(before)
                .and_then(|(now, before)| now.checked_sub(before));
        }
        let is_fresh = now.saturating_duration_since(self.looked) < STALE;
        let milliwatts = self
            .sight
            .milliwatts
            .filter(|milliwatts| is_fresh && *milliwatts <= MILLIWATTS_MAX)?;
        let micros = u64::try_from(since.as_micros()).ok()?;
        Some(milliwatts.checked_mul(micros)? / 1_000)
    }
}

/// Microjoules over a time, as milliwatts to the nearest.
fn mean_milliwatts(energy_uj: u64, over: Duration) -> Option<u64> {
    let micros = u64::try_from(over.as_micros()).ok()?;
    let nanojoules = energy_uj.checked_mul(1_000)?.checked_add(micros / 2)?;
    nanojoules.checked_div(micros)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
