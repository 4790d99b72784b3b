//! States, phases and capacity: functions of record and time, so that nothing needs a keeper (MACH-9).
//!
//! What ended badly counts at once, whether somebody settled it or not; what ended well counts once it is settled.

use capstan_state::{Ctx, Halt};

use super::{
    ADDRESS, HASHES, audit, params,
    record::{STATE, known},
    state::{Challenge, Life, Machine, Params},
};
use crate::still;

/// Makes a list of numbered facts.
macro_rules! numbered {
    ($(#[$doc:meta])+ $name:ident { $($(#[$line:meta])+ $item:ident = $number:literal,)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$line])+ $item,)+
        }

        impl $name {
            /// The number under which it is stored and answered, for ever.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$item => $number,)+
                }
            }

            /// What a stored number means.
            ///
            /// # Errors
            /// A number that is none.
            pub fn of(number: u8) -> Result<Self, Halt> {
                match number {
                    $($number => Ok(Self::$item),)+
                    _ => Err(Halt::Fatal(format!(
                        "corrupt storage: {number} is no {}",
                        stringify!($name)
                    ))),
                }
            }
        }
    };
}

numbered! {
    /// What a machine is now.
    State {
        /// It has not proven its life yet.
        Probation = 1,
        /// It was seen in time, and has proven its life.
        Live = 2,
        /// It should have been seen, and may still be.
        Late = 3,
        /// It was not seen for longer than it may.
        Dark = 4,
        /// Its holder leaves; its bond still stands for it.
        Leaving = 5,
        /// Its bond was taken.
        Gone = 6,
        /// Its bond is below its minimum.
        Barred = 7,
    }
}

numbered! {
    /// Why something is as it is.
    Reason {
        /// All is well.
        None = 0,
        /// It has not been here for long.
        New = 1,
        /// It missed a beat.
        BeatMissed = 2,
        /// It missed a beat by more than the grace.
        GraceOver = 3,
        /// Its holder left.
        HolderLeft = 4,
        /// Its bond was taken by its holder.
        BondTaken = 5,
        /// Its bond was slashed below the minimum.
        BondShort = 6,
        /// A quorum found another output than it did.
        WrongAnswer = 7,
        /// It did not answer in time.
        NoAnswer = 8,
        /// It was never proven.
        NeverProven = 9,
        /// It was proven too long ago.
        TooOld = 10,
        /// A later room slashed it.
        Slashed = 11,
    }
}

numbered! {
    /// Where a challenge is.
    Phase {
        /// The hash of its block is not fixed yet.
        Asked = 1,
        /// The machine works.
        Drawn = 2,
        /// Auditors commit.
        Committing = 3,
        /// Auditors reveal.
        Revealing = 4,
        /// A quorum found what the machine did.
        Passed = 5,
        /// A quorum found something else.
        Wrong = 6,
        /// The machine did not answer in time.
        Unanswered = 7,
        /// Too few auditors agreed: nothing changes.
        NoQuorum = 8,
        /// Nobody fixed the seed while its hash was known: nothing changes.
        Lapsed = 9,
    }
}

/// How a challenge ended: the last phases.
pub type Outcome = Phase;

/// A state, why, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since_ms: u64,
}

/// What a machine can do, or why nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Units per hour.
    pub per_hour: u64,
    /// Why it is zero.
    pub reason: Reason,
    /// The challenge that proved it last.
    pub number: u64,
    /// When.
    pub proven_ms: u64,
    /// Until when it counts, if nothing else happens.
    pub until_ms: u64,
}

/// What a machine is now.
///
/// # Errors
/// `MachinesUnknown`, `MachinesNotOpen`.
pub fn status(cx: &mut Ctx<'_>, id: u64) -> Result<Status, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let machine = known(cx, id)?;
    let (life, params) = (STATE.lives.at(id).load(cx)?, params::known(cx)?);
    machine.status(cx, &life, &params)
}

impl Machine {
    /// What it is now.
    fn status(&self, cx: &mut Ctx<'_>, life: &Life, params: &Params) -> Result<Status, Halt> {
        let (state, reason, since_ms) = self.stated(cx, life, params)?;
        Ok(Status {
            state,
            reason,
            since_ms,
        })
    }

    fn stated(
        &self,
        cx: &mut Ctx<'_>,
        life: &Life,
        params: &Params,
    ) -> Result<(State, Reason, u64), Halt> {
        if self.gone_ms != 0 {
            return Ok((State::Gone, Reason::BondTaken, self.gone_ms));
        }
        if self.left_ms != 0 {
            return Ok((State::Leaving, Reason::HolderLeft, self.left_ms));
        }
        if self.barred_ms != 0 {
            return Ok((State::Barred, Reason::BondShort, self.barred_ms));
        }
        let since = |cx: &mut Ctx<'_>, window_ms| over_since_ms(cx, life.last_ms, window_ms);
        if let Some(late_ms) = since(cx, params.interval_ms)? {
            return Ok(match since(cx, params.silence_ms())? {
                Some(dark_ms) => (State::Dark, Reason::GraceOver, dark_ms),
                None => (State::Late, Reason::BeatMissed, late_ms),
            });
        }
        if life.passed_ms == 0 {
            return Ok((State::Probation, Reason::of(life.trial_why)?, life.since_ms));
        }
        let since_ms = life.since_ms.max(life.passed_ms);
        Ok((State::Live, Reason::None, since_ms))
    }
}

/// Since when a window is over that began at a time, if it is. Time for which the chain stood still does not count (MACH-14); what
/// is not over by the clock is not over at all, so that most ask no more than that.
fn over_since_ms(cx: &mut Ctx<'_>, from_ms: u64, window_ms: u64) -> Result<Option<u64>, Halt> {
    let now_ms = cx.store.block().time_ms;
    if now_ms <= from_ms.saturating_add(window_ms) {
        return Ok(None);
    }
    let until_ms = still::until_ms(cx, from_ms, window_ms)?;
    Ok((now_ms > until_ms).then_some(until_ms))
}

impl Challenge {
    /// Whether it was ever asked and is not settled.
    pub(super) fn is_open(&self) -> bool {
        self.number != 0 && self.outcome == 0
    }
}

/// Where a challenge is now. The frame is that of `machines`, as in all functions below.
pub(super) fn phase(cx: &mut Ctx<'_>, id: u64, challenge: &Challenge) -> Result<Phase, Halt> {
    if challenge.outcome != 0 {
        return Phase::of(challenge.outcome);
    }
    let block = cx.store.block().number;
    if challenge.seed.is_zero() {
        let is_over = block > challenge.seed_block.saturating_add(HASHES);
        return Ok(if is_over { Phase::Lapsed } else { Phase::Asked });
    }
    if challenge.answer.is_zero() {
        let window_ms = challenge.answer_window_ms();
        let over = over_since_ms(cx, challenge.asked_ms, window_ms)?;
        return Ok(if over.is_some() {
            Phase::Unanswered
        } else {
            Phase::Drawn
        });
    }
    if over_since_ms(cx, challenge.answered_ms, challenge.commit_ms)?.is_none() {
        return Ok(Phase::Committing);
    }
    if over_since_ms(cx, challenge.answered_ms, challenge.panel_ms())?.is_none() {
        return Ok(Phase::Revealing);
    }
    audit::verdict(cx, id, challenge)
}

impl Challenge {
    /// How long an answer counts, from the request on.
    fn answer_window_ms(&self) -> u64 {
        self.answer_by_ms.saturating_sub(self.asked_ms)
    }

    /// How long auditors commit and reveal.
    fn panel_ms(&self) -> u64 {
        self.commit_ms.saturating_add(self.reveal_ms)
    }

    /// Until when a phase lasts, by what is known now; zero where by none.
    pub(super) fn due_ms(&self, cx: &mut Ctx<'_>, phase: Phase) -> Result<u64, Halt> {
        match phase {
            Phase::Drawn => still::until_ms(cx, self.asked_ms, self.answer_window_ms()),
            Phase::Committing => still::until_ms(cx, self.answered_ms, self.commit_ms),
            Phase::Revealing => still::until_ms(cx, self.answered_ms, self.panel_ms()),
            _ => Ok(0),
        }
    }
}

impl Phase {
    /// Whether the challenge is decided.
    pub const fn is_over(self) -> bool {
        self.number() >= Self::Passed.number()
    }

    /// Why a machine that ended so has no capacity.
    pub(super) const fn failure(self) -> Option<Reason> {
        match self {
            Self::Wrong => Some(Reason::WrongAnswer),
            Self::Unanswered => Some(Reason::NoAnswer),
            _ => None,
        }
    }
}

/// What a machine can do in a class of work (MACH-5).
///
/// # Errors
/// `MachinesUnknown`, `MachinesNotOpen`.
pub fn capacity(cx: &mut Ctx<'_>, id: u64, class: u32) -> Result<Capacity, Halt> {
    let cx = &mut cx.enter(ADDRESS);
    let Status { state, reason, .. } = status(cx, id)?;
    let machine = known(cx, id)?;
    let proof = STATE.proofs.at((id, class)).load(cx)?;
    let params = params::known(cx)?;
    let until_ms = still::until_ms(cx, proof.answered_ms, params.capacity_age_ms)?;
    let challenge = STATE.challenges.at(id).load(cx)?;
    let ended_badly = if challenge.is_open() {
        phase(cx, id, &challenge)?.failure()
    } else {
        None
    };
    let why = if matches!(
        state,
        State::Gone | State::Leaving | State::Barred | State::Dark
    ) {
        reason
    } else if let Some(why) = ended_badly {
        why
    } else if proof.number == 0 {
        Reason::NeverProven
    } else if proof.number <= machine.failed {
        Reason::of(machine.failed_why)?
    } else if cx.store.block().time_ms > until_ms {
        Reason::TooOld
    } else {
        Reason::None
    };
    Ok(Capacity {
        per_hour: if why == Reason::None {
            proof.per_hour
        } else {
            0
        },
        reason: why,
        number: proof.number,
        proven_ms: proof.answered_ms,
        until_ms: if proof.number == 0 { 0 } else { until_ms },
    })
}
