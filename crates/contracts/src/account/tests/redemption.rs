//! Dollars that wait are paid by the riskiest, and nobody is worse off than he was.

use capstan_state::{Ctx, Frame, ReadOnly, Store as _};

use super::{
    debts::*,
    pieces::{AROUND, is_near, open, pieces, provide, ranges, stable},
    pools::eth_usdc,
    *,
};
use crate::{
    account::{
        LOOK_GAS, REDEMPTIONS_MAX, encode_accounts,
        index::{Changes, GuardIndex},
        params::REDEMPTION_SEARCH_GAS,
    },
    dollar::{self, IDollar},
    exchange::Curve,
    invariant::check_all,
};

impl Scene {
    /// The debtors whom the next block would let pay.
    fn payers(&mut self) -> Vec<AccountId> {
        let index = GuardIndex::of(&self.world.store).expect("reads");
        let cx = &mut self.world.store.frame(ADDRESS, ADDRESS);
        index
            .redeemable(cx, &Changes::default(), REDEMPTIONS_MAX)
            .expect("reads")
            .who
    }

    /// The block's redemptions; answers whom it let pay.
    fn redeem(&mut self) -> Vec<AccountId> {
        let payers = self.payers();
        self.redeem_by(&payers);
        payers
    }

    fn redeem_by(&mut self, payers: &[AccountId]) {
        let done = self
            .world
            .system(SystemKind::Redeem, &encode_accounts(payers));
        done.unwrap_or_else(|halt| panic!("{}", words(&halt)));
    }

    /// Carol queues dollars that she bought from Bob.
    fn queue(&mut self, dollars: u128) -> u64 {
        let usd = self.tokens[5];
        let pay = IErc20::transferCall {
            to: CAROL,
            value: n(dollars * USD),
        };
        self.world.ok(BOB, usd, &pay);
        let request = IDollar::requestRedemptionCall {
            amount: n(dollars * USD),
            index: CAROLS.index,
        };
        self.world.ok(CAROL, dollar::ADDRESS, &request)
    }

    fn waiting(&self) -> usize {
        let all = IDollar::requestsCall { behind: 0, max: 9 };
        self.world.view(dollar::ADDRESS, &all).len()
    }
}

/// Alice owes 10,000 dollars against ten ETH, half of them supplied; Bob 20,000 against a hundred.
fn in_dollars() -> Scene {
    let mut scene = Scene::with_dollar();
    let batch = [
        deposit(ETH, 10 * ONE),
        supply(ETH, 5 * ONE),
        mint(10_000 * USD),
        withdraw(USD_ASSET, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    let batch = [
        deposit(ETH, 100 * ONE),
        mint(20_000 * USD),
        withdraw(USD_ASSET, U256::MAX, BOB),
    ];
    scene.ok(BOB, BOBS, &batch);
    scene
}

#[test]
fn red_1_the_riskiest_pays_at_par_and_is_healthier() {
    let mut scene = in_dollars();
    assert!(scene.payers().is_empty(), "nobody waits");
    scene.queue(1_000);
    assert_eq!(scene.payers(), [ALICES, BOBS], "nearest to her guard first");
    let before = scene.report(ALICES);
    assert_eq!(scene.redeem(), [ALICES, BOBS]);
    assert_eq!(scene.waiting(), 0);
    // A thousand dollars less a fee of half a percent, at two thousand dollars each.
    let goods = n(995 * ONE / 2_000);
    let held = scene.holding(ALICES, ETH).expect("the rest");
    let left = held.units + held.supplied;
    assert!(n(10 * ONE) - goods - left <= n(1), "{left} left");
    assert_eq!(scene.owed(ALICES, USD_ASSET), n(9_000 * USD));
    assert_eq!(scene.owed(BOBS, USD_ASSET), n(20_000 * USD));
    let after = scene.report(ALICES);
    assert!(after.healthMaintenance > before.healthMaintenance);
    assert!(after.healthInitial > before.healthInitial);
    // The goods wait beside the redeemer's sheet, or stand on it where ether stood already.
    let units = scene.ok(CAROL, CAROLS, &[admit(ETH)]);
    assert_eq!(units, [goods]);
}

#[test]
fn red_1_nobody_is_left_with_dust() {
    let mut scene = in_dollars();
    scene.queue(9_995);
    scene.redeem();
    // Five dollars of Alice's debt would be left, so ten are; five are too few to wait, and go back.
    assert_eq!(scene.owed(ALICES, USD_ASSET), n(10 * USD));
    assert_eq!(scene.waiting(), 0);
    assert_eq!(scene.wallet(CAROL, USD_ASSET), 5 * USD);
    // With so little of a debt left, she is no longer the riskiest.
    scene.queue(1_000);
    assert_eq!(scene.redeem().first(), Some(&BOBS));
    assert_eq!(scene.owed(BOBS, USD_ASSET), n(19_000 * USD));
}

/// Who is unhealthy, overdue or on offer is left to the look; so is who has nothing that can be had now.
#[test]
fn red_2_who_cannot_pay_is_passed_over() {
    let mut scene = in_dollars();
    scene.queue(1_000);
    scene.prices(&[(ETH, 1_150 * USD)]);
    assert_eq!(scene.payers(), [BOBS], "Alice is unhealthy");
    scene.look();
    assert_eq!(scene.payers(), [BOBS], "Alice is on offer");
    // Chosen nevertheless, she changes nothing, and the block says so.
    let (before, from) = (scene.report(ALICES), scene.world.store.logs().len());
    scene.redeem_by(&[ALICES, BOBS]);
    assert_eq!(scene.report(ALICES), before);
    assert_eq!(scene.events::<RedemptionFailed>(from).len(), 1);
    assert_eq!(scene.waiting(), 0, "Bob paid");
}

/// Collateral in a market without cash cannot be had.
#[test]
fn red_2_supply_without_cash_waits() {
    let mut scene = Scene::with_dollar();
    scene.ok(CAROL, CAROLS, &[redeem(RISKY, 100_000_000 * ONE)]);
    let batch = [
        deposit(RISKY, 2_000 * ONE),
        supply(RISKY, 2_000 * ONE),
        mint(10_000 * USD),
        withdraw(USD_ASSET, U256::MAX, ALICE),
    ];
    scene.ok(ALICE, ALICES, &batch);
    let batch = [
        deposit(ETH, 100 * ONE),
        mint(2_000 * USD),
        withdraw(USD_ASSET, U256::MAX, BOB),
        borrow(RISKY, 1_990 * ONE),
        withdraw(RISKY, U256::MAX, BOB),
    ];
    scene.ok(BOB, BOBS, &batch);
    scene.queue(1_000);
    let from = scene.world.store.logs().len();
    scene.redeem_by(&[ALICES, BOBS]);
    if let Some(failed) = scene.events::<RedemptionFailed>(from).into_iter().next() {
        panic!("{}", words(&Halt::Revert(failed.reason)));
    }
    // What cash there is, ten of it and the seed, Alice pays; Bob the rest.
    let alices = n(10_000 * USD) - scene.owed(ALICES, USD_ASSET);
    assert!(alices > U256::ZERO && alices < n(300 * USD), "{alices}");
    assert_eq!(scene.waiting(), 0);
    assert_eq!(
        alices + n(2_000 * USD) - scene.owed(BOBS, USD_ASSET),
        n(1_000 * USD)
    );
}

/// Several requests are served in order; what a debtor has left pays the next one.
#[test]
fn red_2_requests_are_served_in_order() {
    let mut scene = in_dollars();
    for dollars in [4_000, 5_000, 3_000] {
        scene.queue(dollars);
    }
    scene.redeem();
    assert_eq!(scene.waiting(), 0);
    assert_eq!(scene.owed(ALICES, USD_ASSET), U256::ZERO);
    assert_eq!(scene.owed(BOBS, USD_ASSET), n(18_000 * USD));
}

/// A price that nobody may borrow at redeems nothing: requests wait.
#[test]
fn red_2_without_a_price_requests_wait() {
    let mut scene = in_dollars();
    scene.queue(1_000);
    scene.world.wait_ms(3 * 86_400_000);
    scene.prices(&[(USD_ASSET, USD)]);
    assert!(scene.payers().is_empty());
    assert_eq!(scene.waiting(), 1);
    scene.prices(&[(ETH, 2_000 * USD)]);
    assert_eq!(scene.redeem().first(), Some(&ALICES));
    assert_eq!(scene.waiting(), 0);
}

impl Scene {
    /// Alice puts goods on her account and into liquidity, leaves no units, and mints dollars against it.
    fn alice_provides(&mut self, goods: &[(u32, u128)], verbs: &[Action], dollars: u128) {
        let mut batch: Vec<Action> = goods.iter().map(|one| deposit(one.0, one.1)).collect();
        batch.extend_from_slice(verbs);
        self.ok(ALICE, ALICES, &batch);
        let free = |one: &&(u32, u128)| self.holding(ALICES, one.0).is_some_and(has_units);
        let rest: Vec<_> = goods.iter().filter(free).collect();
        let mut batch: Vec<Action> = rest
            .iter()
            .map(|one| withdraw(one.0, U256::MAX, ALICE))
            .collect();
        batch.extend([mint(dollars * USD), withdraw(USD_ASSET, U256::MAX, ALICE)]);
        self.ok(ALICE, ALICES, &batch);
    }

    /// Bob owes 20,000 dollars against a hundred ETH: he is there to sell dollars, and far from his guard.
    fn bob_mints(&mut self) {
        let batch = [
            deposit(ETH, 100 * ONE),
            mint(20_000 * USD),
            withdraw(USD_ASSET, U256::MAX, BOB),
        ];
        self.ok(BOB, BOBS, &batch);
    }
}

fn has_units(holding: Holding) -> bool {
    !holding.units.is_zero()
}

/// Alice owes 10,000 dollars against liquidity of about 20,000 on one curve, and nothing else.
fn in_liquidity(curve: Curve) -> Scene {
    let mut scene = Scene::with_dollar();
    scene.bob_mints();
    let (goods, verb) = match curve {
        Curve::Product => {
            let verb = provide(eth_usdc(&mut scene), &[5 * ONE, 10_000 * ONE]);
            ([(ETH, 5 * ONE), (USDC, 10_000 * ONE)], verb)
        }
        Curve::Stable => {
            let verb = provide(stable(&mut scene), &[10_000 * ONE; 2]);
            ([(USDC, 10_000 * ONE), (DAI, 10_000 * ONE)], verb)
        }
        Curve::Range => {
            let verb = open(ranges(&mut scene), AROUND, [5 * ONE, 10_000 * ONE]);
            ([(ETH, 5 * ONE), (USDC, 10_000 * ONE)], verb)
        }
    };
    scene.alice_provides(&goods, &[verb], 10_000);
    scene
}

/// The first coin of the piece pays what is asked, and only what that takes leaves the pool.
#[test]
fn red_3_who_holds_nothing_but_liquidity_pays_with_a_part_of_it() {
    for curve in [Curve::Product, Curve::Stable, Curve::Range] {
        let mut scene = in_liquidity(curve);
        let (before, whole) = (scene.report(ALICES), pieces(&scene, ALICES).remove(0));
        scene.queue(1_000);
        assert_eq!(scene.payers(), [ALICES, BOBS], "{curve:?}");
        let from = scene.log_count();
        scene.redeem();
        assert_eq!(scene.waiting(), 0);
        assert_eq!(scene.owed(ALICES, USD_ASSET), n(9_000 * USD), "{curve:?}");
        assert_eq!(scene.owed(BOBS, USD_ASSET), n(20_000 * USD));
        let after = scene.report(ALICES);
        assert!(after.healthMaintenance > before.healthMaintenance);
        assert!(after.healthInitial > before.healthInitial);
        // A thousand dollars of the first coin are a tenth of the piece, where both coins are worth the same.
        let rest = pieces(&scene, ALICES).remove(0);
        assert!(
            is_near(rest.amount, whole.amount * n(9) / n(10), 15_000),
            "{curve:?}"
        );
        assert_eq!(scene.events::<PieceTakenApart>(from).len(), 1);
        // One coin paid, and the fee of it is left; as much of the other came out and stands there.
        let left = |asset| scene.holding(ALICES, asset).expect("came out").heldValue;
        let coins = [whole.assetIds[0], whole.assetIds[1]];
        let paid = usize::from(left(coins[0]) > left(coins[1]));
        assert!(left(coins[paid]) < n(6 * USD), "{curve:?}");
        assert!(is_near(left(coins[1 - paid]), n(1_000 * USD), 30_000));
        let goods = match coins[paid] {
            ETH => n(995 * ONE / 2_000),
            _ => n(995 * ONE),
        };
        let came = scene.ok(CAROL, CAROLS, &[admit(coins[paid])]);
        assert_eq!(came, [goods], "{curve:?}");
        assert_eq!(check_all(&scene.world.store), Ok(()));
    }
}

/// What stands in rows pays before liquidity does, and liquidity only what they lack.
#[test]
fn red_3_no_more_liquidity_is_taken_apart_than_the_payment_lacks() {
    // Dollars of ETH in rows, dollars asked for, parts in a thousand that stay in the pool.
    for (own, asked, stays) in [
        (2_000, 1_000, 1_000),
        (2_000, 5_000, 700),
        (500, 1_500, 900),
    ] {
        let mut scene = Scene::with_dollar();
        scene.bob_mints();
        let shares = provide(eth_usdc(&mut scene), &[5 * ONE, 10_000 * ONE]);
        let goods = [(ETH, 5 * ONE), (USDC, 10_000 * ONE)];
        scene.alice_provides(&goods, &[shares], 10_000);
        scene.ok(ALICE, ALICES, &[deposit(ETH, own * ONE / 2_000)]);
        let whole = pieces(&scene, ALICES)[0].amount;
        scene.queue(asked);
        scene.redeem();
        assert_eq!(scene.owed(ALICES, USD_ASSET), n((10_000 - asked) * USD));
        let rest = pieces(&scene, ALICES)[0].amount;
        assert!(
            is_near(rest, whole * n(stays) / n(1_000), 10),
            "{own} and {asked}: {rest} of {whole}"
        );
    }
}

/// Each of two pieces has too little of the coin; together they have enough. It costs no more gas than a look may.
#[test]
fn red_3_several_pieces_pay_together() {
    let mut scene = Scene::with_dollar();
    scene.bob_mints();
    let (product, ranged) = (eth_usdc(&mut scene), ranges(&mut scene));
    let goods = [(ETH, ONE / 2), (USDC, 1_000 * ONE)];
    let verbs = [
        provide(product, &[ONE / 4, 500 * ONE]),
        open(ranged, AROUND, [ONE / 4, 500 * ONE]),
    ];
    scene.alice_provides(&goods, &verbs, 1_000);
    scene.queue(900);
    scene.redeem_by(&[ALICES]);
    let used = scene.world.store.gas_used();
    println!("a redemption that takes two pieces apart: {used} gas");
    assert!(used < LOOK_GAS / 4);
    assert_eq!(scene.waiting(), 0);
    assert_eq!(scene.owed(ALICES, USD_ASSET), n(100 * USD));
    let rest = pieces(&scene, ALICES);
    assert_eq!(rest.len(), 1, "one went whole, the other in part");
}

/// Who could not pay with all his liquidity keeps all of it; so does who cannot pay for another reason.
#[test]
fn red_3_liquidity_that_cannot_pay_stays_where_it_is() {
    let mut scene = Scene::with_dollar();
    scene.bob_mints();
    let shares = provide(eth_usdc(&mut scene), &[ONE / 40, 50 * ONE]);
    scene.alice_provides(&[(ETH, ONE / 40), (USDC, 50 * ONE)], &[shares], 70);
    scene.queue(100);
    // Fifty dollars of each coin pay neither the least that is worth a block's trouble nor all of her debt.
    assert_eq!(scene.payers(), [BOBS]);
    let (before, held) = (pieces(&scene, ALICES), scene.report(ALICES));
    let from = scene.log_count();
    scene.redeem_by(&[ALICES]);
    assert_eq!(scene.events::<RedemptionFailed>(from).len(), 1);
    assert_eq!(scene.events::<PieceTakenApart>(from).len(), 0);
    assert_eq!(
        (pieces(&scene, ALICES), scene.report(ALICES)),
        (before, held)
    );
    assert_eq!(scene.waiting(), 1);
    // Unhealthy, she is the look's.
    let mut scene = in_liquidity(Curve::Product);
    scene.queue(1_000);
    scene.prices(&[(ETH, 600 * USD)]);
    assert!(scene.unhealthy(ALICES));
    let before = pieces(&scene, ALICES);
    scene.redeem_by(&[ALICES]);
    assert_eq!(pieces(&scene, ALICES), before);
}

/// RED-2: what the search for debtors costs at its dearest, which is bounded by gas: fourteen rows and four pieces, each of
/// which is taken apart before it is clear that all together pay too little.
#[test]
fn red_2_the_search_for_debtors_ends_with_its_gas() {
    const CROWD: u8 = 3;
    let mut scene = Scene::with_dollar();
    scene.world.sweep_every = u32::MAX;
    let listed = scene.tokens.len();
    let more: Vec<u32> = (listed..ROWS_MAX)
        .map(|_| scene.list(&Listing::new(USD, bps(5_000, 6_000))))
        .collect();
    scene.bob_mints();
    let product = eth_usdc(&mut scene);
    let ranged = ranges(&mut scene);
    for index in 0..CROWD {
        let who = AccountId::new(ALICE, index);
        let rows = [RISKY, DAI].into_iter().chain(more.iter().copied());
        for asset in rows {
            let units = ONE / if asset == RISKY { 20 } else { 1 };
            scene.ok(
                ALICE,
                who,
                &[deposit(asset, 2 * units), supply(asset, units)],
            );
        }
        let coins = [ONE / 100, 20 * ONE];
        let mut batch = vec![deposit(ETH, 4 * coins[0]), deposit(USDC, 4 * coins[1])];
        batch.push(provide(product, &coins));
        batch.extend([(); 3].map(|()| open(ranged, AROUND, coins)));
        batch.extend([mint(105 * USD), withdraw(USD_ASSET, U256::MAX, ALICE)]);
        scene.ok(ALICE, who, &batch);
    }
    scene.queue(100);
    // They are the riskiest, and cannot pay a hundred dollars with one kind of goods; Bob can.
    let index = GuardIndex::of(&scene.world.store).expect("reads");
    let world = scene.world.store.clone();
    let search = |gas: u64| {
        let frame = Frame {
            this: ADDRESS,
            caller: ADDRESS,
            value: U256::ZERO,
        };
        let mut store = ReadOnly::new(&world);
        let cx = &mut Ctx::new(&mut store, frame);
        let found = index.redeemable_within(cx, &Changes::default(), REDEMPTIONS_MAX, gas);
        (found.expect("reads").who, u64::MAX - store.gas_left())
    };
    let (who, used) = search(REDEMPTION_SEARCH_GAS);
    assert_eq!(who, [BOBS]);
    let each = used / u64::from(CROWD);
    println!(
        "a debtor of {ROWS_MAX} rows and four pieces who cannot pay is found out for {each} gas: {} of them in one search",
        REDEMPTION_SEARCH_GAS / each + 1
    );
    assert!(used < REDEMPTION_SEARCH_GAS);
    // Without gas for all of them the search ends before Bob.
    assert_eq!(search(2 * each), (Vec::new(), search(2 * each).1));
    let (_, used) = search(2 * each);
    assert!(used <= 3 * each + each / 2, "{used} of {each} each");
}
