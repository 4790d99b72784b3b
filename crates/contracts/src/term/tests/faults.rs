//! Every verb and function, broken at every touch of the store and below every gas limit: no traces.

use super::*;
use crate::testkit::fault::{check_every_fault, check_every_fault_of};

#[test]
fn every_fault_leaves_no_trace() {
    let mut scene = Scene::new();
    let (asset, terms) = (scene.id, terms(scene.id));
    let first = scene.lend(&terms, 12_000);
    scene.lend(&terms, 24_000);
    let offer = scene.offer(&terms, 9_000).expect("offered");
    scene.world.wait_ms(MONTH_MS * 2 + 20 * DAY_MS);
    let approve = IErc20::approveCall {
        spender: ADDRESS,
        value: n(5_000),
    };
    scene.world.ok(ALICE, scene.token, &approve);
    let world = &scene.world;
    let work = |work: &dyn Fn(&mut Ctx<'_>) -> Result<(), Halt>| {
        check_every_fault_of(world, ROOM, ROOM, work);
    };
    work(&|cx| term::offer(cx, ALICES, &terms, a(5_000)).map(|_| ()));
    work(&|cx| term::cancel_offer(cx, ALICES, offer).map(|_| ()));
    work(&|cx| term::take(cx, CAROLS, offer, a(4_000)).map(|_| ()));
    work(&|cx| term::take(cx, CAROLS, offer, a(9_000)).map(|_| ()));
    for amount in [1, 1_500, 5_000, RICH] {
        work(&|cx| term::repay(cx, BOBS, first, a(amount)).map(|_| ()));
    }
    work(&|cx| term::settle(cx, asset, CAROLS, BOBS, a(RICH)).map(|_| ()));
    work(&|cx| term::move_loans(cx, asset, BOBS, CAROLS));
    work(&|cx| term::write_off(cx, BOBS, asset).map(|_| ()));
    work(&|cx| term::transfer_claim(cx, first, ALICES, CAROLS));
    let verb = |caller, input: Vec<u8>| check_every_fault(world, caller, ADDRESS, &input);
    let amount = n(5_000);
    let call = offerCall {
        terms: terms.clone(),
        amount,
        index: 1,
    };
    verb(ALICE, call.abi_encode());
    verb(ALICE, cancelOfferCall { id: offer }.abi_encode());
    let give = transferClaimCall {
        id: first,
        to: CAROL,
        index: 0,
    };
    verb(ALICE, give.abi_encode());
    verb(OWNER, pauseCall { verbs: 3 }.abi_encode());
}
