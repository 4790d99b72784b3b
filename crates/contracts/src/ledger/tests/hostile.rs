//! Foreign tokens that do everything a token can do wrong (A2), and what the ledger answers.

use std::sync::{Arc, Mutex};

use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use capstan_state::{Halt, ReentrantCall, Store};

use super::*;
use crate::{
    ledger::{
        IForeign::{balanceOfCall, decimalsCall, symbolCall, totalSupplyCall},
        IRebasing,
    },
    testkit::foreign::{Inside, slot},
};

fn bytes(value: u128) -> Bytes {
    n(value).to_be_bytes_vec().into()
}

#[test]
fn led_3_a_pull_credits_what_arrives_of_what_was_asked() {
    for (whim, credited) in [
        (Whim::Honest, 100),
        (Whim::Silent, 100),
        (Whim::Fee, 90),
        (Whim::Generous, 100),
    ] {
        let (mut world, token, id) = foreign(whim);
        assert_eq!(
            pull(&mut world, ALICE, id, ALICES, 100),
            Ok(a(credited)),
            "{whim:?}"
        );
        assert_eq!(free(&mut world, id, ALICES), credited);
        assert!(token.balance(&world, ADDRESS) >= n(credited));
        let event = world.last_event::<Pulled>(ADDRESS);
        assert_eq!((event.requested, event.credited), (n(100), n(credited)));
    }
}

#[test]
fn led_3_tokens_that_do_not_do_what_they_say_are_refused() {
    let wallet = ALICE;
    for whim in [Whim::False, Whim::Two, Whim::Reverts, Whim::Blind] {
        let (mut world, token, id) = foreign(Whim::Honest);
        token.becomes(whim);
        let answer = match whim {
            Whim::False => bytes(0),
            Whim::Two => bytes(2),
            Whim::Blind => Bytes::from_static(&[1; 31]),
            _ => Bytes::from_static(b"no"),
        };
        let error = LedgerTokenRefused {
            token: token.address,
            answer,
        };
        refuses(&mut world, &error, |world| {
            pull(world, ALICE, id, ALICES, 100)
        });
    }
    let (mut world, _, id) = foreign(Whim::Liar);
    let nothing = LedgerNothingArrived {
        assetId: 0,
        wallet,
        requested: n(100),
    };
    refuses(&mut world, &nothing, |world| {
        pull(world, ALICE, id, ALICES, 100)
    });
    // Without an allowance to the room the token itself refuses.
    let (mut world, token, id) = foreign(Whim::Honest);
    let error = LedgerTokenRefused {
        token: token.address,
        answer: Bytes::from_static(b"allowance"),
    };
    refuses(&mut world, &error, |world| {
        pull(world, ALICE, id, ALICES, 1_001)
    });
}

#[test]
fn pushes_measure_too() {
    for whim in [Whim::Honest, Whim::Silent, Whim::Fee, Whim::Generous] {
        let (mut world, token, id) = foreign(Whim::Honest);
        pull(&mut world, ALICE, id, ALICES, 100).expect("comes in");
        token.becomes(whim);
        // What the receiver gets of it is between him and the token.
        assert_eq!(push(&mut world, id, ALICES, BOB, 60), Ok(()), "{whim:?}");
        assert_eq!(token.balance(&world, ADDRESS), n(40));
    }
    for (whim, after) in [(Whim::Liar, 100), (Whim::Greedy, 39)] {
        let (mut world, token, id) = foreign(Whim::Honest);
        pull(&mut world, ALICE, id, ALICES, 100).expect("comes in");
        token.becomes(whim);
        let error = LedgerWrongAmountLeft {
            assetId: 0,
            told: n(60),
            heldBefore: n(100),
            heldAfter: n(after),
        };
        refuses(&mut world, &error, |world| push(world, id, ALICES, BOB, 60));
    }
}

#[test]
fn led_4_a_rebase_down_stops_that_asset_alone() {
    let (mut world, token, id) = foreign(Whim::Honest);
    let other = world.create_token(0);
    world.mint(other, BOB, 100);
    let native = list(&mut world, other, open());
    pull(&mut world, ALICE, id, ALICES, 100).expect("comes in");
    pull(&mut world, BOB, native, BOBS, 50).expect("comes in");
    token.rebase(&mut world, ADDRESS, 80);
    let short = |held, claims| LedgerShort {
        assetId: 0,
        held: n(held),
        claims: n(claims),
    };
    // Nobody leaves first, and nobody fills the hole by coming.
    refuses(&mut world, &short(70, 90), |world| {
        push(world, id, ALICES, ALICE, 10)
    });
    refuses(&mut world, &short(90, 110), |world| {
        pull(world, ALICE, id, ALICES, 10)
    });
    push(&mut world, native, BOBS, BOB, 10).expect("another asset");
    let found = world.ok(CAROL, ADDRESS, &probeCall { assetId: 0 });
    assert_eq!((found.held, found.claims), (n(80), n(100)));
    let event = world.last_event::<AssetFrozen>(ADDRESS);
    assert_eq!((event.held, event.claims), (n(80), n(100)));
    assert!(world.ok(BOB, ADDRESS, &assetCall { assetId: 0 }).frozen);
    let shifted = world.inside(ROOM, ALICE, |cx| ledger::shift(cx, id, ALICES, BOBS, a(10)));
    assert_eq!(shifted, Ok(()));
    let unfreeze = unfreezeCall { assetId: 0 };
    world.refused(OWNER, ADDRESS, &unfreeze, &short(80, 100));
    token.rebase(&mut world, ADDRESS, 100);
    world.ok(OWNER, ADDRESS, &unfreeze);
    push(&mut world, id, ALICES, ALICE, 90).expect("whole again");
}

/// A rebase up and a donation are nobody's: no account has more.
#[test]
fn surplus_belongs_to_nobody() {
    let (mut world, token, id) = foreign(Whim::Honest);
    pull(&mut world, ALICE, id, ALICES, 100).expect("comes in");
    token.rebase(&mut world, ADDRESS, 1_000_000);
    assert_eq!(free(&mut world, id, ALICES), 100);
    push(&mut world, id, ALICES, ALICE, 100).expect("leaves");
    assert_eq!(token.balance(&world, ADDRESS), n(999_900));
    assert_eq!(world.ok(BOB, ADDRESS, &claimsOfCall { assetId: 0 }), n(0));
}

#[test]
fn led_3_nothing_of_the_asset_crosses_while_its_token_runs() {
    let tries: Vec<(&str, Inside)> = vec![
        (
            "pull",
            Arc::new(|store| {
                inside_token(store, |cx| {
                    ledger::pull(cx, AssetId::new(0), ALICE, ALICES, a(50)).map(|_| ())
                })
            }),
        ),
        (
            "push",
            Arc::new(|store| {
                inside_token(store, |cx| {
                    ledger::push(cx, AssetId::new(0), ALICES, ALICE, a(50))
                })
            }),
        ),
        (
            "probe",
            Arc::new(|store| {
                let probe = probeCall { assetId: 0 }.abi_encode();
                let outcome = store.call_simply(ALICE, ADDRESS, probe.into())?;
                if outcome.success {
                    return Ok(());
                }
                Err(Halt::Revert(outcome.output))
            }),
        ),
    ];
    for (name, code) in tries {
        let (mut world, token, id) = foreign(Whim::Honest);
        pull(&mut world, ALICE, id, ALICES, 100).expect("comes in");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = seen.clone();
        token.calls(move |store| {
            let answer = code(store);
            notes.lock().expect("one thread").push(answer);
            Ok(())
        });
        // The attempt inside fails, the pull outside goes on and counts once.
        assert_eq!(
            pull(&mut world, ALICE, id, ALICES, 100),
            Ok(a(100)),
            "{name}"
        );
        assert_eq!(free(&mut world, id, ALICES), 200, "{name}");
        push(&mut world, id, ALICES, ALICE, 50).expect("leaves");
        assert_eq!(free(&mut world, id, ALICES), 150, "{name}");
        let seen = seen.lock().expect("one thread");
        let refused = Halt::revert(&ReentrantCall {});
        assert_eq!(*seen, vec![Err(refused.clone()), Err(refused)], "{name}");
    }
}

/// Inside a token's call, another asset is measured by itself and views add up.
#[test]
fn a_token_that_calls_back_sees_a_whole_ledger() {
    let (mut world, token, id) = foreign(Whim::Honest);
    world.store.set_coins(ALICE, n(500));
    let coin = list(&mut world, ether::ADDRESS, open());
    token.calls(move |store| {
        inside_token(store, |cx| {
            ledger::pull(cx, coin, ALICE, ALICES, a(7))?;
            let claims = super::super::actions::STATE
                .claims
                .at(id)
                .load(&mut cx.enter(ADDRESS))?;
            assert_eq!(claims, ledger::free(cx, id, ALICES)?);
            Ok(())
        })
    });
    assert_eq!(pull(&mut world, ALICE, id, ALICES, 100), Ok(a(100)));
    assert_eq!(free(&mut world, coin, ALICES), 7);
}

/// A donation inside the token's own call is not credited: what was asked for is the most.
#[test]
fn led_3_a_gift_during_a_pull_is_not_credited() {
    let (mut world, token, id) = foreign(Whim::Honest);
    let address = token.address;
    token.calls(move |store| {
        let had = store.load(address, slot(ADDRESS))?;
        store.save(address, slot(ADDRESS), had + n(10_000))
    });
    assert_eq!(pull(&mut world, ALICE, id, ALICES, 100), Ok(a(100)));
}

#[test]
fn rebasing_tokens_are_refused_by_the_verb_that_gives_them_away() {
    for (selector, mark) in [
        (
            IRebasing::scaledTotalSupplyCall::SELECTOR,
            "scaledTotalSupply()",
        ),
        (IRebasing::getTotalSharesCall::SELECTOR, "getTotalShares()"),
        (
            IRebasing::rebasingCreditsPerTokenCall::SELECTOR,
            "rebasingCreditsPerToken()",
        ),
        (
            IRebasing::gonsForBalanceCall::SELECTOR,
            "gonsForBalance(uint256)",
        ),
    ] {
        let mut world = World::new();
        let token = Token::deploy(&mut world, Whim::Honest);
        let script = token.clone();
        world.store.on_call(token.address, move |store, request| {
            if request.input.starts_with(&selector) {
                return Ok(bytes(1));
            }
            script.answer(store, request)
        });
        let list = listAssetCall {
            token: token.address,
            limit: open(),
        };
        let error = LedgerRebasing {
            token: token.address,
            mark: mark.into(),
        };
        world.refused(OWNER, ADDRESS, &list, &error);
    }
}

#[test]
fn what_is_no_token_is_not_listed() {
    let cases: [(&str, [u8; 4], Option<u128>); 3] = [
        ("decimals", decimalsCall::SELECTOR, None),
        ("balanceOf", balanceOfCall::SELECTOR, None),
        ("totalSupply", totalSupplyCall::SELECTOR, None),
    ];
    for (verb, selector, _) in cases {
        let mut world = World::new();
        let token = Token::deploy(&mut world, Whim::Honest);
        let script = token.clone();
        world.store.on_call(token.address, move |store, request| {
            if request.input.starts_with(&selector) {
                return Ok(Bytes::new());
            }
            script.answer(store, request)
        });
        let list = listAssetCall {
            token: token.address,
            limit: open(),
        };
        let error = LedgerNotAToken {
            token: token.address,
            verb: verb.into(),
        };
        world.refused(OWNER, ADDRESS, &list, &error);
    }
    for (selector, value) in [
        (decimalsCall::SELECTOR, 31),
        (totalSupplyCall::SELECTOR, 1 << 112),
    ] {
        let mut world = World::new();
        let token = Token::deploy(&mut world, Whim::Honest);
        let (script, address) = (token.clone(), token.address);
        world.store.on_call(token.address, move |store, request| {
            if request.input.starts_with(&selector) {
                return Ok(bytes(value));
            }
            script.answer(store, request)
        });
        let list = listAssetCall {
            token: address,
            limit: open(),
        };
        if value == 31 {
            let error = LedgerTooManyDecimals {
                token: address,
                decimals: n(31),
                max: n(30),
            };
            world.refused(OWNER, ADDRESS, &list, &error);
        } else {
            let error = LedgerSupplyTooLarge {
                token: address,
                supply: n(value),
                max: n((1 << 112) - 1),
            };
            world.refused(OWNER, ADDRESS, &list, &error);
        }
    }
}

/// A symbol that screens could misread becomes the asset's number.
#[test]
fn strange_symbols_are_replaced() {
    for symbol in [
        "",
        "two words",
        "line\nbreak",
        "\u{202e}reversed",
        &"x".repeat(33),
    ] {
        let mut world = World::new();
        let token = Token::deploy(&mut world, Whim::Honest);
        let (script, answer) = (
            token.clone(),
            symbolCall::abi_encode_returns(&symbol.to_owned()),
        );
        world.store.on_call(token.address, move |store, request| {
            if request.input.starts_with(&symbolCall::SELECTOR) {
                return Ok(answer.clone().into());
            }
            script.answer(store, request)
        });
        list(&mut world, token.address, open());
        let asset = world.ok(BOB, ADDRESS, &assetCall { assetId: 0 });
        assert_eq!(asset.symbol, "asset0", "{symbol:?}");
    }
}

#[test]
fn the_block_itself_calls_no_foreign_token() {
    let (mut world, _, id) = foreign(Whim::Honest);
    let token = world.create_token(0);
    world.mint(token, ALICE, 10);
    let native = list(&mut world, token, open());
    pull(&mut world, ALICE, id, ALICES, 100).expect("comes in");
    world.store.set_system_phase(true);
    let refused = capstan_state::CallInSystemPhase {
        target: account(0x70),
    };
    refuses(&mut world, &refused, |world| {
        push(world, id, ALICES, ALICE, 1)
    });
    refuses(&mut world, &refused, |world| {
        pull(world, ALICE, id, ALICES, 1)
    });
    let shifted = world.inside(ROOM, ROOM, |cx| ledger::shift(cx, id, ALICES, BOBS, a(1)));
    assert_eq!(shifted, Ok(()));
    assert_eq!(pull(&mut world, ALICE, native, ALICES, 10), Ok(a(10)));
}
