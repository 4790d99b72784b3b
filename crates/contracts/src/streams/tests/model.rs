//! Random steps beside a model that counts in fractions of a unit, step by step, where the code has one formula. It
//! predicts every answer and every error (STR-2 to STR-9).

use std::collections::BTreeMap;

use super::*;
use crate::testkit::{dice::Dice, steps, stream::Stream as Brook};

/// Steps of one world, which has so many streams only.
const PLAY: u32 = 2_000;
/// Transactions between looks at the whole world.
const SWEEP: u32 = 500;

const OWNERS: [AccountId; 4] = [
    BOBS,
    CAROLS,
    AccountId::new(BOB, 0),
    AccountId::new(CAROL, 0),
];
const DEBTORS: [AccountId; 2] = [BOBS_DEBT, AccountId::new(CAROL, 7)];

fn units(value: u128) -> Assets {
    Assets::new(value).expect("in range")
}

fn play(dice: &mut Dice, steps: u32, counts: &mut BTreeMap<(&'static str, bool), u32>) {
    let (mut world, _, asset) = start();
    world.sweep_every = SWEEP;
    let mut models = Vec::<Brook>::new();
    let mut free = BTreeMap::<AccountId, u128>::new();
    for who in [ALICES, BOBS, CAROLS] {
        free.insert(who, RICH);
    }
    for step in 0..steps {
        let now = now_ms(&mut world);
        for model in &mut models {
            model.advance(now);
        }
        let count = models.len();
        let place = usize::try_from(dice.below(count.max(1) as u128)).expect("small");
        let id = StreamId::new(place as u64);
        let (verb, happened, expected): (_, Result<u128, Halt>, Result<u128, Halt>) = match dice
            .below(14)
        {
            0 if count < 24 => {
                let amount = 1 + dice.amount(free[&ALICES] / 64 + 1);
                let start_ms = now + dice.below(3_000) as u64;
                let lasts_ms = 1 + dice.amount(40_000) as u64;
                let cliff_ms = start_ms + dice.below(u128::from(lasts_ms) + 1) as u64;
                let owner = dice.of(&OWNERS);
                let is_final = dice.below(4) == 0;
                let terms = Terms {
                    asset,
                    owner,
                    amount: units(amount),
                    start_ms,
                    cliff_ms,
                    end_ms: start_ms + lasts_ms,
                    is_final,
                };
                let happened = act(&mut world, |cx| streams::open(cx, ALICES, terms));
                *free.get_mut(&ALICES).expect("known") -= amount;
                models.push(Brook {
                    owner,
                    payer: ALICES,
                    assigned: None,
                    is_final,
                    is_stopped: false,
                    rate: amount,
                    period: lasts_ms.into(),
                    start_ms,
                    cliff_ms,
                    at_ms: now,
                    scaled: 0,
                    paid: amount,
                    collected: 0,
                });
                let number = happened.map(|id| u128::from(id.get()));
                ("open", number, Ok(count as u128))
            }
            1 if count < 24 => {
                let owner = dice.of(&OWNERS);
                let happened = act(&mut world, |cx| {
                    streams::open_settled(cx, CAROLS, asset, owner)
                });
                models.push(Brook {
                    owner,
                    payer: CAROLS,
                    assigned: None,
                    is_final: false,
                    is_stopped: false,
                    rate: 0,
                    period: 0,
                    start_ms: now,
                    cliff_ms: 0,
                    at_ms: now,
                    scaled: 0,
                    paid: 0,
                    collected: 0,
                });
                let number = happened.map(|id| u128::from(id.get()));
                ("openSettled", number, Ok(count as u128))
            }
            _ if count == 0 => continue,
            2 | 3 => {
                let amount = dice.amount(free[&CAROLS] / 64);
                let happened = act(&mut world, |cx| {
                    streams::pay_in(cx, id, CAROLS, units(amount))
                });
                let model = &mut models[place];
                let expected = if amount == 0 {
                    Err(Halt::revert(&StreamsZeroAmount {}))
                } else if model.is_stopped {
                    Err(Halt::revert(&StreamsStopped { streamId: id.get() }))
                } else {
                    model.paid += amount;
                    *free.get_mut(&CAROLS).expect("known") -= amount;
                    Ok(0)
                };
                ("payIn", happened.map(|()| 0), expected)
            }
            4..=6 => {
                let model = &mut models[place];
                let amount = model.due();
                let to = model.assigned.unwrap_or(model.owner);
                model.collected += amount;
                *free.entry(to).or_default() += amount;
                if amount > 0 {
                    model.leave_if_spent();
                }
                let happened = act(&mut world, |cx| streams::collect(cx, id));
                if let Ok(collected) = happened {
                    assert_eq!(collected.to, to, "step {step}");
                }
                ("collect", happened.map(|c| c.amount.get()), Ok(amount))
            }
            7 if dice.below(3) == 0 => {
                let model = &mut models[place];
                let by = if dice.below(4) == 0 {
                    BOBS
                } else {
                    model.payer
                };
                let happened = act(&mut world, |cx| streams::cancel(cx, id, by));
                let expected = if by != model.payer {
                    Err(Halt::revert(&StreamsNotPayer {
                        streamId: id.get(),
                        payer: model.payer.owner,
                        payerIndex: model.payer.index,
                        caller: by.owner,
                    }))
                } else if model.is_stopped {
                    Err(Halt::revert(&StreamsStopped { streamId: id.get() }))
                } else if model.is_final {
                    Err(Halt::revert(&StreamsFinal { streamId: id.get() }))
                } else {
                    let flowed = model.flowed();
                    let rest = model.paid - flowed;
                    (model.paid, model.is_stopped) = (flowed, true);
                    model.leave_if_spent();
                    *free.get_mut(&model.payer).expect("known") += rest;
                    Ok(rest)
                };
                ("cancel", happened.map(Assets::get), expected)
            }
            8 => {
                let (by, to) = (dice.of(&OWNERS), dice.of(&OWNERS));
                let model = &mut models[place];
                let by = if dice.below(2) == 0 { model.owner } else { by };
                let happened = act(&mut world, |cx| streams::transfer(cx, id, by, to));
                let expected = if by == model.owner {
                    model.owner = to;
                    Ok(0)
                } else {
                    Err(Halt::revert(&StreamsNotOwner {
                        streamId: id.get(),
                        owner: model.owner.owner,
                        ownerIndex: model.owner.index,
                        caller: by.owner,
                    }))
                };
                ("transfer", happened.map(|()| 0), expected)
            }
            9 | 10 => {
                let account = dice.of(&DEBTORS);
                let by = models[place].owner;
                let happened = act(&mut world, |cx| streams::assign(cx, id, by, account, asset));
                let full = models
                    .iter()
                    .filter(|m| m.assigned == Some(account))
                    .count();
                let model = &mut models[place];
                let expected = if let Some(there) = model.assigned {
                    Err(Halt::revert(&StreamsAssigned {
                        streamId: id.get(),
                        account: there.owner,
                        index: there.index,
                    }))
                } else if account.owner != by.owner {
                    Err(Halt::revert(&StreamsOtherOwner {
                        streamId: id.get(),
                        owner: by.owner,
                        account: account.owner,
                    }))
                } else if model.is_stopped && model.collected == model.paid {
                    Err(Halt::revert(&StreamsStopped { streamId: id.get() }))
                } else if full >= 8 {
                    Err(Halt::revert(&StreamsTooManyAssigned {
                        account: account.owner,
                        index: account.index,
                        max: n(8),
                    }))
                } else {
                    model.assigned = Some(account);
                    Ok(0)
                };
                ("assign", happened.map(|()| 0), expected)
            }
            11 if dice.below(4) == 0 => {
                let model = &mut models[place];
                let happened = act(&mut world, |cx| streams::release(cx, id));
                let expected = match model.assigned.take() {
                    None => Err(Halt::revert(&StreamsNotAssigned { streamId: id.get() })),
                    Some(account) => {
                        let amount = model.due();
                        model.collected += amount;
                        *free.entry(account).or_default() += amount;
                        Ok(amount)
                    }
                };
                ("release", happened.map(|c| c.amount.get()), expected)
            }
            12 => {
                let account = dice.of(&DEBTORS);
                let dues = models.iter().filter(|m| m.assigned == Some(account));
                let held: u128 = dues.map(Brook::due).sum();
                let happened = act(&mut world, |cx| Income.assess(cx, account, asset));
                ("assess", happened.map(|line| line.held.get()), Ok(held))
            }
            _ => {
                world.wait_ms(dice.amount(5_000) as u64);
                continue;
            }
        };
        *counts.entry((verb, expected.is_ok())).or_default() += 1;
        let said = |answer: &Result<u128, Halt>| match answer {
            Ok(units) => format!("{units}"),
            Err(halt) => words(halt),
        };
        assert!(
            happened == expected,
            "step {step}, {verb} of {id}: {} instead of {}; {:?}",
            said(&happened),
            said(&expected),
            models.get(place)
        );
        for (account, units) in &free {
            assert_eq!(
                super::free(&mut world, asset, *account),
                *units,
                "step {step}, {account}"
            );
        }
        if let Some(model) = models.get(place) {
            let seen = stream(&world, id);
            assert_eq!(
                seen.flowed,
                n(model.flowed()),
                "step {step}, {id}: {model:?}"
            );
            assert_eq!(seen.collected, n(model.collected));
            assert_eq!(seen.paid, n(model.paid));
            assert_eq!(seen.assignedTo, model.assigned.unwrap_or_default().owner);
        }
    }
}

#[test]
fn random_steps_agree_with_a_model() {
    const NAME: &str = "streams::tests::model";
    let (mut dice, steps) = steps::begin(NAME);
    let mut counts = BTreeMap::new();
    steps::in_plays(steps, PLAY, |steps| play(&mut dice, steps, &mut counts));
    println!("{counts:?}");
    if !steps::is_whole(NAME, steps) {
        return;
    }
    for (kind, count) in &counts {
        assert!(*count > 4, "only {count} of {kind:?}");
    }
    assert_eq!(counts.len(), 14);
}
