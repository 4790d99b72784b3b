//! Attacks on holders of leveraged tokens.

use capstan_units::AssetId;

use super::scene::{at_price, signed};
use crate::{
    ledger,
    products::{
        ADDRESS,
        IProducts::ProductRebalanced,
        tests::{arbitrage, create, deposits, events, look, redeems, start, swap, three_long},
    },
    testkit::{
        BOB,
        accounts::{BOBS, ETH, ONE, Scene, USD, USDC, n},
    },
};

/// The market rose by 0.6 %, and the oracle does not say so yet: somebody buys units at the value of before, and
/// redeems them when it does.
pub(super) fn units_at_a_late_value() -> i128 {
    let mut scene = start();
    let id = create(&mut scene, &three_long(), 30_000).id;
    scene.prices(&[(ETH, 2_012 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    scene.prices(&[(ETH, 2_000 * USD)]);
    scene.world.store.block_mut().number += 1;
    let paid = 10_000 * ONE;
    let made = deposits(&mut scene, BOB, id, paid);
    scene.prices(&[(ETH, 2_012 * USD)]);
    scene.world.store.block_mut().number += 1;
    signed(redeems(&mut scene, BOB, id, made)) - signed(n(paid))
}

/// A price falls, so that the block must sell for the holders: somebody sells first, and buys back what they sold him low.
/// Profit is counted beyond the limit of what they sold. The best of four pushes.
pub(super) fn rebalance_run_ahead_of() -> i128 {
    let pushes = [20, 100, 400, 1_000];
    let profits = pushes.map(|whole| {
        let price = 1_840 * USD;
        let mut scene = start();
        let id = create(&mut scene, &three_long(), 30_000).id;
        for _ in 0..8 {
            arbitrage(&mut scene, ETH, USDC);
            scene.world.store.block_mut().number += 1;
            deposits(&mut scene, BOB, id, 25_000 * ONE);
        }
        scene.prices(&[(ETH, price)]);
        arbitrage(&mut scene, ETH, USDC);
        let before = wealth(&mut scene, price);
        swap(&mut scene, ETH, whole * ONE, USDC);
        let from = scene.log_count();
        look(&mut scene);
        let moved = events::<ProductRebalanced>(&scene, from);
        let sold = moved.iter().map(|moved| moved.sold.to::<u128>()).sum();
        arbitrage(&mut scene, ETH, USDC);
        wealth(&mut scene, price) - before - at_price(sold, price) / 100
    });
    profits.into_iter().max().unwrap_or_default()
}

/// What Bob has on his account, in millionths of a dollar.
fn wealth(scene: &mut Scene, price: u128) -> i128 {
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let mut free = |asset| {
        let free = ledger::free(cx, AssetId::new(asset), BOBS);
        free.expect("reads").get()
    };
    at_price(free(ETH), price) + at_price(free(USDC), USD)
}
