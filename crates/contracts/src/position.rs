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

/// One kind of thing on a balance sheet. Functions for `account`, which has asked whether anybody may.
pub trait Position: Sync {
    /// Its name in words.
    fn name(&self) -> &'static str;

    /// What of `asset` the account holds and owes in this kind, now.
    ///
    /// # Errors
    /// The store's.
    fn assess(&self, cx: &mut Ctx<'_>, account: AccountId, asset: AssetId) -> Result<Line, Halt>;

    /// How long a sale of what is held takes; zero is at once. What takes longer backs no debt that can fail in
    /// a minute.
    fn time_to_cash_ms(&self) -> u64 {
        0
    }

    /// The most that what is owed of `asset` may grow by per year during the next day, whatever anybody does.
    ///
    /// # Errors
    /// The store's.
    fn drift_bound(&self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Ray, Halt>;

    /// Turns up to `wanted` of what is held into free units of the account; answers how much it was.
    ///
    /// # Errors
    /// The store's. Having too little to turn is an answer, not an error.
    fn unwind(
        &self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        asset: AssetId,
        wanted: Assets,
    ) -> Result<Assets, Halt>;

    /// Hands up to `wanted` of what is held to another account as it is, for when it cannot be unwound; answers
    /// what that was worth.
    ///
    /// # Errors
    /// The store's.
    fn hand_over(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        from: AccountId,
        to: AccountId,
        wanted: Assets,
    ) -> Result<Assets, Halt>;

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

    /// Lowers what `debtor` owes by up to `amount` of the payer's free units; answers what they paid.
    ///
    /// # Errors
    /// `LedgerInsufficient`; less than the kind can take.
    fn repay(
        &self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
        payer: AccountId,
        debtor: AccountId,
        amount: Assets,
    ) -> Result<Assets, Halt>;

    /// Most of a debt that could be written off before a lender lost anything.
    ///
    /// # Errors
    /// The store's.
    fn reserve_down(&self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Assets, Halt>;

    /// Forgives all that `debtor` owes in this kind, because nothing backs it.
    ///
    /// # Errors
    /// The store's.
    fn write_off(&self, cx: &mut Ctx<'_>, debtor: AccountId, asset: AssetId) -> Result<Loss, Halt>;
}
