//! A farm brought up to the present moment, and what somebody has in it. Every function takes the frame of `farms`.
//!
//! Locks end where epochs begin. Before a farm passes such a moment it flows up to it, keeps the flow per weight as it was
//! then, and loses the weight that ends; whoever comes later reckons what his lock added up to there (FARM-8). A lock ends at
//! most thirteen epochs after the last touch, so no more are passed at once.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, FarmId, PoolId};

use super::{
    error::FarmsUnknown,
    math::earned_fine,
    params::{EPOCH_MS, LOCK_EPOCHS_MAX},
    state::{Farm, FarmsState, Flow, HolderKey, Stake, Tally},
};
use crate::revert;

pub(super) const STATE: FarmsState = FarmsState::new();

/// What is staked in a farm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// Units of an asset.
    Units(AssetId),
    /// Shares of a pool of reserves.
    Shares(PoolId),
}

impl Thing {
    /// Of a kind and a number, as the ABI names it.
    pub(super) const fn from_number(kind: u8, number: u32) -> Option<Self> {
        match kind {
            1 => Some(Self::Units(AssetId::new(number))),
            2 => Some(Self::Shares(PoolId::new(number))),
            _ => None,
        }
    }
}

/// Who stakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) account: AccountId,
    /// The wallet of the account's owner, and none of his accounts.
    pub(super) is_wallet: bool,
}

impl Holder {
    pub(super) const fn account(account: AccountId) -> Self {
        Self {
            account,
            is_wallet: false,
        }
    }

    pub(super) const fn wallet(owner: alloy_primitives::Address) -> Self {
        Self {
            account: AccountId::new(owner, 0),
            is_wallet: true,
        }
    }

    pub(super) const fn key(self) -> HolderKey {
        (self.is_wallet, self.account)
    }
}

impl Farm {
    /// # Errors
    /// `FarmsUnknown`.
    pub(super) fn known(cx: &mut Ctx<'_>, id: FarmId) -> Result<(Self, Thing), Halt> {
        let farm = STATE.farms.at(id).load(cx)?;
        let thing = Thing::from_number(farm.kind, farm.thing);
        let thing = thing.ok_or_else(|| revert(&FarmsUnknown { farmId: id.get() }))?;
        Ok((farm, thing))
    }

    /// What flows, each with its place.
    pub(super) fn rewards(&self) -> impl Iterator<Item = (u8, AssetId)> + use<> {
        let all = [self.reward0, self.reward1, self.reward2, self.reward3];
        (0..self.reward_count).zip(all)
    }

    /// The place of a reward.
    pub(super) fn place(&self, asset: AssetId) -> Option<u8> {
        let found = self.rewards().find(|(_, of)| *of == asset);
        found.map(|(place, _)| place)
    }
}

/// The epoch of a time.
pub(super) fn epoch_of(ms: u64) -> u32 {
    u32::try_from(ms.checked_div(EPOCH_MS).unwrap_or_default()).unwrap_or(u32::MAX)
}

/// When an epoch begins.
pub(super) fn begins_ms(epoch: u32) -> u64 {
    u64::from(epoch).saturating_mul(EPOCH_MS)
}

/// A farm as of now.
pub(super) struct Live {
    pub(super) id: FarmId,
    pub(super) farm: Farm,
    pub(super) thing: Thing,
    pub(super) tally: Tally,
    /// By place.
    pub(super) flows: Vec<Flow>,
}

impl Live {
    /// Reads a farm and lets its streams flow until now.
    ///
    /// # Errors
    /// `FarmsUnknown`.
    pub(super) fn load(cx: &mut Ctx<'_>, id: FarmId) -> Result<Self, Halt> {
        let (farm, thing) = Farm::known(cx, id)?;
        let mut flows = Vec::with_capacity(usize::from(farm.reward_count));
        for (place, _) in farm.rewards() {
            flows.push(STATE.flows.at((id, place)).load(cx)?);
        }
        let mut live = Self {
            id,
            farm,
            thing,
            tally: STATE.tallies.at(id).load(cx)?,
            flows,
        };
        let now_ms = cx.store.block().time_ms;
        if live.tally.at_ms < now_ms {
            if farm.lift_wad != 0 {
                live.pass_ends(cx, now_ms)?;
            }
            live.run_until(now_ms)?;
        }
        Ok(live)
    }

    /// Lets go of what locks added that ended until now, each at its moment.
    fn pass_ends(&mut self, cx: &mut Ctx<'_>, now_ms: u64) -> Result<(), Halt> {
        let before = epoch_of(self.tally.at_ms);
        let last = epoch_of(now_ms).min(before.saturating_add(LOCK_EPOCHS_MAX));
        for epoch in before.saturating_add(1)..=last {
            let ends = STATE.ends.at((self.id, epoch));
            let weight = ends.load(cx)?;
            if weight == 0 {
                continue;
            }
            self.run_until(begins_ms(epoch))?;
            for (place, flow) in (0..).zip(&self.flows) {
                let ended_at = STATE.ended_at_fine.at(((self.id, place), epoch));
                ended_at.save(cx, flow.per_weight_fine)?;
            }
            let left = self.tally.weight.checked_sub(weight);
            self.tally.weight = left.ok_or_else(|| self.corrupt("locks weigh more than all"))?;
            ends.save(cx, 0)?;
        }
        Ok(())
    }

    fn run_until(&mut self, ms: u64) -> Result<(), Halt> {
        let passed_ms = ms.saturating_sub(self.tally.at_ms);
        for flow in &mut self.flows {
            flow.run(self.tally.weight, passed_ms)?;
        }
        self.tally.at_ms = ms;
        Ok(())
    }

    pub(super) fn save(&self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        STATE.tallies.at(self.id).save(cx, &self.tally)?;
        for (place, flow) in (0..).zip(&self.flows) {
            STATE.flows.at((self.id, place)).save(cx, flow)?;
        }
        Ok(())
    }

    /// Reckons what somebody is due until now, and answers what he has: of a lock that ended, nothing counts any more.
    pub(super) fn settle(&self, cx: &mut Ctx<'_>, holder: Holder) -> Result<Stake, Halt> {
        let mut stake = STATE.stakes.at((self.id, holder.key())).load(cx)?;
        let is_over = stake.extra != 0 && begins_ms(stake.until_epoch) <= self.tally.at_ms;
        for (place, flow) in (0..).zip(&self.flows) {
            let at = (self.id, place);
            let until = if is_over {
                let ended_at = STATE.ended_at_fine.at((at, stake.until_epoch));
                ended_at.load(cx)?
            } else {
                flow.per_weight_fine
            };
            let record = STATE.dues.at((at, holder.key()));
            let mut due = record.load(cx)?;
            for (weight, until) in [(stake.amount, flow.per_weight_fine), (stake.extra, until)] {
                if weight == 0 {
                    continue;
                }
                let grown = until.checked_sub(due.seen_fine);
                let grown = grown.ok_or_else(|| self.corrupt("a flow fell"))?;
                let credit = due.credit_fine.checked_add(earned_fine(weight, grown)?);
                due.credit_fine = credit.ok_or_else(Halt::overflow)?;
            }
            due.seen_fine = flow.per_weight_fine;
            record.save(cx, &due)?;
        }
        if is_over {
            stake.extra = 0;
        }
        Ok(stake)
    }

    /// Writes what somebody has from now on, who was settled, and what that weighs.
    pub(super) fn weigh(
        &mut self,
        cx: &mut Ctx<'_>,
        holder: Holder,
        before: Stake,
        after: Stake,
    ) -> Result<Stake, Halt> {
        let lasts = begins_ms(after.until_epoch) > self.tally.at_ms;
        let extra = if lasts && self.farm.lift_wad != 0 {
            self.farm.extra_down(after.amount, after.locked)?
        } else {
            0
        };
        let after = Stake { extra, ..after };
        self.shift_end(cx, before.until_epoch, before.extra, 0)?;
        self.shift_end(cx, after.until_epoch, 0, after.extra)?;
        let tally = &mut self.tally;
        let changed = |sum: u128, less: u128, more: u128| {
            let rest = sum.checked_sub(less);
            rest.and_then(|rest| rest.checked_add(more))
                .ok_or_else(Halt::overflow)
        };
        tally.weight = changed(tally.weight, before.amount, after.amount)?;
        tally.weight = changed(tally.weight, before.extra, after.extra)?;
        tally.staked = changed(tally.staked, before.amount, after.amount)?;
        STATE.stakes.at((self.id, holder.key())).save(cx, &after)?;
        Ok(after)
    }

    fn shift_end(&self, cx: &mut Ctx<'_>, epoch: u32, less: u128, more: u128) -> Result<(), Halt> {
        if less == more {
            return Ok(());
        }
        let ends = STATE.ends.at((self.id, epoch));
        let rest = ends.load(cx)?.checked_sub(less);
        let rest = rest.ok_or_else(|| self.corrupt("an end below its locks"))?;
        ends.save(cx, rest.checked_add(more).ok_or_else(Halt::overflow)?)
    }

    fn corrupt(&self, what: &str) -> Halt {
        Halt::Fatal(format!("corrupt storage: {what} in farm {}", self.id))
    }
}
