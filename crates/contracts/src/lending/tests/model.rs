//! Random steps beside a model of plain integers, which predicts every answer, every error with its numbers,
//! every balance and index (LEND-1, LEND-2, LEND-3, LEND-4, LEND-6 to LEND-10, LEND-14).

use std::collections::BTreeMap;

use super::*;
use crate::{
    lending::{CASH, RESERVE, SEED},
    testkit::{
        dice::Dice,
        market::{Book, Market, down, no, of, ray, sum},
        steps,
    },
};

/// Steps of one world: its years at high rates must not lead an index out of its range, where another rule holds.
const PLAY: u32 = 4_000;
/// Steps between looks at the whole world.
const SWEEP: u32 = 1_000;
const PEOPLE: [AccountId; 4] = [ALICES, BOBS, CAROLS, AccountId::new(BOB, 4)];

/// One step: on the chain's code, and on the model.
struct Step {
    verb: &'static str,
    who: AccountId,
    other: AccountId,
    units: u128,
}

fn happen(world: &mut World, id: AssetId, step: &Step) -> Result<U256, Halt> {
    let Step {
        verb,
        who,
        other,
        units,
    } = *step;
    world.store.next_transaction(u64::MAX);
    world.store.attempt(|store| {
        let cx = &mut store.frame(ROOM, OWNER);
        let amount = a(units);
        let shares = Shares::new(units)?;
        let debts = DebtShares::new(units)?;
        Ok(match verb {
            "supply" => lending::supply(cx, id, who, amount)?.to_u256(),
            "redeem" => lending::redeem(cx, id, who, amount)?.1.to_u256(),
            "borrow" => lending::borrow(cx, id, who, amount)?.to_u256(),
            "repay" => lending::repay(cx, id, other, who, amount)?.to_u256(),
            "absorb" => lending::absorb(cx, id, who)?.reserve.to_u256(),
            "flash" => {
                let fee = a(units.div_ceil(100));
                lending::lend_out(cx, id, OWNER, amount)?;
                lending::take_back(cx, id, OWNER, amount, fee)?;
                fee.to_u256()
            }
            "move shares" => {
                lending::move_shares(cx, id, who, other, shares)?;
                shares.to_u256()
            }
            "move debt" => {
                lending::move_debt(cx, id, who, other, debts)?;
                debts.to_u256()
            }
            _ => {
                ledger::shift(cx, id, who, CASH, amount)?;
                amount.to_u256()
            }
        })
    })
}

fn predict(model: &mut Market, now_ms: u64, step: &Step) -> Result<U256, Halt> {
    let Step {
        verb,
        who,
        other,
        units,
    } = *step;
    let mut next = model.clone();
    let amount = n(units);
    let refuses_zero = ["supply", "redeem", "borrow", "repay", "flash"].contains(&verb);
    if refuses_zero && units == 0 {
        return no(&LendingZeroAmount {});
    }
    if verb != "gift" {
        next.accrue(now_ms);
    }
    let at_once = next.clone();
    let answer = match verb {
        "supply" => next.supply(who, amount),
        "redeem" => next.redeem(who, amount),
        "borrow" => next.borrow(who, amount),
        "repay" => next.repay(other, who, amount),
        "absorb" => next.absorb(who).map(|borne| borne.reserve),
        "flash" => next.flash(amount),
        "move shares" => next.move_shares(who, other, amount),
        "move debt" => next.move_debt(who, other, amount),
        _ => next.shift(who, CASH, amount).map(|()| amount),
    }?;
    check_step(&at_once, &next, verb);
    *model = next;
    Ok(answer)
}

/// What one verb may do within a block (LEND-3, LEND-4, LEND-8).
fn check_step(before: &Market, after: &Market, verb: &str) {
    assert_eq!(after.borrow_index, before.borrow_index, "LEND-3: {verb}");
    if verb == "absorb" {
        assert!(after.supply_index <= before.supply_index, "LEND-3: {verb}");
        return;
    }
    assert_eq!(after.supply_index, before.supply_index, "LEND-3: {verb}");
    let mut net = [(U256::ZERO, U256::ZERO); 2];
    for who in PEOPLE {
        let (then, now) = (before.net(who), after.net(who));
        if !verb.starts_with("move") && verb != "repay" {
            assert!(
                now.0 + then.1 <= then.0 + now.1,
                "LEND-4: {verb} gave {who} something"
            );
        }
        for (sum, part) in net.iter_mut().zip([then, now]) {
            *sum = (sum.0 + part.0, sum.1 + part.1);
        }
    }
    let [then, now] = net;
    // A debt or share that is cut in two rounds twice, each time against its owner, and once for him when it is
    // joined: moving may give back what an earlier cut took, a unit for each rounding.
    let slack = if verb.starts_with("move") { n(2) } else { n(0) };
    assert!(
        now.0 + then.1 <= then.0 + now.1 + slack,
        "LEND-4: {verb} gave all together something"
    );
}

fn compare(world: &mut World, model: &Market, id: AssetId, step: u32) {
    world.store.next_transaction(u64::MAX);
    let cx = &mut world.store.frame(ADDRESS, ADDRESS);
    let stored = super::super::market::stored(cx, id).expect("reads");
    assert_eq!(
        stored.supply_index.to_u256(),
        model.supply_index,
        "step {step}"
    );
    assert_eq!(
        stored.borrow_index.to_u256(),
        model.borrow_index,
        "step {step}"
    );
    let state = super::super::market::STATE;
    for who in PEOPLE.into_iter().chain([CASH, RESERVE, SEED]) {
        let at = (id, who);
        let free = ledger::free(cx, id, who).expect("reads").to_u256();
        assert_eq!(
            free,
            of(&model.free, who),
            "step {step}, free units of {who}"
        );
        let shares = state.shares.at(at).load(cx).expect("reads").to_u256();
        assert_eq!(
            shares,
            of(&model.shares, who),
            "step {step}, shares of {who}"
        );
        let debts = state.debts.at(at).load(cx).expect("reads").to_u256();
        assert_eq!(debts, of(&model.debts, who), "step {step}, debt of {who}");
    }
}

fn begin() -> (World, Address, AssetId, Market) {
    let mut world = World::new();
    let params = MarketParams {
        supplyCap: n(RICH * 3),
        borrowCap: n(RICH * 2),
        ..params()
    };
    let (token, id) = open(&mut world, params.clone());
    let fourth = PEOPLE[3];
    fund(&mut world, id, fourth, RICH);
    let model = Market {
        id: id.get(),
        free: PEOPLE
            .into_iter()
            .map(|who| (who, n(RICH)))
            .chain([(CASH, n(SEED_MIN))])
            .collect(),
        shares: [(SEED, n(SEED_MIN))].into(),
        debts: Book::new(),
        fees: U256::ZERO,
        supply_index: ray(),
        borrow_index: ray(),
        at_ms: world.store.block_mut().time_ms,
        paused: 0,
        params,
    };
    (world, token, id, model)
}

fn roll(dice: &mut Dice, model: &Market) -> Step {
    let verb = dice.of(&[
        "supply",
        "supply",
        "redeem",
        "redeem",
        "borrow",
        "borrow",
        "repay",
        "repay",
        "move shares",
        "move debt",
        "absorb",
        "flash",
        "gift",
    ]);
    let (who, other) = (dice.of(&PEOPLE), dice.of(&PEOPLE));
    let narrow = |value: U256| u128::try_from(value).expect("small");
    let most = match verb {
        "redeem" => narrow(model.worth(who)),
        "borrow" | "flash" => narrow(model.cash()),
        "repay" => narrow(model.owed(who)),
        "move shares" => narrow(of(&model.shares, who)),
        "move debt" => narrow(of(&model.debts, who)),
        "gift" => 1_000,
        _ => narrow(of(&model.free, who)),
    };
    let units = match (verb, dice.below(10)) {
        ("redeem", 0) => Assets::MAX.get(),
        // Losses and large loans are rare, or nobody has anything left to play with.
        ("borrow", 1..) => dice.amount(most / 4),
        _ => dice.amount(most),
    };
    Step {
        verb,
        who,
        other,
        units,
    }
}

fn play(dice: &mut Dice, steps: u32, counts: &mut BTreeMap<(&'static str, bool), u32>) {
    let (mut world, token, id, mut model) = begin();
    world.sweep_every = SWEEP;
    for step in 0..steps {
        match dice.below(20) {
            0..=4 => {
                let ms = dice.of(&[1, 250, 1_000, 86_400_000, 2_592_000_000]);
                world.wait_ms(ms);
            }
            5 => {
                let verbs = u8::try_from(1 + dice.below(7)).expect("small");
                let pauses = dice.below(3) == 0;
                let number = id.get();
                if pauses {
                    world.ok(
                        OWNER,
                        ADDRESS,
                        &pauseCall {
                            assetId: number,
                            verbs,
                        },
                    );
                    model.paused |= verbs;
                } else {
                    world.ok(
                        OWNER,
                        ADDRESS,
                        &unpauseCall {
                            assetId: number,
                            verbs: 7,
                        },
                    );
                    model.paused = 0;
                }
            }
            6 => {
                // LEND-6: tokens sent to any address of the protocol are no one's.
                let share = super::super::share::address_of(id);
                let to = dice.of(&[ledger::ADDRESS, ADDRESS, share]);
                world.mint(token, to, 1 + dice.below(1_000_000_000_000));
            }
            _ => {}
        }
        let mut chosen = roll(dice, &model);
        // Losses are small and rare, or nothing is left to play with.
        let claims = down(sum(&model.shares), model.supply_index, ray());
        let is_large = model.owed(chosen.who) * n(50) > claims;
        if chosen.verb == "absorb" && (is_large || dice.below(8) != 0) {
            chosen.verb = "repay";
        }
        let now_ms = world.store.block_mut().time_ms;
        let happened = happen(&mut world, id, &chosen);
        let expected = predict(&mut model, now_ms, &chosen);
        let Step {
            verb, who, units, ..
        } = chosen;
        *counts.entry((verb, expected.is_ok())).or_default() += 1;
        let said = |answer: &Result<U256, Halt>| match answer {
            Ok(units) => format!("{units}"),
            Err(halt) => words(halt),
        };
        assert!(
            happened == expected,
            "step {step}, {verb} {units} by {who}: {} instead of {}",
            said(&happened),
            said(&expected)
        );
        compare(&mut world, &model, id, step);
        if step % SWEEP == 0 {
            crate::invariant::check_all(&world.store).expect("every invariant holds");
        }
    }
    crate::invariant::check_all(&world.store).expect("every invariant holds");
}

#[test]
fn random_steps_agree_with_a_model() {
    const NAME: &str = "lending::tests::model";
    let (mut dice, steps) = steps::begin(NAME);
    let mut counts = BTreeMap::new();
    steps::in_plays(steps, PLAY, |steps| play(&mut dice, steps, &mut counts));
    println!("{counts:?}");
    if !steps::is_whole(NAME, steps) {
        return;
    }
    for (kind, count) in &counts {
        assert!(*count > 20, "only {count} of {kind:?}");
    }
    assert!(counts.len() >= 16, "{counts:?}");
}
