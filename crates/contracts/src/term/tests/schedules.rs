//! Schedules beside exact rationals, over random and extreme terms.

use super::*;
use crate::testkit::dice::Dice;

fn plan(world: &World, terms: &OfferTerms, principal: u128) -> Vec<Instalment> {
    let call = planCall {
        terms: terms.clone(),
        principal: n(principal),
    };
    world.view(ADDRESS, &call)
}

/// `balance * bps * seconds / (10^4 * year)`, up.
fn interest(balance: U256, bps: u32, period_s: u32) -> U256 {
    let over = balance * U256::from(bps) * U256::from(period_s);
    over.div_ceil(n(10_000 * 31_536_000))
}

/// A unit for each instalment, each with all interest that could run on it.
fn roundings(terms: &OfferTerms) -> U256 {
    let ray = n(10).pow(n(27));
    let mut grown = ray;
    for _ in 0..terms.instalments {
        grown += interest(grown, terms.rateBps, terms.periodS);
    }
    U256::from(terms.instalments) * grown.div_ceil(ray)
}

fn random(dice: &mut Dice, id: AssetId) -> OfferTerms {
    let kind = u8::try_from(dice.below(3)).expect("small");
    let small = |value: u128| u32::try_from(value).expect("small");
    let period_s = small(match dice.below(4) {
        0 => 3_600,
        1 => 31_536_000,
        _ => 3_600 + dice.below(31_532_400),
    });
    OfferTerms {
        amortisation: kind,
        instalments: u16::try_from(1 + dice.below(120)).expect("small"),
        rateBps: small(match dice.below(4) {
            0 => 0,
            1 => 10_000,
            _ => dice.below(10_000),
        }),
        periodS: period_s,
        graceS: small(dice.below(period_s.into())).min(1_000_000),
        defaultS: 2_000_000,
        ..terms(id)
    }
}

/// TERM-1: parts sum up, interest is that of the balance rounded up, annuities are level.
#[test]
fn term_1_the_parts_of_a_schedule_sum_up() {
    let scene = Scene::new();
    let mut dice = Dice::new("term::tests::schedules");
    for round in 0..2_000 {
        let terms = random(&mut dice, scene.id);
        let principal = 1 + dice.amount(Assets::MAX.get() / 1_000_000);
        let plan = plan(&scene.world, &terms, principal);
        assert_eq!(plan.len(), usize::from(terms.instalments));
        let mut balance = n(principal);
        let stated = plan[0].principal + plan[0].interest;
        for (at, one) in plan.iter().enumerate() {
            let is_last = at + 1 == plan.len();
            let cost = interest(balance, terms.rateBps, terms.periodS);
            assert_eq!(one.interest, cost, "round {round}, {at}: {terms:?}");
            balance -= one.principal;
            assert_eq!(one.balance, balance);
            let sum = one.principal + one.interest;
            match terms.amortisation {
                0 if !is_last => {
                    let part = principal / u128::from(terms.instalments);
                    assert_eq!(one.principal, n(part));
                }
                1 if !is_last => assert!(sum <= stated, "round {round}, {at}: {terms:?}"),
                2 if !is_last => assert_eq!(one.principal, n(0)),
                _ => {}
            }
        }
        assert_eq!(balance, n(0), "round {round}");
        // The last payment of an annuity takes what each rounding of interest left, with its interest since.
        let last = plan.last().expect("one");
        if terms.amortisation == 1 {
            let most = stated + roundings(&terms);
            assert!(
                last.principal + last.interest <= most,
                "round {round}: {} after {stated}, {terms:?}",
                last.principal + last.interest
            );
        }
    }
}

/// 100,000 at 6 % in 360 / 12 months: what every calculator says, with months of a twelfth of a year.
#[test]
fn term_1_an_annuity_is_what_calculators_say() {
    let scene = Scene::new();
    let terms = OfferTerms {
        amortisation: 1,
        instalments: 12,
        rateBps: 600,
        periodS: 2_628_000,
        ..terms(scene.id)
    };
    let plan = plan(&scene.world, &terms, 100_000_000_000);
    let sums: Vec<U256> = plan
        .iter()
        .map(|one| one.principal + one.interest)
        .collect();
    // 8,606.642971 for 100,000.
    assert!(
        sums[..11].iter().all(|sum| *sum == n(8_606_642_971)),
        "{sums:?}"
    );
    assert!(sums[11].abs_diff(sums[0]) <= n(12), "{sums:?}");
}

/// The ends of all ranges at once do not overflow, and can be paid.
#[test]
fn term_6_extreme_loans_can_be_paid() {
    for (kind, rate_bps, instalments, period_s) in [
        (0, 10_000, 120, 31_536_000),
        (1, 10_000, 120, 31_536_000),
        (1, 1, 120, 3_600),
        (2, 10_000, 120, 31_536_000),
        (1, 0, 1, 3_600),
    ] {
        for principal in [1, 2, 119, RICH / 1_000_000, RICH] {
            let mut scene = Scene::new();
            let terms = OfferTerms {
                amortisation: kind,
                rateBps: rate_bps,
                instalments,
                periodS: period_s,
                lateBps: 10_000,
                graceS: 0,
                defaultS: 0,
                least: n(1),
                ..terms(scene.id)
            };
            let id = scene.lend(&terms, principal);
            scene.world.wait_ms(u64::from(period_s) * 1_000 * 200);
            let owed = scene.owed(BOBS);
            assert!(owed >= principal);
            scene.world.mint(scene.token, BOB, owed);
            let asset = scene.id;
            scene
                .world
                .inside(ROOM, BOB, |cx| ledger::pull(cx, asset, BOB, BOBS, a(owed)))
                .expect("pulled");
            let paid = scene.repay(id, owed).expect("paid");
            assert_eq!(paid.total().expect("small"), a(owed));
            assert_eq!(scene.owed(BOBS), 0);
        }
    }
}
