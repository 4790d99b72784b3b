//! Random offers, loans and payments beside a model that keeps every instalment by itself and every moment as a
//! fraction, and predicts every answer (TERM-3, TERM-4, TERM-5, TERM-6, TERM-7, TERM-13).

use std::collections::BTreeMap;

use super::*;
use crate::testkit::{
    clerk::{Clerk, YEAR_MS, level},
    dice::Dice,
    steps,
};

/// Steps of one world.
const PLAY: u32 = 1_500;
/// Transactions between looks at the whole world.
const SWEEP: u32 = 500;
const PEOPLE: [AccountId; 3] = [ALICES, BOBS, CAROLS];
struct Model {
    free: BTreeMap<AccountId, U256>,
    loans: BTreeMap<u64, Clerk>,
    made: u64,
}

fn random_terms(dice: &mut Dice, id: AssetId) -> OfferTerms {
    let small = |value: u128| u32::try_from(value).expect("small");
    let period_s = small(dice.of(&[3_600, 86_400, 604_800, 2_592_000]));
    OfferTerms {
        amortisation: u8::try_from(dice.below(3)).expect("small"),
        instalments: u16::try_from(1 + dice.below(14)).expect("small"),
        rateBps: small(dice.below(10_001)),
        lateBps: small(dice.below(10_001)),
        periodS: period_s,
        graceS: small(dice.below(period_s.into())),
        defaultS: period_s + small(dice.below(1_000_000)),
        earlyFeeBps: u16::try_from(dice.below(1_001)).expect("small"),
        least: n(1),
        ..terms(id)
    }
}

fn compare(scene: &mut Scene, model: &Model, step: u32) {
    for who in PEOPLE {
        assert_eq!(
            n(scene.free(who)),
            model.free[&who],
            "step {step}, units of {who}"
        );
    }
    let asset = scene.id;
    for (id, clerk) in &model.loans {
        let loan = scene.loan(*id);
        let seen = [loan.balance, loan.accrued, loan.due, loan.late, loan.owed];
        let kept = [
            clerk.balance,
            clerk.accrued(),
            clerk.due(),
            clerk.late(),
            clerk.owed(),
        ];
        assert_eq!(seen, kept, "step {step}, loan {id}: {clerk:?}");
        assert_eq!(loan.defaultMs, clerk.default_ms(), "step {step}, loan {id}");
        let is_late = !clerk.bills.is_empty() && clerk.seen_ms > clerk.default_ms();
        assert_eq!(loan.inDefault, is_late, "step {step}, loan {id}");
    }
    for who in PEOPLE {
        let owed: U256 = model
            .loans
            .values()
            .filter(|clerk| clerk.borrower == who)
            .map(|clerk| clerk.owed() + clerk.early_fee())
            .sum();
        let line = scene
            .act(|cx| InTerm.assess(cx, who, asset))
            .expect("reads");
        assert_eq!(line.owed.to_u256(), owed, "step {step}, debt of {who}");
    }
}

fn play(dice: &mut Dice, steps: u32, counts: &mut BTreeMap<&'static str, u32>) {
    let mut scene = Scene::new();
    scene.world.sweep_every = SWEEP;
    let asset = scene.id;
    let mut model = Model {
        free: PEOPLE.iter().map(|who| (*who, n(RICH))).collect(),
        loans: BTreeMap::new(),
        made: 0,
    };
    for step in 0..steps {
        let ms = dice.of(&[0, 1, 250, 3_600_000, 86_400_000, 400_000_000]);
        let before: U256 = model.loans.values().map(Clerk::owed).sum();
        scene.world.wait_ms(ms);
        let now_ms = scene.world.store.block_mut().time_ms;
        for clerk in model.loans.values_mut() {
            clerk.go(now_ms);
        }
        // TERM-7: nothing grows faster than the bound of each day, but for the unit of each rounding.
        let bound = scene
            .act(|cx| InTerm.drift_bound(cx, asset))
            .expect("reads");
        let after: U256 = model.loans.values().map(Clerk::owed).sum();
        let mut most = before;
        let mut left_ms = ms;
        while left_ms > 0 {
            let day_ms = left_ms.min(DAY_MS);
            let grown = most * bound.to_u256() * n(day_ms.into());
            most += grown.div_ceil(n(YEAR_MS) * n(10).pow(n(27)));
            left_ms -= day_ms;
        }
        let slack = n(16) * n(1 + u128::try_from(model.loans.len()).expect("small"));
        assert!(after <= most + slack, "TERM-7: step {step}");

        let (who, other) = (dice.of(&PEOPLE), dice.of(&PEOPLE));
        let ids: Vec<u64> = model.loans.keys().copied().collect();
        let has_room = model
            .loans
            .values()
            .filter(|clerk| clerk.borrower == who)
            .count()
            < 8;
        let verb = match dice.below(12) {
            0..=2 if has_room && who != other => "take",
            _ if ids.is_empty() => continue,
            3..=8 => "repay",
            9 => "settle",
            10 => "claim",
            _ if dice.below(10) == 0 => "write off",
            _ => "repay",
        };
        *counts.entry(verb).or_default() += 1;
        let id = if ids.is_empty() { 0 } else { dice.of(&ids) };
        match verb {
            "take" => {
                let terms = random_terms(dice, asset);
                let amount = 1 + dice.amount(1_000_000_000);
                let offer = scene.act(|cx| term::offer(cx, other, &terms, a(amount)));
                let taken = scene.take(who, offer.expect("offered"), amount);
                model.made += 1;
                assert_eq!(taken, Ok(model.made));
                *model.free.entry(other).or_default() -= n(amount);
                *model.free.entry(who).or_default() += n(amount);
                let clerk = Clerk {
                    step: level(&terms, n(amount), terms.instalments),
                    terms,
                    lender: other,
                    borrower: who,
                    start_ms: now_ms,
                    bills: vec![],
                    written: 0,
                    balance: n(amount),
                    from_ms: now_ms,
                    late: n(0),
                    seen_ms: now_ms,
                };
                model.loans.insert(model.made, clerk);
            }
            "repay" => {
                let clerk = model.loans.get_mut(&id).expect("there");
                let most = match dice.below(4) {
                    0 => clerk.owed() * n(2),
                    1 => clerk.due() + clerk.late(),
                    2 => clerk.accrued(),
                    _ => clerk.owed(),
                };
                let amount = 1 + dice.amount(most.to::<u128>());
                if model.free[&who] < n(amount) {
                    continue;
                }
                let fee_bps = clerk.terms.earlyFeeBps;
                let parts = clerk.pay(n(amount), fee_bps);
                let total: U256 = parts.iter().sum();
                assert!(total <= n(amount));
                let paid = scene.act(|cx| term::repay(cx, who, id, a(amount)));
                if total.is_zero() {
                    let small = TermTooSmall {
                        id,
                        amount: n(amount),
                        least: clerk.accrued() + n(1 + u128::from(fee_bps.min(1))),
                    };
                    assert_eq!(paid, Err(Halt::revert(&small)), "step {step}");
                    continue;
                }
                let paid = paid.unwrap_or_else(|halt| panic!("step {step}: {}", words(&halt)));
                let said = [paid.late, paid.due, paid.accrued, paid.principal, paid.fee];
                assert_eq!(said.map(Assets::to_u256), parts, "step {step}");
                let lender = clerk.lender;
                *model.free.entry(who).or_default() -= total;
                *model.free.entry(lender).or_default() += total;
                if clerk.owed().is_zero() {
                    model.loans.remove(&id);
                }
            }
            "settle" => {
                let borrower = model.loans[&id].borrower;
                let amount = 1 + dice.amount(2_000_000_000);
                let mut left = n(amount);
                if model.free[&who] < left {
                    continue;
                }
                let paid = scene.act(|cx| InTerm.repay(cx, asset, who, borrower, a(amount)));
                // Those in default first, then the oldest; a sort keeps the order of ids.
                let mut owed: Vec<_> = model
                    .loans
                    .values_mut()
                    .filter(|one| one.borrower == borrower)
                    .collect();
                owed.sort_by_key(|one| one.bills.is_empty() || now_ms <= one.default_ms());
                for clerk in owed {
                    if left.is_zero() {
                        break;
                    }
                    let fee_bps = clerk.terms.earlyFeeBps;
                    let total: U256 = clerk.pay(left, fee_bps).iter().sum();
                    left -= total;
                    *model.free.entry(who).or_default() -= total;
                    *model.free.entry(clerk.lender).or_default() += total;
                }
                model.loans.retain(|_, clerk| !clerk.owed().is_zero());
                assert_eq!(
                    paid.map(Assets::to_u256),
                    Ok(n(amount) - left),
                    "step {step}"
                );
            }
            "claim" => {
                let clerk = model.loans.get_mut(&id).expect("there");
                let from = clerk.lender;
                clerk.lender = other;
                scene
                    .act(|cx| term::transfer_claim(cx, id, from, other))
                    .expect("moved");
            }
            _ => {
                let borrower = model.loans[&id].borrower;
                let lost: U256 = model
                    .loans
                    .values()
                    .filter(|clerk| clerk.borrower == borrower)
                    .map(Clerk::owed)
                    .sum();
                model.loans.retain(|_, clerk| clerk.borrower != borrower);
                let loss = scene.act(|cx| InTerm.write_off(cx, borrower, asset));
                assert_eq!(loss.expect("gone").lenders.to_u256(), lost, "step {step}");
            }
        }
        if step % 4 == 0 {
            compare(&mut scene, &model, step);
        }
    }
}

#[test]
fn random_loans_agree_with_a_clerk() {
    const NAME: &str = "term::tests::model";
    let (mut dice, steps) = steps::begin(NAME);
    let mut counts = BTreeMap::new();
    steps::in_plays(steps, PLAY, |steps| play(&mut dice, steps, &mut counts));
    println!("{counts:?}");
    if !steps::is_whole(NAME, steps) {
        return;
    }
    assert!(
        counts.len() == 5 && counts.values().all(|count| *count >= 15),
        "{counts:?}"
    );
}
