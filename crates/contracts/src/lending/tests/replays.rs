//! Attacks that emptied others' markets, replayed here and on a vulnerable twin.

use capstan_units::Ray;

use super::{super::math, *};
use crate::{erc20::IErc20, erc4626::IErc4626, lending::share, testkit::dice::Dice};

/// Share price by what lies at an address, as vaults had it that were emptied: the twin. Its one difference is
/// `counts_gifts`.
struct Vault {
    assets: u128,
    shares: u128,
    counts_gifts: bool,
}

impl Vault {
    fn deposit(&mut self, assets: u128) -> u128 {
        let shares = if self.shares == 0 {
            assets
        } else {
            mul_div(assets, self.shares, self.assets)
        };
        (self.assets, self.shares) = (self.assets + assets, self.shares + shares);
        shares
    }

    fn redeem(&mut self, shares: u128) -> u128 {
        if shares == 0 {
            return 0;
        }
        let assets = mul_div(shares, self.assets, self.shares);
        (self.assets, self.shares) = (self.assets - assets, self.shares - shares);
        assets
    }

    fn gift(&mut self, assets: u128) {
        if self.counts_gifts {
            self.assets += assets;
        }
    }
}

fn mul_div(a: u128, b: u128, c: u128) -> u128 {
    u128::try_from(n(a) * n(b) / n(c)).expect("in range")
}

/// The attacker's gain and the victim's loss on a vault that begins empty.
fn attack_vault(first: u128, gift: u128, victim: u128, counts_gifts: bool) -> (i128, i128) {
    let mut vault = Vault {
        assets: 0,
        shares: 0,
        counts_gifts,
    };
    let mine = vault.deposit(first);
    vault.gift(gift);
    let theirs = vault.deposit(victim);
    let (out, back) = (vault.redeem(mine), vault.redeem(theirs));
    let signed = |value: u128| i128::try_from(value).expect("small");
    let spent = signed(first) + if counts_gifts { signed(gift) } else { 0 };
    (signed(out) - spent, signed(victim) - signed(back))
}

fn balance(world: &mut World, token: Address, of: Address) -> u128 {
    u128::try_from(world.balance(token, of)).expect("in range")
}

/// One round against a market that has nothing but its seed: deposit, donate wherever tokens can be sent, let the
/// victim deposit, take everything out.
fn attack_market(
    world: &mut World,
    token: Address,
    id: AssetId,
    first: u128,
    gift: u128,
    victim: u128,
) {
    let share = share::address_of(id);
    let put = |assets: u128, receiver| IErc4626::depositCall {
        assets: n(assets),
        receiver,
    };
    let before = [ALICE, BOB].map(|who| world.balance(token, who));
    let mine = world.ok(ALICE, share, &put(first, ALICE));
    for to in [ledger::ADDRESS, ADDRESS, share] {
        let give = IErc20::transferCall { to, value: n(gift) };
        world.ok(ALICE, token, &give);
    }
    let theirs = world.ok(BOB, share, &put(victim, BOB));
    let take = |shares, who| IErc4626::redeemCall {
        shares,
        receiver: who,
        owner: who,
    };
    world.ok(ALICE, share, &take(mine, ALICE));
    world.ok(BOB, share, &take(theirs, BOB));
    let after = [ALICE, BOB].map(|who| world.balance(token, who));
    // Gifts are gone; beyond them nobody gains, and the victim loses a unit at most.
    assert!(
        after[0] + n(gift) * n(3) <= before[0],
        "the attacker gained with {first} and {gift}"
    );
    assert!(
        after[1] + n(1) >= before[1],
        "the victim lost with {first} and {gift}"
    );
}

/// Hundred, Midas, Onyx, Radiant, Sonne and others: an empty market, a first deposit of a few units, a donation.
#[test]
fn empty_market_and_donation_inflation() {
    let (mut worst, mut best) = (0, i128::MIN);
    for first in [1, 2, 3, 7, 50, 333, 1_000] {
        for gift in [1, 1_000, 1_000_000, 1_000_000_000_000, 10_u128.pow(18)] {
            for victim in [gift, gift * 3 / 2 + 1, gift * 2] {
                worst = worst.max(attack_vault(first, gift, victim, true).0);
                best = best.max(attack_vault(first, gift, victim, false).0);
            }
        }
    }
    println!(
        "attacker's best gain on the vulnerable twin: {worst}; on the twin that counts no gifts: {best}"
    );
    assert!(worst > 0 && best <= 0);

    let mut world = World::new();
    let (token, id) = asset(&mut world);
    let list = listMarketCall {
        assetId: id.get(),
        params: params(),
        seed: n(SEED_MIN),
    };
    world.ok(OWNER, ADDRESS, &list);
    world.mint(token, ALICE, 10_u128.pow(33));
    world.mint(token, BOB, 10_u128.pow(33));
    for first in [1, 2, 3, 7, 50, 333, 1_000] {
        for gift in [0, 1, 1_000, 1_000_000_000, 10_u128.pow(18), 10_u128.pow(30)] {
            let mut world = world.clone();
            for round in 0..50 {
                let victim = 1 + (gift / 2 + round) % 10_u128.pow(31);
                attack_market(&mut world, token, id, first, gift, victim);
            }
        }
    }
    // The same inside the ledger: a native contract could even put units into the cash account.
    for who in [ALICES, BOBS] {
        fund(&mut world, id, who, RICH);
    }
    for gift in [1, 1_000, RICH / 100] {
        let before = [ALICES, BOBS].map(|who| free(&mut world, id, who));
        supply(&mut world, id, ALICES, 1).expect("supplies");
        act(&mut world, |cx| {
            ledger::shift(cx, id, ALICES, lending::CASH, a(gift))
        })
        .expect("gives");
        supply(&mut world, id, BOBS, gift.max(2)).expect("supplies");
        redeem(&mut world, id, ALICES, Assets::MAX.get()).expect("redeems");
        redeem(&mut world, id, BOBS, Assets::MAX.get()).expect("redeems");
        let after = [ALICES, BOBS].map(|who| free(&mut world, id, who));
        assert_eq!((after[0] + gift, after[1]), (before[0], before[1]));
    }
    assert!(balance(&mut world, token, ledger::ADDRESS) > 0);
}

/// How a twin makes shares of assets; the market's own rule is [`Rule::OfMarket`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    OfMarket,
    /// To the nearest, as before it was abused.
    HalfUp,
}

fn nearest(a: U256, b: U256, c: U256) -> U256 {
    (a * b + c / n(2)) / c
}

impl Rule {
    fn minted(self, assets: u128, index: Ray) -> U256 {
        match self {
            Self::OfMarket => math::shares_down(a(assets), index)
                .expect("in range")
                .to_u256(),
            Self::HalfUp => nearest(n(assets), Ray::ONE.to_u256(), index.to_u256()),
        }
    }

    fn burned(self, assets: u128, index: Ray) -> U256 {
        match self {
            Self::OfMarket => math::shares_up(a(assets), index)
                .expect("in range")
                .to_u256(),
            Self::HalfUp => nearest(n(assets), Ray::ONE.to_u256(), index.to_u256()),
        }
    }

    fn owed(self, assets: u128, index: Ray) -> U256 {
        match self {
            Self::OfMarket => math::debt_shares_up(a(assets), index)
                .expect("in range")
                .to_u256(),
            Self::HalfUp => nearest(n(assets), Ray::ONE.to_u256(), index.to_u256()),
        }
    }

    fn paid(self, assets: u128, index: Ray) -> U256 {
        match self {
            Self::OfMarket => math::debt_shares_down(a(assets), index)
                .expect("in range")
                .to_u256(),
            Self::HalfUp => nearest(n(assets), Ray::ONE.to_u256(), index.to_u256()),
        }
    }

    /// Most units above the exact rational, in 10^-27, over supplies and redemptions, loans and repayments of these
    /// amounts.
    fn gain(self, amounts: &[u128], index: Ray) -> (bool, U256) {
        let (ray, index_word) = (Ray::ONE.to_u256(), index.to_u256());
        let mut gain = (false, U256::ZERO);
        let mut note = |got: U256, gave: U256| {
            if got > gave {
                gain = (true, gain.1.max(got - gave));
            }
        };
        let each = |of: fn(Self, u128, Ray) -> U256| -> U256 {
            amounts.iter().map(|units| of(self, *units, index)).sum()
        };
        let whole: U256 = amounts.iter().map(|units| n(*units)).sum();
        note(each(Self::minted) * index_word, whole * ray);
        note(whole * ray, each(Self::burned) * index_word);
        note(whole * ray, each(Self::owed) * index_word);
        note(each(Self::paid) * index_word, whole * ray);
        gain
    }
}

/// Aave before 3.5 and others: whoever chooses the amounts chooses the remainders.
#[test]
fn half_up_rounding() {
    let mut dice = Dice::new("half_up_rounding");
    let mut twin = (0, U256::ZERO);
    for _ in 0..100_000 {
        let index = Ray::new(Ray::ONE.get() + dice.below(4 * Ray::ONE.get())).expect("in range");
        let parts = 1 + dice.below(12);
        let amounts: Vec<u128> = (0..parts).map(|_| 1 + dice.below(10)).collect();
        let (gained, _) = Rule::OfMarket.gain(&amounts, index);
        assert!(!gained, "{amounts:?} at {index}");
        let (gained, most) = Rule::HalfUp.gain(&amounts, index);
        twin = (twin.0 + u32::from(gained), twin.1.max(most));
    }
    let units = twin.1 / Ray::ONE.to_u256();
    println!(
        "100,000 chosen splits: gains on the market 0; on the half-up twin {}, up to {units} units",
        twin.0
    );
    assert!(twin.0 > 50_000 && units > U256::ONE);
}

/// Lenders run until the cash is gone: what is left works, and nobody is stuck for ever.
#[test]
fn a_run_at_full_use() {
    let (mut world, id) = start();
    for who in [ALICES, CAROLS] {
        supply(&mut world, id, who, 500_000_000).expect("supplies");
    }
    borrow(&mut world, id, BOBS, 900_000_000).expect("borrows");
    redeem(&mut world, id, ALICES, 100_000_000).expect("the first to run");
    redeem(&mut world, id, CAROLS, 1_000).expect("the last units");
    let none = LendingNoCash {
        assetId: id.get(),
        wanted: n(1),
        cash: n(0),
    };
    refuses(&mut world, &none, |world| redeem(world, id, CAROLS, 1));
    // Use is full, so the rate is highest: that is what brings cash back.
    let now = market(&mut world, id);
    assert_eq!((now.utilisation, now.cash), (Ray::ONE.to_u256(), n(0)));
    assert_eq!(now.borrowRate, Ray::from_bps(10_400).to_u256());
    // Whoever liquidates takes shares, which need no cash; a twin that pays out in cash moves nothing here.
    let part = Shares::new(1_000_000).expect("in range");
    act(&mut world, |cx| {
        lending::move_shares(cx, id, ALICES, BOBS, part)
    })
    .expect("needs no cash");
    world.wait_ms(86_400_000);
    repay(&mut world, id, BOBS, 500_000_000).expect("repays");
    redeem(&mut world, id, CAROLS, 499_000_000).expect("cash is back");
    println!("at full use: redemptions of cash 0 of 1, moves of shares 1 of 1, repayments 1 of 1");
}

/// Euler: a verb that lowers its caller's equity without a health check. Here no verb of any interface touches an
/// account's shares or debt; rooms that check health are the only way in.
#[test]
fn no_verb_of_an_interface_touches_an_account() {
    let (mut world, id) = start();
    supply(&mut world, id, ALICES, 1_000_000).expect("supplies");
    borrow(&mut world, id, BOBS, 900_000).expect("borrows");
    let share = share::address_of(id);
    let state = |world: &mut World| {
        [ALICES, BOBS, CAROLS].map(|who| {
            let at = (free(world, id, who), supplied(world, id, who));
            (at, debt(world, id, who))
        })
    };
    let before = state(&mut world);
    let mut dice = Dice::new("no_verb_of_an_interface");
    let mut answered = 0;
    for contract in [&lending::CONTRACT, &share::CONTRACT, &ledger::CONTRACT] {
        let crate::Entry::Verbs(verbs) = contract.entry else {
            panic!("verbs")
        };
        let target = match contract.place {
            crate::Place::At(at) => at,
            crate::Place::Kind(_) => share,
        };
        for verb in verbs {
            for _ in 0..40 {
                let caller = dice.of(&[ALICE, BOB, CAROL, OWNER]);
                let mut input = verb.selector.to_vec();
                for _ in 0..12 {
                    let who = dice.of(&[ALICE, BOB, CAROL]);
                    let word = match dice.below(4) {
                        0 => n(u128::from(id.get())),
                        1 => U256::from_be_bytes(who.into_word().0),
                        2 => n(dice.below(4)),
                        _ => n(dice.below(2_000_000)),
                    };
                    input.extend(word.to_be_bytes::<32>());
                }
                let mut world = world.clone();
                answered += u32::from(world.raw(caller, target, U256::ZERO, &input).is_ok());
                assert_eq!(state(&mut world), before, "{} by {caller}", verb.signature);
            }
        }
    }
    println!("{answered} calls of strangers did something, to no account");
    assert!(answered > 200);
}

/// Donating one's collateral to the reserve and leaving the debt behind costs the donor, not the lenders.
#[test]
fn a_donation_to_the_reserve_pays_for_the_hole_it_makes() {
    let (mut world, id) = start();
    supply(&mut world, id, CAROLS, 500_000_000).expect("supplies");
    supply(&mut world, id, BOBS, 300_000_000).expect("collateral");
    borrow(&mut world, id, BOBS, 270_000_000).expect("borrows");
    let lenders = supplied(&mut world, id, CAROLS);
    let all = Shares::new(300_000_000).expect("in range");
    act(&mut world, |cx| {
        lending::move_shares(cx, id, BOBS, lending::RESERVE, all)
    })
    .expect("gives");
    let loss = absorb(&mut world, id, BOBS).expect("written off");
    assert_eq!(
        (loss.debt, loss.reserve, loss.lenders),
        (a(270_000_000), a(270_000_000), a(0))
    );
    assert_eq!(supplied(&mut world, id, CAROLS), lenders);
    let gain = 270_000_000_i64 - 300_000_000;
    println!("donor's gain {gain}; on a twin that spares the reserve, lenders lose 270000000");
}
