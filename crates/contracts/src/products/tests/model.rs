//! Products beside an exact model of them, over thousands of random steps: deposits, redemptions both ways, prices, rebalances,
//! and gifts of whoever means no good.
//!
//! The model knows the formulas of the specification and plain integers. From the contract's account it takes what stands
//! there: amounts, and nothing that was computed from them. What trades bring is the exchange's; what units that makes, whose
//! they are, and what is given for them, is predicted to the unit.

use std::collections::BTreeMap;

use super::*;
use crate::{
    account::IAccount,
    ledger, lending,
    testkit::{accounts::reference, dice::Dice, steps},
};

const STEPS: u32 = 250;
const BPS: u128 = 10_000;

/// Amounts on a product's account, and prices.
#[derive(Clone, Copy, Debug)]
struct Raw {
    held: U256,
    idle: U256,
    owed: U256,
    debt_shares: U256,
    held_price: U256,
    owed_price: U256,
    time_ms: u64,
}

fn up(value: U256, of: U256) -> U256 {
    (value + of - U256::ONE) / of
}

impl Raw {
    fn read(scene: &mut Scene, id: u32, policy: &Policy) -> Self {
        let (held, owed) = (policy.collateralAssetId, policy.debtAssetId);
        let (held_price, owed_price) = (n(scene.spot(held)), n(scene.spot(owed)));
        let time_ms = scene.world.store.block_mut().time_ms;
        let (held, owed, of) = (AssetId::new(held), AssetId::new(owed), account_of(id));
        let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
        Self {
            held: ledger::free(cx, held, of).expect("reads").to_u256(),
            idle: ledger::free(cx, owed, of).expect("reads").to_u256(),
            owed: lending::debt_up(cx, owed, of).expect("reads").to_u256(),
            debt_shares: lending::debt_shares(cx, owed, of).expect("reads").to_u256(),
            held_price,
            owed_price,
            time_ms,
        }
    }

    /// `floor(held * price) + floor(idle * price) - ceil(owed * price)`
    fn equity(&self) -> U256 {
        let one = n(ONE);
        let has = self.held * self.held_price / one + self.idle * self.owed_price / one;
        has.saturating_sub(up(self.owed * self.owed_price, one))
    }
}

/// A product as the model knows it.
struct Model {
    id: u32,
    policy: Policy,
    supply: U256,
    units: BTreeMap<Address, U256>,
}

impl Model {
    fn base_is_debt(&self) -> bool {
        self.policy.kind != 2
    }

    fn less_fee(&self, value: U256) -> U256 {
        value * n(BPS - u128::from(self.policy.feeBps)) / n(BPS)
    }

    fn of(&self, who: Address) -> U256 {
        self.units.get(&who).copied().unwrap_or_default()
    }

    fn move_units(&mut self, who: Address, made: U256, burned: U256) {
        let held = self.of(who) + made - burned;
        self.units.insert(who, held);
        self.supply = self.supply + made - burned;
    }

    /// `units = floor(supply * floor(added * (1 - fee)) / before)`
    fn deposited(&mut self, who: Address, before: &Raw, after: &Raw, made: U256) {
        let added = after.equity().saturating_sub(before.equity());
        let predicted = self.supply * self.less_fee(added) / before.equity();
        assert_eq!(made, predicted, "units of a deposit into {}", self.id);
        self.move_units(who, made, U256::ZERO);
    }

    /// `given = floor(floor((after the trade - ceil(before * stay / supply)) * (1 - fee)) / price)`, at most what is there.
    fn redeemed(&mut self, who: Address, (before, after): (&Raw, &Raw), units: U256, given: U256) {
        let mut traded = *after;
        let (there_is, price) = match self.base_is_debt() {
            true => (&mut traded.idle, after.owed_price),
            false => (&mut traded.held, after.held_price),
        };
        *there_is += given;
        let there_is = *there_is;
        let kept = up(before.equity() * (self.supply - units), self.supply);
        let free = self.less_fee(traded.equity().saturating_sub(kept));
        let predicted = (free * n(ONE) / price).min(there_is);
        assert_eq!(given, predicted, "what {units} units of {} give", self.id);
        self.move_units(who, U256::ZERO, units);
    }

    /// `stay = floor(floor(owed * stay / supply) * shares / owed)`, `debt = ceil(owed * (shares - stay) / shares)`,
    /// `collateral = floor(held * units / supply)`
    fn in_kind(&mut self, who: Address, before: &Raw, units: U256, (debt, got): (U256, U256)) {
        let shares = before.debt_shares;
        let predicted = match shares.is_zero() {
            true => U256::ZERO,
            false => {
                let left = before.owed * (self.supply - units) / self.supply;
                let left = left * shares / before.owed;
                up(before.owed * (shares - left), shares)
            }
        };
        assert_eq!(debt, predicted, "what {units} units of {} owe", self.id);
        assert_eq!(got, before.held * units / self.supply, "collateral");
        self.move_units(who, U256::ZERO, units);
    }
}

struct Game {
    scene: Scene,
    models: Vec<Model>,
    seen: BTreeMap<&'static str, u32>,
}

impl Game {
    fn start() -> Self {
        let mut scene = start();
        for who in [ALICE, BOB, CAROL] {
            scene.world.store.set_coins(who, n(1_000_000 * COINS));
        }
        let with_fee = |policy: Policy, fee: u16| Policy {
            feeBps: fee,
            ..policy
        };
        let policies = [
            with_fee(three_long(), 0),
            with_fee(one_short(), 30),
            with_fee(dollars(), 100),
        ];
        let mut models = Vec::new();
        for policy in policies {
            let made = create(&mut scene, &policy, 20_000);
            top_up(&mut scene, made.id, 100 * COINS);
            let units = BTreeMap::from([(ALICE, made.units), (ADDRESS, n(SEED_UNITS))]);
            models.push(Model {
                id: made.id,
                policy,
                supply: made.units + n(SEED_UNITS),
                units,
            });
        }
        Self {
            scene,
            models,
            seen: BTreeMap::new(),
        }
    }

    fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    fn raw(&mut self, place: usize) -> Raw {
        let model = &self.models[place];
        Raw::read(&mut self.scene, model.id, &model.policy)
    }

    fn verb(&mut self, dice: &mut Dice) {
        let place = usize::try_from(dice.below(3)).expect("small");
        let who = dice.of(&[ALICE, BOB, CAROL]);
        let (id, before) = (self.models[place].id, self.raw(place));
        let own = self.models[place].of(who).to::<u128>();
        let any = dice.amount(own.max(1));
        let units = n(dice.of(&[own, own / 2, own / 9, any]));
        match dice.below(6) {
            2 | 3 if own > 0 => {
                if let Ok(given) = try_redeem(&mut self.scene, who, id, units) {
                    let after = self.raw(place);
                    self.models[place].redeemed(who, (&before, &after), units, given);
                    self.saw("redemptions");
                }
            }
            4 if own > 0 => {
                let call = in_kind(units, who);
                if let Ok(done) = self.scene.world.call(who, token(id), &call) {
                    let part = (done.debtPaid, done.collateral);
                    self.models[place].in_kind(who, &before, units, part);
                    self.saw("redemptions in kind");
                }
            }
            5 => self.gift(dice, place),
            _ => {
                let most = dice.of(&[ONE, 1_000 * ONE, 60_000 * ONE]);
                let dollars = dice.amount(most);
                if let Ok(made) = try_deposit(&mut self.scene, who, id, dollars) {
                    let after = self.raw(place);
                    self.models[place].deposited(who, &before, &after, made);
                    self.saw("deposits");
                }
            }
        }
    }

    /// Units that nobody asked for: all holders have them, and no unit is made.
    fn gift(&mut self, dice: &mut Dice, place: usize) {
        let (id, before) = (self.models[place].id, self.raw(place));
        let policy = &self.models[place].policy;
        let asset = dice.of(&[policy.collateralAssetId, policy.debtAssetId]);
        let dollars = dice.of(&[1, 1_000_000, 5_000 * ONE]);
        let units = (dollars * USD / self.scene.spot(asset)).max(1);
        let gift = IAccount::depositToCall {
            account: reference(account_of(id)),
            assetId: asset,
            amount: n(units),
        };
        self.scene.world.ok(CAROL, crate::account::ADDRESS, &gift);
        let after = self.raw(place);
        assert_eq!(
            after.held + after.idle,
            before.held + before.idle + n(units)
        );
        assert!(after.equity() >= before.equity());
        self.saw("gifts");
    }

    fn prices(&mut self, dice: &mut Dice) {
        let asset = dice.of(&[ETH, ETH, ETH, DAI]);
        let (least, most, from, wide) = match asset {
            ETH => (900 * USD, 4_500 * USD, 95, 11),
            _ => (USD * 96 / 100, USD * 104 / 100, 98, 5),
        };
        let next = self.scene.spot(asset) * (from + dice.below(wide)) / 100;
        self.scene.prices(&[(asset, next.clamp(least, most))]);
        if dice.below(5) != 0 {
            arbitrage(&mut self.scene, ETH, USDC);
            arbitrage(&mut self.scene, USDC, DAI);
        }
    }

    /// What the block does: no unit is made by it, and it costs at most the limit of what it sold.
    fn block(&mut self) {
        let before: Vec<_> = (0..3).map(|place| self.raw(place)).collect();
        let from = self.scene.log_count();
        look(&mut self.scene);
        for moved in events::<ProductRebalanced>(&self.scene, from) {
            let place = usize::try_from(moved.id - 1).expect("small");
            let (was, now) = (before[place], self.raw(place));
            assert_eq!(was.time_ms, now.time_ms);
            let price = if moved.borrowed {
                was.owed_price
            } else {
                was.held_price
            };
            let most = moved.sold * price / n(ONE) / n(100);
            let lost = was.equity().saturating_sub(now.equity());
            assert!(lost <= most + n(2 * USD / ONE), "{lost} of {most}");
            self.saw("rebalances");
        }
    }

    /// Everything that the contract says of units and worth is what the model has.
    fn compare(&mut self) {
        for place in 0..3 {
            let raw = self.raw(place);
            let (scene, model) = (&self.scene, &self.models[place]);
            let stands = standing(scene, model.id);
            assert_eq!(stands.supply, model.supply);
            assert_eq!((stands.collateral, stands.idle), (raw.held, raw.idle));
            assert_eq!(stands.debt, raw.owed);
            if stands.priced {
                assert_eq!(stands.equity, raw.equity(), "product {}", model.id);
            }
            let sum: U256 = model.units.values().sum();
            assert_eq!(sum, model.supply);
            for (who, units) in &model.units {
                assert_eq!(scene.world.balance(token(model.id), *who), *units);
            }
        }
    }
}

/// PROD-1, PROD-2, PROD-5, PROD-6: units made, what is given for them, and whose they are, as an exact model has it.
#[test]
fn prod_1_products_are_what_an_exact_model_says() {
    let mut dice = Dice::new("prod_1_products_are_what_an_exact_model_says");
    let mut game = Game::start();
    for _ in 0..steps::asked().unwrap_or(STEPS) {
        match dice.below(10) {
            0..3 => game.prices(&mut dice),
            3..8 => game.verb(&mut dice),
            8 => game
                .scene
                .world
                .wait_ms(u64::try_from(dice.below(3_600_000)).expect("small")),
            _ => {
                let (sold, bought) = dice.of(&[(ETH, USDC), (USDC, ETH), (DAI, USDC)]);
                let units = if sold == ETH { 50 } else { 100_000 };
                swap(&mut game.scene, sold, units * ONE, bought);
            }
        }
        let _ = game.scene.look();
        game.block();
        game.compare();
    }
    println!("{:?}", game.seen);
    for what in [
        "deposits",
        "redemptions",
        "redemptions in kind",
        "gifts",
        "rebalances",
    ] {
        let count = game.seen.get(what).copied().unwrap_or_default();
        assert!(count > 3, "{what}: {count}");
    }
}
