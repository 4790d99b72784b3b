//! From a wish to a batch: which verbs do what somebody said, given what stands in the wallet and on the account.
//!
//! Pure, so that every case is a row of a test. A wish takes from the account's free units first and from the wallet
//! what is missing; what comes out goes to the wallet.

use alloy_primitives::{Address, U256};
use capstan_contracts::account::Verb;

use crate::{Amount, AmountError, Batch};

/// What is left in a wallet when all of the gas coin is taken: 0.01, for later transactions.
const GAS_LEFT_WEI: u64 = 10_000_000_000_000_000;
/// A debt grows until its block: so many parts of it, at least one unit, are brought on top. What is left stays on the
/// account.
pub(crate) const GROWTH_DIVISOR: u64 = 10_000;

/// What somebody wants to do with an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Wallet -> units.
    Deposit,
    /// Wallet, units -> market.
    Supply,
    /// Market -> units.
    Redeem,
    /// Units, market -> wallet.
    Withdraw {
        /// Whose wallet.
        to: Address,
    },
    /// Market -> wallet, or units, as debt.
    Borrow {
        /// Whose wallet; none leaves it on the account.
        to: Option<Address>,
    },
    /// Units, wallet -> debt.
    Repay,
    /// New dollars -> wallet, or units, as debt.
    Mint {
        /// Whose wallet; none leaves them on the account.
        to: Option<Address>,
    },
    /// An offer of fixed terms -> units, as debt.
    TakeLoan {
        /// The offer.
        offer: u64,
    },
    /// Units -> a fixed-term loan.
    RepayLoan {
        /// The loan.
        loan: u64,
    },
}

/// What there is of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct There {
    /// Its number.
    pub asset_id: u32,
    /// Digits behind the point.
    pub decimals: u8,
    /// Whether it pays for gas.
    pub is_coin: bool,
    /// In the wallet.
    pub wallet: U256,
    /// Free units on the account.
    pub units: U256,
    /// In the market.
    pub supplied: U256,
    /// Owed to the market.
    pub owed: U256,
    /// What the batch takes from the wallet so far.
    pub taken: U256,
    /// What the wallet lacks of it.
    pub lacking: U256,
    /// What the account lacks of what shall leave it, as far as anybody knows beforehand.
    pub unheld: U256,
}

/// Why a wish is no batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not an amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// A loan has no natural largest size.
    #[error("say how much to borrow: the most would be liquidated by the next move of a price")]
    BorrowAll,
    /// Nothing is there to do it with.
    #[error("there is nothing to {verb}: {why}")]
    Nothing {
        /// What was wished.
        verb: &'static str,
        /// Where nothing is.
        why: &'static str,
    },
    /// The amount came to zero.
    #[error("the amount is zero")]
    Zero,
}

impl There {
    /// What may leave the wallet.
    fn spendable(&self) -> U256 {
        if self.is_coin {
            self.wallet.saturating_sub(U256::from(GAS_LEFT_WEI))
        } else {
            self.wallet
        }
    }

    /// Adds what brings so much from the wallet.
    fn deposit(&mut self, batch: &mut Batch, amount: U256) {
        if amount.is_zero() {
            return;
        }
        batch.act(Verb::Deposit, self.asset_id, amount);
        let lacking = amount.saturating_sub(self.wallet);
        self.lacking = self.lacking.saturating_add(lacking);
        self.wallet = self.wallet.saturating_sub(amount);
        self.taken = self.taken.saturating_add(amount);
        self.units = self.units.saturating_add(amount);
    }

    /// Adds what takes so much out of the market; the largest number takes all.
    fn redeem(&mut self, batch: &mut Batch, amount: U256) {
        if amount.is_zero() {
            return;
        }
        batch.act(Verb::Redeem, self.asset_id, amount);
        let moved = amount.min(self.supplied);
        if amount != U256::MAX {
            self.unheld = self.unheld.max(amount.saturating_sub(moved));
        }
        self.supplied = self.supplied.saturating_sub(moved);
        self.units = self.units.saturating_add(moved);
    }

    /// Adds what sends so much to a wallet; the largest number sends all.
    fn withdraw(&mut self, batch: &mut Batch, amount: U256, to: Address) {
        batch.withdraw(self.asset_id, amount, to);
        if amount != U256::MAX {
            self.unheld = self.unheld.max(amount.saturating_sub(self.units));
        }
        self.units = self.units.saturating_sub(amount.min(self.units));
    }
}

/// Adds to `batch` what fulfils a wish, and to `there` what it changes.
///
/// # Errors
/// [`PlanError`].
pub fn plan(
    batch: &mut Batch,
    wish: Wish,
    amount: &Amount,
    there: &mut There,
) -> Result<(), PlanError> {
    let id = there.asset_id;
    let is_all = *amount == Amount::Max;
    // How much of `of`: of nothing there is no part.
    let decimals = there.decimals;
    let sized = |verb: &'static str, of: U256, why: &'static str| -> Result<U256, PlanError> {
        let is_number = matches!(amount, Amount::Units(_));
        if of.is_zero() && !is_number {
            return Err(PlanError::Nothing { verb, why });
        }
        let sized = if is_all {
            of
        } else {
            amount.resolve(decimals, of)?
        };
        if sized.is_zero() {
            return Err(PlanError::Zero);
        }
        Ok(sized)
    };
    match wish {
        Wish::Deposit => {
            let amount = sized("deposit", there.spendable(), "the wallet is empty")?;
            there.deposit(batch, amount);
        }
        Wish::Supply => {
            let all = there.units.saturating_add(there.spendable());
            let amount = sized("supply", all, "wallet and account are empty")?;
            there.deposit(batch, amount.saturating_sub(there.units));
            batch.act(Verb::Supply, id, amount);
            there.units = there.units.saturating_sub(amount);
            there.supplied = there.supplied.saturating_add(amount);
        }
        Wish::Redeem => {
            let amount = sized("redeem", there.supplied, "none of it is supplied")?;
            there.redeem(batch, if is_all { U256::MAX } else { amount });
        }
        Wish::Withdraw { to } => {
            let all = there.units.saturating_add(there.supplied);
            let amount = sized("withdraw", all, "the account holds none of it")?;
            if is_all {
                let supplied = !there.supplied.is_zero();
                there.redeem(batch, if supplied { U256::MAX } else { U256::ZERO });
                there.withdraw(batch, U256::MAX, to);
            } else {
                there.redeem(batch, amount.saturating_sub(there.units));
                there.withdraw(batch, amount, to);
            }
        }
        Wish::Borrow { to } => {
            if !matches!(amount, Amount::Units(_)) {
                return Err(PlanError::BorrowAll);
            }
            let amount = sized("borrow", U256::ZERO, "")?;
            batch.act(Verb::Borrow, id, amount);
            there.owed = there.owed.saturating_add(amount);
            there.units = there.units.saturating_add(amount);
            if let Some(to) = to {
                there.withdraw(batch, amount, to);
            }
        }
        Wish::Mint { to } => {
            if !matches!(amount, Amount::Units(_)) {
                return Err(PlanError::BorrowAll);
            }
            let amount = sized("mint", U256::ZERO, "")?;
            batch.mint(amount);
            there.owed = there.owed.saturating_add(amount);
            there.units = there.units.saturating_add(amount);
            if let Some(to) = to {
                there.withdraw(batch, amount, to);
            }
        }
        Wish::TakeLoan { offer } => {
            if !matches!(amount, Amount::Units(_)) {
                return Err(PlanError::BorrowAll);
            }
            let amount = sized("take", U256::ZERO, "")?;
            batch.take_loan(offer, amount);
            there.owed = there.owed.saturating_add(amount);
            there.units = there.units.saturating_add(amount);
        }
        Wish::RepayLoan { loan } => {
            let amount = sized("repay", there.units, "the account holds none of it")?;
            batch.repay_loan(loan, if is_all { U256::MAX } else { amount });
            there.units = there.units.saturating_sub(amount);
            there.owed = there.owed.saturating_sub(amount.min(there.owed));
        }
        Wish::Repay => {
            let amount = sized("repay", there.owed, "nothing of it is owed")?;
            let amount = amount.min(there.owed);
            if amount.is_zero() {
                return Err(PlanError::Nothing {
                    verb: "repay",
                    why: "nothing of it is owed",
                });
            }
            let is_whole = amount == there.owed;
            let growth = amount / U256::from(GROWTH_DIVISOR) + U256::from(1);
            let wanted = amount.saturating_add(if is_whole { growth } else { U256::ZERO });
            // The growth is brought if it is there; the debt itself must be.
            let least = amount.saturating_sub(there.units);
            let brought = wanted.saturating_sub(there.units).min(there.spendable());
            there.deposit(batch, brought.max(least));
            batch.act(Verb::Repay, id, if is_whole { U256::MAX } else { amount });
            there.units = there.units.saturating_sub(amount);
            there.owed = there.owed.saturating_sub(amount);
        }
    }
    Ok(())
}
