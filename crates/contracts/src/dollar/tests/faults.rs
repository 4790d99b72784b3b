//! Every verb and function, broken at every touch of the store and below every gas limit: no traces.

use super::{
    redemption::{redeemable, request},
    swaps::{into, out, pegged},
    *,
};
use crate::testkit::fault::{check_every_fault, check_every_fault_of};

#[test]
fn every_fault_of_a_debt_leaves_no_trace() {
    let mut scene = Scene::new(params());
    scene.mint(ALICES, 10_000 * USD).expect("minted");
    scene.mint_to_wallet(BOBS, 10_000 * USD);
    let deposit = IErc4626::depositCall {
        assets: n(1_000 * USD),
        receiver: BOB,
    };
    scene.world.ok(BOB, saved::ADDRESS, &deposit);
    scene.world.wait_ms(DAY_MS * 30);
    let world = &scene.world;
    let work = |work: &dyn Fn(&mut Ctx<'_>) -> Result<(), Halt>| {
        check_every_fault_of(world, ROOM, ROOM, work);
    };
    work(&|cx| dollar::mint(cx, CAROLS, a(USD)).map(|_| ()));
    work(&|cx| dollar::repay(cx, ALICES, BOBS, a(USD)).map(|_| ()));
    work(&|cx| dollar::write_off(cx, ALICES).map(|_| ()));
    work(&|cx| dollar::move_debt(cx, ALICES, BOBS, DebtShares::new(5)?));
    let verb = |caller, target, input: Vec<u8>| check_every_fault(world, caller, target, &input);
    verb(BOB, ADDRESS, accrueCall {}.abi_encode());
    verb(BOB, saved::ADDRESS, deposit.abi_encode());
    let withdraw = IErc4626::withdrawCall {
        assets: n(USD),
        receiver: ALICE,
        owner: BOB,
    };
    verb(BOB, saved::ADDRESS, withdraw.abi_encode());
    let params = DollarParams {
        stabilityBps: 1,
        ..params()
    };
    verb(OWNER, ADDRESS, setParamsCall { params }.abi_encode());
    verb(OWNER, ADDRESS, pauseCall { verbs: 5 }.abi_encode());
}

#[test]
fn every_fault_of_a_swap_leaves_no_trace() {
    let (mut scene, _, id) = pegged(peg_params());
    scene.world.ok(ALICE, ADDRESS, &into(id, 1_000_000_000));
    scene.world.wait_ms(1_000);
    let verb = |caller, input: Vec<u8>| check_every_fault(&scene.world, caller, ADDRESS, &input);
    verb(ALICE, into(id, 1_000_000).abi_encode());
    verb(ALICE, out(id, USD).abi_encode());
    let set = setPegCall {
        assetId: id.get(),
        params: PegParams {
            feeInBps: 1,
            ..peg_params()
        },
    };
    verb(OWNER, set.abi_encode());
}

#[test]
fn every_fault_of_a_redemption_leaves_no_trace() {
    let (mut scene, weth) = redeemable();
    for who in [BOB, CAROL, BOB] {
        scene.world.ok(who, ADDRESS, &request(1_000 * USD));
    }
    scene.world.wait_ms(1_000);
    let world = &scene.world;
    let verb = |caller, input: Vec<u8>| check_every_fault(world, caller, ADDRESS, &input);
    verb(BOB, request(500 * USD).abi_encode());
    verb(CAROL, cancelRedemptionCall { id: 2 }.abi_encode());
    for amount in [500, 950] {
        check_every_fault_of(world, ROOM, ROOM, &|cx| {
            dollar::fulfil(cx, 1, ALICES, weth, a(amount * USD)).map(|_| ())
        });
    }
}

#[test]
fn every_fault_of_the_opening_leaves_no_trace() {
    let mut world = World::new();
    world.answer_calls(native(token::KIND, 1));
    let open = openCall { params: params() };
    check_every_fault(&world, OWNER, ADDRESS, &open.abi_encode());
}
