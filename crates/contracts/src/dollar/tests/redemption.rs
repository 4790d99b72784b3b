//! Redemption at par: the queue, and what serving a request does to both sides.

use super::*;
use crate::oracle::{self, IOracle::OraclePriceUnusable};

const ETHER: u128 = 1_000_000_000_000_000_000;

/// Alice owes 50,000 and has 100 weth at 2,000 dollars; Bob has 30,000 dollars in his wallet.
pub(super) fn redeemable() -> (Scene, AssetId) {
    let mut scene = Scene::new(params());
    let (_, weth) = scene.asset(18, 2_000 * USD);
    scene.mint(ALICES, 50_000 * USD).expect("minted");
    scene.mint_to_wallet(BOBS, 30_000 * USD);
    scene.mint_to_wallet(CAROLS, 30_000 * USD);
    (scene, weth)
}

pub(super) fn request(amount: u128) -> requestRedemptionCall {
    requestRedemptionCall {
        amount: n(amount),
        index: 9,
    }
}

fn fulfil(
    scene: &mut Scene,
    id: u64,
    debtor: AccountId,
    goods: AssetId,
    amount: u128,
) -> Result<Fulfilled, Halt> {
    scene.act(|cx| dollar::fulfil(cx, id, debtor, goods, a(amount)))
}

fn queue(scene: &mut Scene) -> Vec<(u64, u128)> {
    let waiting = scene
        .act(|cx| dollar::next_requests(cx, 10))
        .expect("reads");
    waiting.iter().map(|one| (one.id, one.left.get())).collect()
}

#[test]
fn dol_10_a_redemption_pays_par_and_costs_the_debtor_nothing() {
    let (mut scene, weth) = redeemable();
    let before = scene.world.balance(scene.usd, BOB);
    let id = scene.world.ok(BOB, ADDRESS, &request(10_000 * USD));
    assert_eq!(
        scene.world.balance(scene.usd, BOB),
        before - n(10_000 * USD)
    );
    assert_eq!(scene.now().escrow, n(10_000 * USD));
    let (owed, had) = (scene.debt(ALICES), scene.free(weth, ALICES));
    let supply = scene.world.supply(scene.usd);
    let done = fulfil(&mut scene, id, ALICES, weth, 4_000 * USD).expect("served");
    // 0.5 % of 4,000 stays with Alice: 3,980 dollars of weth at 2,000 are 1.99.
    let expected = Fulfilled {
        burned: a(4_000 * USD),
        fee: a(20 * USD),
        goods: a(ETHER / 100 * 199),
        left: a(6_000 * USD),
    };
    assert_eq!(done, expected);
    assert_eq!(scene.debt(ALICES), owed - 4_000 * USD);
    assert_eq!(scene.free(weth, ALICES), had - ETHER / 100 * 199);
    let goes_to = AccountId::new(BOB, 9);
    assert_eq!(scene.free(weth, goes_to), ETHER / 100 * 199);
    assert_eq!(scene.world.supply(scene.usd), supply - n(4_000 * USD));
    let event = scene.world.last_event::<Redeemed>(ADDRESS);
    assert_eq!((event.fee, event.amount), (n(20 * USD), n(4_000 * USD)));
    // The rest: no more than is left is taken, whatever is offered.
    let done = fulfil(&mut scene, id, ALICES, weth, Assets::MAX.get()).expect("served");
    assert_eq!((done.burned, done.left), (a(6_000 * USD), a(0)));
    assert_eq!(queue(&mut scene), []);
    assert_eq!(scene.now().escrow, n(0));
}

#[test]
fn dol_10_no_more_is_taken_than_is_owed() {
    let (mut scene, weth) = redeemable();
    let id = scene.world.ok(BOB, ADDRESS, &request(30_000 * USD));
    scene.repay(ALICES, 49_000 * USD).expect("repays");
    let done = fulfil(&mut scene, id, ALICES, weth, 30_000 * USD).expect("served");
    assert_eq!((done.burned, done.left), (a(1_000 * USD), a(29_000 * USD)));
    assert_eq!(scene.debt(ALICES), 0);
    let nothing = DollarInsufficientDebt {
        owner: ALICE,
        index: 0,
        have: n(0),
        need: n(1),
    };
    scene.refuses(&nothing, |scene| fulfil(scene, id, ALICES, weth, USD));
}

#[test]
fn dol_11_requests_are_served_in_order_and_cancelled_by_their_owners() {
    let (mut scene, weth) = redeemable();
    let ids: Vec<u64> = [BOB, CAROL, BOB, CAROL]
        .iter()
        .map(|who| scene.world.ok(*who, ADDRESS, &request(1_000 * USD)))
        .collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    let not_first = DollarNotFirst { id: 2, first: 1 };
    scene.refuses(&not_first, |scene| fulfil(scene, 2, ALICES, weth, USD));
    let others = DollarNotRequester {
        id: 2,
        owner: CAROL,
    };
    let cancel = |id| cancelRedemptionCall { id };
    scene.world.refused(BOB, ADDRESS, &cancel(2), &others);
    let before = scene.world.balance(scene.usd, CAROL);
    let back = scene.world.ok(CAROL, ADDRESS, &cancel(2));
    assert_eq!(back, n(1_000 * USD));
    assert_eq!(scene.world.balance(scene.usd, CAROL), before + back);
    let gone = DollarNoRequest { id: 2 };
    scene.world.refused(CAROL, ADDRESS, &cancel(2), &gone);
    scene.refuses(&gone, |scene| fulfil(scene, 2, ALICES, weth, USD));
    assert_eq!(queue(&mut scene), [1, 3, 4].map(|id| (id, 1_000 * USD)));
    fulfil(&mut scene, 1, ALICES, weth, 1_000 * USD).expect("served");
    scene.world.ok(CAROL, ADDRESS, &cancel(4));
    assert_eq!(queue(&mut scene), [(3, 1_000 * USD)]);
    scene.world.ok(CAROL, ADDRESS, &request(500 * USD));
    let seen = requestsCall { behind: 3, max: 9 };
    let seen = scene.world.ok(BOB, ADDRESS, &seen);
    assert_eq!((seen.len(), seen[0].id, seen[0].owner), (1, 5, CAROL));
    let one = scene.world.ok(BOB, ADDRESS, &requestOfCall { id: 5 });
    assert_eq!(one, seen[0]);
    scene.world.ok(BOB, ADDRESS, &cancel(3));
    fulfil(&mut scene, 5, ALICES, weth, 500 * USD).expect("first now");
    assert_eq!(queue(&mut scene), []);
    assert_eq!(scene.world.ok(BOB, ADDRESS, &request(100 * USD)), 6);
}

/// A rest that is too small to wait goes back at once: no dust blocks the queue.
#[test]
fn dol_11_a_small_rest_goes_back() {
    let (mut scene, weth) = redeemable();
    let small = DollarRequestTooSmall {
        amount: n(100 * USD - 1),
        least: n(100 * USD),
    };
    let call = request(100 * USD - 1);
    scene.world.refused(BOB, ADDRESS, &call, &small);
    let id = scene.world.ok(BOB, ADDRESS, &request(1_000 * USD));
    let before = scene.world.balance(scene.usd, BOB);
    let done = fulfil(&mut scene, id, ALICES, weth, 901 * USD).expect("served");
    assert_eq!((done.burned, done.left), (a(901 * USD), a(0)));
    assert_eq!(scene.world.balance(scene.usd, BOB), before + n(99 * USD));
    assert_eq!(queue(&mut scene), []);
    let event = scene.world.last_event::<RedemptionEnded>(ADDRESS);
    assert_eq!((event.id, event.amount), (id, n(99 * USD)));
}

#[test]
fn dol_5_a_request_can_be_cancelled_while_all_is_paused() {
    let (mut scene, _) = redeemable();
    let id = scene.world.ok(BOB, ADDRESS, &request(1_000 * USD));
    scene.world.ok(OWNER, ADDRESS, &pauseCall { verbs: 7 });
    let paused = DollarPausedNow { verb: 4 };
    let call = request(1_000 * USD);
    scene.world.refused(BOB, ADDRESS, &call, &paused);
    scene.world.wait_ms(DAY_MS);
    scene.world.ok(BOB, ADDRESS, &cancelRedemptionCall { id });
}

/// Goods whose price does not count now are not taken, and the dearer of spot and smoothed is what they cost.
#[test]
fn dol_10_goods_go_at_the_dearer_price_or_not_at_all() {
    let (mut scene, weth) = redeemable();
    let id = scene.world.ok(BOB, ADDRESS, &request(10_000 * USD));
    let goods = |scene: &mut Scene| scene.act(|cx| dollar::goods_down(cx, weth, a(2_000 * USD)));
    let par = ETHER / 1_000 * 995;
    assert_eq!(goods(&mut scene), Ok((a(par), a(10 * USD))));
    let slow = oracle::IOracle::FeedParams {
        smoothMs: 600_000,
        ..AT_ONCE
    };
    let set = oracle::IOracle::setFeedParamsCall {
        assetId: weth.get(),
        params: slow,
    };
    scene.world.ok(OWNER, oracle::ADDRESS, &set);
    scene.world.wait_ms(1_000);
    // The spot fell; the smoothed price did not yet: the debtor gives what goods were worth, not what they touched.
    scene.say(&[(weth, 1_500 * USD)]);
    let cx_feed = scene.act(|cx| oracle::feed(cx, weth)).expect("reads");
    assert_eq!(cx_feed.spot().get(), 1_500 * USD);
    let dear = cx_feed.smoothed().get();
    assert!(dear > 1_990 * USD);
    let (given, _) = goods(&mut scene).expect("priced");
    assert_eq!(given.to_u256(), n(1_990 * USD) * n(ETHER) / n(dear));
    // A jump up counts at once.
    scene.world.wait_ms(1_000);
    scene.say(&[(weth, 2_500 * USD)]);
    let (given, _) = goods(&mut scene).expect("priced");
    assert_eq!(given.get(), ETHER / 2_500 * 1_990);
    let max_ms = u64::from(AT_ONCE.staleMs);
    scene.world.wait_ms(max_ms + 5);
    let stale = OraclePriceUnusable {
        assetId: weth.get(),
        reason: 3,
        detail: n((max_ms + 5).into()),
        limit: n(max_ms.into()),
    };
    scene.refuses(&stale, |scene| fulfil(scene, id, ALICES, weth, 500 * USD));
    let usd = scene.id;
    let unpriced = OraclePriceUnusable {
        assetId: usd.get(),
        reason: 1,
        detail: n(0),
        limit: n(0),
    };
    scene.refuses(&unpriced, |scene| fulfil(scene, id, ALICES, usd, 500 * USD));
}

#[test]
fn a_debtor_without_the_goods_pays_nothing() {
    let (mut scene, weth) = redeemable();
    let id = scene.world.ok(CAROL, ADDRESS, &request(10_000 * USD));
    let elsewhere = AccountId::new(ALICE, 7);
    let shares = scene
        .act(|cx| dollar::debt_shares(cx, ALICES))
        .expect("reads");
    scene
        .act(|cx| dollar::move_debt(cx, ALICES, elsewhere, shares))
        .expect("moved");
    let poor = ILedger::LedgerInsufficient {
        owner: ALICE,
        index: 7,
        assetId: weth.get(),
        have: n(0),
        need: n(ETHER / 1_000 * 4_975),
    };
    scene.refuses(&poor, |scene| {
        fulfil(scene, id, elsewhere, weth, 10_000 * USD)
    });
    let zero = DollarZeroAmount {};
    scene.refuses(&zero, |scene| fulfil(scene, id, elsewhere, weth, 0));
    // Less than a unit of the goods is no redemption.
    let (_, dear) = scene.asset(0, 1_000 * USD);
    let dust = DollarTooSmall {
        amount: n(999 * USD),
        least: n(100 * USD),
    };
    scene.refuses(&dust, |scene| fulfil(scene, id, elsewhere, dear, 999 * USD));
}
