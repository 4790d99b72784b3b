//! Random stakers beside a model that knows no accumulator, no epoch and no total: it cuts time where anything changes, and
//! gives everybody his part of every piece (FARM-2 to FARM-8).

use std::collections::BTreeMap;

use super::*;
use crate::testkit::steps;

const PLAY: u32 = 1_200;
const SWEEP: u32 = 60;
const PEOPLE: [Address; 3] = [ALICE, BOB, CAROL];
/// What parts are counted in: 2^-96 of a unit.
const PART_BITS: usize = 96;

#[derive(Clone, Debug, Default)]
struct Staker {
    amount: u128,
    locked: u128,
    until_ms: u64,
    /// Parts that he earned, less what he claimed.
    earned: U256,
}

impl Staker {
    fn weight(&self, at_ms: u64) -> u128 {
        if at_ms >= self.until_ms {
            return self.amount;
        }
        self.amount + self.locked.min(self.amount * 3 / 2)
    }
}

/// One farm of one reward.
#[derive(Clone, Debug, Default)]
struct Model {
    stakers: BTreeMap<Address, Staker>,
    left: U256,
    left_ms: u64,
    at_ms: u64,
    funded: u128,
    claimed: u128,
}

impl Model {
    /// Lets everything flow until then, cut at each end of a lock.
    fn go(&mut self, until_ms: u64) {
        while self.at_ms < until_ms {
            let ends = self.stakers.values().map(|staker| staker.until_ms);
            let next = ends.filter(|end| *end > self.at_ms).min();
            let to_ms = next.unwrap_or(u64::MAX).min(until_ms);
            let total: u128 = self.stakers.values().map(|s| s.weight(self.at_ms)).sum();
            let ms = (to_ms - self.at_ms).min(self.left_ms);
            if total > 0 && ms > 0 {
                let moved = self.left * U256::from(ms) / U256::from(self.left_ms);
                for staker in self.stakers.values_mut() {
                    staker.earned += moved * n(staker.weight(self.at_ms)) / n(total);
                }
                self.left -= moved;
                self.left_ms -= ms;
            }
            self.at_ms = to_ms;
        }
    }
}

fn small(value: U256) -> u128 {
    u128::try_from(value).expect("small")
}

/// One random act on both; answers its name and whether it worked.
fn act(scene: &mut Scene, model: &mut Model, farm: u32, dice: &mut Dice) -> (&'static str, bool) {
    let who = dice.of(&PEOPLE);
    let staker = model.stakers.entry(who).or_default();
    match dice.below(11) {
        0..=2 => {
            let amount = dice.amount(1 << 40);
            let worked = scene
                .world
                .call(who, ADDRESS, &stakes(farm, amount))
                .is_ok();
            assert_eq!(worked, amount != 0);
            if worked {
                staker.amount += amount;
            }
            ("stake", worked)
        }
        3..=5 => {
            let amount = dice.amount(staker.amount);
            let call = unstakes(farm, amount, who);
            let worked = scene.world.call(who, ADDRESS, &call).is_ok();
            assert_eq!(worked, (1..=staker.amount).contains(&amount));
            if worked {
                staker.amount -= amount;
            }
            ("unstake", worked)
        }
        6 => {
            let owed = small(staker.earned >> PART_BITS);
            let answer = scene.world.call(who, ADDRESS, &claims(farm, RISKY, who));
            let Ok(paid) = answer.map(small) else {
                assert!(owed <= 1, "{owed}");
                return ("claim", false);
            };
            assert!(paid.abs_diff(owed) <= 1, "{paid} paid, {owed} earned");
            staker.earned = staker.earned.saturating_sub(n(paid) << PART_BITS);
            model.claimed += paid;
            ("claim", true)
        }
        7 => {
            let amount = dice.amount(1 << 40);
            let period_ms = HOUR_MS * u64::try_from(1 + dice.below(2_000)).expect("small");
            let call = fundCall {
                farmId: farm,
                assetId: RISKY,
                amount: n(amount),
                periodMs: period_ms,
            };
            let worked = scene.world.call(who, ADDRESS, &call).is_ok();
            assert_eq!(worked, amount != 0);
            if worked {
                model.take_in(amount, period_ms, seen(scene, farm).streams[0].leftMs);
            }
            ("fund", worked)
        }
        8 | 9 => {
            let amount = dice.amount(1 << 40);
            let begun = epoch_of(model.at_ms);
            let epoch = begun + u32::try_from(dice.below(15)).expect("small");
            let until_ms = begins_ms(epoch);
            let call = locks(farm, amount, until_ms);
            let worked = scene.world.call(who, ADDRESS, &call).is_ok();
            let ends = (begun + 1).max(epoch_of(staker.until_ms))..=begun + LOCK_EPOCHS_MAX;
            let is_something = amount + staker.locked != 0;
            assert_eq!(worked, ends.contains(&epoch) && is_something);
            if worked {
                staker.locked += amount;
                staker.until_ms = until_ms;
            }
            ("lock", worked)
        }
        _ => {
            let worked = scene.world.call(who, ADDRESS, &unlocks(farm, who)).is_ok();
            assert_eq!(worked, staker.until_ms <= model.at_ms && staker.locked != 0);
            if worked {
                (staker.locked, staker.until_ms) = (0, 0);
            }
            ("unlock", worked)
        }
    }
}

impl Model {
    /// The time is the mean of both, weighed, at most so long that nothing slows down; by a millisecond it is the
    /// contract's to round.
    fn take_in(&mut self, amount: u128, period_ms: u64, left_ms: u64) {
        let more = n(amount) << PART_BITS;
        let whole = self.left + more;
        let expected = if self.left_ms == 0 {
            U256::from(period_ms)
        } else {
            let mean =
                (self.left * U256::from(self.left_ms) + more * U256::from(period_ms)) / whole;
            mean.min(U256::from(self.left_ms) * whole / self.left)
        };
        let found = U256::from(left_ms);
        assert!(
            found.abs_diff(expected) <= U256::from(2),
            "{found} for {expected}"
        );
        (self.left, self.left_ms) = (whole, left_ms);
        self.funded += amount;
    }

    fn compare(&self, scene: &Scene, farm: u32) {
        let mut owed = 0;
        for (who, staker) in &self.stakers {
            let has = has(scene, farm, *who);
            assert_eq!(has.amount, n(staker.amount));
            assert_eq!(has.weight, n(staker.weight(self.at_ms)), "{staker:?}");
            let (due, earned) = (small(has.due[0]), small(staker.earned >> PART_BITS));
            assert!(
                due.abs_diff(earned) <= 1,
                "{who} is due {due}, earned {earned}"
            );
            owed += due;
        }
        let stream = &seen(scene, farm).streams[0];
        assert_eq!(stream.leftMs, self.left_ms);
        let out = self.claimed + owed;
        let left = small(stream.left);
        assert!(out + left <= self.funded);
        // A fraction for each staker, and one of what is left.
        assert!(self.funded - out - left <= 4, "{self:?} beside {stream:?}");
    }
}

#[test]
fn farm_2_random_stakers_earn_what_a_model_says() {
    let mut dice = Dice::new("farm_2_random_stakers");
    let mut counts = BTreeMap::<(&str, bool), u32>::new();
    let mut steps = steps::asked().unwrap_or(PLAY);
    while steps > 0 {
        let mut scene = Scene::new();
        scene.world.sweep_every = SWEEP;
        let farm = boosted(&mut scene);
        let mut model = Model {
            at_ms: now_ms(&mut scene),
            ..Model::default()
        };
        for _ in 0..steps.min(400) {
            let wait_ms = match dice.below(6) {
                0 | 1 => 0,
                2 => 1 + dice.below(1_000),
                3 => dice.below(u128::from(DAY_MS)),
                4 => dice.below(u128::from(EPOCH_MS)),
                _ => dice.below(2 * u128::from(EPOCH_MS)) * dice.below(2) * dice.below(8),
            };
            scene.world.wait_ms(u64::try_from(wait_ms).expect("small"));
            model.go(now_ms(&mut scene));
            let done = act(&mut scene, &mut model, farm, &mut dice);
            *counts.entry(done).or_default() += 1;
            model.compare(&scene, farm);
        }
        check_all(&scene.world.store).expect("every invariant holds");
        steps = steps.saturating_sub(400);
    }
    println!("{counts:?}");
    for verb in ["stake", "unstake", "claim", "fund", "lock", "unlock"] {
        let worked = counts.get(&(verb, true)).copied().unwrap_or_default();
        assert!(worked > 0, "{verb} never worked: {counts:?}");
    }
}
