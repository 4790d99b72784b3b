//! Words that no verb writes.

use capstan_state::Ctx;

use super::*;
use crate::{
    erc20::Issued as _,
    invariant::check_all,
    lending,
    products::{
        guard::STATE,
        state::{Phase, Product},
        unit::UnitBook,
    },
};

/// Writes words as no verb does.
fn spoil(scene: &mut Scene, write: impl FnOnce(&mut Ctx<'_>) -> Result<(), Halt>) {
    scene.world.store.next_transaction(u64::MAX);
    let written = scene
        .world
        .store
        .attempt(|store| write(&mut store.frame(ADDRESS, ADDRESS)));
    written.unwrap_or_else(|halt| panic!("{}", words(&halt)));
}

fn change(cx: &mut Ctx<'_>, id: ProductId, by: impl FnOnce(&mut Product)) -> Result<(), Halt> {
    let changed = STATE.products.at(id).update(cx, |product| {
        by(product);
        Ok(())
    });
    changed.map(drop)
}

/// Somebody pays what its account owes.
fn settle(cx: &mut Ctx<'_>, id: ProductId, asset: u32) -> Result<(), Halt> {
    let (of, owed) = (unit::account_of(id), AssetId::new(asset));
    let debt = lending::debt_up(cx, owed, of)?;
    lending::repay(cx, owed, BOBS, of, debt).map(drop)
}

/// Says that it is closed, which it is not.
fn closed(product: &mut Product) {
    product.phase = Phase::Closed.number();
    product.reserve_wei = 0;
}

/// Damage, of which each invariant says something.
#[test]
fn every_check_can_fail() {
    let mut scene = start();
    let leveraged = ProductId::new(create(&mut scene, &three_long(), 1_000).id);
    let provides = ProductId::new(create(&mut scene, &neutral(), 1_000).id);
    type Damage = fn(&mut Ctx<'_>, ProductId) -> Result<(), Halt>;
    let cases: [(&str, ProductId, Damage); 8] = [
        ("PROD-8", leveraged, |cx, id| {
            change(cx, id, |product| product.reserve_wei += COINS)
        }),
        ("PROD-8", leveraged, |cx, id| {
            STATE.guards.at((id, 0)).save(cx, U256::ZERO)
        }),
        ("PROD-3", leveraged, |cx, id| {
            let guard = STATE.guards.at((id, 0));
            let word = guard.load(cx)?;
            guard.save(cx, word | n(u32::MAX.into()))
        }),
        ("PROD-7", leveraged, |cx, _| STATE.product_count.save(cx, 1)),
        ("PROD-6", leveraged, |cx, id| {
            let cx = &mut cx.enter(unit::address_of(id));
            UnitBook::holdings().shift(cx, ADDRESS, BOB, n(1)).map(drop)
        }),
        // Closed, with a debt; with liquidity alone; with coins for looks alone.
        ("PROD-12", leveraged, |cx, id| change(cx, id, closed)),
        ("PROD-12", provides, |cx, id| {
            settle(cx, id, ETH)?;
            change(cx, id, closed)
        }),
        ("PROD-12", leveraged, |cx, id| {
            settle(cx, id, USDC)?;
            change(cx, id, |product| {
                closed(product);
                product.reserve_wei = 1;
            })
        }),
    ];
    for (invariant, id, damage) in cases {
        let mut scene = scene.clone();
        spoil(&mut scene, |cx| damage(cx, id));
        let broken = check_all(&scene.world.store).expect_err(invariant);
        assert_eq!(broken.id, invariant, "{broken}");
    }
    assert_eq!(check_all(&scene.world.store), Ok(()));
}

/// PROD-9: damaged words of one product hold up no other.
#[test]
fn prod_9_a_damaged_product_holds_up_no_other() {
    let mut scene = start();
    let one = ProductId::new(create(&mut scene, &three_long(), 1_000).id);
    let two = ProductId::new(create(&mut scene, &one_short(), 1_000).id);
    scene.prices(&[(ETH, 1_760 * USD)]);
    arbitrage(&mut scene, ETH, USDC);
    scene.world.store.block_mut().number += 1;
    let damaged = STATE.products.at(one);
    spoil(&mut scene, |cx| {
        let damage = |product: &mut crate::products::state::Product| {
            product.kind = 9;
            Ok(())
        };
        damaged.update(cx, damage).map(drop)
    });
    let from = scene.log_count();
    let input = encode_products(&[one, two]);
    scene
        .world
        .system_unchecked(u64::MAX, SystemKind::Rebalance, &input)
        .expect("runs");
    let moved = events::<ProductRebalanced>(&scene, from);
    assert_eq!((moved.len(), moved[0].id), (1, two.get()));
    let failed = events::<RebalanceFailed>(&scene, from);
    assert_eq!((failed.len(), failed[0].id), (1, one.get()));
}
