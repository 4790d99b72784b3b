//! What would be done to lenders: an owner who is his own customer.

use super::*;

/// Where the attack's money is.
struct Fraud {
    scene: Scene,
    id: u64,
    spent_on_fees: u128,
}

/// All that the attacker has: his wallets and his account.
fn wealth(scene: &mut Scene) -> u128 {
    let accounts = (0..CUSTOMERS).map(customer).chain([ALICE]);
    let wallets: u128 = accounts
        .map(|who| scene.world.balance(scene.token, who).to())
        .sum();
    wallets + scene.free(AccountId::new(ALICE, 0))
}

impl Fraud {
    /// Alice, twenty wallets of hers that nobody can tell from strangers', and a machine that does nothing.
    fn begin() -> Self {
        let mut scene = Scene::market();
        for index in 0..CUSTOMERS {
            scene.world.mint(scene.token, customer(index), 10_000_000);
        }
        let withdraw = IErc4626::withdrawCall {
            assets: n(700_000),
            receiver: CAROL,
            owner: CAROL,
        };
        let share = scene.share(1);
        scene.world.ok(CAROL, share, &withdraw);
        let id = scene.register(ALICE, KEYS[0], BOND);
        Self {
            scene,
            id,
            spent_on_fees: 0,
        }
    }

    /// One of her wallets pays her machine, and settlement takes its fee.
    fn pay_herself(&mut self, who: Address, amount: u128, first_seen_ms: u64) {
        let scene = &mut self.scene;
        let (asset, fee) = (scene.asset, amount * FEE / EACH);
        let escrow = AccountId::new(JOBS, 0);
        let earning = Earning {
            machine_id: self.id,
            asset,
            from: escrow,
            amount: a(amount),
            fee: a(fee),
            customer: who,
            first_seen_ms,
        };
        // The wallet calls the room that sells work, which takes price and fee.
        let done = scene.world.inside(JOBS, who, |cx| {
            ledger::pull(cx, asset, who, escrow, a(amount + fee))?;
            ledger::shift(cx, asset, escrow, FEES, a(fee))?;
            earned(cx, &earning)
        });
        done.unwrap_or_else(|halt| panic!("{}", words(&halt)));
        self.spent_on_fees += fee;
    }

    /// Days on which she pays herself through all wallets; her income goes back to them.
    fn days(&mut self, count: u32) {
        for _ in 0..count {
            let first_seen_ms = self.scene.now_ms() - 8 * DAY_MS;
            for index in 0..CUSTOMERS {
                self.pay_herself(customer(index), EACH, first_seen_ms);
            }
            self.scene.wait(DAY_MS);
            self.scene.beat(KEYS[0], self.id);
        }
    }

    /// Borrows all that there is, and is never seen again. Answers the amount.
    fn vanish(&mut self) -> u128 {
        let amount = self.scene.offer(self.id).today;
        if !amount.is_zero() {
            self.scene.borrow(self.id, amount);
        }
        self.scene.wait(2 * DAY_MS);
        for _ in 0..3 {
            self.scene.advance(self.id);
            self.scene.wait(DAY_MS);
        }
        amount.to()
    }
}

/// Plays it, with these lines broken. Answers what was borrowed, her profit, and what the tranches lost.
fn play(mutants: &'static [Mutant]) -> (u128, i128, u128, u128) {
    let twin = Twin::with(mutants);
    let mut fraud = Fraud::begin();
    // Her bond is in the pot of machines by now.
    let before = wealth(&mut fraud.scene) + BOND;
    fraud.days(31);
    let borrowed = fraud.vanish();
    let after = wealth(&mut fraud.scene);
    let market = fraud.scene.told();
    drop(twin);
    let profit = i128::try_from(after).expect("small") - i128::try_from(before).expect("small");
    println!(
        "{mutants:?}: borrowed {borrowed}, fees {}, profit {profit}, first loss {}, lenders {}",
        fraud.spent_on_fees, market.lostFirstLoss, market.lostLenders
    );
    (
        borrowed,
        profit,
        market.lostFirstLoss.to(),
        market.lostLenders.to(),
    )
}

/// An owner buys from himself through twenty accounts that look like strangers for a month, borrows all that he is
/// offered, and leaves. He loses what he stakes; the first loss insures what fees stand for; lenders lose nothing.
#[test]
fn inc_11_buying_from_oneself_through_twenty_accounts_and_leaving_does_not_pay() {
    let (borrowed, profit, first, lenders) = play(&[]);
    assert!(borrowed > BOND, "he is offered what honest people are");
    assert!(profit <= 0, "profit {profit}");
    assert!(first <= 300_000 && lenders == 0);
    // The twin in which income alone decides lends him what his money went round for.
    let (more, profit, ..) = play(&[Mutant::IncomeAlone]);
    assert!(more > borrowed && profit > 0, "profit {profit}");
    // And without the first loss's limit lenders pay for it.
    let (_, profit, _, lenders) = play(&[Mutant::IncomeAlone, Mutant::Uninsured]);
    assert!(profit > 0 && lenders > 0, "lenders lost {lenders}");
}

/// The same where the chain can see it: wallets that he topped up, and wallets that are new. He is offered nothing.
#[test]
fn wallets_that_an_owner_topped_up_and_wallets_that_are_new_carry_nothing() {
    let mut fraud = Fraud::begin();
    for index in 0..CUSTOMERS {
        let by = if index == 0 {
            ALICE
        } else {
            customer(index / 5)
        };
        let noted = fraud
            .scene
            .world
            .inside(JOBS, JOBS, |cx| funded(cx, customer(index), by));
        noted.expect("notes");
    }
    fraud.days(31);
    let offer = fraud.scene.offer(fraud.id);
    assert_eq!((offer.today, offer.verifiedDays, offer.bound), (n(0), 0, 1));
    // New wallets every week, each known for less than seven days.
    let mut fraud = Fraud::begin();
    for _ in 0..31 {
        let first_seen_ms = fraud.scene.now_ms() - 6 * DAY_MS;
        fraud.pay_herself(customer(0), 100_000, first_seen_ms);
        fraud.scene.wait(DAY_MS);
        fraud.scene.beat(KEYS[0], fraud.id);
    }
    assert_eq!(fraud.scene.offer(fraud.id).today, n(0));
}

/// He defaults, buys his own title back at the floor, and tries again with the same days and fees: they are gone.
#[test]
fn what_stood_for_one_loan_never_stands_for_another() {
    let mut fraud = Fraud::begin();
    let before = wealth(&mut fraud.scene) + BOND;
    fraud.days(31);
    fraud.vanish();
    let id = fraud.id;
    let bid = bidCall {
        machineId: id,
        priceMax: U256::MAX,
    };
    fraud.scene.world.ok(ALICE, ADDRESS, &bid);
    fraud.scene.beat(KEYS[0], id);
    let offer = fraud.scene.offer(id);
    assert_eq!(
        (offer.today, offer.byBondAndFees, offer.verifiedDays),
        (n(0), n(0), 0)
    );
    assert!(wealth(&mut fraud.scene) < before);
    assert!(fraud.scene.told().recovered > n(0));
}
