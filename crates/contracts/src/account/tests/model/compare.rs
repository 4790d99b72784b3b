//! Whether the chain stands as the model does, and whether the index calls whomever the model finds unhealthy.

use std::collections::BTreeMap;

use capstan_units::{AccountId, AssetId};

use super::{
    super::*,
    ASSETS, LENT, PEOPLE, Run, SWEEP, WALLETS,
    sheet::{Asker, Line},
};
use crate::{
    account::{
        DEFER_MS, Sheet,
        index::{Changes, GuardIndex},
    },
    backstop::{self, IBackstop},
    dollar::{self, IDollar},
    exchange::{self, IExchange::poolCall},
    lending::{self, CASH, ILending::marketCall, RESERVE, SEED},
    streams::{self, IStreams},
    term,
    testkit::market::of,
};

/// The index of guards, as whoever follows a chain keeps it.
pub(super) struct Follower {
    index: GuardIndex,
}

impl Follower {
    pub(super) fn new(scene: &Scene) -> Self {
        Self {
            index: GuardIndex::of(&scene.world.store).expect("reads"),
        }
    }
}

impl Run {
    /// LIQ-2: following changes and reading anew give the same set.
    pub(super) fn follow(&mut self) {
        let mut changes = Changes::default();
        for (slot, before, after) in self.scene.world.written.drain(..) {
            changes.note(slot, before, after);
        }
        self.follower.index.apply(&changes);
        if self.step.is_multiple_of(SWEEP) {
            let anew = GuardIndex::of(&self.scene.world.store).expect("reads");
            assert_eq!(self.follower.index, anew, "step {}: LIQ-2", self.step);
        }
    }

    /// Whom the index calls now.
    pub(super) fn due(&mut self) -> Vec<AccountId> {
        let cx = &mut self.scene.world.store.frame(ADDRESS, ADDRESS);
        let due = self.follower.index.due(cx, &Changes::default(), usize::MAX);
        let due = due.expect("reads");
        assert!(due.damaged.is_empty(), "{:?}", due.damaged);
        due.who
    }

    /// Who pays dollars that wait.
    pub(super) fn redeemable(&mut self) -> Vec<AccountId> {
        let cx = &mut self.scene.world.store.frame(ADDRESS, ADDRESS);
        let found = self.follower.index.redeemable(cx, &Changes::default(), 8);
        let found = found.expect("reads");
        assert!(found.damaged.is_empty(), "{:?}", found.damaged);
        found.who
    }

    /// What was touched and a part of the rest; everything now and then.
    pub(super) fn compare(&mut self, touched: &[AccountId]) {
        let turn = usize::try_from(self.step).expect("small");
        if self.step.is_multiple_of(SWEEP) {
            for who in PEOPLE {
                self.compare_account(who);
            }
            for asset in ASSETS {
                self.compare_asset(asset);
            }
            self.compare_pools();
        } else {
            self.compare_asset(ASSETS[turn % ASSETS.len()]);
            self.compare_account(PEOPLE[turn % PEOPLE.len()]);
            self.compare_accounts(touched);
        }
        self.check_guards();
    }

    /// Those that somebody has; foreign code may name others.
    pub(super) fn compare_accounts(&mut self, accounts: &[AccountId]) {
        for who in accounts.iter().filter(|who| PEOPLE.contains(who)) {
            self.compare_account(*who);
        }
    }

    /// LIQ-1, LIQ-9: by assessing everybody.
    pub(super) fn check_guards(&mut self) {
        let mut due = None;
        for who in PEOPLE {
            let is_sick = self.model.unhealthy(who);
            self.sick += u32::from(is_sick);
            if !is_sick && !self.model.is_overdue(who) {
                continue;
            }
            let due = due.get_or_insert_with(|| self.due());
            let cx = &mut self.scene.world.store.frame(ADDRESS, ADDRESS);
            let sheet = Sheet::load(cx, who).expect("reads");
            let look_ms = u64::from(sheet.look_by_s) * 1_000;
            let is_awaited = look_ms != 0 && look_ms <= self.model.now_ms + DEFER_MS;
            assert!(
                due.contains(&who) || is_awaited,
                "step {}: LIQ-1: nobody looks at {who}, {sheet:?}",
                self.step
            );
        }
    }

    fn compare_pools(&mut self) {
        for (id, pool) in &self.model.pools {
            let seen = self
                .scene
                .world
                .view(exchange::ADDRESS, &poolCall { poolId: *id });
            assert_eq!(
                (&seen.reserves[..], seen.totalShares),
                (&pool.reserves[..], pool.total),
                "step {}: pool {id}",
                self.step
            );
        }
    }

    /// ACC-22, ACC-23: what its owner sees of each piece.
    fn compare_pieces(&mut self, who: AccountId) {
        let (step, model) = (self.step, &self.model);
        let account = reference(who);
        let seen = self
            .scene
            .world
            .call(BOB, ADDRESS, &piecesOfCall { account });
        let ids = model.pieces(who);
        let lines = model.lines(who, Asker::Owner);
        let (Ok(lines), Ok(borrows)) = (lines, model.lines(who, Asker::Batch)) else {
            assert!(ids.is_empty() || seen.is_err(), "step {step}: {who}");
            return;
        };
        let seen = seen.unwrap_or_else(|halt| panic!("step {step}: {}", words(&halt)));
        assert_eq!(seen.len(), ids.len(), "step {step}: pieces of {who}");
        for (piece, (id, places, fair)) in seen.iter().zip(model.fair(who, &lines)) {
            let pool = &model.pools[&id];
            let own = pool.own(who);
            let amounts = pool.worth(own);
            let least = |lines: &[Line]| places.map(|place| lines[place].factor).into_iter().min();
            assert_eq!(
                (piece.poolId, piece.amount, piece.fairValue),
                (id, own, fair),
                "step {step}: a piece of {who}"
            );
            assert_eq!(
                (&piece.amounts[..], &piece.putIn[..]),
                (&amounts[..], &pool.put_in[&who][..]),
                "step {step}: what a piece of {who} is made of"
            );
            let factors = [piece.initialBps, piece.maintenanceBps].map(U256::from);
            let expected = [&borrows[..], &lines[..]].map(|lines| least(lines).expect("two"));
            assert_eq!(
                factors, expected,
                "step {step}: factors of a piece of {who}"
            );
        }
    }

    fn compare_asset(&mut self, asset: u32) {
        let (step, now_ms) = (self.step, self.model.now_ms);
        let (world, model) = (&mut self.scene.world, &self.model);
        if LENT.contains(&asset) {
            let seen = world.view(lending::ADDRESS, &marketCall { assetId: asset });
            let ahead = model.markets[&asset].ahead(now_ms);
            assert_eq!(
                (seen.supplyIndex, seen.borrowIndex),
                (ahead.supply_index, ahead.borrow_index),
                "step {step}: indexes of {asset}"
            );
        } else {
            let seen = world.view(dollar::ADDRESS, &IDollar::dollarCall {});
            let ahead = model.usd.ahead(now_ms);
            assert_eq!(
                (seen.borrowIndex, seen.surplus, seen.hole),
                (ahead.index, ahead.surplus, ahead.hole),
                "step {step}: the dollar"
            );
            let cx = &mut world.store.frame(ADDRESS, ADDRESS);
            let queue = dollar::next_requests(cx, 1_000).expect("reads");
            let queue = queue
                .iter()
                .map(|one| (one.id, one.account, one.left.to_u256()));
            let expected = model.usd.queue.iter();
            assert!(
                queue.eq(expected.map(|one| (one.id, one.account, one.left))),
                "step {step}: who waits"
            );
        }
        let cx = &mut world.store.frame(ADDRESS, ADDRESS);
        let pots = [
            CASH,
            streams::POT,
            term::ESCROW,
            backstop::POT,
            backstop::GOODS,
            exchange::VAULT,
        ];
        for who in pots.into_iter().chain([RESERVE, SEED]) {
            let free = ledger::free(cx, AssetId::new(asset), who).expect("reads");
            assert_eq!(
                free.to_u256(),
                model.free(asset, who),
                "step {step}: units of {who} in {asset}"
            );
            let Some(market) = model.markets.get(&asset) else {
                continue;
            };
            let stored = lending::tests::stored_of(cx, asset, who);
            let expected = [of(&market.shares, who), of(&market.debts, who)];
            assert_eq!(stored, expected, "step {step}: shares of {who} in {asset}");
        }
        let left = ledger::may_leave(cx, AssetId::new(asset)).expect("reads");
        let gate = &model.gates[&asset];
        assert_eq!(
            left.to_u256(),
            gate.left(model.claims(asset), now_ms),
            "step {step}: what may leave of {asset}"
        );
        for who in WALLETS {
            let token = self.scene.tokens[usize::try_from(asset).expect("small")];
            let wallet = self.scene.world.balance(token, who);
            assert_eq!(
                wallet,
                self.model.wallet(asset, who),
                "step {step}: wallet of {who} in {asset}"
            );
        }
        self.compare_stake(asset);
    }

    fn compare_stake(&mut self, asset: u32) {
        let (step, world) = (self.step, &self.scene.world);
        let stake = world.view(backstop::ADDRESS, &IBackstop::stakeCall { assetId: asset });
        let available = self.model.available(asset);
        assert_eq!(stake.assets, available, "step {step}: stake of {asset}");
        for goods_asset in ASSETS {
            let lot = IBackstop::lotOfCall {
                assetId: asset,
                goodsAssetId: goods_asset,
            };
            let lot = world.view(backstop::ADDRESS, &lot);
            let expected = self.model.stakes.lots.get(&(asset, goods_asset));
            let expected = expected.copied().unwrap_or_default();
            assert_eq!(
                (lot.goods, lot.beganMs),
                (expected.goods, expected.began_ms),
                "step {step}: {goods_asset} for sale by the stake of {asset}"
            );
        }
    }

    fn compare_account(&mut self, who: AccountId) {
        let step = self.step;
        self.compare_positions(who);
        self.compare_pieces(who);
        let (world, model) = (&mut self.scene.world, &self.model);
        let account = reference(who);
        let offer = world.view(ADDRESS, &offerOfCall { account });
        let since_ms = model.offers.get(&who).copied().unwrap_or_default();
        assert_eq!(offer.sinceMs, since_ms, "step {step}: offer of {who}");
        let account = reference(who);
        let health = world.call(BOB, ADDRESS, &healthOfCall { account });
        let expected = model.sum(who, Asker::Owner).map(|sum| sum.health());
        assert_eq!(health, expected, "step {step}: health of {who}");
        let account = reference(who);
        if let Some(expected) = model.seen_day(who) {
            let day = world.view(ADDRESS, &dayOfCall { account });
            assert_eq!(
                (day.beganMs, day.endsMs, day.loss, day.coolingOff),
                (
                    expected.begun_ms,
                    expected.ends_ms,
                    expected.loss,
                    expected.is_passed
                ),
                "step {step}: the day of {who}"
            );
        }
        let unhealthy = self.scene.unhealthy(who);
        assert_eq!(unhealthy, self.model.unhealthy(who), "step {step}: {who}");
    }

    fn compare_positions(&mut self, who: AccountId) {
        let (step, model) = (self.step, &self.model);
        let assigned = IStreams::assignedToCall {
            account: who.owner,
            index: who.index,
        };
        let assigned = self.scene.world.view(streams::ADDRESS, &assigned);
        assert_eq!(
            assigned,
            model.streams.of(who),
            "step {step}: streams of {who}"
        );
        let cx = &mut self.scene.world.store.frame(ADDRESS, ADDRESS);
        let sheet = Sheet::load(cx, who).expect("reads");
        let own: Vec<u32> = sheet
            .pieces
            .iter()
            .map(|piece| match piece {
                crate::account::Piece::Shares(pool) => pool.get(),
                crate::account::Piece::Range(_) | crate::account::Piece::Stake(_) => {
                    unreachable!("nobody opened any")
                }
            })
            .collect();
        assert_eq!(own, model.pieces(who), "step {step}: pieces of {who}");
        let rows: BTreeMap<u32, u8> = sheet
            .rows
            .iter()
            .map(|row| (row.asset.get(), row.kinds))
            .collect();
        let noted = model.sheets.get(&who).cloned().unwrap_or_default();
        assert_eq!(rows, noted, "step {step}: sheet of {who}");
        for asset in ASSETS {
            let free = ledger::free(cx, AssetId::new(asset), who).expect("reads");
            assert_eq!(
                free.to_u256(),
                model.free(asset, who),
                "step {step}: units of {who} in {asset}"
            );
            let Some(market) = model.markets.get(&asset) else {
                continue;
            };
            let stored = lending::tests::stored_of(cx, asset, who);
            let expected = [of(&market.shares, who), of(&market.debts, who)];
            assert_eq!(stored, expected, "step {step}: shares of {who} in {asset}");
        }
        let debts = dollar::debt_shares(cx, who).expect("reads");
        let expected = of(&model.usd.debts, who);
        assert_eq!(debts.to_u256(), expected, "step {step}: dollars of {who}");
        let ids = term::loans_of(cx, who).expect("reads");
        let loans = model.loans.of_account(who);
        assert_eq!(ids.len(), loans.len(), "step {step}: loans of {who}");
        for (id, ending) in loans {
            let debt = term::debt_of(cx, id).expect("there");
            assert_eq!(
                (debt.borrower, debt.ending.to_u256()),
                (who, ending),
                "step {step}: loan {id}"
            );
        }
    }
}
