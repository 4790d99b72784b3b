//! A pool that is asked again and again answers what a quote does.

use super::*;
use crate::{
    exchange::{Asked, Exact},
    testkit::dice::Dice,
};

/// Both answers to one question; what is refused says why in the same words.
#[track_caller]
fn check(world: &mut World, asked: &Asked, leg: Leg) -> bool {
    let (exact, most) = match leg.size {
        Size::In(amount) => (Exact::In(amount), amount),
        Size::Out(amount) => (Exact::Out(amount), Assets::MAX),
        Size::InAll | Size::OutOwed => panic!("no question"),
    };
    let bounds = Bounds {
        asset_in: leg.asset_in,
        paid_max: most,
        asset_out: leg.asset_out,
        received_min: Assets::ZERO,
    };
    let quoted = act(world, |cx| exchange::quote(cx, &[leg], bounds));
    let answer = act(world, |cx| {
        asked.trade(cx, leg.asset_in, leg.asset_out, exact)
    });
    let words_of = |halt: &Halt| words(halt);
    assert_eq!(
        answer.as_ref().map_err(words_of),
        quoted.as_ref().map_err(words_of),
        "{leg:?}"
    );
    answer.is_ok()
}

#[test]
fn exch_7_a_pool_that_is_asked_again_answers_what_a_quote_does() {
    let (mut world, _) = start();
    let pools = [
        open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]),
        open(&mut world, &product(0, 1, 100), &[5_000_000, 700_000_000]),
        open(&mut world, &stable(&[0, 1], 100), &[5_000_000, 7_000_000]),
        open(
            &mut world,
            &stable(&[0, 1, 2], 10),
            &[9_000_000, 5_000_000, 7_000_000],
        ),
        open(
            &mut world,
            &stable(&[0, 1, 2, 3], 2_000),
            &[9_000_000, 5_000_000, 7_000_000, 80_000_000],
        ),
    ];
    let owner = |world: &mut World, share_bps| {
        let set = setProtocolShareCall {
            shareBps: share_bps,
        };
        world.ok(OWNER, ADDRESS, &set);
        world.wait_ms(exchange::CHANGE_DELAY_MS);
    };
    let mut dice = Dice::new("exch_7_a_pool_that_is_asked_again");
    let mut answered = 0;
    for share_bps in [0, 1_000] {
        owner(&mut world, share_bps);
        for id in pools {
            let read = act(&mut world, |cx| Asked::read(cx, id));
            let asked = read.expect("reads").expect("one of reserves");
            for _ in 0..200 {
                let (from, to) = (dice.of(&[0, 1, 2, 3, 4]), dice.of(&[0, 1, 2, 3]));
                let units = dice.amount(10_000_000_000);
                let leg = leg(id, from, to, units);
                let out = sized(leg, Size::Out(a(units)));
                answered += usize::from(check(&mut world, &asked, leg));
                answered += usize::from(check(&mut world, &asked, out));
            }
            let none = leg(id, 0, 1, 0);
            check(&mut world, &asked, none);
            check(&mut world, &asked, sized(none, Size::Out(a(0))));
        }
    }
    assert!(answered > 800, "only {answered} of 4,000 were answered");
}

#[test]
fn a_pool_that_is_paused_unknown_or_one_of_ranges_is_asked_as_such() {
    let (mut world, _) = start();
    let id = open(&mut world, &product(0, 1, 3_000), &[5_000_000, 7_000_000]);
    world.ok(OWNER, ADDRESS, &pausePoolCall { poolId: id.get() });
    let asked = act(&mut world, |cx| Asked::read(cx, id)).expect("reads");
    assert!(!check(
        &mut world,
        &asked.expect("one of reserves"),
        leg(id, 0, 1, 10)
    ));
    let ranges = createRangePoolCall {
        feePips: 500,
        asset0: 0,
        asset1: 1,
        sqrtPriceX96: U256::ONE << 96_usize,
    };
    let ranges = PoolId::new(world.ok(ALICE, ADDRESS, &ranges));
    let asked = act(&mut world, |cx| Asked::read(cx, ranges)).expect("reads");
    assert!(asked.is_none());
    let unknown = act(&mut world, |cx| Asked::read(cx, PoolId::new(99)));
    let error = ExchangeUnknownPool { poolId: 99 };
    assert_eq!(
        unknown.map(|asked| asked.is_some()),
        Err(Halt::revert(&error))
    );
}
