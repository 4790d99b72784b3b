//! Limits that an owner sets himself: they tighten at once and loosen after a day, so that nobody talks himself out of
//! them in a bad hour.
//!
//! Besides leverage he may limit what he loses in a day. What a batch moves in and out is neither profit nor loss: prices
//! and time stand still while it runs, so whatever it changes of the equity is put on the day's mark as well, and what is
//! left between mark and equity is what prices, interest and liquidations did (ACC-21).
//!
//! ```text
//!   equity = collateral - debt          batch: mark += equity after - equity before
//!   loss   = mark - equity              a day begins: mark = equity
//! ```

use alloy_primitives::{I256, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, Bps, Wad, mul_div_up};

use super::{
    IAccount::{DayOfLoss, LimitsSet, OwnLimits, limitsOfReturn},
    assess::{self, Assessment, Question, Stand},
    batch,
    error::{AccountCoolingOff, AccountLimitOutOfRange, AccountLimitReached},
    goods::Goods,
    operators,
    params::{COOLING_OFF_S_MAX, DUST, NOTICE_MS, dollars},
    state::{AccountState, Day, Limits},
};
use crate::{contract::emit, revert};

const STATE: AccountState = AccountState::new();
const MS_PER_S: u64 = 1_000;
/// A day of losses.
const DAY_S: u32 = 86_400;

/// What counts at a time; zeros are no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counting {
    /// Most collateral per own capital, in hundredths of a percent.
    leverage_max_bps: u32,
    /// Most loss of a day, in whole dollars.
    loss_max_usd: u32,
    /// How long no new risk is taken after a day that lost more.
    cooling_off_s: u32,
}

impl Counting {
    /// What an owner wishes, if it is in range.
    fn checked(limits: &OwnLimits) -> Result<Self, Halt> {
        let OwnLimits {
            leverageMaxBps: leverage_max_bps,
            dailyLossMaxUsd: loss_max_usd,
            coolingOffS: cooling_off_s,
        } = *limits;
        if cooling_off_s > COOLING_OFF_S_MAX {
            return Err(revert(&AccountLimitOutOfRange {
                what: "coolingOffS".to_owned(),
                value: U256::from(cooling_off_s),
                max: U256::from(COOLING_OFF_S_MAX),
            }));
        }
        Ok(Self {
            leverage_max_bps,
            loss_max_usd,
            cooling_off_s,
        })
    }

    /// Of each part the tighter one.
    fn tighter(self, other: Self) -> Self {
        let less = |one: u32, other: u32| match (one, other) {
            (0, any) | (any, 0) => any,
            (one, other) => one.min(other),
        };
        Self {
            leverage_max_bps: less(self.leverage_max_bps, other.leverage_max_bps),
            loss_max_usd: less(self.loss_max_usd, other.loss_max_usd),
            cooling_off_s: self.cooling_off_s.max(other.cooling_off_s),
        }
    }

    fn to_abi(self) -> OwnLimits {
        OwnLimits {
            leverageMaxBps: self.leverage_max_bps,
            dailyLossMaxUsd: self.loss_max_usd,
            coolingOffS: self.cooling_off_s,
        }
    }

    fn loss_max(&self) -> I256 {
        I256::from_raw(dollars(u64::from(self.loss_max_usd)).to_u256())
    }
}

impl Limits {
    fn now(&self) -> Counting {
        Counting {
            leverage_max_bps: self.leverage_max_bps,
            loss_max_usd: self.loss_max_usd,
            cooling_off_s: self.cooling_off_s,
        }
    }

    fn next(&self) -> Counting {
        Counting {
            leverage_max_bps: self.next_leverage_max_bps,
            loss_max_usd: self.next_loss_max_usd,
            cooling_off_s: self.next_cooling_off_s,
        }
    }

    fn at(&self, now_s: u32) -> Counting {
        if self.next_from_s != 0 && now_s >= self.next_from_s {
            self.next()
        } else {
            self.now()
        }
    }

    fn following(now: Counting, next: Counting, next_from_s: u32) -> Self {
        Self {
            leverage_max_bps: now.leverage_max_bps,
            loss_max_usd: now.loss_max_usd,
            cooling_off_s: now.cooling_off_s,
            next_leverage_max_bps: next.leverage_max_bps,
            next_loss_max_usd: next.loss_max_usd,
            next_cooling_off_s: next.cooling_off_s,
            next_from_s,
        }
    }
}

impl Day {
    /// A day that begins now.
    fn begun(now_s: u32, equity: I256) -> Self {
        Self {
            begun_s: now_s,
            is_passed: false,
            is_marked: true,
            mark: equity.into_raw(),
        }
    }

    /// What was lost since it began; below zero is a profit.
    fn loss(&self, equity: I256) -> Result<I256, Halt> {
        let loss = I256::from_raw(self.mark).checked_sub(equity);
        loss.ok_or_else(Halt::overflow)
    }

    /// The day as it stands now: this one, with what is seen of it, or a new one once this is over.
    fn seen(self, now_s: u32, equity: I256, limits: Counting) -> Result<Self, Halt> {
        // A day whose mark was lost to a price that nobody knew is marked anew.
        let mut day = if self.is_marked {
            self
        } else {
            Self {
                is_marked: true,
                mark: equity.into_raw(),
                ..self
            }
        };
        day.is_passed |= day.loss(equity)? > limits.loss_max();
        Ok(if now_s < day.ends_s(limits) {
            day
        } else {
            Self::begun(now_s, equity)
        })
    }

    /// What moved in or out is neither profit nor loss.
    fn shift(&mut self, before: &Assessment, after: &Assessment) -> Result<(), Halt> {
        let moved = equity(after)?.checked_sub(equity(before)?);
        let mark = moved.and_then(|moved| I256::from_raw(self.mark).checked_add(moved));
        self.mark = mark.ok_or_else(Halt::overflow)?.into_raw();
        Ok(())
    }

    /// When the next one begins: a day later, or when the cooling-off after it ends.
    fn ends_s(&self, limits: Counting) -> u32 {
        let day = self.begun_s.saturating_add(DAY_S);
        if self.is_passed {
            day.saturating_add(limits.cooling_off_s)
        } else {
            day
        }
    }
}

fn now_s(cx: &Ctx<'_>) -> u32 {
    let s = cx.store.block().time_ms.checked_div(MS_PER_S);
    u32::try_from(s.unwrap_or_default()).unwrap_or(u32::MAX)
}

fn ms(s: u32) -> u64 {
    u64::from(s).saturating_mul(MS_PER_S)
}

/// Limits of an account that count now.
fn counting(cx: &mut Ctx<'_>, account: AccountId) -> Result<Counting, Halt> {
    let now_s = now_s(cx);
    Ok(STATE.limits.at(account).load(cx)?.at(now_s))
}

/// What an account is worth and owes; none while a price that it needs is unusable.
fn measure(cx: &mut Ctx<'_>, account: AccountId) -> Result<Option<Assessment>, Halt> {
    measured(assess::assess(cx, account, Question::View))
}

fn measured(answer: Result<Assessment, Halt>) -> Result<Option<Assessment>, Halt> {
    match answer {
        Ok(sum) => Ok(Some(sum)),
        Err(Halt::Revert(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

fn equity(sum: &Assessment) -> Result<I256, Halt> {
    let signed = |value: U256| I256::try_from(value).map_err(|_| Halt::overflow());
    let own = signed(sum.collateral.to_u256())?.checked_sub(signed(sum.debt.to_u256())?);
    own.ok_or_else(Halt::overflow)
}

/// Sets the limits of one of the caller's accounts (ACC-11).
///
/// # Errors
/// `AccountInFlight`, `AccountLimitOutOfRange`.
pub(super) fn set(cx: &mut Ctx<'_>, index: u8, limits: &OwnLimits) -> Result<(), Halt> {
    batch::expect_settled(cx)?;
    let account = AccountId::new(cx.caller(), index);
    let now_s = now_s(cx);
    let present = counting(cx, account)?;
    let wanted = Counting::checked(limits)?;
    let counts = present.tighter(wanted);
    let day = look(cx, account, present)?;
    let from_s = if counts == wanted {
        now_s
    } else {
        let notice_s = u32::try_from(NOTICE_MS.checked_div(MS_PER_S).unwrap_or_default());
        let noticed_s = now_s.saturating_add(notice_s.unwrap_or(u32::MAX));
        // Whoever cools off does not shorten it.
        day.filter(|day| day.is_passed)
            .map_or(noticed_s, |day| noticed_s.max(day.ends_s(present)))
    };
    let after = Limits::following(counts, wanted, from_s);
    STATE.limits.at(account).save(cx, &after)?;
    if counts.loss_max_usd != 0 {
        let day = match day {
            Some(day) => day,
            None => match measure(cx, account)? {
                Some(sum) => Day::begun(now_s, equity(&sum)?),
                None => Day {
                    begun_s: now_s,
                    ..Day::default()
                },
            },
        };
        STATE.days.at(account).save(cx, &day)?;
    }
    emit(
        cx,
        &LimitsSet {
            owner: account.owner,
            index,
            limits: limits.clone(),
            fromMs: ms(from_s),
        },
    )
}

/// The day of an account that limits its losses, as it stands now.
fn look(cx: &mut Ctx<'_>, account: AccountId, limits: Counting) -> Result<Option<Day>, Halt> {
    if limits.loss_max_usd == 0 {
        return Ok(None);
    }
    let day = STATE.days.at(account).load(cx)?;
    match measure(cx, account)? {
        Some(sum) => Ok(Some(day.seen(now_s(cx), equity(&sum)?, limits)?)),
        None => Ok(Some(day)),
    }
}

pub(super) fn of(cx: &mut Ctx<'_>, account: AccountId) -> Result<limitsOfReturn, Halt> {
    let limits = STATE.limits.at(account).load(cx)?;
    Ok(limitsOfReturn {
        now: limits.at(now_s(cx)).to_abi(),
        next: limits.next().to_abi(),
        fromMs: ms(limits.next_from_s),
    })
}

/// How the day of an account stands; zeros if it does not limit its losses.
///
/// # Errors
/// `AccountInFlight`, `AccountPriceUnusable`.
pub(super) fn day_of(cx: &mut Ctx<'_>, account: AccountId) -> Result<DayOfLoss, Halt> {
    batch::expect_settled(cx)?;
    let limits = counting(cx, account)?;
    if limits.loss_max_usd == 0 {
        return Ok(DayOfLoss {
            beganMs: 0,
            endsMs: 0,
            loss: I256::ZERO,
            lossMax: U256::ZERO,
            coolingOff: false,
        });
    }
    let equity = equity(&assess::assess(cx, account, Question::View)?)?;
    let day = STATE.days.at(account).load(cx)?;
    let day = day.seen(now_s(cx), equity, limits)?;
    Ok(DayOfLoss {
        beganMs: ms(day.begun_s),
        endsMs: ms(day.ends_s(limits)),
        loss: day.loss(equity)?,
        lossMax: limits.loss_max().into_raw(),
        coolingOff: day.is_passed,
    })
}

/// Looks at an account before a batch changes it: the `n`-th that this transaction touches. Nothing is noted where no loss
/// is limited.
pub(super) fn begin(cx: &mut Ctx<'_>, n: u8, account: AccountId) -> Result<(), Halt> {
    if counting(cx, account)?.loss_max_usd == 0 {
        return Ok(());
    }
    let Some(before) = measure(cx, account)? else {
        // Without its start nobody can tell what the batch will have moved.
        STATE.days.at(account).update(cx, |day| {
            day.is_marked = false;
            Ok(())
        })?;
        return Ok(());
    };
    STATE.started.at(n).save(cx, true)?;
    STATE.started_collateral.at(n).save(cx, before.collateral)?;
    STATE.started_debt.at(n).save(cx, before.debt)
}

/// The same before collateral of it is sold. What that costs is a loss like any other, unless whoever buys acts for the
/// owner.
pub(super) fn begin_sale(cx: &mut Ctx<'_>, n: u8, account: AccountId) -> Result<(), Halt> {
    if counting(cx, account)?.loss_max_usd == 0 {
        return Ok(());
    }
    let caller = cx.caller();
    match operators::expect_authorised(cx, account, caller) {
        Ok(()) => begin(cx, n, account),
        Err(Halt::Revert(_)) => Ok(()),
        Err(other) => Err(other),
    }
}

/// The check and the mark when a batch ends (ACC-11, ACC-21). `lowers`: it may have lowered health.
///
/// # Errors
/// `AccountLimitReached`, `AccountCoolingOff`.
pub(super) fn end(
    cx: &mut Ctx<'_>,
    n: u8,
    stand: &Stand,
    goods: &mut Goods,
    lowers: bool,
) -> Result<(), Halt> {
    let account = stand.account;
    let limits = counting(cx, account)?;
    if lowers && limits.leverage_max_bps != 0 {
        expect_leverage(cx, stand, goods, limits.leverage_max_bps)?;
    }
    if limits.loss_max_usd == 0 || !STATE.started.at(n).load(cx)? {
        return Ok(());
    }
    STATE.started.at(n).save(cx, false)?;
    let before = Assessment {
        collateral: STATE.started_collateral.at(n).load(cx)?,
        debt: STATE.started_debt.at(n).load(cx)?,
        ..Assessment::default()
    };
    let stored = STATE.days.at(account).load(cx)?;
    let now_s = now_s(cx);
    let mut day = stored.seen(now_s, equity(&before)?, limits)?;
    match measured(stand.assess(cx, goods, Question::View))? {
        Some(after) => {
            if lowers && day.is_passed && raises_risk(&before, &after) {
                return Err(revert(&AccountCoolingOff {
                    owner: account.owner,
                    index: account.index,
                    loss: day.loss(equity(&before)?)?,
                    lossMax: limits.loss_max().into_raw(),
                    untilMs: ms(day.ends_s(limits)),
                }));
            }
            day.shift(&before, &after)?;
        }
        None => day.is_marked = false,
    }
    STATE.days.at(account).save(cx, &day)
}

/// Whether a batch left more at risk than it found: more debt, or less collateral for each part of it. A dollar of either
/// is rounding.
fn raises_risk(before: &Assessment, after: &Assessment) -> bool {
    let dust = dollars(DUST).to_u256();
    let owed = |sum: &Assessment| sum.debt.to_u256();
    let held = |sum: &Assessment| sum.collateral.to_u256();
    if owed(after).is_zero() {
        return false;
    }
    if owed(after) > owed(before).saturating_add(dust) {
        return true;
    }
    // held after / owed after < held before / owed before, both in wad so that the products fit.
    let per_debt =
        |held: U256, owed: U256| mul_div_up(held, Wad::ONE.to_u256(), owed).unwrap_or(U256::MAX);
    per_debt(held(after).saturating_add(dust), owed(after)) < per_debt(held(before), owed(before))
}

/// # Errors
/// `AccountLimitReached`.
fn expect_leverage(
    cx: &mut Ctx<'_>,
    stand: &Stand,
    goods: &mut Goods,
    max_bps: u32,
) -> Result<(), Halt> {
    let sheet = stand.assess(cx, goods, Question::Batch)?;
    if sheet.debt.is_zero() {
        return Ok(());
    }
    let whole = Bps::ONE.to_u256();
    let own = sheet
        .collateral
        .to_u256()
        .saturating_sub(sheet.debt.to_u256());
    let leverage = mul_div_up(sheet.collateral.to_u256(), whole, own).unwrap_or(U256::MAX);
    if leverage <= U256::from(max_bps) {
        return Ok(());
    }
    Err(revert(&AccountLimitReached {
        owner: stand.account.owner,
        index: stand.account.index,
        leverageBps: leverage,
        maxBps: max_bps,
    }))
}
