//! Neutral products: next to no exposure, whatever prices and pools do.

use super::*;
use crate::{
    account::IAccount,
    erc20::IErc20,
    exchange::lp,
    testkit::{
        accounts::{RICH, reference},
        dice::Dice,
        steps,
    },
};

const STEPS: u32 = 150;

/// What a product gains when ETH rises by all of its price, in value: long above zero.
fn exposure(scene: &mut Scene, id: u32) -> i128 {
    let stands = standing(scene, id);
    let price = scene.spot(ETH);
    let value = |units: U256| i128::try_from(units * n(price) / n(ONE)).expect("small");
    let owed = value(stands.debt) - value(stands.idle);
    // debt = ratio * liquidity
    let provided = match stands.ratio.is_zero() {
        true => 0,
        false => {
            let debt = stands.debt.saturating_sub(stands.idle) * n(price) / n(ONE);
            i128::try_from(debt * n(USD) / stands.ratio).expect("small")
        }
    };
    provided / 2 - owed
}

/// Exposure per equity, in hundredths of a percent.
fn exposure_bps(scene: &mut Scene, id: u32) -> i128 {
    let equity = i128::try_from(standing(scene, id).equity).expect("small");
    exposure(scene, id) * 10_000 / equity
}

/// The band of [`neutral`] is half a tenth of the debt, which is as much as the equity.
const BAND_BPS: i128 = 560;

/// PROD-10: it begins without any exposure, all of it provided, and a price inside the band changes its worth by next to
/// nothing: a tenth of what half in each asset would.
#[test]
fn prod_10_a_neutral_product_hardly_moves_with_the_price() {
    for next in [1_940, 1_980, 2_020, 2_060] {
        let mut scene = start();
        let id = create(&mut scene, &neutral(), 10_000).id;
        let before = standing(&scene, id);
        assert!(exposure_bps(&mut scene, id).abs() < 5, "{before:?}");
        assert!(before.collateral < n(10 * ONE) && before.idle.is_zero());
        assert!(before.shares > U256::ZERO);
        scene.prices(&[(ETH, next * USD)]);
        arbitrage(&mut scene, ETH, USDC);
        assert_eq!(look(&mut scene), [] as [u32; 0], "{next}");
        let after = standing(&scene, id);
        // Half in each would have changed by up to 1.5 %.
        let most = before.equity * n(next.abs_diff(2_000)) / n(2_000) / n(20);
        assert!(after.equity.abs_diff(before.equity) < most, "{next}");
        assert!(exposure_bps(&mut scene, id).abs() < BAND_BPS);
    }
}

/// PROD-3, PROD-10: a price that leaves the band brings the block, which takes the exposure away, both ways and after a gap.
#[test]
fn prod_10_the_block_takes_the_exposure_away() {
    for (next, borrows) in [(1_500, true), (1_780, true), (2_230, false), (4_000, false)] {
        let mut scene = start();
        let id = create(&mut scene, &neutral(), 10_000).id;
        scene.prices(&[(ETH, next * USD)]);
        arbitrage(&mut scene, ETH, USDC);
        scene.look();
        let sold = scene.events::<IAccount::Liquidated>(0);
        assert!(sold.is_empty(), "nobody is liquidated");
        let was = exposure_bps(&mut scene, id);
        assert!(was.abs() > 350 && (was > 0) == borrows, "{next}: {was}");
        let (before, from) = (standing(&scene, id), scene.log_count());
        assert_eq!(look(&mut scene), [id], "{next}");
        let moved = events::<ProductRebalanced>(&scene, from);
        assert_eq!((moved.len(), moved[0].borrowed), (1, borrows), "{next}");
        let after = standing(&scene, id);
        assert!(exposure_bps(&mut scene, id).abs() < 20, "{next}: {after:?}");
        expect_near(after.leverageBps, 10_000, 3);
        let sold = if borrows { ETH } else { USDC };
        let traded = moved[0].sold * n(scene.spot(sold)) / n(ONE);
        assert!(before.equity - after.equity <= traded / n(100), "{next}");
        assert_eq!(look(&mut scene), [] as [u32; 0]);
        let report = scene.report(account_of(id));
        assert!(report.healthInitial > n(3 * USD / 2), "{report:?}");
    }
}

/// PROD-10 over random prices with traders in the pool: whenever the block has looked, the exposure is inside its band; and
/// beside holding the coins that its own would have been, it keeps its dollars.
#[test]
fn prod_10_exposure_stays_in_its_band_over_random_prices() {
    let mut dice = Dice::new("prod_10_exposure_stays_in_its_band_over_random_prices");
    let mut scene = start();
    let id = create(&mut scene, &neutral(), 50_000).id;
    top_up(&mut scene, id, COINS / 2);
    let (first, mut worst, mut rebalances) = (standing(&scene, id), 0_i128, 0);
    let (mut low, mut high) = (2_000 * USD, 2_000 * USD);
    for _ in 0..steps::asked().unwrap_or(STEPS) {
        let next = scene.spot(ETH) * (970 + dice.below(62)) / 1_000;
        scene.prices(&[(ETH, next.clamp(700 * USD, 6_000 * USD))]);
        (low, high) = (low.min(scene.spot(ETH)), high.max(scene.spot(ETH)));
        arbitrage(&mut scene, ETH, USDC);
        // Traders go there and back, and leave their fees.
        let units = dice.below(100) * ONE + ONE;
        swap(&mut scene, ETH, units, USDC);
        arbitrage(&mut scene, ETH, USDC);
        let from = scene.log_count();
        look(&mut scene);
        rebalances += events::<ProductRebalanced>(&scene, from).len();
        let failed = events::<RebalanceFailed>(&scene, from);
        assert!(failed.is_empty(), "{failed:?}");
        worst = worst.max(exposure_bps(&mut scene, id).abs());
        assert!(worst < BAND_BPS, "PROD-10: {worst}");
        scene.world.wait_ms(60_000);
    }
    let last = standing(&scene, id);
    let per_unit = |stands: &Standing| stands.unitValue.to::<u128>() / 1_000_000_000_000;
    println!(
        "ETH {} to {}, now {}: {rebalances} rebalances, worst exposure {worst} bps, a unit {} -> {} millionths of a dollar; \
         half ETH and half dollars would be {}",
        low / USD,
        high / USD,
        scene.spot(ETH) / USD,
        per_unit(&first),
        per_unit(&last),
        500_000 + 500_000 * (scene.spot(ETH) / USD) / 2_000,
    );
    assert!(rebalances > 3);
}

/// PROD-10, PROD-11: whoever pushes the pool moves nothing of what units are worth, and no block comes. Nobody deposits there
/// meanwhile, and the block provides nothing; whoever leaves, leaves.
#[test]
fn prod_11_nothing_is_provided_to_a_pool_that_is_astray() {
    let mut scene = start();
    let id = create(&mut scene, &neutral(), 10_000).id;
    let made = deposits(&mut scene, BOB, id, 10_000 * ONE);
    let before = standing(&scene, id);
    swap(&mut scene, USDC, 10_000_000 * ONE, ETH);
    let pushed = standing(&scene, id);
    assert_eq!(look(&mut scene), [] as [u32; 0]);
    // Fees are the holders'.
    assert!(pushed.equity >= before.equity);
    expect_near(pushed.equity, before.equity.to::<u128>(), 2);
    let halt = try_deposit(&mut scene, BOB, id, 1_000 * ONE).expect_err("astray");
    let astray: ProductsPoolAstray = error_of(&halt);
    assert!(astray.kept < astray.least && astray.poolId == 0);
    let kept = standing(&scene, id);
    scene.world.ok(BOB, token(id), &in_kind(made / n(2), BOB));
    expect_no_less(&kept, &standing(&scene, id));
    // Out of the band, with a pool that stands elsewhere: nothing is changed but the next attempt.
    scene.prices(&[(ETH, 2_300 * USD)]);
    let (before, from) = (standing(&scene, id), scene.log_count());
    assert_eq!(look(&mut scene), [id]);
    let failed = events::<RebalanceFailed>(&scene, from);
    let moved = events::<ProductRebalanced>(&scene, from);
    assert_eq!((failed.len(), moved.len()), (1, 0), "{moved:?}");
    let after = standing(&scene, id);
    assert_eq!((after.shares, after.debt), (before.shares, before.debt));
    arbitrage(&mut scene, ETH, USDC);
    scene.world.wait_ms(60_000);
    assert_eq!(look(&mut scene), [id]);
    assert!(exposure_bps(&mut scene, id).abs() < 20);
}

/// PROD-4, PROD-11: whoever pushes the pool before a look and back behind it costs the holders at most the limit of what is
/// sold and provided, and is poorer.
#[test]
fn prod_11_a_pushed_pool_costs_at_most_the_limit() {
    for next in [1_700, 2_350] {
        for push in [0, 50, 500, 1_500, 3_000] {
            for (from, to, units) in [(ETH, USDC, push * ONE), (USDC, ETH, push * next * ONE)] {
                let mut scene = start();
                let id = create(&mut scene, &neutral(), 50_000).id;
                scene.prices(&[(ETH, next * USD)]);
                arbitrage(&mut scene, ETH, USDC);
                let before = standing(&scene, id);
                if units > 0 {
                    swap(&mut scene, from, units, to);
                }
                look(&mut scene);
                arbitrage(&mut scene, ETH, USDC);
                let lost = before.equity.saturating_sub(standing(&scene, id).equity);
                // It sells a part of its exposure and provides twice as much: less than its equity in all.
                let most = before.equity / n(100) / n(4);
                assert!(lost <= most, "{next}, {push} of {from}: {lost}, not {most}");
            }
        }
    }
}

/// PROD-5: in kind, units are their part of the liquidity as LP tokens, for their part of the debt: no pool and no price is
/// asked, and the last of others gets all but the seed's part.
#[test]
fn prod_5_a_neutral_product_gives_lp_tokens() {
    let mut scene = start();
    let id = create(&mut scene, &neutral(), 10_000).id;
    let all = scene.world.balance(token(id), ALICE);
    let before = standing(&scene, id);
    scene.world.wait_ms(10 * DAY_MS);
    let asked = IProductToken::previewRedeemInKindCall { units: all };
    let told = scene.world.view(token(id), &asked);
    let lp_token = lp::address_of(PoolId::new(0));
    let had = scene.world.balance(lp_token, ALICE);
    let done = scene.world.ok(ALICE, token(id), &in_kind(all, ALICE));
    assert_eq!((done.shares, done.debtPaid), (told.shares, told.debt));
    assert_eq!(scene.world.balance(lp_token, ALICE), had + told.shares);
    let after = standing(&scene, id);
    assert_eq!(after.shares + told.shares, before.shares);
    assert_eq!(after.supply, n(SEED_UNITS));
    expect_near(
        after.shares * before.supply,
        (before.shares * after.supply).to(),
        1,
    );
    let name = scene.world.view(token(id), &IErc20::nameCall {});
    assert_eq!(name, "Neutral TT and TT");
}

/// PROD-6, PROD-10: a gift of dollars is put to work by the next rebalance, one of the asset that is owed makes an exposure
/// that the day's look takes away, and liquidity that is added to the pool by others changes nothing.
#[test]
fn prod_10_gifts_are_put_to_work() {
    let mut scene = start();
    let id = create(&mut scene, &neutral(), 10_000).id;
    let gift = |scene: &mut Scene, asset: u32, units: u128| {
        let call = IAccount::depositToCall {
            account: reference(account_of(id)),
            assetId: asset,
            amount: n(units),
        };
        scene.world.ok(ALICE, crate::account::ADDRESS, &call);
    };
    gift(&mut scene, ETH, 2 * ONE);
    assert!(
        exposure_bps(&mut scene, id) > BAND_BPS,
        "a gift is an exposure"
    );
    scene.world.wait_ms(DAY_MS);
    assert_eq!(look(&mut scene), [id]);
    assert!(exposure_bps(&mut scene, id).abs() < 20);
    expect_near(standing(&scene, id).equity, 14_000 * USD, 5);
    gift(&mut scene, USDC, 6_000 * ONE);
    scene.prices(&[(ETH, 1_700 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    assert_eq!(look(&mut scene), [id]);
    let stands = standing(&scene, id);
    assert!(
        stands.collateral < n(100 * ONE),
        "all is provided: {stands:?}"
    );
    assert!(exposure_bps(&mut scene, id).abs() < 20);
    assert!(scene.wallet(ALICE, USDC) < RICH);
}

/// Bad input: pools that are none, or of other assets, or another curve; a pool where none is; targets beside the only one.
#[test]
fn prod_7_a_neutral_policy_names_a_pool_of_both_assets() {
    let mut scene = start();
    let good = neutral();
    let with = |change: fn(&mut Policy)| {
        let mut policy = good.clone();
        change(&mut policy);
        policy
    };
    let cases = [
        (with(|policy| policy.poolId = 1), "ProductsWrongPool"),
        (with(|policy| policy.poolId = 9), "ExchangeUnknownPool"),
        (
            with(|policy| policy.debtAssetId = RISKY),
            "ProductsWrongPool",
        ),
        (with(|policy| policy.targetBps = 9_900), "ProductsInvalid"),
        (with(|policy| policy.lowBps = 9_950), "ProductsInvalid"),
        (with(|policy| policy.highBps = 15_001), "ProductsInvalid"),
        (
            Policy {
                poolId: 1,
                ..three_long()
            },
            "ProductsInvalid",
        ),
    ];
    for (policy, why) in cases {
        let create = createCall {
            policy,
            seed: n(10_000 * ONE),
            receiver: ALICE,
        };
        let halt = scene.world.call(ALICE, ADDRESS, &create);
        let said = words(&halt.expect_err(why));
        assert!(said.contains(why), "{said}, not {why}");
    }
}
