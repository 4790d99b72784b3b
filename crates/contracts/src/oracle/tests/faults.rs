//! Every verb, broken at every point where it can break.

use super::*;

#[test]
fn every_fault_leaves_no_traces() {
    use alloy_sol_types::SolCall;
    let scene = Scene::priced(PARAMS);
    let list = listFeedCall {
        assetId: 2,
        description: "x".into(),
        referencePrice: USD,
        params: PARAMS,
    };
    check_every_fault(&scene.world, OWNER, ORACLE, &list.abi_encode());
    let tune = setFeedParamsCall {
        assetId: WETH,
        params: IOracle::FeedParams {
            bandBps: 600,
            ..PARAMS
        },
    };
    check_every_fault(&scene.world, OWNER, ORACLE, &tune.abi_encode());
    let reporter = R[0];
    check_every_fault(
        &scene.world,
        OWNER,
        ORACLE,
        &removeReporterCall { reporter }.abi_encode(),
    );

    // The block's own transaction, at every gas limit of a dense sample.
    let mut scene = scene;
    scene.world.wait_ms(1_000);
    let reports = R.map(|reporter| scene.signed(reporter, 2_001 * USD));
    let input = oracle::encode_reports(&reports);
    let before = scene.world.state();
    let used = {
        let mut world = scene.world.clone();
        world.system(SystemKind::Prices, &input).expect("works");
        world.store.gas_used()
    };
    println!("three reports of one asset: {used} gas");
    for gas_limit in (0..used).step_by((used / 512) as usize) {
        let mut world = scene.world.clone();
        let result = world.system_limited(gas_limit, SystemKind::Prices, &input);
        assert!(result.is_err(), "{gas_limit} of {used} gas sufficed");
        assert_eq!(
            world.state(),
            before,
            "traces with {gas_limit} of {used} gas"
        );
    }
}
