use super::*;
use crate::feed::{Simulated, parse_price};

const ETH: u32 = 0;
const DOLLAR: u32 = 1;
const STAKED: u32 = 4;

fn settings(volatility: f64) -> MarketSettings {
    let asset = |asset_id, price| Simulated {
        asset_id,
        price,
        volatility,
    };
    MarketSettings {
        seed: 7,
        every: Duration::from_secs(1),
        correlation: 0.6,
        jumps_per_day: 0.0,
        jump_size: 0.0,
        assets: vec![asset(ETH, 3_000.0), asset(DOLLAR, 1.0)],
    }
}

fn living(volatility: f64) -> (Living, Hand) {
    let claim = Claim {
        asset_id: STAKED,
        of: ETH,
        rate: 1.05,
        growth: 0.03,
    };
    Living::new(settings(volatility), vec![claim]).expect("settings")
}

fn price_of(quotes: &[Quote], asset_id: u32) -> u128 {
    let quote = quotes.iter().find(|quote| quote.asset_id == asset_id);
    quote.expect("a quote").price
}

fn dollars(text: &str) -> u128 {
    parse_price(text).expect("a price")
}

fn shock(asset_id: u32, to: &str, seconds: u64) -> Shock {
    Shock {
        asset_id,
        to: to.parse().expect("a target"),
        over: Duration::from_secs(seconds),
    }
}

/// WORLD-2
#[test]
fn world_2_still_prices_stand_to_the_unit_until_a_shock() {
    let (mut still, hand) = living(0.0);
    for _ in 0..1_000 {
        let quotes = still.step().expect("quotes");
        assert_eq!(price_of(&quotes, ETH), dollars("3000"));
    }
    hand.begin(&shock(DOLLAR, "0.9", 2)).expect("begins");
    still.step().expect("quotes");
    let quotes = still.step().expect("quotes");
    assert_eq!(price_of(&quotes, DOLLAR), dollars("0.9"));
    assert_eq!(price_of(&quotes, ETH), dollars("3000"));
}

/// WORLD-3
#[test]
fn world_3_a_shock_reports_the_path_that_it_told_and_ends_there() {
    for volatility in [0.0, 0.8] {
        let (mut living, hand) = living(volatility);
        let before = living.step().expect("quotes");
        let path = hand.begin(&shock(ETH, "-40%", 60)).expect("begins");
        assert_eq!(path.from, price_of(&before, ETH));
        assert_eq!((path.prices.len(), &path.followers), (60, &vec![STAKED]));
        for (at, told) in path.prices.iter().enumerate() {
            assert_eq!(hand.running(), [(ETH, 60 - at)]);
            let quotes = living.step().expect("quotes");
            assert_eq!(price_of(&quotes, ETH), *told);
            let staked = price_of(&quotes, STAKED) as f64 / *told as f64;
            assert!((1.05..1.050001).contains(&staked), "{staked}");
        }
        let (from, to) = (
            path.from as f64,
            *path.prices.last().expect("a last") as f64,
        );
        assert!((to / from - 0.6).abs() < 1e-9, "{from} {to}");
        // No step is wider than another, so the band sees sixty small moves.
        for pair in path.prices.windows(2) {
            let step = pair[1] as f64 / pair[0] as f64;
            assert!((step - 0.6_f64.powf(1.0 / 60.0)).abs() < 1e-9, "{step}");
        }
        assert!(hand.running().is_empty());
        let after = price_of(&living.step().expect("quotes"), ETH);
        assert_eq!(
            after == *path.prices.last().expect("a last"),
            volatility == 0.0
        );
    }
}

/// WORLD-1: the same seed and the same shocks give the same prices.
#[test]
fn world_1_the_seed_decides_everything() {
    let walk = || {
        let (mut living, hand) = living(0.8);
        let mut all = Vec::new();
        for at in 0..50 {
            if at == 10 {
                hand.begin(&shock(ETH, "+15%", 20)).expect("begins");
            }
            all.push(living.step().expect("quotes"));
        }
        all
    };
    assert_eq!(walk(), walk());
}

#[test]
fn targets_are_changes_or_prices() {
    for (text, expected) in [
        ("-40%", Ok(Target::Change(-0.4))),
        ("+12.5%", Ok(Target::Change(0.125))),
        ("1800", Ok(Target::Price(1_800.0))),
        ("0.95", Ok(Target::Price(0.95))),
        ("-1800", Err(())),
        ("-100%", Err(())),
        ("0", Err(())),
        ("nan", Err(())),
        ("inf%", Err(())),
        ("", Err(())),
        ("%", Err(())),
        ("40%", Err(())),
    ] {
        assert_eq!(text.parse::<Target>().map_err(|_| ()), expected, "{text}");
    }
    let told = "40 %".parse::<Target>().expect_err("no sign");
    assert!(told.ends_with("write -40% or +40%"), "{told}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let (_living, hand) = living(0.0);
    for (shock, why) in [
        (shock(STAKED, "-40%", 60), "priced by its rate to asset 0"),
        (shock(9, "-40%", 60), "asset 9 has no price"),
        (shock(ETH, "0.001", 60), "at most 1000 times"),
        (shock(ETH, "-95%", 0), "never accepts ten"),
        (shock(ETH, "-40%", 4_000), "at most 3600 reports"),
    ] {
        let error = hand.begin(&shock).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
    assert!(hand.running().is_empty());
    // At once is one report.
    let path = hand.begin(&shock(ETH, "-40%", 0)).expect("begins");
    assert_eq!(path.prices, [dollars("1800")]);
}
