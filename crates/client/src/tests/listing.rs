//! Files that describe assets, as data.

use alloy_primitives::U256;
use capstan_contracts::{ether, listing::IListing};

use crate::{AssetFile, EXAMPLE};

/// The example with some of its text replaced.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(EXAMPLE.matches(from).count(), 1, "`{from}`");
    EXAMPLE.replace(from, to)
}

fn read(text: &str) -> Result<IListing::Asset, String> {
    let file = AssetFile::read(text).map_err(|error| error.to_string())?;
    file.asset(6).map_err(|error| error.to_string())
}

#[track_caller]
fn refuses(from: &str, to: &str, expected: &str) {
    let error = read(&changed(from, to)).expect_err(to);
    assert!(error.contains(expected), "no `{expected}` in {error}");
}

/// CLI-8
#[test]
fn the_example_says_everything() {
    let units = |whole: u64| U256::from(whole) * U256::from(1_000_000);
    let expected = IListing::Asset {
        token: "0x5FbDB2315678afecb367f032d93F642f64180aa3"
            .parse()
            .expect("an address"),
        border: IListing::Border {
            windowS: 86_400,
            shareBps: 2_000,
            floor: units(100_000),
        },
        feed: IListing::Feed {
            description: "TT / USD".into(),
            referencePrice: 1_000_000_000_000_000_000,
            quorum: 1,
            reacceptRounds: 3,
            bandBps: 500,
            bandWidenBpsPerMin: 100,
            confidenceBpsMax: 200,
            growthBpsPerYear: 0,
            staleMs: 60_000,
            smoothMs: 300_000,
            outageMs: 600_000,
            graceMs: 300_000,
            stillMs: 0,
        },
        market: IListing::Market {
            seed: units(1),
            reserveFactorBps: 1_000,
            supplyCap: units(1_000_000),
            borrowCap: units(900_000),
            rateModel: 0,
            baseBps: 0,
            slope1Bps: 500,
            slope2Bps: 6_000,
            optimalBps: 9_000,
        },
        collateral: IListing::Collateral {
            initialBps: 7_500,
            maintenanceBps: 8_000,
            categoryInitialBps: 0,
            categoryMaintenanceBps: 0,
            discountMaxBps: 500,
            category: 0,
            isolated: false,
            depositCap: units(2_000_000),
        },
    };
    assert_eq!(read(EXAMPLE), Ok(expected));
    // What stands behind `#` is said as well, once it is not.
    let more = EXAMPLE
        .replace("# growth", "growth")
        .replace("# still", "still");
    let more = more.replace("# category", "category");
    let said = read(&more).expect("well said");
    assert_eq!(
        (
            said.feed.growthBpsPerYear,
            said.feed.stillMs,
            said.collateral.category
        ),
        (1_200, 86_400_000, 1)
    );
    assert_eq!(
        (
            said.collateral.categoryInitialBps,
            said.collateral.categoryMaintenanceBps
        ),
        (9_000, 9_300)
    );
}

/// CLI-8
#[test]
fn other_ways_to_say_it() {
    let coin = read(&changed(
        "\"0x5FbDB2315678afecb367f032d93F642f64180aa3\"",
        "\"coin\"",
    ));
    assert_eq!(coin.expect("the coin").token, ether::ADDRESS);
    let adaptive = changed(
        "{ base = \"0%\", slope1 = \"5%\", slope2 = \"60%\", optimal = \"90%\" }",
        "\"adaptive\"",
    );
    let adaptive = read(&adaptive).expect("well said").market;
    assert_eq!((adaptive.rateModel, adaptive.optimalBps), (1, 0));
    let whole = read(&changed("supply_cap = \"1_000_000\"", "supply_cap = 5"));
    assert_eq!(
        whole.expect("a number").market.supplyCap,
        U256::from(5_000_000)
    );
    let (without, _) = EXAMPLE.split_once("[collateral]").expect("two halves");
    let none = read(without).expect("no collateral").collateral;
    assert_eq!((none.initialBps, none.maintenanceBps), (0, 0));
}

/// CLI-8: nothing is rounded, guessed or left out.
#[test]
fn what_is_not_said_well_is_refused() {
    refuses("seed = \"1\"", "seed = \"0.0000001\"", "only 6 are counted");
    refuses("seed = \"1\"", "seed = 0.5", "needs quotes");
    refuses("seed = \"1\"", "sead = \"1\"", "sead");
    refuses("seed = \"1\"", "", "seed");
    refuses("band = \"5%\"", "band = \"5.001%\"", "price.band");
    refuses("share = \"20%\"", "share = \"-1%\"", "border.share");
    refuses("share = \"20%\"", "share = \"999999%\"", "too large");
    refuses(
        "window = \"1day\"",
        "window = \"soon\"",
        "border.window = `soon` is no time",
    );
    refuses(
        "stale = \"1min\"",
        "stale = \"60days\"",
        "price.stale = `60days` is too large",
    );
    refuses(
        "\"0x5FbDB2315678afecb367f032d93F642f64180aa3\"",
        "\"usdc\"",
        "is no token",
    );
    refuses(
        "{ base = \"0%\", slope1 = \"5%\", slope2 = \"60%\", optimal = \"90%\" }",
        "\"linear\"",
        "adaptive",
    );
}
