//! Random pulls, pushes, shifts and waits beside a model of plain integers, which predicts every answer, every error
//! with its numbers, and every balance (LED-1, LED-3, LED-5); LED-2 is looked at after each.

use std::collections::BTreeMap;

use alloy_primitives::Bytes;

use super::*;
use crate::testkit::{dice::Dice, steps};

/// Steps of one world.
const PLAY: u32 = 3_000;
/// Transactions between looks at the whole world.
const SWEEP: u32 = 500;

const PEOPLE: [Address; 3] = [ALICE, BOB, CAROL];
const ACCOUNTS: [AccountId; 4] = [
    ALICES,
    BOBS,
    AccountId::new(BOB, 4),
    AccountId::new(ROOM, 0),
];
const RICH: u128 = 1_000_000_000;
const WINDOW_MS: u64 = 90_000;

/// What one asset should look like.
struct Side {
    foreign: Option<Token>,
    takes_fee: bool,
    share_bps: u128,
    floor: u128,
    wallets: BTreeMap<Address, u128>,
    free: BTreeMap<AccountId, u128>,
    /// Positive is outward.
    net: i128,
    /// The limit, as it was reckoned last, and when that was.
    kept: u128,
    at_ms: u64,
}

impl Side {
    fn claims(&self) -> u128 {
        self.free.values().sum()
    }

    /// Of what was there before what came lately.
    fn size(&self) -> u128 {
        let came = (-self.net).max(0).unsigned_abs();
        let stayed = self.claims().saturating_sub(came);
        (stayed * self.share_bps / 10_000).max(self.floor)
    }

    fn settle(&mut self, now_ms: u64) {
        let elapsed = u128::from(now_ms - self.at_ms);
        let window = u128::from(WINDOW_MS);
        self.net = if self.net > 0 {
            let drained = i128::try_from(self.size() * elapsed / window).expect("small");
            (self.net - drained).max(0)
        } else {
            let net = self.net.unsigned_abs() * window.saturating_sub(elapsed) / window;
            -i128::try_from(net).expect("small")
        };
        self.kept = self.size();
        self.at_ms = now_ms;
    }

    /// Reckons anew, if a step has gone by.
    fn cross(&mut self, now_ms: u64) {
        if now_ms - self.at_ms >= WINDOW_MS / 256 {
            self.settle(now_ms);
        }
    }

    fn pull(
        &mut self,
        id: u32,
        who: Address,
        to: AccountId,
        units: u128,
        now_ms: u64,
    ) -> Result<u128, Halt> {
        if units == 0 {
            return Err(Halt::revert(&LedgerZeroAmount {}));
        }
        let have = self.wallets[&who];
        if have < units {
            return Err(match &self.foreign {
                Some(token) => Halt::revert(&LedgerTokenRefused {
                    token: token.address,
                    answer: Bytes::from_static(b"balance"),
                }),
                None => Halt::revert(&IErc20::ERC20InsufficientBalance {
                    sender: who,
                    balance: n(have),
                    needed: n(units),
                }),
            });
        }
        let arrived = if self.takes_fee {
            units - units / 10
        } else {
            units
        };
        let _ = id;
        *self.wallets.get_mut(&who).expect("known") -= units;
        self.cross(now_ms);
        *self.free.entry(to).or_default() += arrived;
        self.net -= i128::try_from(arrived).expect("small");
        Ok(arrived)
    }

    fn push(
        &mut self,
        id: u32,
        from: AccountId,
        who: Address,
        units: u128,
        now_ms: u64,
    ) -> Result<(), Halt> {
        if units == 0 {
            return Err(Halt::revert(&LedgerZeroAmount {}));
        }
        let before = (self.net, self.kept, self.at_ms);
        let signed = |value: u128| i128::try_from(value).expect("small");
        self.cross(now_ms);
        let left = |side: &Self| (signed(side.kept) - side.net).max(0).unsigned_abs();
        let left_as_kept = left(self);
        if units > left_as_kept {
            self.settle(now_ms);
        }
        let (size, after) = (self.kept, self.net + signed(units));
        if after > signed(size) {
            let left = left(self).max(left_as_kept);
            let over = (after - signed(size)).unsigned_abs();
            let resets_ms = if units > size {
                u64::MAX
            } else {
                let wait = (over * u128::from(WINDOW_MS)).div_ceil(size);
                now_ms + u64::try_from(wait).expect("small")
            };
            (self.net, self.kept, self.at_ms) = before;
            return Err(Halt::revert(&LedgerOutflowLimit {
                assetId: id,
                amount: n(units),
                left: n(left),
                resetsMs: resets_ms,
            }));
        }
        if let Err(short) = self.take(id, from, units) {
            (self.net, self.kept, self.at_ms) = before;
            return Err(short);
        }
        let arrives = if self.takes_fee {
            units - units / 10
        } else {
            units
        };
        *self.wallets.get_mut(&who).expect("known") += arrives;
        self.net = after;
        Ok(())
    }

    fn take(&mut self, id: u32, from: AccountId, units: u128) -> Result<(), Halt> {
        let have = self.free.entry(from).or_default();
        if *have < units {
            return Err(Halt::revert(&LedgerInsufficient {
                owner: from.owner,
                index: from.index,
                assetId: id,
                have: n(*have),
                need: n(units),
            }));
        }
        *have -= units;
        Ok(())
    }
}

fn side(share_bps: u128, floor: u128, foreign: Option<Token>, now_ms: u64) -> Side {
    Side {
        foreign,
        takes_fee: false,
        share_bps,
        floor,
        wallets: PEOPLE.iter().map(|person| (*person, RICH)).collect(),
        free: BTreeMap::new(),
        net: 0,
        kept: floor,
        at_ms: now_ms,
    }
}

/// A world with a native token, the coin and a foreign token, and its model.
fn start() -> (World, Vec<Side>) {
    let (mut world, token) = World::with_token();
    let scripted = Token::deploy(&mut world, Whim::Honest);
    for person in PEOPLE {
        world.mint(token, person, RICH);
        world.store.set_coins(person, n(RICH));
        scripted.give(&mut world, person, RICH);
    }
    let now_ms = world.store.block_mut().time_ms;
    let limits = [(10_000, 0), (500, 1_000), (0, 5_000_000)];
    let tokens = [token, ether::ADDRESS, scripted.address];
    let mut sides = Vec::new();
    for ((share, floor), token) in limits.into_iter().zip(tokens) {
        let share_bps = u16::try_from(share).expect("small");
        list(&mut world, token, limit(90, share_bps, floor));
        let foreign = (token == scripted.address).then(|| scripted.clone());
        sides.push(side(share, floor, foreign, now_ms));
    }
    (world, sides)
}

fn play(dice: &mut Dice, steps: u32, counts: &mut BTreeMap<(&'static str, bool), u32>) {
    let (mut world, mut sides) = start();
    world.sweep_every = SWEEP;
    for step in 0..steps {
        let number = dice.below(3);
        let side = &mut sides[usize::try_from(number).expect("small")];
        let number = u32::try_from(number).expect("small");
        let id = AssetId::new(number);
        let (account, other, who) = (dice.of(&ACCOUNTS), dice.of(&ACCOUNTS), dice.of(&PEOPLE));
        let now_ms = world.store.block_mut().time_ms;
        let (verb, happened, expected) = match dice.below(8) {
            0..=2 => {
                let units = dice.amount(side.wallets[&who] / 4);
                if let Some(token) = &side.foreign {
                    token.allow(&mut world, who);
                }
                let happened = pull(&mut world, who, id, account, units);
                let expected = side.pull(number, who, account, units, now_ms);
                ("pull", happened, expected.map(a))
            }
            3 | 4 => {
                let units = dice.amount(side.free.get(&account).copied().unwrap_or_default());
                let happened = push(&mut world, id, account, who, units);
                let expected = side.push(number, account, who, units, now_ms);
                ("push", happened.map(|()| a(0)), expected.map(|()| a(0)))
            }
            5 => {
                let units = dice.amount(side.free.get(&account).copied().unwrap_or_default());
                let happened = world.inside(ROOM, ROOM, |cx| {
                    ledger::shift(cx, id, account, other, a(units))
                });
                let expected = side.take(number, account, units).map(|()| {
                    *side.free.entry(other).or_default() += units;
                });
                ("shift", happened.map(|()| a(0)), expected.map(|()| a(0)))
            }
            6 => {
                world.wait_ms(u64::try_from(dice.below(30_000)).expect("small"));
                continue;
            }
            _ => {
                if let Some(token) = &side.foreign {
                    side.takes_fee = dice.below(2) == 0;
                    token.becomes(if side.takes_fee {
                        Whim::Fee
                    } else {
                        Whim::Honest
                    });
                }
                continue;
            }
        };
        *counts.entry((verb, expected.is_ok())).or_default() += 1;
        let said = |answer: &Result<Assets, Halt>| match answer {
            Ok(units) => format!("{units}"),
            Err(halt) => words(halt),
        };
        assert!(
            happened == expected,
            "step {step}, {verb} of asset {number}: {} instead of {}",
            said(&happened),
            said(&expected)
        );
        for (account, units) in &side.free {
            assert_eq!(
                free(&mut world, id, *account),
                *units,
                "step {step}, {account}"
            );
        }
        let claims = world.ok(BOB, ADDRESS, &claimsOfCall { assetId: number });
        assert_eq!(claims, n(side.claims()), "step {step}");
    }
}

#[test]
fn random_steps_agree_with_a_model() {
    const NAME: &str = "ledger::tests::model";
    let (mut dice, steps) = steps::begin(NAME);
    let mut counts = BTreeMap::new();
    steps::in_plays(steps, PLAY, |steps| play(&mut dice, steps, &mut counts));
    println!("{counts:?}");
    if !steps::is_whole(NAME, steps) {
        return;
    }
    for (kind, count) in &counts {
        assert!(*count > 30, "only {count} of {kind:?}");
    }
    assert_eq!(counts.len(), 6);
}
