//! Random batches: likely ones mostly, so that most of them work, and some that cannot.

use alloy_primitives::{Address, U256};
use capstan_units::AccountId;

use super::{
    super::*, ASSETS, FOREIGN, LENT, PEOPLE, POOLS, Run, USD_ASSET, WALLETS, act::Act,
    offer::Offered, verbs::Reply,
};
use crate::testkit::stream::Stream;

/// Most that anybody deposits to pay with, in dollars.
const PURSE: u128 = 500_000;

fn narrow(value: U256) -> u128 {
    u128::try_from(value).unwrap_or(u128::MAX >> 16)
}

impl Run {
    /// An amount of the right order, or one that is none.
    fn units(&mut self, likely: U256) -> U256 {
        let likely = narrow(likely);
        match self.dice.below(80) {
            0 => n(u128::MAX),
            1..=5 => U256::MAX,
            6..=20 => n(self.dice.amount(likely)),
            _ => n(self.dice.below(likely.max(1)).saturating_add(1)),
        }
    }

    /// An asset of which something stands there, mostly; else any.
    fn asset_of(&mut self, stands: impl Fn(&Self, u32) -> bool) -> u32 {
        let all = ASSETS.into_iter();
        let fitting: Vec<u32> = all.filter(|asset| stands(self, *asset)).collect();
        match self.dice.below(60) {
            0 => 9,
            1..=5 => self.dice.of(&ASSETS),
            _ if fitting.is_empty() => self.dice.of(&ASSETS),
            _ => self.dice.of(&fitting),
        }
    }

    /// Another account: of the same owner, mostly.
    fn other_of(&mut self, on: AccountId) -> AccountId {
        let family = PEOPLE
            .into_iter()
            .find(|one| one.owner == on.owner && *one != on);
        match (self.dice.below(4), family) {
            (1.., Some(one)) => one,
            _ => self.dice.of(&PEOPLE),
        }
    }

    /// A stream that fits, mostly; else any, or one that is none.
    pub(super) fn any_stream(&mut self, fits: impl Fn(&Stream) -> bool) -> u64 {
        let all = &self.model.streams.all;
        let fitting = all.iter().filter(|(_, (_, stream))| fits(stream));
        let fitting: Vec<u64> = fitting.map(|(id, _)| *id).collect();
        let all: Vec<u64> = all.keys().copied().collect();
        match self.dice.below(12) {
            1.. if !fitting.is_empty() => self.dice.of(&fitting),
            1.. if !all.is_empty() => self.dice.of(&all),
            _ => self.model.streams.made + 1,
        }
    }

    fn purse(&self, asset: u32) -> U256 {
        self.worth(asset, PURSE)
    }

    /// Units to pay with come from the wallet, as far as it goes.
    fn with_deposit(&self, who: Address, asset: u32, units: U256, act: Act) -> Vec<Act> {
        let have = self.model.wallet(asset, who);
        let units = units.min(self.purse(asset)).min(have);
        if units.is_zero() {
            return vec![act];
        }
        vec![Act::Deposit(asset, units), act]
    }

    fn roll_act(&mut self, who: Address, on: AccountId) -> Vec<Act> {
        match self.dice.below(36) {
            0..=4 => {
                // Three thousand dollars, if the price allows.
                let asset = self.asset_of(|run, asset| !run.model.wallet(asset, who).is_zero());
                let likely = self.worth(asset, 3_000);
                vec![Act::Deposit(asset, self.units(likely))]
            }
            5 | 6 => {
                let asset = self.asset_of(|run, asset| !run.model.free(asset, on).is_zero());
                let units = self.units(self.model.free(asset, on));
                vec![Act::Supply(asset, units)]
            }
            7 => {
                let asset = self.asset_of(|run, asset| !run.model.in_market(on, asset).0.is_zero());
                let units = self.units(self.model.in_market(on, asset).0);
                vec![Act::Redeem(asset, units)]
            }
            8..=11 => self.roll_loan(who, on),
            12 => {
                let asset = self.dice.of(&LENT);
                let cash = self.model.free(asset, crate::lending::CASH);
                vec![Act::Borrow(asset, self.units(cash))]
            }
            13 | 14 => {
                let asset = self.asset_of(|run, asset| !run.model.owed(on, asset).is_zero());
                let units = self.units(self.model.owed(on, asset));
                self.with_deposit(who, asset, units, Act::Repay(asset, units))
            }
            15 => {
                let asset = self.asset_of(|run, asset| !run.model.free(asset, on).is_zero());
                let to = self
                    .dice
                    .of(&[who, who, who, who, Address::ZERO, ledger::ADDRESS]);
                let units = self.units(self.model.free(asset, on));
                vec![Act::Withdraw(asset, units, to)]
            }
            16 => {
                let asset = self.asset_of(|run, asset| !run.model.free(asset, on).is_zero());
                let units = self.units(self.model.free(asset, on));
                vec![Act::Transfer(asset, units, self.other_of(on))]
            }
            17 => {
                let from = self.other_of(on);
                let asset = self.asset_of(|run, asset| !run.model.owed(from, asset).is_zero());
                let units = self.units(self.model.owed(from, asset));
                vec![Act::TakeDebt(asset, units, from)]
            }
            18 if self.dice.below(3) == 0 => vec![Act::TakeOver(self.other_of(on))],
            18 | 19 => match self.dice.below(12) {
                0 => vec![Act::Unknown(999)],
                1 => vec![Act::Garbled(Verb::Supply)],
                _ => vec![Act::CloseAll],
            },
            20 => {
                let account = self.other_of(on);
                self.roll_bid(who, account)
            }
            21..=23 => self.roll_dollars(who, on),
            24..=26 => self.roll_terms(who, on),
            27..=29 => self.roll_stream(on),
            30 => vec![Act::Admit(self.asset_of(|_, _| true))],
            31..=34 => self.roll_liquidity(who, on),
            _ => self.roll_nested(on),
        }
    }

    /// A loan that leaves the account, of about what it may still owe.
    fn roll_loan(&mut self, who: Address, on: AccountId) -> Vec<Act> {
        let cash = |run: &Self, asset| run.model.free(asset, crate::lending::CASH);
        let asset = self.asset_of(|run, asset| !cash(run, asset).is_zero());
        let room = self.worth(asset, 1) * self.model.room(on) / n(USD);
        let likely = room.min(cash(self, asset) + n(5)) * n(80 + self.dice.below(22)) / n(100);
        let units = match self.dice.below(4) {
            0 => self.units(likely),
            _ => likely,
        };
        vec![Act::Borrow(asset, units), Act::Withdraw(asset, units, who)]
    }

    /// Both coins of a pool go in, in its ratio; or shares come out, or go to another account.
    fn roll_liquidity(&mut self, who: Address, on: AccountId) -> Vec<Act> {
        let own = self.model.pieces(on);
        let id = match self.dice.below(16) {
            0 => 9,
            1..=8 if !own.is_empty() => self.dice.of(&own),
            _ => self.dice.of(&POOLS),
        };
        let Some(pool) = self.model.pools.get(&id).cloned() else {
            return vec![Act::Provide(id, [n(ONE); 2])];
        };
        let shares = pool.own(on);
        match self.dice.below(6) {
            0 => return vec![Act::Remove(id, self.units(shares))],
            1 => return vec![Act::GivePiece(id, self.units(shares), self.other_of(on))],
            _ => {}
        }
        let [first, second] = pool.coins;
        let likely = self.worth(first, 3_000);
        let units = self.units(likely).min(self.purse(first));
        let beside = units * pool.reserves[1] / pool.reserves[0] + n(1);
        let mut acts = Vec::new();
        for (asset, units) in [(first, units), (second, beside)] {
            let units = units.min(self.model.wallet(asset, who));
            if !units.is_zero() {
                acts.push(Act::Deposit(asset, units));
            }
        }
        let all = self.dice.below(4) == 0;
        let most = if all { [U256::MAX; 2] } else { [units, beside] };
        acts.push(Act::Provide(id, most));
        acts
    }

    fn roll_dollars(&mut self, who: Address, on: AccountId) -> Vec<Act> {
        if self.dice.below(3) != 0 {
            let room = self.worth(USD_ASSET, 1) * self.model.room(on) / n(USD);
            let likely = room.min(n(30_000 * USD)) * n(70 + self.dice.below(32)) / n(100);
            let units = match self.dice.below(4) {
                0 => self.units(likely),
                _ => likely,
            };
            let out = Act::Withdraw(USD_ASSET, units, who);
            return vec![Act::Mint(units), out];
        }
        let owed = self.model.usd.owed(on, self.model.now_ms);
        let units = self.units(owed);
        self.with_deposit(who, USD_ASSET, units, Act::Burn(units))
    }

    fn roll_terms(&mut self, who: Address, on: AccountId) -> Vec<Act> {
        let mine: Vec<u64> = self
            .model
            .loans
            .of_account(on)
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        if self.dice.below(2) == 0 || mine.is_empty() && self.dice.below(4) != 0 {
            let ids: Vec<u64> = self.model.loans.offers.keys().copied().collect();
            let id = match self.dice.below(12) {
                1.. if !ids.is_empty() => self.dice.of(&ids),
                _ => self.model.loans.offered + 1,
            };
            let offer = self.model.loans.offers.get(&id);
            let Some((left, asset)) = offer.map(|offer| (offer.left, offer.terms.assetId)) else {
                return vec![Act::TakeLoan(id, n(ONE))];
            };
            let room = self.worth(asset, 1) * self.model.room(on) / n(USD) * n(9) / n(10);
            let units = match self.dice.below(6) {
                0 => self.units(left),
                _ => left.min(room),
            };
            let out = Act::Withdraw(asset, units, who);
            return match self.dice.below(2) {
                0 => vec![Act::TakeLoan(id, units), out],
                _ => vec![Act::TakeLoan(id, units)],
            };
        }
        let all: Vec<u64> = self.model.loans.all.keys().copied().collect();
        let id = match self.dice.below(12) {
            2.. if !mine.is_empty() => self.dice.of(&mine),
            1.. if !all.is_empty() => self.dice.of(&all),
            _ => self.model.loans.made + 1,
        };
        let Some(clerk) = self.model.loans.all.get(&id) else {
            return vec![Act::RepayLoan(id, n(ONE))];
        };
        let (asset, due, owed) = (
            clerk.terms.assetId,
            clerk.due() + clerk.late(),
            clerk.owed(),
        );
        let likely = self.dice.of(&[due, owed, owed * n(2)]);
        let units = self.units(likely);
        self.with_deposit(who, asset, units, Act::RepayLoan(id, units))
    }

    fn roll_stream(&mut self, on: AccountId) -> Vec<Act> {
        if self.dice.below(2) == 0 {
            let id = self
                .any_stream(|stream| stream.owner.owner == on.owner && stream.assigned.is_none());
            return vec![Act::Assign(id)];
        }
        let id = self.any_stream(|stream| stream.assigned.unwrap_or(stream.owner) == on);
        vec![Act::Collect(id)]
    }

    /// Foreign code runs a batch of its own while this one runs.
    fn roll_nested(&mut self, on: AccountId) -> Vec<Act> {
        let account = match self.dice.below(4) {
            0 => self.dice.of(&PEOPLE),
            1 => PEOPLE[5],
            _ => on,
        };
        let count = self.dice.of(&[1, 1, 2]);
        let mut acts = Vec::new();
        for _ in 0..count {
            // Once inside is inside: what is rolled inside again is refused like any call.
            acts.extend(self.roll_act(FOREIGN, account));
        }
        vec![Act::Call(account, acts)]
    }

    /// Somebody pays for what is on offer.
    fn roll_bid(&mut self, who: Address, account: AccountId) -> Vec<Act> {
        let debt = self.asset_of(|run, asset| !run.model.owed(account, asset).is_zero());
        let owed = self.model.owed(account, debt);
        let most = match self.dice.below(3) {
            0 => self.units(owed),
            _ => owed,
        };
        let least = self.dice.of(&[0, 0, 0, 0, 1, 1_000_000 * ONE]);
        let collateral = self.asset_of(|run, asset| run.model.kinds(account, asset) != 0);
        let bid = Act::Bid(Offered {
            account,
            debt,
            most,
            collateral,
            least: n(least),
        });
        self.with_deposit(who, debt, most, bid)
    }

    pub(super) fn batch(&mut self) {
        let on = self.dice.of(&PEOPLE);
        let who = match self.dice.below(25) {
            0 => self.dice.of(&WALLETS),
            _ => on.owner,
        };
        let offered: Vec<AccountId> = self.model.offers.keys().copied().collect();
        let acts: Vec<Act> = if !offered.is_empty() && self.dice.below(6) == 0 {
            let account = self.dice.of(&offered);
            self.roll_bid(who, account)
        } else {
            let count = self.dice.of(&[1, 1, 1, 2, 3]);
            let mut acts = Vec::new();
            for _ in 0..count {
                acts.extend(self.roll_act(who, on));
            }
            acts
        };
        self.play(who, on, &acts);
    }

    /// A batch, as the chain and the model take it.
    pub(super) fn play(&mut self, who: Address, on: AccountId, acts: &[Act]) {
        let actions: Vec<Action> = acts.iter().map(Act::action).collect();
        let provides = acts.iter().any(Act::provides);
        if provides {
            self.open_pools(true);
        }
        let happened = self.scene.run(who, on, &actions);
        if provides {
            self.open_pools(false);
        }
        let expected = self.model.run(who, on, acts);
        if expected.is_ok() {
            acts.iter().for_each(|act| self.note(act.name()));
        }
        let expected = expected.map(|replies| {
            let replies = replies.iter();
            replies.map(Reply::encoded).collect::<Vec<Bytes>>()
        });
        let what = format!("batch {acts:?} of {who} on {on}");
        self.agree(&what, &happened, &expected);
    }
}
