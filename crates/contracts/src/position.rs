//! What an account can hold, seen without knowing what it is.
//!
//! ```text
//!   account ── for each row of its sheet ──► ledger units · lending supply and debt · ...
//!                                             each kind answers with a Line; lines add up
//! ```
//!
//! A kind of position implements [`Position`] in its own folder and has one line in the registry, so a balance
//! sheet is summed, moved, sold and written off by code that knows none of them. Nobody below calls up.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets, NumberError, Ray};

/// What of one asset stands on an account, in smallest units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Units that the account could have, in time; rounded down.
    pub held: Assets,
    /// Units that it must give back; rounded up.
    pub owed: Assets,
}

impl Line {
    /// Nothing.
    pub const EMPTY: Self = Self {
        held: Assets::ZERO,
        owed: Assets::ZERO,
    };

    /// Both lines as one.
    ///
    /// # Errors
    /// More than any amount may be.
    pub fn with(self, more: Self) -> Result<Self, NumberError> {
        Ok(Self {
            held: self.held.add(more.held)?,
            owed: self.owed.add(more.owed)?,
        })
    }

    /// Whether nothing stands there.
    pub const fn is_empty(&self) -> bool {
        self.held.is_zero() && self.owed.is_zero()
    }
}

/// How a written-off debt was borne. What is missing to `debt` was interest that nobody had claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What was owed.
    pub debt: Assets,
    /// What the reserve of that debt lost.
    pub reserve: Assets,
    /// What its lenders lost.
    pub lenders: Assets,
}

impl Loss {
    /// Nothing was owed.
    pub const NONE: Self = Self {
        debt: Assets::ZERO,
        reserve: Assets::ZERO,
        lenders: Assets::ZERO,
    };
}

/// One kind of thing on a balance sheet. Functions for `account`, which has asked whether anybody may.
///
/// What a kind does not say is nothing: one that holds nothing has nothing to unwind or hand over, one that owes
/// nothing has nothing to repay or forgive.
pub trait Position: Sync {
    /// Its name in words.
    fn name(&self) -> &'static str;

    /// What of `asset` the account holds and owes in this kind, now.
    ///
    /// # Errors
    /// The store's.
    fn assess(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Line, Halt>;

    /// What of `asset` the account owes in this kind, for who does not ask what it holds.
    ///
    /// # Errors
    /// The store's.
    fn owed(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Assets, Halt> {
        Ok(self.assess(cx, account, asset)?.owed)
    }

    /// Whether a row must name this kind for the asset: something stands there, or may come to by itself.
    ///
    /// # Errors
    /// The store's.
    fn stands(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<bool, Halt> {
        Ok(!self.assess(cx, account, asset)?.is_empty())
    }

    /// Whether it may [`stand`](Self::stands) where nothing is held or owed: it may come by itself, or grow to a unit.
    fn may_stand_empty(&self) -> bool {
        false
    }

    /// What of the debt must be paid now, however healthy the account is.
    ///
    /// # Errors
    /// The store's.
    fn overdue(&self, _: &mut Ctx<'_>, _: AccountId, _: AssetId) -> Result<Assets, Halt> {
        Ok(Assets::ZERO)
    }

    /// Until when nothing is overdue, if nobody pays; `None` is for ever.
    ///
    /// # Errors
    /// The store's.
    fn overdue_from_ms(
        &self,
        _: &mut Ctx<'_>,
        _: AccountId,
        _: AssetId,
    ) -> Result<Option<u64>, Halt> {
        Ok(None)
    }

    /// How long a sale of what is held takes; zero is at once. What takes longer backs no debt that can fail in
    /// a minute.
    fn time_to_cash_ms(&self) -> u64 {
        0
    }

    /// The most that what is owed of `asset` may grow by per year during the next day, whatever anybody does.
    ///
    /// # Errors
    /// The store's.
    fn drift_bound(&self, _: &mut Ctx<'_>, _: AssetId) -> Result<Ray, Halt> {
        Ok(Ray::ZERO)
    }

    /// Turns up to `wanted` of what is held into free units of the account; answers how much it was.
    ///
    /// # Errors
    /// The store's. Having too little to turn is an answer, not an error.
    fn unwind(&self, _: &mut Ctx<'_>, _: AccountId, _: AssetId, _: Assets) -> Result<Assets, Halt> {
        Ok(Assets::ZERO)
    }

    /// Hands up to `wanted` of what is held to another account as it is, for when it cannot be unwound; answers
    /// what that was worth.
    ///
    /// # Errors
    /// The store's.
    fn hand_over(
        &self,
        _: &mut Ctx<'_>,
        _: AssetId,
        _from: AccountId,
        _to: AccountId,
        _wanted: Assets,
    ) -> Result<Assets, Halt> {
        Ok(Assets::ZERO)
    }

    /// Moves everything of this kind and asset to another account, what is owed too.
    ///
    /// # Errors
    /// What the kind refuses to move.
    fn transfer(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
    ) -> Result<(), Halt>;

    /// Lowers what `debtor` owes by up to `amount` of the payer's free units, what is overdue first; answers what they
    /// paid. An amount too small to lower anything pays nothing: it must not hold up what else a block has to do.
    ///
    /// # Errors
    /// `LedgerInsufficient`.
    fn repay(
        &self,
        _: &mut Ctx<'_>,
        _: AssetId,
        _payer: AccountId,
        _debtor: AccountId,
        _amount: Assets,
    ) -> Result<Assets, Halt> {
        Ok(Assets::ZERO)
    }

    /// Most of a debt that could be written off before stakers or lenders lost anything.
    ///
    /// # Errors
    /// The store's.
    fn reserve_down(&self, _: &mut Ctx<'_>, _: AssetId) -> Result<Assets, Halt> {
        Ok(Assets::ZERO)
    }

    /// Forgives all that `debtor` owes in this kind, because nothing backs it.
    ///
    /// # Errors
    /// The store's.
    fn write_off(&self, _: &mut Ctx<'_>, _debtor: AccountId, _: AssetId) -> Result<Loss, Halt> {
        Ok(Loss::NONE)
    }
}
