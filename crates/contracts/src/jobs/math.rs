//! Prices, work, picks and deterrence: pure, with all rounding.

use alloy_primitives::{B256, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{Assets, mul_div_down, mul_div_up};

use super::{
    AUDITORS_MAX, LEVEL_ONE, PICKS_MAX,
    params::{MILLION, Params},
    state::{Cell, Channel, Claim, Class, Offer},
};

const BPS: u64 = 10_000;
const HOUR_MS: u64 = 3_600_000;

/// Prices of a million units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prices {
    /// Of those that are read.
    pub(super) input: Assets,
    /// Of those that are written.
    pub(super) output: Assets,
}

impl Class {
    /// Its prices at a level. Rounded up: a price is never below what providers were told.
    pub(super) fn prices_at(&self, level: u64) -> Result<Prices, Halt> {
        let at = |price: Assets| {
            let (level, one) = (U256::from(level), U256::from(LEVEL_ONE));
            Ok::<_, Halt>(Assets::from_u256(mul_div_up(price.to_u256(), level, one)?)?)
        };
        Ok(Prices {
            input: at(self.input_price)?,
            output: at(self.output_price)?,
        })
    }

    /// What units weigh as work. Rounded up, so that many small claims promise no more than one large one.
    pub(super) fn work_up(&self, input_units: u64, output_units: u64) -> u64 {
        let inputs = input_units.div_ceil(u64::from(self.inputs_per_output).max(1));
        output_units.saturating_add(inputs)
    }
}

impl Prices {
    /// What units cost, down.
    pub(super) fn cost_down(&self, input_units: u64, output_units: u64) -> Result<U256, Halt> {
        let input = self.input.to_u256().saturating_mul(U256::from(input_units));
        let output = self
            .output
            .to_u256()
            .saturating_mul(U256::from(output_units));
        let sum = input.saturating_add(output);
        Ok(sum.checked_div(U256::from(MILLION)).unwrap_or_default())
    }
}

impl Offer {
    /// The prices of the machine in an epoch: those of its region, and never below its floors (JOB-6).
    pub(super) fn prices(&self, epoch: u64, region: Prices) -> Prices {
        let (input, output) = if epoch < self.floors_from {
            (self.input_before, self.output_before)
        } else {
            (self.input_floor, self.output_floor)
        };
        Prices {
            input: region.input.max(input),
            output: region.output.max(output),
        }
    }
}

impl Cell {
    /// What it is in an epoch, by what happened since it was written (JOB-6). Answers also how many steps that took.
    pub(super) fn at(&self, epoch: u64, class: &Class) -> (Self, u64) {
        let mut cell = *self;
        if cell.epoch == 0 {
            cell.epoch = epoch;
            cell.level = LEVEL_ONE;
            cell.level_before = LEVEL_ONE;
            return (cell, 0);
        }
        let mut steps: u64 = 0;
        while cell.epoch < epoch {
            let level = cell.next_level(class);
            let is_at_rest = level == cell.level && level == cell.level_before && cell.used == 0;
            cell.level_before = cell.level;
            cell.level = level;
            cell.used = 0;
            // Nothing moves any more: all epochs that follow are like this one.
            cell.epoch = if is_at_rest {
                epoch
            } else {
                cell.epoch.saturating_add(1)
            };
            steps = steps.saturating_add(1);
        }
        (cell, steps)
    }

    /// The level of the next epoch: it moves by at most a step, as far as use is from its target.
    fn next_level(&self, class: &Class) -> u64 {
        let part = |whole: u64, bps: u16| {
            let part = u128::from(whole).saturating_mul(bps.into());
            let part = part.checked_div(BPS.into()).unwrap_or_default();
            u64::try_from(part).unwrap_or(u64::MAX)
        };
        let target = part(self.offered, class.target_bps);
        let step = part(self.level, class.step_bps);
        let scaled = |off: u64| {
            let moved = u128::from(step).saturating_mul(off.into());
            let moved = moved.checked_div(u128::from(target)).unwrap_or_default();
            u64::try_from(moved).unwrap_or(step).min(step)
        };
        let level = match target {
            // Nobody offers anything: what is claimed all the same is more than enough.
            0 if self.used > 0 => self.level.saturating_add(step),
            0 => self.level,
            _ if self.used >= target => {
                let over = self.used.saturating_sub(target);
                self.level.saturating_add(scaled(over))
            }
            _ => {
                let under = target.saturating_sub(self.used);
                self.level.saturating_sub(scaled(under))
            }
        };
        level.clamp(class.level_min, class.level_max)
    }
}

impl Params {
    /// Work of an epoch at so many units per hour.
    pub(super) fn work_of_epoch_down(&self, per_hour: u64) -> u64 {
        let work = u128::from(per_hour).saturating_mul(self.epoch_ms.into());
        let work = work.checked_div(HOUR_MS.into()).unwrap_or_default();
        u64::try_from(work).unwrap_or(u64::MAX)
    }

    /// What is taken before a claim is paid.
    pub(super) fn fee_up(&self, cost: Assets) -> Result<Assets, Halt> {
        let part = mul_div_up(cost.to_u256(), U256::from(self.fee_bps), U256::from(BPS))?;
        Ok(Assets::from_u256(part)?.add(self.fee_flat)?)
    }

    /// What of a bond stands for a claim: so much that no receipt of it is worth a lie (JOB-5).
    ///
    /// Each receipt is audited with probability `p = min(rate, PICKS_MAX / receipts)`, a cheat found with probability `d`, and
    /// saves at most the cost of the dearest receipt, `c`: `floor(c (1 - pd) / pd) + 1`.
    pub(super) fn slash_of(&self, largest: Assets, receipts: u32) -> Result<Assets, Halt> {
        let whole = U256::from(MILLION).saturating_mul(U256::from(MILLION));
        let by_rate = U256::from(self.audit_ppm).saturating_mul(U256::from(receipts));
        let by_picks = U256::from(PICKS_MAX).saturating_mul(U256::from(MILLION));
        // pd = caught / (whole * receipts)
        let caught = by_rate
            .min(by_picks)
            .saturating_mul(U256::from(self.detect_ppm));
        let whole = whole.saturating_mul(U256::from(receipts));
        let missed = whole.saturating_sub(caught);
        let slash = mul_div_down(largest.to_u256(), missed, caught)?;
        let slash = Assets::from_u256(slash).unwrap_or(Assets::MAX);
        Ok(slash.add(Assets::new(1)?).unwrap_or(Assets::MAX))
    }

    /// What audits of a claim are paid at most: every auditor of every pick, and never more than its fee. The bond stands for as
    /// much, so that a claim that is void loses what its audits are paid (JOB-16).
    pub(super) fn audits_up(&self, fee: Assets, receipts: u32) -> Assets {
        let picks = u128::from(receipts.min(PICKS_MAX));
        let findings = picks.saturating_mul(AUDITORS_MAX.into());
        let all = self.audit_pay.get().saturating_mul(findings);
        fee.min(Assets::new(all).unwrap_or(Assets::MAX))
    }
}

impl Claim {
    /// What is paid for one of so many findings of it, where so much lies in fees (JOB-16). Rounded down: what does not divide
    /// stays with the fees.
    pub(super) fn audit_pay_down(&self, fees: Assets, findings: usize) -> Assets {
        let all = self.fee.min(self.slash).min(fees).get();
        let findings = u128::try_from(findings).unwrap_or(u128::MAX);
        let share = all.checked_div(findings).unwrap_or_default();
        self.audit_pay
            .min(Assets::new(share).unwrap_or(Assets::MAX))
    }
}

/// How many receipts of a claim are audited: its rate of them, the rest of a whole one by chance.
pub(super) fn picks_of(receipts: u32, audit_ppm: u32, seed: B256) -> u32 {
    let parts = u64::from(receipts).saturating_mul(audit_ppm.into());
    let (whole, rest) = (parts / MILLION, parts % MILLION);
    let drawn = draw(seed, u64::MAX).checked_rem(U256::from(MILLION));
    let by_chance = drawn.is_some_and(|drawn| drawn < U256::from(rest));
    let picks = whole.saturating_add(u64::from(by_chance));
    let picks = picks.min(PICKS_MAX.into()).min(receipts.into());
    u32::try_from(picks).unwrap_or(PICKS_MAX)
}

/// The index of a pick (JOB-8). Receipts are cut into as many runs as there are picks, and one of each run is taken; all are
/// turned by a random distance, so that each receipt is as likely as any other and none is picked twice.
pub(super) fn index_of(seed: B256, pick: u32, picks: u32, receipts: u32) -> u32 {
    let (n, k, pick) = (u64::from(receipts), u64::from(picks), u64::from(pick));
    let bound = |run: u64| n.saturating_mul(run).checked_div(k).unwrap_or_default();
    let (from, to) = (bound(pick), bound(pick.saturating_add(1)));
    let below = |number: u64, bound: u64| {
        let drawn = draw(seed, number).checked_rem(U256::from(bound));
        drawn.map_or(0, |drawn| drawn.as_limbs()[0])
    };
    let at = from.saturating_add(below(pick, to.saturating_sub(from)));
    let turned = at.saturating_add(below(u64::MAX - 1, n));
    let index = turned.checked_rem(n).unwrap_or_default();
    u32::try_from(index).unwrap_or_default()
}

/// The number drawn from a seed in a place.
fn draw(seed: B256, place: u64) -> U256 {
    let bytes = [seed.as_slice(), &place.to_be_bytes()].concat();
    U256::from_be_bytes(alloy_primitives::keccak256(bytes).0)
}

impl Channel {
    /// The last epoch whose vouchers count.
    pub(super) fn last_epoch(&self, params: &Params) -> u64 {
        params.epoch_at(self.until_ms)
    }

    /// From when nothing can be claimed any more of what is bound.
    pub(super) fn free_from_ms(&self, cx: &mut Ctx<'_>, params: &Params) -> Result<u64, Halt> {
        params.claimable_until_ms(cx, self.last_epoch(params))
    }
}
