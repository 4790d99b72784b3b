//! Loans of fixed terms: offers, and what each clerk has in his book.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use capstan_units::AccountId;

use super::{
    super::*,
    book::{Answer, Model, narrow},
};
use crate::{
    term::{
        ESCROW,
        ITerm::{
            OfferTerms, TermExpired, TermNoLoan, TermNoOffer, TermNotLender, TermOfferShort,
            TermTooManyLoans, TermTooSmall, TermZeroAmount,
        },
    },
    testkit::{
        clerk::{Clerk, level},
        market::no,
    },
};

/// Most loans of one account.
const LOANS_MAX: usize = 8;

/// An offer that stands.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) lender: AccountId,
    pub(super) terms: OfferTerms,
    pub(super) left: U256,
}

#[derive(Clone, Default)]
pub(super) struct Loans {
    pub(super) offers: BTreeMap<u64, Offer>,
    pub(super) offered: u64,
    pub(super) all: BTreeMap<u64, Clerk>,
    pub(super) made: u64,
}

/// What would end a loan: the fee of paying the rest early is part of it.
fn ending(clerk: &Clerk) -> U256 {
    clerk.owed() + clerk.early_fee()
}

impl Loans {
    pub(super) fn go(&mut self, now_ms: u64) {
        for clerk in self.all.values_mut() {
            clerk.go(now_ms);
        }
    }

    fn of(&self, who: AccountId, asset: u32) -> impl Iterator<Item = (u64, &Clerk)> {
        let all = self.all.iter().map(|(id, clerk)| (*id, clerk));
        all.filter(move |(_, clerk)| clerk.borrower == who && clerk.terms.assetId == asset)
    }

    pub(super) fn ending(&self, who: AccountId, asset: u32) -> U256 {
        self.of(who, asset).map(|(_, clerk)| ending(clerk)).sum()
    }

    pub(super) fn overdue(&self, who: AccountId, asset: u32) -> U256 {
        let late = self.of(who, asset).filter(|(_, clerk)| clerk.in_default());
        late.map(|(_, clerk)| ending(clerk)).sum()
    }

    /// Loans of an account, and what would end each.
    pub(super) fn of_account(&self, who: AccountId) -> Vec<(u64, U256)> {
        let all = self.all.iter();
        let all = all.filter(|(_, clerk)| clerk.borrower == who);
        all.map(|(id, clerk)| (*id, ending(clerk))).collect()
    }

    fn expect_room(&self, who: AccountId) -> Answer<()> {
        if self.of_account(who).len() < LOANS_MAX {
            return Ok(());
        }
        no(&TermTooManyLoans {
            owner: who.owner,
            index: who.index,
            max: U256::from(LOANS_MAX),
        })
    }

    pub(super) fn move_all(&mut self, asset: u32, from: AccountId, to: AccountId) -> Answer<()> {
        let ids: Vec<u64> = self.of(from, asset).map(|(id, _)| id).collect();
        for id in ids {
            self.expect_room(to)?;
            self.all.get_mut(&id).expect("there").borrower = to;
        }
        Ok(())
    }

    /// Ends every loan of an account in an asset; answers what was owed.
    pub(super) fn write_off(&mut self, who: AccountId, asset: u32) -> U256 {
        let lost = self.of(who, asset).map(|(_, clerk)| clerk.owed()).sum();
        self.all
            .retain(|_, clerk| clerk.borrower != who || clerk.terms.assetId != asset);
        lost
    }
}

impl Model {
    /// Tokens of a wallet are offered.
    pub(super) fn offer(
        &mut self,
        who: Address,
        index: u8,
        terms: OfferTerms,
        units: U256,
    ) -> Answer<U256> {
        self.pull(terms.assetId, who, ESCROW, units)?;
        self.loans.offered += 1;
        let offer = Offer {
            lender: AccountId::new(who, index),
            terms,
            left: units,
        };
        self.loans.offers.insert(self.loans.offered, offer);
        Ok(U256::from(self.loans.offered))
    }

    /// What an offer has left goes back, into the account that offered it.
    pub(super) fn cancel_offer(&mut self, who: Address, id: u64) -> Answer<U256> {
        let Some(Offer {
            lender,
            terms,
            left,
        }) = self.loans.offers.get(&id).cloned()
        else {
            return no(&TermNoOffer { id });
        };
        if lender.owner != who {
            return no(&TermNotLender {
                id,
                lender: lender.owner,
            });
        }
        self.loans.offers.remove(&id);
        self.shift(terms.assetId, ESCROW, lender, left)?;
        Ok(left)
    }

    pub(super) fn take_loan(
        &mut self,
        account: AccountId,
        id: u64,
        units: U256,
    ) -> Answer<(u64, u32)> {
        let units = narrow(units)?;
        if units.is_zero() {
            return no(&TermZeroAmount {});
        }
        let Some(offer) = self.loans.offers.get(&id).cloned() else {
            return no(&TermNoOffer { id });
        };
        if self.now_ms >= offer.terms.expiresMs {
            return no(&TermExpired {
                id,
                expiresMs: offer.terms.expiresMs,
            });
        }
        if units > offer.left {
            return no(&TermOfferShort {
                id,
                left: offer.left,
                wanted: units,
            });
        }
        let least = offer.terms.least.min(offer.left);
        if units < least {
            return no(&TermTooSmall {
                id,
                amount: units,
                least,
            });
        }
        self.loans.expect_room(account)?;
        let asset = offer.terms.assetId;
        self.loans.made += 1;
        let clerk = Clerk {
            step: level(&offer.terms, units, offer.terms.instalments),
            lender: offer.lender,
            borrower: account,
            start_ms: self.now_ms,
            bills: Vec::new(),
            written: 0,
            balance: units,
            from_ms: self.now_ms,
            late: U256::ZERO,
            seen_ms: self.now_ms,
            terms: offer.terms,
        };
        self.loans.all.insert(self.loans.made, clerk);
        if units == offer.left {
            self.loans.offers.remove(&id);
        } else {
            self.loans.offers.get_mut(&id).expect("there").left -= units;
        }
        self.shift(asset, ESCROW, account, units)?;
        Ok((self.loans.made, asset))
    }

    /// Pays on one loan; answers the asset and what was paid.
    pub(super) fn repay_loan(
        &mut self,
        account: AccountId,
        id: u64,
        units: U256,
    ) -> Answer<(u32, U256)> {
        let Some(clerk) = self.loans.all.get(&id) else {
            return no(&TermNoLoan { id });
        };
        let (asset, borrower) = (clerk.terms.assetId, clerk.borrower);
        if borrower != account {
            return no(&AccountOtherLoan {
                id,
                owner: borrower.owner,
                index: borrower.index,
            });
        }
        let least = clerk.accrued() + n(1) + U256::from(clerk.terms.earlyFeeBps.min(1));
        let units = if units == U256::MAX {
            ending(clerk)
        } else {
            narrow(units)?
        };
        if units.is_zero() {
            return no(&TermZeroAmount {});
        }
        let paid = self.pay_loan(account, id, units)?;
        if paid.is_zero() {
            return no(&TermTooSmall {
                id,
                amount: units,
                least,
            });
        }
        Ok((asset, paid))
    }

    fn pay_loan(&mut self, payer: AccountId, id: u64, units: U256) -> Answer<U256> {
        let clerk = self.loans.all.get_mut(&id).expect("there");
        let fee_bps = clerk.terms.earlyFeeBps;
        let paid: U256 = clerk.pay(units, fee_bps).iter().sum();
        let (asset, lender, is_over) = (clerk.terms.assetId, clerk.lender, clerk.owed().is_zero());
        if paid.is_zero() {
            return Ok(paid);
        }
        if is_over {
            self.loans.all.remove(&id);
        }
        self.shift(asset, payer, lender, paid)?;
        Ok(paid)
    }

    /// Pays loans in default first, then the oldest.
    pub(super) fn settle_loans(
        &mut self,
        asset: u32,
        payer: AccountId,
        debtor: AccountId,
        units: U256,
    ) -> Answer<U256> {
        let mut ids: Vec<(bool, u64)> = self
            .loans
            .of(debtor, asset)
            .map(|(id, clerk)| (!clerk.in_default(), id))
            .collect();
        ids.sort_unstable();
        let mut left = units;
        for (_, id) in ids {
            if left.is_zero() {
                break;
            }
            left -= self.pay_loan(payer, id, left)?;
        }
        Ok(units - left)
    }
}
