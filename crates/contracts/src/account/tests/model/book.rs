//! Accounts in plain integers, from the formulas of the specification: who holds and owes what, what it counts, and what
//! each verb, bid and look makes of it. Prices are what the oracle answers; it has a model of its own.

use std::{borrow::Cow, collections::BTreeMap};

use alloy_primitives::{Address, U256, U512};
use capstan_state::Halt;
use capstan_units::{AccountId, Assets};

use super::super::*;
use crate::{
    erc20::IErc20::ERC20InsufficientBalance,
    ledger::ILedger::{LedgerBadWallet, LedgerInsufficient, LedgerUnknownAsset, LedgerZeroAmount},
    lending::{
        CASH,
        ILending::{LendingUnknownMarket, LendingZeroAmount},
        RESERVE,
    },
    testkit::market::{Market, no, of, ray},
};

/// Something stands there as units.
const UNITS: u8 = 1;
/// Something stands there in the market.
const MARKET: u8 = 2;
/// Units of a whole token.
const WHOLE: u128 = ONE;
/// Pause bit of redemptions.
const REDEEM: u8 = 2;
/// How long a discount grows.
const OFFER_MS: u64 = 1_200_000;
/// Smallest debt and what is dust, in dollars.
const DEBT_MIN: u128 = 10 * USD;
const DUST: u128 = USD;
/// What nobody wanted for so long is dust below this.
const UNWANTED: u128 = 10 * USD;
const UNWANTED_MS: u64 = 86_400_000;

type Answer<T> = Result<T, Halt>;

fn floor(a: U256, b: U256, c: U256) -> U256 {
    let product: U512 = a.widening_mul(b);
    U256::from(product / U512::from(c))
}

fn ceil(a: U256, b: U256, c: U256) -> U256 {
    let product: U512 = a.widening_mul(b);
    U256::from(product.div_ceil(U512::from(c)))
}

fn whole() -> U256 {
    n(WHOLE)
}

fn one() -> U256 {
    n(10_000)
}

fn most() -> U256 {
    Assets::MAX.to_u256()
}

/// An amount, if it is one.
fn narrow(amount: U256) -> Answer<U256> {
    if amount > most() {
        return Err(Halt::overflow());
    }
    Ok(amount)
}

/// What the oracle says of an asset; `None` is unusable.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quote {
    /// For loans, of collateral and of debts.
    pub(super) lend: Option<(u128, u128)>,
    /// For liquidations, of both.
    pub(super) sell: Option<u128>,
    /// To look.
    pub(super) view: Option<u128>,
    /// The latest one, usable or not.
    pub(super) latest: u128,
    /// Whether it is unusable because it is in its grace period.
    pub(super) in_grace: bool,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Batch,
    Block,
    Owner,
}

/// One action of a batch.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Deposit(u32, U256),
    Withdraw(u32, U256, Address),
    Supply(u32, U256),
    Redeem(u32, U256),
    Borrow(u32, U256),
    Repay(u32, U256),
    Transfer(u32, U256, AccountId),
    TakeDebt(u32, U256, AccountId),
    CloseAll,
    TakeOver(AccountId),
    Bid {
        account: AccountId,
        debt: u32,
        most: U256,
        collateral: u32,
        least: U256,
    },
    /// A verb that is none.
    Unknown(u16),
    /// A verb with a byte too much.
    Garbled(Verb),
}

/// One asset of a balance sheet.
#[derive(Clone, Copy, Debug)]
struct Line {
    asset: u32,
    kinds: u8,
    held: U256,
    owed: U256,
    held_price: U256,
    is_priced: bool,
    owed_price: U256,
    /// Whether what is owed has a price.
    is_judged: bool,
    held_value: U256,
    owed_value: U256,
    factor: U256,
}

impl Line {
    fn counts(&self) -> U256 {
        floor(self.held_value, self.factor, one())
    }
}

/// A balance sheet in one line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    collateral: U256,
    pub(super) adjusted: U256,
    pub(super) debt: U256,
}

impl Sum {
    fn is_healthy(&self) -> bool {
        self.adjusted >= self.debt
    }

    pub(super) fn health(&self) -> U256 {
        if self.debt.is_zero() {
            return U256::MAX;
        }
        floor(self.adjusted, n(USD), self.debt)
    }
}

/// Everything that accounts rest on.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) now_ms: u64,
    pub(super) markets: BTreeMap<u32, Market>,
    pub(super) terms: BTreeMap<u32, Collateral>,
    pub(super) quotes: BTreeMap<u32, Quote>,
    pub(super) wallets: BTreeMap<(u32, Address), U256>,
    /// Kinds of each asset that stand on an account.
    pub(super) sheets: BTreeMap<AccountId, BTreeMap<u32, u8>>,
    pub(super) offers: BTreeMap<AccountId, u64>,
    pub(super) operators: BTreeMap<(AccountId, Address), u64>,
    /// Accounts that the batch changed, and whether it may have lowered their health.
    touched: Vec<(AccountId, bool)>,
    /// Accounts whose debts nothing backed.
    pub(super) forgiven: u32,
}

impl Model {
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            now_ms,
            markets: BTreeMap::new(),
            terms: BTreeMap::new(),
            quotes: BTreeMap::new(),
            wallets: BTreeMap::new(),
            sheets: BTreeMap::new(),
            offers: BTreeMap::new(),
            operators: BTreeMap::new(),
            touched: Vec::new(),
            forgiven: 0,
        }
    }

    // What stands where.

    /// A market as of now, whether or not it accrued.
    fn market(&self, asset: u32) -> Cow<'_, Market> {
        let market = &self.markets[&asset];
        if market.at_ms == self.now_ms {
            return Cow::Borrowed(market);
        }
        let mut market = market.clone();
        market.accrue(self.now_ms);
        Cow::Owned(market)
    }

    /// The same, for whoever looks.
    pub(super) fn ahead(&self, asset: u32) -> Cow<'_, Market> {
        self.market(asset)
    }

    fn accrued(&mut self, asset: u32) -> Answer<&mut Market> {
        let now_ms = self.now_ms;
        let Some(market) = self.markets.get_mut(&asset) else {
            return no(&LendingUnknownMarket { assetId: asset });
        };
        market.accrue(now_ms);
        Ok(market)
    }

    fn known(&self, asset: u32) -> Answer<()> {
        if self.markets.contains_key(&asset) {
            return Ok(());
        }
        no(&LedgerUnknownAsset { assetId: asset })
    }

    pub(super) fn free(&self, asset: u32, who: AccountId) -> U256 {
        let market = self.markets.get(&asset);
        market.map_or(U256::ZERO, |market| of(&market.free, who))
    }

    pub(super) fn wallet(&self, asset: u32, who: Address) -> U256 {
        self.wallets.get(&(asset, who)).copied().unwrap_or_default()
    }

    /// Held and owed, as far as these kinds go.
    fn line(&self, who: AccountId, asset: u32, kinds: u8) -> (U256, U256) {
        let mut held = U256::ZERO;
        let mut owed = U256::ZERO;
        if kinds & UNITS != 0 {
            held += self.free(asset, who);
        }
        if kinds & MARKET != 0 {
            let market = self.market(asset);
            held += market.worth(who);
            owed += market.owed(who);
        }
        (held, owed)
    }

    fn kinds(&self, who: AccountId, asset: u32) -> u8 {
        let sheet = self.sheets.get(&who);
        sheet
            .and_then(|sheet| sheet.get(&asset))
            .copied()
            .unwrap_or_default()
    }

    fn rows(&self, who: AccountId) -> Vec<(u32, u8)> {
        let sheet = self.sheets.get(&who).into_iter().flatten();
        sheet.map(|(asset, kinds)| (*asset, *kinds)).collect()
    }

    pub(super) fn owed(&self, who: AccountId, asset: u32) -> U256 {
        self.line(who, asset, self.kinds(who, asset)).1
    }

    /// Writes down whether something stands there. The reserve has no sheet.
    fn note(&mut self, who: AccountId, asset: u32, kind: u8) {
        if who == RESERVE || (kind == UNITS && !self.markets.contains_key(&asset)) {
            return;
        }
        let (held, owed) = self.line(who, asset, kind);
        let sheet = self.sheets.entry(who).or_default();
        let kinds = sheet.entry(asset).or_default();
        if (held + owed).is_zero() {
            *kinds &= !kind;
        } else {
            *kinds |= kind;
        }
        if *kinds == 0 {
            sheet.remove(&asset);
        }
    }

    fn shift(&mut self, asset: u32, from: AccountId, to: AccountId, units: U256) -> Answer<()> {
        match self.markets.get_mut(&asset) {
            Some(market) => market.shift(from, to, units),
            None if units.is_zero() => Ok(()),
            None => no(&LedgerInsufficient {
                owner: from.owner,
                index: from.index,
                assetId: asset,
                have: U256::ZERO,
                need: units,
            }),
        }
    }

    fn authorised(&self, account: AccountId, who: Address) -> Answer<()> {
        let until_ms = self.operators.get(&(account, who)).copied();
        if who == account.owner || until_ms.unwrap_or_default() > self.now_ms {
            return Ok(());
        }
        no(&AccountNotAuthorised {
            owner: account.owner,
            index: account.index,
            caller: who,
        })
    }

    // What it is worth.

    fn lines(&self, who: AccountId, asker: Asker) -> Answer<Vec<Line>> {
        let mut lines = Vec::new();
        for (asset, kinds) in self.rows(who) {
            let (held, owed) = self.line(who, asset, kinds);
            let quote = self.quotes[&asset];
            let (held_price, owed_price) = match asker {
                Asker::Batch => (quote.lend.map(|both| both.0), quote.lend.map(|both| both.1)),
                Asker::Block | Asker::Owner => (quote.sell, quote.sell),
            };
            let is_judged = owed_price.is_some() || owed.is_zero();
            if !is_judged && asker != Asker::Block {
                return no(&AccountPriceUnusable {
                    owner: who.owner,
                    index: who.index,
                    assetId: asset,
                });
            }
            let otherwise = match asker {
                Asker::Batch => 0,
                Asker::Block if quote.in_grace => quote.latest * 2,
                Asker::Block | Asker::Owner => quote.latest,
            };
            let price = n(held_price.unwrap_or(otherwise));
            let owed_price = n(owed_price.unwrap_or_default());
            lines.push(Line {
                asset,
                kinds,
                held,
                owed,
                held_price: price,
                is_priced: held_price.is_some(),
                is_judged,
                owed_price,
                held_value: floor(held, price, whole()),
                owed_value: ceil(owed, owed_price, whole()),
                factor: U256::ZERO,
            });
        }
        self.set_factors(&mut lines, asker);
        Ok(lines)
    }

    fn set_factors(&self, lines: &mut [Line], asker: Asker) {
        let terms = |line: &Line| &self.terms[&line.asset];
        let debts = lines.iter().filter(|line| !line.owed.is_zero());
        let categories: Vec<u8> = debts.map(|line| terms(line).category).collect();
        let shared = match categories.first() {
            Some(first) if categories.iter().all(|one| one == first) => *first,
            _ => 0,
        };
        for line in lines.iter_mut() {
            let terms = &self.terms[&line.asset];
            let is_near = shared != 0 && terms.category == shared;
            line.factor = U256::from(match (asker, is_near) {
                (Asker::Batch, false) => terms.initialBps,
                (Asker::Batch, true) => terms.categoryInitialBps,
                (_, false) => terms.maintenanceBps,
                (_, true) => terms.categoryMaintenanceBps,
            });
        }
        let (alone, together): (Vec<&Line>, Vec<&Line>) =
            lines.iter().partition(|line| terms(line).isolated);
        let together: U256 = together.iter().map(|line| line.counts()).sum();
        // Of equal ones the first.
        let best = alone
            .iter()
            .rev()
            .max_by_key(|line| line.counts())
            .filter(|line| line.counts() > together)
            .map(|line| line.asset);
        for line in lines.iter_mut() {
            let is_isolated = self.terms[&line.asset].isolated;
            let counts = match best {
                Some(best) => line.asset == best,
                None => !is_isolated,
            };
            if !counts {
                line.factor = U256::ZERO;
            }
        }
    }

    pub(super) fn sum(&self, who: AccountId, asker: Asker) -> Answer<Sum> {
        Ok(sum_of(&self.lines(who, asker)?))
    }

    /// Whether the block would sell.
    pub(super) fn unhealthy(&self, who: AccountId) -> bool {
        self.sum(who, Asker::Block)
            .is_ok_and(|sum| !sum.is_healthy())
    }

    // Batches.

    /// Runs a batch; answers what each action does, and changes nothing if one is refused.
    pub(super) fn run(
        &mut self,
        caller: Address,
        account: AccountId,
        acts: &[Act],
    ) -> Answer<Vec<Option<U256>>> {
        self.authorised(account, caller)?;
        let mut next = self.clone();
        next.touched.clear();
        let mut answers = Vec::new();
        for act in acts {
            answers.push(next.act(caller, account, act)?);
        }
        next.settle()?;
        *self = next;
        Ok(answers)
    }

    fn touch(&mut self, account: AccountId, lowers: bool) {
        match self.touched.iter_mut().find(|(one, _)| *one == account) {
            Some((_, lowered)) => *lowered |= lowers,
            None => self.touched.push((account, lowers)),
        }
    }

    fn settle(&self) -> Answer<()> {
        for &(who, lowered) in &self.touched {
            let owes = self
                .rows(who)
                .iter()
                .any(|&(asset, _)| !self.owed(who, asset).is_zero());
            if !lowered || !owes {
                continue;
            }
            let sum = self.sum(who, Asker::Batch)?;
            if !sum.is_healthy() {
                return no(&AccountUnhealthy {
                    owner: who.owner,
                    index: who.index,
                    borrowable: sum.adjusted,
                    debt: sum.debt,
                });
            }
        }
        Ok(())
    }

    fn act(&mut self, caller: Address, account: AccountId, act: &Act) -> Answer<Option<U256>> {
        let lowers = !matches!(
            act,
            Act::Deposit(..) | Act::Repay(..) | Act::CloseAll | Act::Unknown(_) | Act::Garbled(_)
        );
        self.touch(account, lowers);
        Ok(Some(match *act {
            Act::Deposit(asset, units) => self.deposit(caller, account, asset, units)?,
            Act::Withdraw(asset, units, to) => self.withdraw(account, asset, units, to)?,
            Act::Supply(asset, units) => self.supply(account, asset, units)?,
            Act::Redeem(asset, units) => self.redeem(account, asset, units)?,
            Act::Borrow(asset, units) => self.borrow(account, asset, units)?,
            Act::Repay(asset, units) => self.repay(account, asset, units)?,
            Act::Transfer(asset, units, to) => self.transfer(caller, account, asset, units, to)?,
            Act::TakeDebt(asset, units, from) => {
                self.authorised(from, caller)?;
                self.take_debt(account, asset, units, from)?
            }
            Act::CloseAll => {
                for (asset, kinds) in self.rows(account) {
                    self.net(account, asset, kinds)?;
                }
                return Ok(None);
            }
            Act::TakeOver(from) => {
                self.authorised(from, caller)?;
                self.take_over(account, from)?;
                return Ok(None);
            }
            Act::Bid {
                account: of,
                debt,
                most,
                collateral,
                least,
            } => self.bid(account, of, debt, most, collateral, least)?,
            Act::Unknown(verb) => return no(&AccountUnknownVerb { verb }),
            Act::Garbled(verb) => {
                return no(&AccountBadArguments {
                    verb: verb.number(),
                });
            }
        }))
    }

    fn deposit(
        &mut self,
        caller: Address,
        account: AccountId,
        asset: u32,
        units: U256,
    ) -> Answer<U256> {
        let units = if units == U256::MAX {
            self.known(asset)?;
            self.wallet(asset, caller).min(most())
        } else {
            narrow(units)?
        };
        self.known(asset)?;
        if units.is_zero() {
            return no(&LedgerZeroAmount {});
        }
        let have = self.wallet(asset, caller);
        if have < units {
            return no(&ERC20InsufficientBalance {
                sender: caller,
                balance: have,
                needed: units,
            });
        }
        self.wallets.insert((asset, caller), have - units);
        let cap = self.terms[&asset].depositCap;
        let market = self.markets.get_mut(&asset).expect("known");
        *market.free.entry(account).or_default() += units;
        let claims: U256 = market.free.values().sum();
        if !cap.is_zero() && claims > cap {
            return no(&AccountDepositCap {
                assetId: asset,
                claims,
                cap,
            });
        }
        self.note(account, asset, UNITS);
        Ok(units)
    }

    fn withdraw(
        &mut self,
        account: AccountId,
        asset: u32,
        units: U256,
        to: Address,
    ) -> Answer<U256> {
        let have = self.free(asset, account);
        let units = if units == U256::MAX {
            have
        } else {
            narrow(units)?
        };
        self.known(asset)?;
        if units.is_zero() {
            return no(&LedgerZeroAmount {});
        }
        if to.is_zero() || to == ledger::ADDRESS {
            return no(&LedgerBadWallet { wallet: to });
        }
        let nobody = AccountId::new(Address::ZERO, 0);
        self.shift(asset, account, nobody, units)?;
        self.markets
            .get_mut(&asset)
            .expect("known")
            .free
            .remove(&nobody);
        *self.wallets.entry((asset, to)).or_default() += units;
        self.note(account, asset, UNITS);
        Ok(units)
    }

    fn supply(&mut self, account: AccountId, asset: u32, units: U256) -> Answer<U256> {
        let units = if units == U256::MAX {
            self.free(asset, account)
        } else {
            narrow(units)?
        };
        refuse_zero(units)?;
        self.accrued(asset)?.supply(account, units)?;
        self.note(account, asset, UNITS);
        self.note(account, asset, MARKET);
        Ok(units)
    }

    fn redeem(&mut self, account: AccountId, asset: u32, units: U256) -> Answer<U256> {
        let before = self.free(asset, account);
        let units = if units == U256::MAX {
            most()
        } else {
            narrow(units)?
        };
        refuse_zero(units)?;
        self.accrued(asset)?.redeem(account, units)?;
        self.note(account, asset, UNITS);
        self.note(account, asset, MARKET);
        Ok(self.free(asset, account) - before)
    }

    fn borrow(&mut self, account: AccountId, asset: u32, units: U256) -> Answer<U256> {
        let units = narrow(units)?;
        refuse_zero(units)?;
        self.accrued(asset)?.borrow(account, units)?;
        self.note(account, asset, UNITS);
        self.note(account, asset, MARKET);
        self.refuse_small_debt(account, asset)?;
        Ok(units)
    }

    fn refuse_small_debt(&self, who: AccountId, asset: u32) -> Answer<()> {
        let owed = self.owed(who, asset);
        if owed.is_zero() {
            return Ok(());
        }
        let Some(price) = self.quotes[&asset].view else {
            return Ok(());
        };
        let value = ceil(owed, n(price), whole());
        if value >= n(DEBT_MIN) {
            return Ok(());
        }
        no(&AccountDebtTooSmall {
            assetId: asset,
            value,
            min: n(DEBT_MIN),
        })
    }

    fn repay(&mut self, account: AccountId, asset: u32, units: U256) -> Answer<U256> {
        let units = if units == U256::MAX {
            most()
        } else {
            narrow(units)?
        };
        let owed = self.owed(account, asset);
        if owed.is_zero() {
            return no(&AccountNothingOwed { assetId: asset });
        }
        let paid = self.pay(account, account, asset, units.min(owed))?;
        self.refuse_small_debt(account, asset)?;
        Ok(paid)
    }

    fn pay(
        &mut self,
        payer: AccountId,
        debtor: AccountId,
        asset: u32,
        units: U256,
    ) -> Answer<U256> {
        let kinds = self.kinds(debtor, asset);
        let mut paid = U256::ZERO;
        if kinds & UNITS != 0 && !units.is_zero() {
            self.note(debtor, asset, UNITS);
        }
        if kinds & MARKET != 0 && !units.is_zero() {
            let market = self.market(asset);
            let most = units.min(market.owed(debtor));
            // Less than a debt share pays for nothing.
            if !floor(most, ray(), market.borrow_index).is_zero() {
                paid = self.accrued(asset)?.repay(payer, debtor, most)?;
            }
            self.note(debtor, asset, MARKET);
        }
        self.note(payer, asset, UNITS);
        Ok(paid)
    }

    fn transfer(
        &mut self,
        caller: Address,
        account: AccountId,
        asset: u32,
        units: U256,
        to: AccountId,
    ) -> Answer<U256> {
        refuse_same(account, to)?;
        if self.kinds(to, asset) == 0 {
            self.authorised(to, caller)?;
        }
        self.touch(to, false);
        let units = if units == U256::MAX {
            self.free(asset, account)
        } else {
            narrow(units)?
        };
        self.shift(asset, account, to, units)?;
        self.note(account, asset, UNITS);
        self.note(to, asset, UNITS);
        Ok(units)
    }

    fn take_debt(
        &mut self,
        account: AccountId,
        asset: u32,
        units: U256,
        from: AccountId,
    ) -> Answer<U256> {
        refuse_same(account, from)?;
        if !self.markets.contains_key(&asset) {
            return no(&LendingUnknownMarket { assetId: asset });
        }
        let nothing = AccountNothingOwed { assetId: asset };
        let market = self.market(asset);
        let (all, owed) = (of(&market.debts, from), market.owed(from));
        if all.is_zero() {
            return no(&nothing);
        }
        let wanted = if units == U256::MAX {
            owed
        } else {
            narrow(units)?
        };
        let shares = if wanted >= owed {
            all
        } else {
            ceil(wanted, ray(), market.borrow_index).min(all)
        };
        if shares.is_zero() {
            return no(&nothing);
        }
        self.touch(from, false);
        self.accrued(asset)?.move_debt(from, account, shares)?;
        for who in [from, account] {
            self.note(who, asset, MARKET);
            self.refuse_small_debt(who, asset)?;
        }
        Ok(wanted.min(owed))
    }

    fn take_over(&mut self, account: AccountId, from: AccountId) -> Answer<()> {
        refuse_same(account, from)?;
        self.touch(from, true);
        for (asset, kinds) in self.rows(from) {
            if kinds & UNITS != 0 {
                let all = self.free(asset, from);
                self.shift(asset, from, account, all)?;
                self.note(from, asset, UNITS);
                self.note(account, asset, UNITS);
            }
            if kinds & MARKET != 0 {
                let market = self.accrued(asset)?;
                let (shares, debts) = (of(&market.shares, from), of(&market.debts, from));
                market.move_shares(from, account, shares)?;
                market.move_debt(from, account, debts)?;
                self.note(from, asset, MARKET);
                self.note(account, asset, MARKET);
            }
        }
        Ok(())
    }

    /// Pays what is owed of an asset with what is held of it.
    fn net(&mut self, who: AccountId, asset: u32, kinds: u8) -> Answer<U256> {
        let (held, owed) = self.line(who, asset, kinds);
        let units = self.unwind(who, asset, kinds, held.min(owed))?;
        if units.is_zero() {
            return Ok(units);
        }
        self.pay(who, who, asset, units)
    }

    /// Makes units free, as far as the market has cash.
    fn unwind(&mut self, who: AccountId, asset: u32, kinds: u8, wanted: U256) -> Answer<U256> {
        if wanted.is_zero() {
            return Ok(wanted);
        }
        let mut left = wanted;
        if kinds & UNITS != 0 {
            left -= self.free(asset, who).min(left);
        }
        if kinds & MARKET != 0 && !left.is_zero() {
            let market = self.market(asset);
            let turned = market.worth(who).min(market.cash()).min(left);
            if !turned.is_zero() && market.paused & REDEEM == 0 {
                self.accrued(asset)?.redeem(who, turned)?;
                left -= turned;
            }
            self.note(who, asset, MARKET);
        }
        self.note(who, asset, UNITS);
        Ok(wanted - left)
    }

    // Offers.

    fn bid(
        &mut self,
        bidder: AccountId,
        who: AccountId,
        debt: u32,
        most: U256,
        collateral: u32,
        least: U256,
    ) -> Answer<U256> {
        if self.touched.iter().any(|(one, _)| *one == who) {
            return no(&AccountInFlight {});
        }
        let Some(since_ms) = self.offers.get(&who).copied() else {
            return no(&AccountNotOffered {
                owner: who.owner,
                index: who.index,
            });
        };
        let lines = self.lines(who, Asker::Block)?;
        let find = |asset: u32, stands: fn(&Line) -> bool| {
            let found = lines.iter().find(|line| line.asset == asset);
            let found = found.copied().filter(stands);
            found.ok_or(Halt::revert(&AccountNothingOwed { assetId: asset }))
        };
        let debt = find(debt, |line| !line.owed.is_zero())?;
        let sum = sum_of(&lines);
        if sum.is_healthy() {
            return no(&AccountHealthy {
                owner: who.owner,
                index: who.index,
                health: sum.health(),
            });
        }
        if !debt.is_judged {
            return no(&AccountPriceUnusable {
                owner: who.owner,
                index: who.index,
                assetId: debt.asset,
            });
        }
        let sold = find(collateral, |line| !line.held.is_zero())?;
        if !sold.is_priced {
            return no(&AccountPriceUnusable {
                owner: who.owner,
                index: who.index,
                assetId: collateral,
            });
        }
        let (discount, reserve) = self.cost(collateral, since_ms);
        let kept = one() - discount - reserve;
        let (price, given) = trade(&debt, &sold, sum, kept, most)?;
        if price.is_zero() {
            return no(&AccountBidEmpty {
                assetId: debt.asset,
            });
        }
        let to_reserve = floor(given, reserve, one());
        self.touch(who, false);
        let paid = self.pay(bidder, who, debt.asset, price)?;
        if paid < price {
            return no(&AccountUnderpaid {
                assetId: debt.asset,
                paid,
                price,
            });
        }
        self.give_to_reserve(who, collateral, sold.kinds, to_reserve)?;
        let taken = self.hand_over(who, collateral, sold.kinds, bidder, given - to_reserve)?;
        if taken < least {
            return no(&AccountBidTooDear {
                taken,
                takenMin: least,
            });
        }
        self.close_if_healthy(who)?;
        Ok(taken)
    }

    /// Discount and what the reserve gets, in hundredths of a percent.
    fn cost(&self, asset: u32, since_ms: u64) -> (U256, U256) {
        let most = U256::from(self.terms[&asset].discountMaxBps);
        let ms = (self.now_ms - since_ms).min(OFFER_MS);
        let discount = most * U256::from(ms) / U256::from(OFFER_MS);
        (discount, (most - discount) / n(2))
    }

    /// Hands collateral over: units first, then what can be redeemed, then shares.
    fn hand_over(
        &mut self,
        who: AccountId,
        asset: u32,
        kinds: u8,
        to: AccountId,
        wanted: U256,
    ) -> Answer<U256> {
        if wanted.is_zero() {
            return Ok(wanted);
        }
        let units = self.unwind(who, asset, kinds, wanted)?;
        self.shift(asset, who, to, units)?;
        let mut left = wanted - units;
        if kinds & UNITS != 0 && !left.is_zero() {
            let rest = self.free(asset, who).min(left);
            self.shift(asset, who, to, rest)?;
            left -= rest;
            self.note(to, asset, UNITS);
        }
        if kinds & MARKET != 0 && !left.is_zero() {
            left -= self.move_supply(who, asset, to, left)?.min(left);
        }
        self.note(who, asset, UNITS);
        self.note(to, asset, UNITS);
        Ok(wanted - left)
    }

    /// Hands supply over as shares; answers what they are worth.
    fn move_supply(
        &mut self,
        who: AccountId,
        asset: u32,
        to: AccountId,
        wanted: U256,
    ) -> Answer<U256> {
        let market = self.accrued(asset)?;
        let all = of(&market.shares, who);
        let index = market.supply_index;
        let shares = if wanted >= market.worth(who) {
            all
        } else {
            floor(wanted, ray(), index)
        };
        market.move_shares(who, to, shares)?;
        self.note(who, asset, MARKET);
        self.note(to, asset, MARKET);
        Ok(floor(shares, index, ray()))
    }

    /// The reserve gets supply as it is, and units as supply.
    fn give_to_reserve(
        &mut self,
        who: AccountId,
        asset: u32,
        kinds: u8,
        wanted: U256,
    ) -> Answer<()> {
        let mut left = wanted;
        if kinds & MARKET != 0 && !left.is_zero() {
            left -= self.move_supply(who, asset, RESERVE, left)?.min(left);
        }
        let units = self.unwind(who, asset, kinds, left)?;
        if units.is_zero() {
            return Ok(());
        }
        let market = self.accrued(asset)?;
        let shares = floor(units, ray(), market.supply_index);
        if shares.is_zero() {
            self.shift(asset, who, RESERVE, units)?;
        } else {
            *market.shares.entry(RESERVE).or_default() += shares;
            self.shift(asset, who, CASH, units)?;
        }
        self.note(who, asset, UNITS);
        Ok(())
    }

    fn close_if_healthy(&mut self, who: AccountId) -> Answer<()> {
        let lines = self.lines(who, Asker::Block)?;
        if sum_of(&lines).is_healthy() {
            self.end_offer(who, &lines);
        }
        Ok(())
    }

    /// What cannot be judged stays on offer.
    fn end_offer(&mut self, who: AccountId, lines: &[Line]) {
        if lines.iter().all(|line| line.is_judged) {
            self.offers.remove(&who);
        }
    }

    // Looks.

    /// The block looks; an account that cannot be judged stays as it is.
    pub(super) fn look(&mut self, who: AccountId) {
        let mut next = self.clone();
        if next.try_look(who).is_ok() {
            *self = next;
        }
    }

    fn try_look(&mut self, who: AccountId) -> Answer<()> {
        let lines = self.lines(who, Asker::Block)?;
        if sum_of(&lines).is_healthy() {
            self.end_offer(who, &lines);
            return Ok(());
        }
        let mut paid = U256::ZERO;
        for line in &lines {
            paid += self.net(who, line.asset, line.kinds)?;
        }
        if !paid.is_zero() {
            self.close_if_healthy(who)?;
        }
        let lines = self.lines(who, Asker::Block)?;
        let sum = sum_of(&lines);
        if sum.is_healthy() {
            return Ok(());
        }
        let mut held = lines.iter().filter(|line| !line.held.is_zero());
        let on_offer_ms = self
            .offers
            .get(&who)
            .map_or(0, |since_ms| self.now_ms - since_ms);
        let dust = if on_offer_ms < UNWANTED_MS {
            DUST
        } else {
            UNWANTED
        };
        if sum.collateral < n(dust) && held.all(|line| line.is_priced) {
            self.forgive(who, &lines)?;
        } else {
            self.offers.entry(who).or_insert(self.now_ms);
        }
        Ok(())
    }

    /// Dust goes to the reserve, and each market bears what is owed to it.
    fn forgive(&mut self, who: AccountId, lines: &[Line]) -> Answer<()> {
        for line in lines {
            self.give_to_reserve(who, line.asset, line.kinds, line.held)?;
        }
        for line in lines.iter().filter(|line| !line.owed.is_zero()) {
            self.accrued(line.asset)?.absorb(who)?;
            self.note(who, line.asset, MARKET);
        }
        self.offers.remove(&who);
        self.forgiven += 1;
        Ok(())
    }
}

fn sum_of(lines: &[Line]) -> Sum {
    let mut sum = Sum::default();
    for line in lines {
        sum.collateral += line.held_value;
        sum.adjusted += line.counts();
        sum.debt += line.owed_value;
    }
    sum
}

fn refuse_zero(units: U256) -> Answer<()> {
    if units.is_zero() {
        return no(&LendingZeroAmount {});
    }
    Ok(())
}

fn refuse_same(one: AccountId, other: AccountId) -> Answer<()> {
    if one != other {
        return Ok(());
    }
    no(&AccountSameAccount {
        owner: one.owner,
        index: one.index,
    })
}

/// What a bid pays and what is given up for it: no more than health of 1.05 needs, no more than there is, and no dust left.
fn trade(debt: &Line, sold: &Line, sum: Sum, kept: U256, most: U256) -> Answer<(U256, U256)> {
    let target = n(USD) * n(105) / n(100);
    let lost = ceil(sold.factor, n(USD), kept);
    let mut due = debt.owed;
    if lost < target {
        let missing = ceil(sum.debt, target, n(USD)).saturating_sub(sum.adjusted);
        let value = ceil(missing, n(USD), target - lost).min(sum.debt);
        due = due.min(ceil(value, whole(), debt.owed_price));
    }
    let least = ceil(n(DEBT_MIN), whole(), debt.owed_price);
    if debt.owed - due < least {
        due = debt.owed;
    }
    let pays = due.min(most);
    let value = floor(floor(pays, debt.owed_price, whole()), one(), kept);
    let given = floor(value, whole(), sold.held_price);
    if given > sold.held {
        let price = ceil(sold.held_value, kept, one());
        let pays = ceil(price, whole(), debt.owed_price).min(pays);
        return Ok((pays, sold.held));
    }
    let rest = debt.owed - pays;
    if !rest.is_zero() && rest < least {
        return no(&AccountDebtTooSmall {
            assetId: debt.asset,
            value: ceil(rest, debt.owed_price, whole()),
            min: n(DEBT_MIN),
        });
    }
    Ok((pays, given))
}

/// What somebody may still owe more, in dollars times 10^18.
pub(super) fn room(model: &Model, who: AccountId) -> U256 {
    let sum = model.sum(who, Asker::Batch).unwrap_or_default();
    sum.adjusted.saturating_sub(sum.debt)
}

/// Cash of a market.
pub(super) fn cash(model: &Model, asset: u32) -> U256 {
    model.free(asset, CASH)
}

impl Act {
    /// As the chain takes it.
    pub(super) fn action(&self) -> Action {
        match *self {
            Self::Deposit(asset, units) => amount(Verb::Deposit, asset, units),
            Self::Withdraw(asset, units, to) => withdraw(asset, units, to),
            Self::Supply(asset, units) => amount(Verb::Supply, asset, units),
            Self::Redeem(asset, units) => amount(Verb::Redeem, asset, units),
            Self::Borrow(asset, units) => amount(Verb::Borrow, asset, units),
            Self::Repay(asset, units) => amount(Verb::Repay, asset, units),
            Self::Transfer(asset, units, to) => other(Verb::Transfer, asset, units, to),
            Self::TakeDebt(asset, units, from) => other(Verb::TakeDebt, asset, units, from),
            Self::CloseAll => action(Verb::CloseAll, Vec::new()),
            Self::TakeOver(from) => other(Verb::TakeOver, 0, U256::ZERO, from),
            Self::Bid {
                account,
                debt,
                most,
                collateral,
                least,
            } => {
                let args = crate::account::Bid {
                    owner: account.owner,
                    index: account.index,
                    debtAssetId: debt,
                    repayMax: most,
                    collateralAssetId: collateral,
                    takenMin: least,
                };
                action(Verb::Bid, args.abi_encode())
            }
            Self::Unknown(verb) => Action {
                verb,
                args: Default::default(),
            },
            Self::Garbled(verb) => {
                let args = AssetAmount {
                    assetId: ETH,
                    amount: n(1),
                };
                let mut args = args.abi_encode();
                args.push(0);
                action(verb, args)
            }
        }
    }

    /// In one word.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Deposit(..) => "deposit",
            Self::Withdraw(..) => "withdraw",
            Self::Supply(..) => "supply",
            Self::Redeem(..) => "redeem",
            Self::Borrow(..) => "borrow",
            Self::Repay(..) => "repay",
            Self::Transfer(..) => "transfer",
            Self::TakeDebt(..) => "takeDebt",
            Self::CloseAll => "closeAll",
            Self::TakeOver(_) => "takeOver",
            Self::Bid { .. } => "bid",
            Self::Unknown(_) => "unknown",
            Self::Garbled(_) => "garbled",
        }
    }
}
