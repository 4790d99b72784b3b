//! Words that no verb writes.

use capstan_state::Ctx;

use super::*;
use crate::{
    erc20::Issued as _,
    invariant::check_all,
    products::{guard::STATE, unit::UnitBook},
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

/// Damage, of which each invariant says something.
#[test]
fn every_check_can_fail() {
    let mut scene = start();
    let id = ProductId::new(create(&mut scene, &three_long(), 1_000).id);
    type Damage = fn(&mut Ctx<'_>, ProductId) -> Result<(), Halt>;
    let cases: [(&str, Damage); 5] = [
        ("PROD-8", |cx, id| {
            STATE
                .products
                .at(id)
                .update(cx, |product| {
                    product.reserve_wei += COINS;
                    Ok(())
                })
                .map(drop)
        }),
        ("PROD-8", |cx, id| {
            STATE.guards.at((id, 0)).save(cx, U256::ZERO)
        }),
        ("PROD-3", |cx, id| {
            let guard = STATE.guards.at((id, 0));
            let word = guard.load(cx)?;
            guard.save(cx, word | n(u32::MAX.into()))
        }),
        ("PROD-7", |cx, _| STATE.product_count.save(cx, 2)),
        ("PROD-6", |cx, id| {
            let cx = &mut cx.enter(unit::address_of(id));
            UnitBook::holdings().shift(cx, ADDRESS, BOB, n(1)).map(drop)
        }),
    ];
    for (invariant, damage) in cases {
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
