//! Random sequences beside a model that predicts every answer from the words of the specification.
//!
//! The model computes by other means than the contract: ranks instead of sorting, cross products instead of
//! quotients, one list of what was said instead of slots.

use alloy_primitives::U256;

use super::*;
use crate::testkit::steps;

/// Repeatable numbers. A failing test prints its seed; `CAPSTAN_SEED` replays it.
pub(super) struct Random(u64);

impl Random {
    #[allow(
        clippy::disallowed_methods,
        reason = "a failing seed is replayed by its variable"
    )]
    pub(super) fn new(test: &str) -> Self {
        let seed = std::env::var("CAPSTAN_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(1_u64);
        println!("replay: CAPSTAN_SEED={seed} cargo nextest run -p capstan-contracts {test}");
        Self(seed)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub(super) fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u64 + 1) as usize);
        }
    }

    /// Parameters, mostly in range.
    pub(super) fn params(&mut self) -> Params {
        let stale_ms = 1_000 + self.below(100_000) as u32;
        Params {
            quorum: 1 + self.below(3) as u8,
            reaccept_rounds: 2 + self.below(3) as u8,
            band_bps: 1 + self.below(2_000) as u16,
            band_widen_bps_per_min: self.below(500) as u16,
            confidence_bps_max: 1 + self.below(500) as u16,
            growth_bps_per_year: self.one_of(&[0, 0, 500, 10_000]),
            stale_ms,
            smooth_ms: self.one_of(&[0, 1, 60_000]),
            outage_ms: stale_ms + self.below(200_000) as u32,
            grace_ms: self.one_of(&[0, 1, 90_000]),
            still_ms: self.one_of(&[0, 0, 10_000, 300_000]),
        }
    }
}

/// What the specification says of one feed.
struct Model {
    params: Params,
    said: Vec<(Address, u128, u16, u64)>,
    accepted: Option<Accepted>,
    reference: u128,
    rounds: u64,
    frozen: bool,
    grace_until_ms: u64,
    doubt: Option<Unusable>,
    /// Medians of the trial that runs, with the newest observation of each.
    trial: Vec<(u128, u64)>,
    /// The latest median and since when.
    median: (u128, u64),
    ceiling: Option<(U256, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Accepted {
    spot: u128,
    smoothed: u128,
    raw: u128,
    time_ms: u64,
}

/// `a` and `b` are at most `bps` apart, in parts of the smaller.
fn near(a: u128, b: u128, bps: u64) -> bool {
    U256::from(a.max(b)) * U256::from(10_000)
        <= U256::from(a.min(b)) * (U256::from(10_000) + U256::from(bps))
}

/// The smallest item that at least `rank` items do not exceed.
fn ranked<T: Copy + Ord>(items: &[T], rank: usize) -> T {
    let fits = |x: &&T| items.iter().filter(|y| y <= x).count() >= rank;
    *items.iter().filter(fits).min().expect("enough")
}

impl Model {
    /// A grace period ends with a whole second; one of no length is none.
    fn open_grace(&mut self, now_ms: u64) {
        let grace_ms = u64::from(self.params.grace_ms);
        if grace_ms > 0 {
            self.grace_until_ms = (now_ms + grace_ms).div_ceil(1_000) * 1_000;
        }
    }

    fn raw(&self) -> u128 {
        self.accepted
            .map_or(self.reference, |accepted| accepted.raw)
    }

    /// One round at `now_ms`, by the reporters that count.
    fn settle(&mut self, counting: &[Address], now_ms: u64) {
        let fresh = |said: &&(Address, u128, u16, u64)| {
            counting.contains(&said.0) && now_ms - said.3 <= u64::from(self.params.stale_ms)
        };
        let counted: Vec<_> = self.said.iter().filter(fresh).copied().collect();
        let (have, need) = (counted.len(), usize::from(self.params.quorum));
        if have < need {
            self.trial.clear();
            let (have, need) = (have as u16, need as u16);
            self.doubt = Some(Unusable::NoQuorum { have, need });
            return;
        }
        let prices: Vec<_> = counted.iter().map(|said| said.1).collect();
        let (low, high) = (
            ranked(&prices, have.div_ceil(2)),
            ranked(&prices, have / 2 + 1),
        );
        let median = (low + high) / 2;
        let sure: Vec<_> = counted.iter().map(|said| said.2).collect();
        let bps = ranked(&sure, have / 2 + 1);
        let times: Vec<_> = counted.iter().map(|said| said.3).collect();
        let (time_ms, newest_ms) = (ranked(&times, have - need + 1), ranked(&times, have));
        if median != self.median.0 {
            self.median = (median, newest_ms);
        }
        self.doubt = self.doubt_of(median, bps, time_ms, newest_ms);
        match self.doubt {
            None => self.accept(median, time_ms, now_ms),
            Some(Unusable::OutOfBand { .. }) => {}
            Some(_) => self.trial.clear(),
        }
    }

    fn doubt_of(
        &mut self,
        median: u128,
        bps: u16,
        time_ms: u64,
        newest_ms: u64,
    ) -> Option<Unusable> {
        let max_bps = self.params.confidence_bps_max;
        if bps > max_bps {
            return Some(Unusable::LowConfidence { bps, max_bps });
        }
        let still_ms = newest_ms.saturating_sub(self.median.1);
        let max_ms = u64::from(self.params.still_ms);
        if max_ms > 0 && still_ms > max_ms {
            return Some(Unusable::Stuck {
                minutes: (still_ms / 60_000) as u16,
                max_minutes: (max_ms / 60_000) as u16,
            });
        }
        let band = self.accepted.map(|accepted| {
            let elapsed_ms = time_ms.saturating_sub(accepted.time_ms);
            let widened = u64::from(self.params.band_widen_bps_per_min) * elapsed_ms / 60_000;
            u64::from(self.params.band_bps) + widened
        });
        if band.is_some_and(|band| near(median, self.raw(), band)) {
            return None;
        }
        match self.trial.last() {
            Some((level, _)) if !near(median, *level, self.params.band_bps.into()) => {
                self.trial.clear()
            }
            Some((_, seen_ms)) if time_ms <= *seen_ms => return self.out_of_band(median, band),
            _ => {}
        }
        self.trial.push((median, newest_ms));
        let confirmed = self.trial.len() >= usize::from(self.params.reaccept_rounds);
        let tenfold = U256::from(median.max(self.raw()))
            > U256::from(median.min(self.raw())) * U256::from(10);
        if confirmed && !tenfold {
            return None;
        }
        self.out_of_band(median, band)
    }

    fn out_of_band(&self, median: u128, band: Option<u64>) -> Option<Unusable> {
        let short = |bps: u64| u16::try_from(bps).unwrap_or(u16::MAX);
        // The smallest whole distance at which both are near.
        let far = (0..=u64::from(u16::MAX)).collect::<Vec<_>>();
        let at = far.partition_point(|bps| !near(median, self.raw(), *bps));
        Some(Unusable::OutOfBand {
            bps: short(at as u64),
            max_bps: short(band.unwrap_or(0)),
        })
    }

    fn accept(&mut self, median: u128, time_ms: u64, now_ms: u64) {
        let before = self.accepted;
        let elapsed_ms = time_ms.saturating_sub(before.map_or(0, |accepted| accepted.time_ms));
        let spot = self.capped(median, time_ms);
        let smoothed = match before {
            None => spot,
            Some(Accepted { smoothed, .. }) => {
                let whole = u128::from(elapsed_ms) + u128::from(self.params.smooth_ms);
                let part = |way: u128| {
                    if whole == 0 {
                        way
                    } else {
                        u128::try_from(U256::from(way) * U256::from(elapsed_ms) / U256::from(whole))
                            .unwrap()
                    }
                };
                if spot > smoothed {
                    smoothed + part(spot - smoothed)
                } else {
                    smoothed - part(smoothed - spot)
                }
            }
        };
        if before.is_none() || elapsed_ms > u64::from(self.params.outage_ms) {
            self.open_grace(now_ms);
        }
        self.accepted = Some(Accepted {
            spot,
            smoothed,
            raw: median,
            time_ms,
        });
        self.trial.clear();
        self.rounds += 1;
    }

    /// The median under the ceiling of a rate.
    fn capped(&mut self, median: u128, time_ms: u64) -> u128 {
        let growth = self.params.growth_bps_per_year;
        if growth == 0 {
            return median;
        }
        let grown = |from: U256, ms: u64| {
            from + from * U256::from(growth) * U256::from(ms)
                / U256::from(10_000_u64 * 365 * 86_400_000)
        };
        let (ceiling, since_ms) = match self.ceiling {
            None => (U256::from(median), time_ms),
            Some((price, drawn_ms)) => {
                let spot = U256::from(
                    self.accepted
                        .map_or(self.reference, |accepted| accepted.spot),
                );
                let ahead = grown(spot, 30 * 86_400_000);
                let risen = grown(price, time_ms.saturating_sub(drawn_ms));
                (risen.min(ahead).max(price), drawn_ms.max(time_ms))
            }
        };
        self.ceiling = Some((ceiling, since_ms));
        median.min(u128::try_from(ceiling).unwrap())
    }

    /// What a use must answer for collateral and debt.
    fn answer(&self, price_use: PriceUse, now_ms: u64) -> Result<(u128, u128), Unusable> {
        if self.frozen {
            return Err(Unusable::Frozen);
        }
        let Some(Accepted {
            spot,
            smoothed,
            raw,
            time_ms,
        }) = self.accepted
        else {
            return Err(Unusable::NeverReported);
        };
        if let Some(doubt) = self.doubt {
            return Err(doubt);
        }
        let (age_ms, max_ms) = (now_ms - time_ms, u64::from(self.params.stale_ms));
        if age_ms > max_ms {
            return Err(Unusable::Stale { age_ms, max_ms });
        }
        let until_ms = self.grace_until_ms;
        if now_ms < until_ms && price_use != PriceUse::View {
            return Err(Unusable::Grace { until_ms });
        }
        let all = [spot, smoothed, raw];
        Ok(match price_use {
            PriceUse::Borrow => (*all.iter().min().unwrap(), *all.iter().max().unwrap()),
            PriceUse::Liquidate => (raw, spot),
            PriceUse::View => (spot, spot),
        })
    }
}

/// Steps of one world.
const PLAY: u32 = 150;
/// Transactions between looks at the whole world.
const SWEEP: u32 = 50;

#[test]
fn orc_random_sequences_agree_with_the_model() {
    const NAME: &str = "oracle::tests::model";
    let (_, steps) = steps::begin(NAME);
    let mut random = Random::new("orc_random_sequences");
    let mut fates = std::collections::BTreeMap::<u8, u32>::new();
    steps::in_plays(steps, PLAY, |steps| {
        let params = loop {
            if let Ok(params) = random.params().checked() {
                break params;
            }
        };
        let mut play = Play::new(params);
        play.scene.world.sweep_every = SWEEP;
        for step in 0..steps {
            play.step(&mut random);
            *fates.entry(play.compare(step)).or_default() += 1;
        }
    });
    println!("answers by reason, zero is a price: {fates:?}");
    if !steps::is_whole(NAME, steps) {
        return;
    }
    for reason in [0, 2, 3, 4, 5, 6, 7, 8, 9] {
        assert!(
            fates.get(&reason).is_some_and(|count| *count >= 20),
            "reason {reason} is hardly reached"
        );
    }
}

/// A scene and its model, side by side.
struct Play {
    scene: Scene,
    model: Model,
    list: Vec<Address>,
    level: u128,
}

impl Play {
    fn new(params: Params) -> Self {
        let reference = 2_000 * USD;
        let scene = Scene::listed(params.into());
        let model = Model {
            params,
            said: Vec::new(),
            accepted: None,
            reference,
            rounds: 0,
            frozen: false,
            grace_until_ms: 0,
            doubt: None,
            trial: Vec::new(),
            median: (0, 0),
            ceiling: None,
        };
        Self {
            scene,
            model,
            list: R.to_vec(),
            level: reference,
        }
    }

    fn step(&mut self, random: &mut Random) {
        let wait_ms = random.one_of(&[250, 1_000, 1_000, 5_000, 5_000, 20_000, 400_000]);
        self.scene.world.wait_ms(wait_ms);
        match random.below(40) {
            0 => self.freeze_or_not(),
            1 => self.join_or_leave(random),
            2 => self.reset(random),
            3 => self.tune(random),
            _ => self.speak(random),
        }
    }

    /// Some reporters say something in one block: near the level, far from it, or nothing.
    fn speak(&mut self, random: &mut Random) {
        let part = |level: u128, random: &mut Random, bps: u64| {
            level / 10_000 * u128::from(10_000 - bps + random.below(2 * bps + 1))
        };
        if random.below(12) == 0 {
            self.level = (self.level / 100 * u128::from(10 + random.below(400)))
                .clamp(1_000_000, 1_u128 << 100);
        }
        let stands = random.below(4) == 0;
        let mut who = R;
        random.shuffle(&mut who);
        let mut reports = Vec::new();
        for reporter in &who[..random.one_of(&[1, 2, 3, 3, 3])] {
            let price = match random.below(10) {
                0 => 1 + u128::from(random.below(u64::MAX)),
                _ if stands => self.level,
                _ => part(self.level, random, 30).max(1),
            };
            let mut report = self.scene.report(&[(WETH, price)]);
            report.entries[0].confidenceBps = random.one_of(&[0, 1, 10, 100, 600]);
            report.timeMs -= random.one_of(&[0, 0, 100, 240]);
            reports.push(signed_by(*reporter, report));
        }
        let input = super::super::encode_reports(&reports);
        let result = self.scene.world.system(SystemKind::Prices, &input);
        assert_eq!(result, Ok(Bytes::new()));
        let mut heard = false;
        for SignedReport {
            reporter, report, ..
        } in reports
        {
            if !self.list.contains(&reporter) {
                continue;
            }
            heard = true;
            self.model.said.retain(|said| said.0 != reporter);
            let Entry {
                price,
                confidenceBps,
                ..
            } = report.entries[0];
            self.model
                .said
                .push((reporter, price, confidenceBps, report.timeMs));
        }
        if heard {
            let now_ms = self.scene.now_ms();
            self.model.settle(&self.list, now_ms);
        }
    }

    fn freeze_or_not(&mut self) {
        let now_ms = self.scene.now_ms();
        let world = &mut self.scene.world;
        if self.model.frozen {
            world.ok(OWNER, ORACLE, &unfreezeCall { assetId: WETH });
            self.model.open_grace(now_ms);
        } else {
            world.ok(OWNER, ORACLE, &freezeCall { assetId: WETH });
        }
        self.model.frozen = !self.model.frozen;
    }

    fn join_or_leave(&mut self, random: &mut Random) {
        let reporter = random.one_of(&R);
        let world = &mut self.scene.world;
        if self.list.contains(&reporter) {
            world.ok(OWNER, ORACLE, &removeReporterCall { reporter });
            self.list.retain(|one| *one != reporter);
        } else {
            world.ok(OWNER, ORACLE, &addReporterCall { reporter });
            self.list.push(reporter);
        }
    }

    fn reset(&mut self, random: &mut Random) {
        let reference = self.level * u128::from(1 + random.below(12));
        let call = resetFeedCall {
            assetId: WETH,
            referencePrice: reference,
        };
        self.scene.world.ok(OWNER, ORACLE, &call);
        let Model {
            params,
            frozen,
            rounds,
            ..
        } = self.model;
        let said = std::mem::take(&mut self.model.said);
        self.model = Model {
            params,
            said,
            accepted: None,
            reference,
            rounds,
            frozen,
            grace_until_ms: 0,
            doubt: None,
            trial: Vec::new(),
            median: (0, 0),
            ceiling: None,
        };
    }

    /// Without a delay of LOOSEN a change counts at once, if its step is small enough.
    fn tune(&mut self, random: &mut Random) {
        let wanted = random.params();
        let call = setFeedParamsCall {
            assetId: WETH,
            params: wanted.into(),
        };
        if self.scene.world.call(OWNER, ORACLE, &call).is_ok() {
            self.model.params = wanted;
        }
    }

    /// Holds everything that can be asked against the model; answers the reason for borrowing.
    fn compare(&mut self, step: u32) -> u8 {
        let now_ms = self.scene.now_ms();
        for price_use in [PriceUse::Borrow, PriceUse::Liquidate, PriceUse::View] {
            let expected = self.model.answer(price_use, now_ms);
            for (side, pick) in [(Side::Collateral, 0), (Side::Debt, 1)] {
                let answer = self.scene.price(price_use, side);
                let expected = match expected {
                    Ok(both) => Ok([both.0, both.1][pick]),
                    Err(why) => Err(revert(&unusable(WETH, why))),
                };
                assert_eq!(
                    answer, expected,
                    "step {step}: {price_use:?} {side:?} {:?}",
                    self.model.doubt
                );
            }
        }
        let state = self.scene.state(WETH);
        assert_eq!(state.round, self.model.rounds, "step {step}");
        state.reason
    }
}
