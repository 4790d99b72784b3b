//! Listing by the ids of its invariants.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolError};
use capstan_state::Halt;

use super::{
    ADDRESS,
    IListing::{Asset, Border, Collateral, Feed, Listed, Market, listCall},
    SCOPES,
};
use crate::{
    account::{self, IAccount},
    admin::{self, IAdmin},
    ledger::{self, ILedger},
    lending::{self, ILending, SEED_MIN},
    oracle::{self, IOracle},
    testkit::{
        ALICE, OWNER, World,
        fault::check_every_fault,
        foreign::{Token, Whim},
        words,
    },
};

const USD: u128 = 1_000_000_000_000_000_000;
const RICH: u128 = 1_000_000_000;

fn n(value: u128) -> U256 {
    U256::from(value)
}

fn asset(token: Address) -> Asset {
    Asset {
        token,
        border: Border {
            windowS: 86_400,
            shareBps: 2_000,
            floor: n(RICH),
        },
        feed: Feed {
            description: "TT / USD".into(),
            referencePrice: 20 * USD,
            quorum: 2,
            reacceptRounds: 3,
            bandBps: 500,
            bandWidenBpsPerMin: 100,
            confidenceBpsMax: 200,
            growthBpsPerYear: 0,
            staleMs: 60_000,
            smoothMs: 300_000,
            outageMs: 600_000,
            graceMs: 60_000,
            stillMs: 0,
        },
        market: Market {
            seed: n(SEED_MIN),
            reserveFactorBps: 1_000,
            supplyCap: n(RICH),
            borrowCap: n(RICH / 2),
            rateModel: 0,
            baseBps: 10,
            slope1Bps: 400,
            slope2Bps: 6_000,
            optimalBps: 8_000,
        },
        collateral: Collateral {
            initialBps: 7_000,
            maintenanceBps: 7_500,
            categoryInitialBps: 0,
            categoryMaintenanceBps: 0,
            discountMaxBps: 500,
            category: 0,
            isolated: true,
            depositCap: n(RICH / 4),
        },
    }
}

/// A world with a token of which the owner has some.
fn world() -> (World, Address) {
    let (mut world, token) = World::with_token();
    world.mint(token, OWNER, RICH);
    (world, token)
}

fn list(token: Address) -> listCall {
    listCall {
        asset: asset(token),
    }
}

/// LIST-1: everything stands, each part as it was said.
#[test]
fn list_1_a_listing_is_whole() {
    let (mut world, token) = world();
    let call = list(token);
    let answer = world.ok(OWNER, ADDRESS, &call);
    let event: Listed = world.last_event(ADDRESS);
    let id = answer.assetId;
    assert_eq!((event.assetId, event.token), (id, token));
    assert_eq!(
        (event.feed, event.shareToken),
        (answer.feed, answer.shareToken)
    );
    assert_eq!(
        world.view(ledger::ADDRESS, &ILedger::assetOfCall { token }),
        id
    );
    let limit = world.view(
        ledger::ADDRESS,
        &ILedger::outflowLimitOfCall { assetId: id },
    );
    assert_eq!(limit.present, (&call.asset.border).into());
    let feed = world.view(oracle::ADDRESS, &IOracle::feedOfCall { assetId: id });
    assert_eq!(feed.description, call.asset.feed.description);
    let params = world.view(oracle::ADDRESS, &IOracle::feedParamsOfCall { assetId: id });
    let wanted: oracle::FeedParams = (&call.asset.feed).into();
    assert_eq!(params.current, wanted.into());
    let params = world.view(lending::ADDRESS, &ILending::paramsOfCall { assetId: id });
    assert_eq!(params.present, (&call.asset.market).into());
    let market = world.view(lending::ADDRESS, &ILending::marketCall { assetId: id });
    assert_eq!(market.supplied, call.asset.market.seed);
    let counts = world.view(
        account::ADDRESS,
        &IAccount::collateralOfCall { assetId: id },
    );
    assert_eq!(counts.now, (&call.asset.collateral).into());
    assert_eq!(world.balance(token, OWNER), n(RICH - SEED_MIN));
}

/// LIST-1: every part that is out of range is refused in its own words, with its numbers, and leaves no trace.
#[test]
fn list_1_what_is_out_of_range_leaves_no_trace() {
    #[track_caller]
    fn check<E: SolError>(wrong: impl FnOnce(&mut Asset), error: E) {
        let (mut world, token) = world();
        let mut call = list(token);
        wrong(&mut call.asset);
        world.refused(OWNER, ADDRESS, &call, &error);
    }
    let ledger = |what: &str, value, min, max| ILedger::LedgerLimitOutOfRange {
        what: what.into(),
        value: n(value),
        min: n(min),
        max: n(max),
    };
    let oracle = |name: &str, value, min, max| IOracle::OracleParamOutOfRange {
        name: name.into(),
        value: n(value),
        min: n(min),
        max: n(max),
    };
    let lending = |what: &str, value, min, max| ILending::LendingParamOutOfRange {
        what: what.into(),
        value,
        min: n(min),
        max: n(max),
    };
    let account = |what: &str, value, max| IAccount::AccountCollateralInvalid {
        what: what.into(),
        value: n(value),
        max: n(max),
    };
    let widest = capstan_units::Assets::MAX.get();
    check(
        |a| a.border.windowS = 59,
        ledger("windowS", 59, 60, 604_800),
    );
    check(
        |a| a.border.shareBps = 10_001,
        ledger("shareBps", 10_001, 0, 10_000),
    );
    check(|a| a.feed.quorum = 0, oracle("quorum", 0, 1, 16));
    check(
        |a| a.feed.outageMs = 59_999,
        oracle("outageMs", 59_999, 60_000, 604_800_000),
    );
    check(
        |a| a.feed.referencePrice = 0,
        IOracle::OraclePriceOutOfRange {
            price: 0,
            max: capstan_units::Price::MAX.get(),
        },
    );
    check(
        |a| a.market.reserveFactorBps = 10_001,
        lending("reserveFactorBps", n(10_001), 0, 10_000),
    );
    check(
        |a| a.market.supplyCap = n(widest + 1),
        lending("supplyCap", n(widest + 1), 0, widest),
    );
    check(
        |a| a.market.optimalBps = 9_901,
        lending("optimalBps", n(9_901), 100, 9_900),
    );
    check(
        |a| a.market.seed = U256::MAX,
        lending("seed", U256::MAX, SEED_MIN, widest),
    );
    check(
        |a| a.market.seed = n(SEED_MIN - 1),
        ILending::LendingSeedTooSmall {
            seed: n(SEED_MIN - 1),
            min: n(SEED_MIN),
        },
    );
    check(
        |a| a.collateral.initialBps = 7_501,
        account("initialBps", 7_501, 7_500),
    );
    check(
        |a| a.collateral.maintenanceBps = 9_401,
        account("maintenanceBps", 9_401, 9_400),
    );
}

/// LIST-1: neither a token that lies nor a number that has a feed leaves half an asset.
#[test]
fn list_1_what_stands_in_the_way_leaves_no_trace() {
    let mut world = World::new();
    let token = Token::deploy(&mut world, Whim::Honest);
    token.give(&mut world, OWNER, RICH);
    token.allow_to(&mut world, OWNER, ADDRESS);
    let call = list(token.address);
    for whim in [Whim::Reverts, Whim::False, Whim::Liar, Whim::Fee, Whim::Two] {
        token.becomes(whim);
        let before = world.state();
        let refused = world.call(OWNER, ADDRESS, &call);
        assert!(matches!(refused, Err(Halt::Revert(_))), "{whim:?}");
        assert_eq!(world.state(), before, "{whim:?}");
    }
    token.becomes(Whim::Honest);
    let mut early = world.clone();
    let feed = IOracle::listFeedCall {
        assetId: 0,
        description: "early".into(),
        referencePrice: USD,
        params: oracle::FeedParams::from(&call.asset.feed).into(),
    };
    early.ok(OWNER, oracle::ADDRESS, &feed);
    early.refused(
        OWNER,
        ADDRESS,
        &call,
        &IOracle::OracleFeedListed { assetId: 0 },
    );
    assert_eq!(world.ok(OWNER, ADDRESS, &call).assetId, 0);
    let again = ILedger::LedgerListedAlready {
        token: token.address,
        assetId: 0,
    };
    world.refused(OWNER, ADDRESS, &call, &again);
}

/// LIST-1
#[test]
fn list_1_every_fault_undoes_it() {
    let (world, token) = world();
    check_every_fault(&world, OWNER, ADDRESS, &list(token).abi_encode());
}

/// LIST-2: whoever lacks one of the scopes does not list.
#[test]
fn list_2_only_the_owner_of_all_scopes() {
    let (mut world, token) = world();
    let call = list(token);
    let not_owner = |scope, caller, owner| IAdmin::AdminNotOwner {
        scope,
        caller,
        owner,
    };
    world.refused(ALICE, ADDRESS, &call, &not_owner(SCOPES[0], ALICE, OWNER));
    for scope in SCOPES {
        let mut world = world.clone();
        let offer = IAdmin::offerOwnershipCall {
            scope,
            newOwner: ALICE,
        };
        world.ok(OWNER, admin::ADDRESS, &offer);
        world.ok(
            ALICE,
            admin::ADDRESS,
            &IAdmin::acceptOwnershipCall { scope },
        );
        world.refused(OWNER, ADDRESS, &call, &not_owner(scope, OWNER, ALICE));
    }
    world.ok(OWNER, ADDRESS, &call);
}

/// LIST-3: one step and four steps make the same words.
#[test]
fn list_3_as_the_four_verbs() {
    let (world, token) = world();
    let (mut one, mut four) = (world.clone(), world);
    let call = list(token);
    one.ok(OWNER, ADDRESS, &call);

    let Asset {
        border,
        feed,
        market,
        collateral,
        ..
    } = &call.asset;
    let limit = border.into();
    four.ok(
        OWNER,
        ledger::ADDRESS,
        &ILedger::listAssetCall { token, limit },
    );
    let list_feed = IOracle::listFeedCall {
        assetId: 0,
        description: feed.description.clone(),
        referencePrice: feed.referencePrice,
        params: oracle::FeedParams::from(feed).into(),
    };
    four.ok(OWNER, oracle::ADDRESS, &list_feed);
    let list_market = ILending::listMarketCall {
        assetId: 0,
        params: market.into(),
        seed: market.seed,
    };
    four.ok(OWNER, lending::ADDRESS, &list_market);
    let count = IAccount::setCollateralCall {
        assetId: 0,
        collateral: collateral.into(),
        rampMs: 0,
    };
    four.ok(OWNER, account::ADDRESS, &count);

    let stored = |world: &World| world.store.words().collect::<Vec<_>>();
    assert_eq!(stored(&one), stored(&four));
}

/// Dirty or short calldata is refused like anywhere.
#[test]
fn bad_calldata_is_refused() {
    let (mut world, token) = world();
    let mut input = list(token).abi_encode();
    input.truncate(input.len() - 32);
    let refused = world.raw(OWNER, ADDRESS, U256::ZERO, &input);
    let Err(Halt::Revert(data)) = refused else {
        panic!("{refused:?}");
    };
    let said = words(&Halt::Revert(Bytes::from(data.to_vec())));
    assert!(said.contains("NativeBadCalldata"), "{said}");
}
