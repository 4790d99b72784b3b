//! Accounts in plain integers: who holds and owes what, in which kinds, and how it moves.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256, U512};
use capstan_state::Halt;
use capstan_units::{AccountId, Assets};

use super::{
    super::*,
    USD_ASSET,
    gate::Gate,
    limits::{Day, Limits},
    loans::Loans,
    pools::Pool,
    sheet::{Counting, Quote},
    stakes::Stakes,
    streams::Streams,
    usd::Usd,
    verbs::Touched,
};
use crate::{
    erc20::IErc20::ERC20InsufficientBalance,
    ledger::ILedger::{LedgerBadWallet, LedgerInsufficient, LedgerUnknownAsset, LedgerZeroAmount},
    lending::{CASH, ILending::LendingUnknownMarket, RESERVE, SUPPLY_INDEX_MIN},
    testkit::market::{Book, Market, no, of, ray},
};

/// Something stands there as units.
pub(super) const UNITS: u8 = 1;
/// Something stands there in the market.
pub(super) const MARKET: u8 = 2;
/// A stream is assigned.
pub(super) const INCOME: u8 = 4;
/// Minted dollars are owed.
pub(super) const DOLLAR: u8 = 8;
/// Something is owed at fixed terms.
pub(super) const TERM: u8 = 16;
/// Liquidity is made of it: it says so beside the kinds, which are of one asset each.
pub(super) const LIQUIDITY: u8 = 128;
/// In the order in which anything is paid or sold.
pub(super) const KINDS: [u8; 5] = [UNITS, MARKET, INCOME, DOLLAR, TERM];
/// Pause bit of redemptions.
const REDEEM: u8 = 2;

pub(super) type Answer<T> = Result<T, Halt>;

pub(super) fn floor(a: U256, b: U256, c: U256) -> U256 {
    let product: U512 = a.widening_mul(b);
    U256::from(product / U512::from(c))
}

pub(super) fn ceil(a: U256, b: U256, c: U256) -> U256 {
    let product: U512 = a.widening_mul(b);
    U256::from(product.div_ceil(U512::from(c)))
}

/// Units of a whole token: the minted dollar has eighteen decimals, the others have six.
pub(super) fn whole(asset: u32) -> U256 {
    n(if asset == USD_ASSET { USD } else { ONE })
}

/// Hundredths of a percent of one.
pub(super) fn one() -> U256 {
    n(10_000)
}

pub(super) fn most() -> U256 {
    Assets::MAX.to_u256()
}

/// An amount, if it is one.
pub(super) fn narrow(amount: U256) -> Answer<U256> {
    if amount > most() {
        return Err(Halt::overflow());
    }
    Ok(amount)
}

/// What the chain says of a liquidation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Step {
        venue: u8,
        debt: u32,
        paid: U256,
        collateral: u32,
        taken: U256,
        to_reserve: U256,
        discount_bps: u16,
        buyer: AccountId,
    },
    Done {
        account: AccountId,
        before: U256,
        after: U256,
    },
    Loss {
        account: AccountId,
        asset: u32,
        tier: u8,
        amount: U256,
    },
    Apart {
        account: AccountId,
        pool: u32,
        amounts: [U256; 2],
    },
}

/// Everything that accounts rest on.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) now_ms: u64,
    pub(super) markets: BTreeMap<u32, Market>,
    pub(super) pools: BTreeMap<u32, Pool>,
    pub(super) usd: Usd,
    pub(super) terms: BTreeMap<u32, Counting>,
    pub(super) quotes: BTreeMap<u32, Quote>,
    pub(super) wallets: BTreeMap<(u32, Address), U256>,
    pub(super) gates: BTreeMap<u32, Gate>,
    /// Kinds of each asset that stand on an account.
    pub(super) sheets: BTreeMap<AccountId, BTreeMap<u32, u8>>,
    pub(super) offers: BTreeMap<AccountId, u64>,
    pub(super) operators: BTreeMap<(AccountId, Address), u64>,
    pub(super) loans: Loans,
    pub(super) streams: Streams,
    pub(super) stakes: Stakes,
    pub(super) limits: BTreeMap<AccountId, Limits>,
    pub(super) days: BTreeMap<AccountId, Day>,
    /// Accounts that the batch changed.
    pub(super) touched: Vec<Touched>,
    /// What the chain says of it.
    pub(super) told: Vec<Told>,
}

impl Model {
    pub(super) fn new(usd: Usd) -> Self {
        Self {
            now_ms: usd.at_ms,
            markets: BTreeMap::new(),
            pools: BTreeMap::new(),
            usd,
            terms: BTreeMap::new(),
            quotes: BTreeMap::new(),
            wallets: BTreeMap::new(),
            gates: BTreeMap::new(),
            sheets: BTreeMap::new(),
            offers: BTreeMap::new(),
            operators: BTreeMap::new(),
            loans: Loans::default(),
            streams: Streams::default(),
            stakes: Stakes::default(),
            limits: BTreeMap::new(),
            days: BTreeMap::new(),
            touched: Vec::new(),
            told: Vec::new(),
        }
    }

    /// What a step would make of all this: nothing, if it is refused.
    pub(super) fn attempt<T>(&mut self, step: impl FnOnce(&mut Self) -> Answer<T>) -> Answer<T> {
        let mut next = self.clone();
        let answer = step(&mut next)?;
        *self = next;
        Ok(answer)
    }

    /// Time passes.
    pub(super) fn go(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        self.loans.go(now_ms);
        self.streams.go(now_ms);
    }

    // Units and wallets.

    pub(super) fn book(&self, asset: u32) -> Option<&Book> {
        if asset == USD_ASSET {
            return Some(&self.usd.free);
        }
        self.markets.get(&asset).map(|market| &market.free)
    }

    fn book_mut(&mut self, asset: u32) -> Option<&mut Book> {
        if asset == USD_ASSET {
            return Some(&mut self.usd.free);
        }
        self.markets.get_mut(&asset).map(|market| &mut market.free)
    }

    pub(super) fn known(&self, asset: u32) -> Answer<()> {
        if self.book(asset).is_some() {
            return Ok(());
        }
        no(&LedgerUnknownAsset { assetId: asset })
    }

    pub(super) fn free(&self, asset: u32, who: AccountId) -> U256 {
        self.book(asset).map_or(U256::ZERO, |free| of(free, who))
    }

    /// Units of all accounts together.
    pub(super) fn claims(&self, asset: u32) -> U256 {
        self.book(asset)
            .map_or(U256::ZERO, |free| free.values().sum())
    }

    pub(super) fn wallet(&self, asset: u32, who: Address) -> U256 {
        self.wallets.get(&(asset, who)).copied().unwrap_or_default()
    }

    /// Takes from a wallet what it has.
    pub(super) fn spend(&mut self, asset: u32, who: Address, units: U256) -> Answer<()> {
        let have = self.wallet(asset, who);
        if have < units {
            return no(&ERC20InsufficientBalance {
                sender: who,
                balance: have,
                needed: units,
            });
        }
        self.wallets.insert((asset, who), have - units);
        Ok(())
    }

    pub(super) fn shift(
        &mut self,
        asset: u32,
        from: AccountId,
        to: AccountId,
        units: U256,
    ) -> Answer<()> {
        self.take(asset, from, units)?;
        if let Some(free) = self.book_mut(asset) {
            *free.entry(to).or_default() += units;
        }
        Ok(())
    }

    pub(super) fn take(&mut self, asset: u32, from: AccountId, units: U256) -> Answer<()> {
        let have = self.free(asset, from);
        if have < units {
            return no(&LedgerInsufficient {
                owner: from.owner,
                index: from.index,
                assetId: asset,
                have,
                need: units,
            });
        }
        if let Some(free) = self.book_mut(asset) {
            *free.entry(from).or_default() -= units;
        }
        Ok(())
    }

    pub(super) fn give(&mut self, asset: u32, to: AccountId, units: U256) {
        if let Some(free) = self.book_mut(asset) {
            *free.entry(to).or_default() += units;
        }
    }

    /// What others moved among themselves.
    pub(super) fn set_free(&mut self, asset: u32, who: AccountId, units: U256) {
        if let Some(free) = self.book_mut(asset) {
            free.insert(who, units);
        }
    }

    /// Wallet -> units.
    pub(super) fn pull(
        &mut self,
        asset: u32,
        wallet: Address,
        to: AccountId,
        units: U256,
    ) -> Answer<()> {
        self.known(asset)?;
        if units.is_zero() {
            return no(&LedgerZeroAmount {});
        }
        self.spend(asset, wallet, units)?;
        let claims = self.claims(asset);
        let gate = self.gates.get_mut(&asset).expect("known");
        gate.enter(claims, units, self.now_ms);
        self.give(asset, to, units);
        Ok(())
    }

    /// Units -> wallet.
    pub(super) fn push(
        &mut self,
        asset: u32,
        from: AccountId,
        wallet: Address,
        units: U256,
    ) -> Answer<()> {
        self.known(asset)?;
        if units.is_zero() {
            return no(&LedgerZeroAmount {});
        }
        if wallet.is_zero() || wallet == ledger::ADDRESS {
            return no(&LedgerBadWallet { wallet });
        }
        let claims = self.claims(asset);
        let gate = self.gates.get_mut(&asset).expect("known");
        gate.leave(asset, claims, units, self.now_ms)?;
        self.take(asset, from, units)?;
        *self.wallets.entry((asset, wallet)).or_default() += units;
        Ok(())
    }

    // Kinds of positions.

    pub(super) fn accrued(&mut self, asset: u32) -> Answer<&mut Market> {
        let now_ms = self.now_ms;
        let Some(market) = self.markets.get_mut(&asset) else {
            return no(&LendingUnknownMarket { assetId: asset });
        };
        market.accrue(now_ms);
        Ok(market)
    }

    /// What somebody supplied to a market and borrowed from it, as of now.
    pub(super) fn in_market(&self, who: AccountId, asset: u32) -> (U256, U256) {
        let Some(market) = self.markets.get(&asset) else {
            return Default::default();
        };
        let (shares, debts) = (of(&market.shares, who), of(&market.debts, who));
        if shares.is_zero() && debts.is_zero() {
            return Default::default();
        }
        let ahead = market.ahead(self.now_ms);
        (
            floor(shares, ahead.supply_index, ray()),
            ceil(debts, ahead.borrow_index, ray()),
        )
    }

    /// What is held and owed in one kind.
    pub(super) fn in_kind(&self, kind: u8, who: AccountId, asset: u32) -> (U256, U256) {
        let nothing = U256::ZERO;
        match kind {
            UNITS => (self.free(asset, who), nothing),
            MARKET => self.in_market(who, asset),
            INCOME => (self.streams.due_of(who, asset), nothing),
            DOLLAR if asset == USD_ASSET => (nothing, self.usd.owed(who, self.now_ms)),
            TERM => (nothing, self.loans.ending(who, asset)),
            _ => (nothing, nothing),
        }
    }

    fn stands(&self, kind: u8, who: AccountId, asset: u32) -> bool {
        if kind == LIQUIDITY {
            return self.is_coin(who, asset);
        }
        if kind == INCOME {
            return !self.streams.of_asset(who, asset).is_empty();
        }
        if kind == MARKET {
            let market = self.markets.get(&asset);
            let any = |book: &Book| !of(book, who).is_zero();
            return market.is_some_and(|market| any(&market.shares) || any(&market.debts));
        }
        let (held, owed) = self.in_kind(kind, who, asset);
        !(held + owed).is_zero()
    }

    /// Held and owed, as far as these kinds go.
    pub(super) fn line(&self, who: AccountId, asset: u32, kinds: u8) -> (U256, U256) {
        let mut line = (U256::ZERO, U256::ZERO);
        for kind in KINDS.into_iter().filter(|kind| kinds & kind != 0) {
            let (held, owed) = self.in_kind(kind, who, asset);
            line = (line.0 + held, line.1 + owed);
        }
        line
    }

    pub(super) fn overdue_in(&self, kind: u8, who: AccountId, asset: u32) -> U256 {
        match kind {
            TERM => self.loans.overdue(who, asset),
            _ => U256::ZERO,
        }
    }

    /// What of an asset must be paid now.
    pub(super) fn overdue(&self, who: AccountId, asset: u32) -> U256 {
        let kinds = self.kinds(who, asset);
        let kinds = KINDS.into_iter().filter(|kind| kinds & kind != 0);
        kinds.map(|kind| self.overdue_in(kind, who, asset)).sum()
    }

    pub(super) fn is_overdue(&self, who: AccountId) -> bool {
        let rows = self.rows(who);
        rows.iter()
            .any(|(asset, _)| !self.overdue(who, *asset).is_zero())
    }

    pub(super) fn kinds(&self, who: AccountId, asset: u32) -> u8 {
        let sheet = self.sheets.get(&who);
        sheet
            .and_then(|sheet| sheet.get(&asset))
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn rows(&self, who: AccountId) -> Vec<(u32, u8)> {
        let sheet = self.sheets.get(&who).into_iter().flatten();
        sheet.map(|(asset, kinds)| (*asset, *kinds)).collect()
    }

    pub(super) fn owed(&self, who: AccountId, asset: u32) -> U256 {
        self.line(who, asset, self.kinds(who, asset)).1
    }

    /// Writes down whether something stands there. The reserve has no sheet.
    pub(super) fn note(&mut self, who: AccountId, asset: u32, kind: u8) {
        if who == RESERVE || self.book(asset).is_none() {
            return;
        }
        let stands = self.stands(kind, who, asset);
        let sheet = self.sheets.entry(who).or_default();
        let kinds = sheet.entry(asset).or_default();
        if stands {
            *kinds |= kind;
        } else {
            *kinds &= !kind;
        }
        if *kinds == 0 {
            sheet.remove(&asset);
        }
    }

    /// Pays with units of `payer` what `debtor` owes in one kind; an amount that would pay for nothing pays nothing.
    pub(super) fn repay_in(
        &mut self,
        kind: u8,
        asset: u32,
        payer: AccountId,
        debtor: AccountId,
        most: U256,
    ) -> Answer<U256> {
        if kind == TERM {
            return self.settle_loans(asset, payer, debtor, most);
        }
        let (_, owed) = self.in_kind(kind, debtor, asset);
        let units = most.min(owed);
        let index = match kind {
            MARKET => self.markets[&asset].ahead(self.now_ms).borrow_index,
            DOLLAR => self.usd.ahead(self.now_ms).index,
            _ => return Ok(U256::ZERO),
        };
        if units.is_zero() || (units < owed && floor(units, ray(), index).is_zero()) {
            return Ok(U256::ZERO);
        }
        if kind == MARKET {
            return self.accrued(asset)?.repay(payer, debtor, units);
        }
        self.burn_dollars(payer, debtor, units)
    }

    /// What is overdue first, then kind by kind.
    pub(super) fn pay(
        &mut self,
        payer: AccountId,
        debtor: AccountId,
        asset: u32,
        units: U256,
    ) -> Answer<U256> {
        let kinds = self.kinds(debtor, asset);
        let mut left = units;
        for is_for_overdue in [true, false] {
            for kind in KINDS.into_iter().filter(|kind| kinds & kind != 0) {
                let most = if is_for_overdue {
                    self.overdue_in(kind, debtor, asset).min(left)
                } else {
                    left
                };
                if most.is_zero() {
                    continue;
                }
                left -= self.repay_in(kind, asset, payer, debtor, most)?;
                self.note(debtor, asset, kind);
            }
        }
        self.note(payer, asset, UNITS);
        Ok(units - left)
    }

    /// Pays up to `most` of what is owed of an asset with what is held of it.
    pub(super) fn net(
        &mut self,
        who: AccountId,
        asset: u32,
        kinds: u8,
        most: U256,
    ) -> Answer<U256> {
        let (held, owed) = self.line(who, asset, kinds);
        let payable = held.min(owed).min(most);
        if payable.is_zero() {
            return Ok(payable);
        }
        let units = self.unwind(who, asset, kinds, payable)?;
        if units.is_zero() {
            return Ok(units);
        }
        self.pay(who, who, asset, units)
    }

    /// Makes units free: what is there, what the market has cash for, what flowed.
    pub(super) fn unwind(
        &mut self,
        who: AccountId,
        asset: u32,
        kinds: u8,
        wanted: U256,
    ) -> Answer<U256> {
        let mut left = wanted;
        for kind in KINDS.into_iter().filter(|kind| kinds & kind != 0) {
            if left.is_zero() {
                break;
            }
            left -= self.unwind_in(kind, who, asset, left)?;
            self.note(who, asset, kind);
        }
        self.note(who, asset, UNITS);
        Ok(wanted - left)
    }

    fn unwind_in(&mut self, kind: u8, who: AccountId, asset: u32, wanted: U256) -> Answer<U256> {
        match kind {
            UNITS => Ok(self.free(asset, who).min(wanted)),
            MARKET => {
                let (held, _) = self.in_market(who, asset);
                let market = &self.markets[&asset];
                let turned = held.min(market.cash()).min(wanted);
                if turned.is_zero() || market.paused & REDEEM != 0 {
                    return Ok(U256::ZERO);
                }
                self.accrued(asset)?.redeem(who, turned)?;
                Ok(turned)
            }
            INCOME => {
                let mut left = wanted;
                for id in self.streams.of_asset(who, asset) {
                    left -= self.collect_up_to(id, left)?;
                }
                Ok(wanted - left)
            }
            _ => Ok(U256::ZERO),
        }
    }

    /// Hands collateral of one kind over as it is.
    fn hand_over_in(
        &mut self,
        kind: u8,
        asset: u32,
        from: AccountId,
        to: AccountId,
        wanted: U256,
    ) -> Answer<U256> {
        match kind {
            MARKET => self.move_supply(from, asset, to, wanted),
            UNITS | INCOME => {
                let units = self.unwind_in(kind, from, asset, wanted)?;
                self.shift(asset, from, to, units)?;
                Ok(units)
            }
            _ => Ok(U256::ZERO),
        }
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
        let index = market.supply_index;
        if index.is_zero() {
            return Ok(index);
        }
        let all = of(&market.shares, who);
        let shares = if wanted >= market.worth(who) {
            all
        } else {
            floor(wanted, ray(), index)
        };
        market.move_shares(who, to, shares)?;
        Ok(floor(shares, index, ray()))
    }

    /// Gives collateral to a buyer: units, then what can be turned into units, then the position as it is.
    pub(super) fn hand_over(
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
        for kind in KINDS.into_iter().filter(|kind| kinds & kind != 0) {
            if left.is_zero() {
                break;
            }
            left = left.saturating_sub(self.hand_over_in(kind, asset, who, to, left)?);
            self.note(who, asset, kind);
            self.note(to, asset, kind);
        }
        self.note(who, asset, UNITS);
        self.note(to, asset, UNITS);
        Ok(wanted - left)
    }

    /// The reserve gets supply as it is, and units as supply, where there is a market that takes any.
    pub(super) fn give_to_reserve(
        &mut self,
        who: AccountId,
        asset: u32,
        kinds: u8,
        wanted: U256,
    ) -> Answer<U256> {
        let mut left = wanted;
        if kinds & MARKET != 0 && !left.is_zero() {
            left = left.saturating_sub(self.move_supply(who, asset, RESERVE, left)?);
            self.note(who, asset, MARKET);
        }
        let units = self.unwind(who, asset, kinds, left)?;
        if !units.is_zero() {
            self.endow(who, asset, units)?;
            self.note(who, asset, UNITS);
        }
        Ok(wanted - left + units)
    }

    fn endow(&mut self, who: AccountId, asset: u32, units: U256) -> Answer<()> {
        if self.markets.contains_key(&asset) {
            let market = self.accrued(asset)?;
            let index = market.supply_index;
            if index >= n(SUPPLY_INDEX_MIN) && !floor(units, ray(), index).is_zero() {
                *market.shares.entry(RESERVE).or_default() += floor(units, ray(), index);
                return self.shift(asset, who, CASH, units);
            }
        }
        self.shift(asset, who, RESERVE, units)
    }

    /// Everything of one kind and asset goes to another account.
    pub(super) fn move_all_in(
        &mut self,
        kind: u8,
        asset: u32,
        from: AccountId,
        to: AccountId,
    ) -> Answer<()> {
        match kind {
            UNITS => {
                let all = self.free(asset, from);
                self.shift(asset, from, to, all)
            }
            MARKET => {
                self.move_supply(from, asset, to, most())?;
                let market = self.accrued(asset)?;
                let debts = of(&market.debts, from);
                market.move_debt(from, to, debts).map(drop)
            }
            INCOME => self.streams.move_all(asset, from, to),
            DOLLAR => {
                self.usd.move_all(from, to, self.now_ms);
                Ok(())
            }
            _ => self.loans.move_all(asset, from, to),
        }
    }
}
