//! Random steps beside a model: every answer is predicted from the formulas of the spec, and every owner's part beside
//! exact fractions, which know no rounding (BACK-1 to BACK-9).

use std::collections::BTreeMap;

use super::*;
use crate::testkit::{dice::Dice, steps};

/// Steps of one world.
const PLAY: u32 = 1_500;
/// Transactions between looks at the whole world.
const SWEEP: u32 = 500;

const PEOPLE: [Address; 3] = [ALICE, BOB, CAROL];

/// What an exact part is counted in: 2^-64 of a unit.
const ONE: u128 = 1 << 64;

/// A stake as it should be. Numbers are small here, so that 128 bits hold every product.
#[derive(Clone, Debug)]
struct Model {
    units: u128,
    reward: u128,
    since_ms: u64,
    end_ms: u64,
    generation: u32,
    shares: BTreeMap<Address, u128>,
    requests: BTreeMap<Address, (u128, u64, u64)>,
    goods: u128,
    began_ms: u64,
    staking_from_ms: u64,
    /// What each owner's shares, the waiting ones too, are worth to the fraction; the rest is the seed's.
    exact: BTreeMap<Address, U256>,
    /// How far rounding may have moved parts: at each step by a share and two units, which then follow the assets.
    slack: u128,
}

impl Model {
    fn unreleased(&self, now_ms: u64) -> u128 {
        let left_ms = u128::from(self.end_ms.saturating_sub(now_ms));
        if left_ms == 0 {
            return 0;
        }
        (self.reward * left_ms).div_ceil(u128::from(self.end_ms - self.since_ms))
    }

    fn assets(&self, now_ms: u64) -> u128 {
        self.units - self.unreleased(now_ms)
    }

    fn supply(&self) -> u128 {
        let waiting = self.requests.values().map(|(shares, _, _)| shares);
        self.shares.values().chain(waiting).sum()
    }

    fn is_ruined(&self, now_ms: u64) -> bool {
        self.assets(now_ms) * VIRTUAL * 10_000 < self.supply()
    }

    fn reopen(&mut self) {
        self.generation += 1;
        (self.reward, self.end_ms) = (0, 0);
        self.requests.clear();
        self.exact.clear();
        self.slack = 0;
        self.shares.clear();
        self.shares.insert(ADDRESS, self.units * VIRTUAL);
    }

    fn take(&mut self, amount: u128, now_ms: u64) {
        let unreleased = self.unreleased(now_ms);
        self.units -= amount;
        if self.units < unreleased {
            (self.reward, self.since_ms) = (self.units, now_ms);
        }
    }

    /// Lets every exact part follow the assets from `before` to `after`.
    fn follow(&mut self, before: u128, after: u128) {
        for part in self.exact.values_mut() {
            *part = *part * n(after + 1) / n(before + 1);
        }
        self.slack = self.slack * (after + 1) / (before + 1) + 1;
    }

    fn held(&self, who: Address) -> u128 {
        let waiting = self.requests.get(&who).map_or(0, |request| request.0);
        self.shares.get(&who).copied().unwrap_or_default() + waiting
    }
}

fn not_requested(scene: &Scene, owner: Address, requested: u128, needed: u128) -> Halt {
    Halt::revert(&BackstopNotRequested {
        assetId: scene.id.get(),
        owner,
        requested: n(requested),
        needed: n(needed),
    })
}

fn play(dice: &mut Dice, steps: u32, counts: &mut BTreeMap<(&'static str, bool), u32>) {
    let mut scene = Scene::priced();
    scene.world.sweep_every = SWEEP;
    let set = setParamsCall {
        assetId: scene.id.get(),
        params: StakeParams {
            cooldownMs: HOUR_MS,
            windowMs: HOUR_MS,
            rewardMs: 2 * HOUR_MS,
            saleMs: HOUR_MS / 4,
            ..params()
        },
    };
    scene.world.ok(OWNER, ADDRESS, &set);
    scene.world.wait_ms(CHANGE_DELAY_MS);
    let mut model = Model {
        units: SEED_MIN,
        reward: 0,
        since_ms: 0,
        end_ms: 0,
        generation: 1,
        shares: BTreeMap::from([(ADDRESS, SEED_MIN * VIRTUAL)]),
        requests: BTreeMap::new(),
        goods: 0,
        began_ms: 0,
        staking_from_ms: 0,
        exact: BTreeMap::new(),
        slack: 0,
    };
    let (id, goods_id, share) = (scene.id, scene.goods, scene.share);
    let mut seen_assets = model.units;
    for step in 0..steps {
        let now = scene.now_ms();
        let before = model.assets(now);
        model.follow(seen_assets, before);
        let who = dice.of(&PEOPLE);
        let (verb, happened, expected): (_, Result<u128, Halt>, Result<u128, Halt>) =
            match dice.below(12) {
                0..=2 => {
                    let assets = dice.amount(1_000_000);
                    let put = depositCall {
                        assets: n(assets),
                        receiver: who,
                    };
                    let happened = scene.world.call(who, share, &put).map(small);
                    let expected = if assets == 0 {
                        Err(Halt::revert(&BackstopZeroAmount {}))
                    } else if model.goods > 0 && now < model.staking_from_ms {
                        Err(Halt::revert(&BackstopSaleOpen {
                            assetId: id.get(),
                            untilMs: model.staking_from_ms,
                        }))
                    } else {
                        let mut next = model.clone();
                        if next.is_ruined(now) {
                            next.reopen();
                        }
                        let held = next.assets(now);
                        let shares = assets * (next.supply() + VIRTUAL) / (held + 1);
                        if shares == 0 {
                            Err(Halt::revert(&BackstopTooSmall {
                                assetId: id.get(),
                                amount: n(assets),
                            }))
                        } else {
                            next.units += assets;
                            *next.shares.entry(who).or_default() += shares;
                            *next.exact.entry(who).or_default() += n(assets) * n(ONE);
                            model = next;
                            Ok(shares)
                        }
                    };
                    ("deposit", happened, expected)
                }
                3 => {
                    let held = model.shares.get(&who).copied().unwrap_or_default();
                    let shares = dice.amount(held);
                    let request = requestUnstakeCall { shares: n(shares) };
                    let happened = scene.world.call(who, share, &request);
                    let waiting = model.requests.get(&who).map_or(0, |request| request.0);
                    let expected = if waiting == 0 && shares == 0 {
                        Err(Halt::revert(&BackstopZeroAmount {}))
                    } else if shares > held {
                        Err(Halt::revert(&IErc20::ERC20InsufficientBalance {
                            sender: who,
                            balance: n(held),
                            needed: n(shares),
                        }))
                    } else {
                        *model.shares.entry(who).or_default() -= shares;
                        let request = (waiting + shares, now + HOUR_MS, now + 2 * HOUR_MS);
                        model.requests.insert(who, request);
                        Ok(u128::from(now + HOUR_MS))
                    };
                    (
                        "request",
                        happened.map(|times| times.readyMs.into()),
                        expected,
                    )
                }
                4 if dice.below(4) == 0 => {
                    let happened = scene.world.call(who, share, &cancelUnstakeCall {});
                    let expected = match model.requests.remove(&who) {
                        None => Err(not_requested(&scene, who, 0, 1)),
                        Some((shares, _, _)) => {
                            *model.shares.entry(who).or_default() += shares;
                            Ok(shares)
                        }
                    };
                    ("cancel", happened.map(small), expected)
                }
                5 | 6 => {
                    let request = model.requests.get(&who).copied();
                    let (waiting, ready_ms, until_ms) = request.unwrap_or_default();
                    let shares = dice.amount(waiting).max(1);
                    let happened = scene.world.call(who, share, &redeem(who, shares));
                    let assets = shares * (before + 1) / (model.supply() + VIRTUAL);
                    let expected = if assets == 0 {
                        Err(Halt::revert(&BackstopTooSmall {
                            assetId: id.get(),
                            amount: n(shares),
                        }))
                    } else if shares > waiting {
                        Err(not_requested(&scene, who, waiting, shares))
                    } else if now < ready_ms || now >= until_ms {
                        Err(Halt::revert(&BackstopNotRipe {
                            assetId: id.get(),
                            owner: who,
                            nowMs: now,
                            readyMs: ready_ms,
                            untilMs: until_ms,
                        }))
                    } else {
                        let held = model.held(who);
                        model.take(assets, now);
                        if shares == waiting {
                            model.requests.remove(&who);
                        } else {
                            model
                                .requests
                                .insert(who, (waiting - shares, ready_ms, until_ms));
                        }
                        let part = model.exact.get_mut(&who).expect("staked");
                        *part = *part * n(held - shares) / n(held);
                        Ok(assets)
                    };
                    ("redeem", happened.map(small), expected)
                }
                7 => {
                    let loss = if dice.below(6) == 0 {
                        before + dice.amount(1_000)
                    } else {
                        dice.amount(before / 4)
                    };
                    let expected = loss.min(model.units);
                    model.take(expected, now);
                    let after = model.assets(now);
                    model.follow(before, after);
                    let happened = scene.act(|cx| backstop::cover(cx, id, a(loss), to_market(id)));
                    ("cover", happened.map(Assets::get), Ok(expected))
                }
                8 => {
                    let amount = dice.amount(200_000).max(1);
                    let happened = scene.world.call(OWNER, ADDRESS, &pay_in(id, amount));
                    let rest = model.unreleased(now);
                    let rest_ms = u128::from(model.end_ms.saturating_sub(now));
                    let weighted = rest * rest_ms + amount * u128::from(2 * HOUR_MS);
                    let lasts_ms = weighted.div_ceil(rest + amount);
                    model.units += amount;
                    (model.reward, model.since_ms) = (rest + amount, now);
                    model.end_ms = now + u64::try_from(lasts_ms).expect("small");
                    ("payIn", happened.map(small), Ok(amount))
                }
                9 if dice.below(2) == 0 => {
                    let (pay, goods) = (dice.amount(before / 2), 1 + dice.amount(10_000));
                    let happened = scene.act(|cx| {
                        backstop::take_over(cx, id, a(pay), MARKET, goods_id, a(goods), PAYER)
                    });
                    let expected = if pay == 0 {
                        Err(Halt::revert(&BackstopZeroAmount {}))
                    } else if pay > before {
                        Err(Halt::revert(&BackstopTooLittle {
                            assetId: id.get(),
                            have: n(before),
                            need: n(pay),
                        }))
                    } else {
                        let (old, new) = (u128::from(model.began_ms), u128::from(now));
                        let weighted = model.goods * old + goods * new;
                        let began_ms = weighted.div_ceil(model.goods + goods);
                        model.began_ms = u64::try_from(began_ms).expect("small");
                        model.goods += goods;
                        model.staking_from_ms = now + HOUR_MS / 2;
                        model.take(pay, now);
                        let after = model.assets(now);
                        model.follow(before, after);
                        Ok(0)
                    };
                    ("takeOver", happened.map(|()| 0), expected)
                }
                10 => {
                    scene.report(USD, 2 * USD);
                    let (now, earlier) = (scene.now_ms(), before);
                    let before = model.assets(now);
                    model.follow(earlier, before);
                    let amount = dice.amount(model.goods.max(1)).max(1);
                    let buy = buyGoodsCall {
                        assetId: id.get(),
                        goodsAssetId: goods_id.get(),
                        amount: n(amount),
                        maxPay: U256::MAX,
                    };
                    let happened = scene.world.call(ALICE, ADDRESS, &buy);
                    let goods = amount.min(model.goods);
                    let expected = if goods == 0 {
                        Err(Halt::revert(&BackstopNothingOnSale {
                            assetId: id.get(),
                            goodsAssetId: goods_id.get(),
                        }))
                    } else {
                        let sale_ms = u128::from(HOUR_MS / 4);
                        let elapsed = u128::from(now - model.began_ms).min(sale_ms);
                        let parts = 11_000 * sale_ms - 4_000 * elapsed;
                        // Dollars with 18 digits for units of 6: a value is a multiple of 10^12.
                        let value = n(goods * 2) * n(USD) / n(1_000_000);
                        let value = (value * n(parts)).div_ceil(n(10_000 * sale_ms));
                        let pay = small((value * n(1_000_000)).div_ceil(n(USD)));
                        model.goods -= goods;
                        if model.goods == 0 {
                            model.began_ms = 0;
                        }
                        model.units += pay;
                        let after = model.assets(now);
                        model.follow(before, after);
                        Ok(pay)
                    };
                    let pay = happened.map(|bought| small(bought.paid));
                    ("buy", pay, expected)
                }
                11 if dice.below(3) == 0 => {
                    let to = dice.of(&PEOPLE);
                    let held = model.shares.get(&who).copied().unwrap_or_default();
                    let value = dice.amount(held).min(held);
                    let all = model.held(who);
                    let transfer = transferCall {
                        to,
                        value: n(value),
                    };
                    let happened = scene.world.call(who, share, &transfer);
                    if value > 0 {
                        let part = model.exact.get(&who).copied().unwrap_or_default();
                        let moved = part * n(value) / n(all);
                        *model.exact.entry(who).or_default() -= moved;
                        *model.exact.entry(to).or_default() += moved;
                        *model.shares.entry(who).or_default() -= value;
                        *model.shares.entry(to).or_default() += value;
                    }
                    ("transfer", happened.map(u128::from), Ok(1))
                }
                _ => {
                    seen_assets = before;
                    scene
                        .world
                        .wait_ms(u64::try_from(dice.amount(HOUR_MS.into())).expect("small"));
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
            "step {step}, {verb}: {} instead of {}; {model:?}",
            said(&happened),
            said(&expected)
        );
        let now = scene.now_ms();
        seen_assets = model.assets(now);
        model.slack += (seen_assets + 1) / (model.supply() + VIRTUAL) + 2;
        let seen = scene.stake();
        assert_eq!(seen.assets, n(seen_assets), "step {step}, {verb}");
        assert_eq!(seen.shares, n(model.supply()), "step {step}, {verb}");
        assert_eq!(seen.generation, model.generation, "step {step}, {verb}");
        for who in PEOPLE {
            let worth = scene.worth(model.held(who));
            let exact = model.exact.get(&who).copied().unwrap_or_default() / n(ONE);
            assert!(
                n(worth) <= exact + n(model.slack) && exact <= n(worth + model.slack),
                "step {step}, {verb}: {who} has {worth} instead of {exact}; {model:?}"
            );
        }
    }
    *counts.entry(("generation", true)).or_default() += model.generation - 1;
}

#[test]
fn random_steps_agree_with_a_model() {
    const NAME: &str = "backstop::tests::model";
    let (mut dice, steps) = steps::begin(NAME);
    let mut counts = BTreeMap::new();
    steps::in_plays(steps, PLAY, |steps| play(&mut dice, steps, &mut counts));
    println!("{counts:?}");
    if !steps::is_whole(NAME, steps) {
        return;
    }
    assert!(counts[&("generation", true)] > 2);
    for (kind, count) in &counts {
        assert!(*count > 3, "only {count} of {kind:?}");
    }
    assert!(counts.len() >= 14, "{}", counts.len());
}
