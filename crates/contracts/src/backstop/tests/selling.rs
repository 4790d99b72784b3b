//! Goods: what the stake bought in liquidations, and how it is sold on.

use super::*;

fn buy(scene: &Scene, amount: u128, max_pay: u128) -> buyGoodsCall {
    buyGoodsCall {
        assetId: scene.id.get(),
        goodsAssetId: scene.goods.get(),
        amount: n(amount),
        maxPay: n(max_pay),
    }
}

fn price(scene: &Scene, amount: u128) -> u128 {
    let quote = quoteGoodsCall {
        assetId: scene.id.get(),
        goodsAssetId: scene.goods.get(),
        amount: n(amount),
    };
    small(scene.world.view(ADDRESS, &quote).pay)
}

/// Goods of two dollars each are sold from 110 % down to 70 % within an hour.
#[test]
fn back_9_the_price_falls_along_its_curve() {
    let mut scene = Scene::priced();
    scene.deposit(ALICE, 1_000_000);
    scene.take_over(300_000, 200_000);
    assert_eq!((scene.assets(), scene.stake().lots), (701_000, 1));
    for (wait_ms, expected) in [
        (0, 220_000),
        (HOUR_MS / 4, 200_000),
        (HOUR_MS / 4, 180_000),
        (HOUR_MS / 2, 140_000),
        (DAY_MS, 140_000),
    ] {
        scene.world.wait_ms(wait_ms);
        assert_eq!(price(&scene, 100_000), expected);
    }
    // The curve is over the price of now, and each rounding is the buyer's.
    scene.report(USD, 3 * USD);
    scene.report(USD, 3 * USD);
    assert_eq!(price(&scene, 100_000), 210_000);
    assert_eq!(price(&scene, 1), 3);
    let dear = BackstopTooDear {
        assetId: scene.id.get(),
        goodsAssetId: scene.goods.get(),
        goods: n(100_000),
        pay: n(210_000),
        maxPay: n(209_999),
    };
    scene
        .world
        .refused(CAROL, ADDRESS, &buy(&scene, 100_000, 209_999), &dear);
    let (token, goods_token) = (scene.token, scene.goods_token);
    let sold = scene
        .world
        .ok(CAROL, ADDRESS, &buy(&scene, 100_000, 210_000));
    assert_eq!((sold.goods, sold.paid), (n(100_000), n(210_000)));
    assert_eq!(scene.world.balance(token, CAROL), n(RICH - 210_000));
    assert_eq!(scene.world.balance(goods_token, CAROL), n(RICH + 100_000));
    assert_eq!(scene.assets(), 911_000);
    // More than there is means all there is.
    let sold = scene
        .world
        .ok(ALICE, ADDRESS, &buy(&scene, u128::MAX, u128::MAX));
    assert_eq!((sold.goods, sold.paid), (n(100_000), n(210_000)));
    assert_eq!(scene.world.balance(goods_token, ALICE), n(RICH + 100_000));
    assert_eq!((scene.assets(), scene.stake().lots), (1_121_000, 0));
    let none = BackstopNothingOnSale {
        assetId: scene.id.get(),
        goodsAssetId: scene.goods.get(),
    };
    scene
        .world
        .refused(CAROL, ADDRESS, &buy(&scene, 1, 100), &none);
}

/// More of the same goods joins the lot: a little more makes it little dearer, and never cheaper than it was.
#[test]
fn back_9_lots_of_the_same_goods_join() {
    let mut scene = Scene::priced();
    scene.deposit(ALICE, 1_000_000);
    scene.take_over(1, 90_000);
    scene.world.wait_ms(HOUR_MS / 2);
    let before = price(&scene, 10_000);
    scene.take_over(1, 10_000);
    let after = price(&scene, 10_000);
    assert_eq!((before, after), (18_000, 18_400));
    assert_eq!(scene.stake().lots, 1);
}

/// Who comes while goods are unsold would get a part of them for nothing, so he waits; not for ever.
#[test]
fn back_9_staking_waits_for_the_sale() {
    let mut scene = Scene::priced();
    let alices = scene.deposit(ALICE, 1_000_000);
    scene.take_over(500_000, 300_000);
    let until_ms = scene.now_ms() + 2 * HOUR_MS;
    let open = BackstopSaleOpen {
        assetId: scene.id.get(),
        untilMs: until_ms,
    };
    let put = depositCall {
        assets: n(1_000),
        receiver: BOB,
    };
    scene.world.refused(BOB, scene.share, &put, &open);
    let mint = mintCall {
        shares: n(1_000),
        receiver: BOB,
    };
    scene.world.refused(BOB, scene.share, &mint, &open);
    let most = maxDepositCall { receiver: BOB };
    assert_eq!(scene.world.view(scene.share, &most), n(0));
    // Sold: the proceeds are the old stakers', and staking is open at once.
    let mut sold = scene.clone();
    sold.world
        .ok(CAROL, ADDRESS, &buy(&scene, 300_000, 700_000));
    assert_eq!(sold.worth(alices), 1_159_840);
    assert!(sold.deposit(BOB, 1_000) < 1_000_000);
    // Unsold for twice the sale's time: it counts as lost, and staking goes on.
    scene.world.wait_ms(2 * HOUR_MS - 1);
    scene.world.refused(BOB, scene.share, &put, &open);
    scene.world.wait_ms(1);
    scene.world.ok(BOB, scene.share, &put);
    scene
        .world
        .ok(CAROL, ADDRESS, &buy(&scene, 300_000, 700_000));
    assert_eq!(scene.stake().lots, 0);
}

#[test]
fn back_9_nothing_is_sold_at_a_price_that_nobody_knows() {
    let mut scene = Scene::priced();
    scene.deposit(ALICE, 1_000_000);
    scene.take_over(500_000, 300_000);
    scene.world.wait_ms(2 * DAY_MS + 1);
    let halt = scene.world.call(CAROL, ADDRESS, &buy(&scene, 1, 100));
    let stale = oracle::Unusable::Stale {
        age_ms: 2 * DAY_MS + 1,
        max_ms: 2 * DAY_MS,
    };
    assert_eq!(halt.err(), Some(stale.halt(scene.goods)));
    scene.report(USD, 2 * USD);
    let pause = pauseCall {
        assetId: scene.id.get(),
        verbs: 2,
    };
    scene.world.ok(OWNER, ADDRESS, &pause);
    let paused = BackstopPaused {
        assetId: scene.id.get(),
        verb: 2,
    };
    scene
        .world
        .refused(CAROL, ADDRESS, &buy(&scene, 1, 100), &paused);
    let zero = BackstopZeroAmount {};
    let unpause = unpauseCall {
        assetId: scene.id.get(),
        verbs: 2,
    };
    scene.world.ok(OWNER, ADDRESS, &unpause);
    scene
        .world
        .refused(CAROL, ADDRESS, &buy(&scene, 0, 100), &zero);
}
