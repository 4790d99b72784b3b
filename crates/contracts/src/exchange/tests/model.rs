//! Random steps over pools of both curves: product pools are predicted to the unit by plain integers, stable pools by
//! their polynomial in big integers; no step lowers what a share is worth, and every quote comes true.

use num_bigint::BigInt;

use super::*;
use crate::testkit::dice::Dice;

const PEOPLE: [AccountId; 3] = [ALICES, BOBS, CAROLS];
const STEPS: u32 = 3_000;

/// A pool as integers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plain {
    shape: Shape,
    reserves: Vec<u128>,
    total: u128,
}

fn big(value: u128) -> BigInt {
    BigInt::from(value)
}

impl Plain {
    fn read(world: &World, pool: PoolId) -> Self {
        let read = world.view(ADDRESS, &poolCall { poolId: pool.get() });
        let shape = Shape::checked(&read.shape).expect("a shape");
        Self {
            shape,
            reserves: reserves(world, pool),
            total: u128::try_from(read.totalShares).expect("in range"),
        }
    }

    fn place(&self, asset: AssetId) -> usize {
        self.shape
            .assets
            .iter()
            .position(|at| *at == asset)
            .expect("in the pool")
    }

    /// What is swapped for what, by the formulas of the specification.
    fn swapped(&self, leg: Leg) -> Option<(u128, u128)> {
        let (x, y) = (
            n(self.reserves[self.place(leg.asset_in)]),
            n(self.reserves[self.place(leg.asset_out)]),
        );
        let (million, kept) = (n(1_000_000), n(1_000_000 - u128::from(self.shape.fee_pips)));
        let both = match leg.size {
            Size::In(units) => {
                let after = n(units.get()) * kept;
                (n(units.get()), after * y / (x * million + after))
            }
            Size::Out(units) if n(units.get()) < y => {
                let left = (y - n(units.get())) * kept;
                (
                    (x * n(units.get()) * million).div_ceil(left),
                    n(units.get()),
                )
            }
            _ => return None,
        };
        let narrow = |word: U256| {
            u128::try_from(word)
                .ok()
                .filter(|n| *n > 0 && *n < 1 << 112)
        };
        narrow(both.0).zip(narrow(both.1))
    }

    /// Whether a share of `self` is worth at least as much as one of `before`.
    fn is_worth(&self, before: &Self) -> bool {
        match self.shape.curve {
            Curve::Range => unreachable!("the tests of ranges are elsewhere"),
            Curve::Product => {
                let product =
                    |plain: &Self| plain.reserves.iter().fold(big(1), |all, x| all * big(*x));
                let squared = |total: u128| big(total) * big(total);
                product(self) * squared(before.total) >= product(before) * squared(self.total)
            }
            // D of the old reserves, grown as the shares did, is not above D of the new ones. Both sides are of one
            // degree, so the old reserves may be grown instead.
            Curve::Stable => {
                let grown: Vec<_> = before
                    .reserves
                    .iter()
                    .map(|x| big(*x) * big(self.total))
                    .collect();
                let now: Vec<_> = self
                    .reserves
                    .iter()
                    .map(|x| big(*x) * big(before.total))
                    .collect();
                invariant_up(&now, self.shape.amplification)
                    >= invariant_down(&grown, self.shape.amplification)
            }
        }
    }
}

/// `(A*n*S + D - A*n*D) * n^n * P - D^(n+1)`, which falls as `D` grows.
fn above(reserves: &[BigInt], amplification: u32, d: &BigInt) -> BigInt {
    let count = u32::try_from(reserves.len()).expect("small");
    let slope = BigInt::from(amplification) * count;
    let sum: BigInt = reserves.iter().sum();
    let whole = BigInt::from(count.pow(count));
    let product = reserves.iter().fold(whole, |all, x| all * x);
    (&slope * sum + d - slope * d) * product - d.pow(count + 1)
}

/// The largest integer that is not above `D`, by halving.
fn invariant_down(reserves: &[BigInt], amplification: u32) -> BigInt {
    let (mut low, mut high) = (big(0), reserves.iter().sum::<BigInt>() + 1);
    while &high - &low > big(1) {
        let middle: BigInt = (&low + &high) / 2;
        if above(reserves, amplification, &middle) >= big(0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

fn invariant_up(reserves: &[BigInt], amplification: u32) -> BigInt {
    invariant_down(reserves, amplification) + 1
}

fn pools(world: &mut World) -> Vec<PoolId> {
    let shapes = [
        (product(0, 1, 3_000), vec![5_000_000, 7_000_000]),
        (product(0, 1, 100), vec![5_000, 7_000]),
        (product(1, 2, 10_000), vec![1_000_000_000_000, 3]),
        (product(2, 3, 500), vec![40_000_000_000, 90_000_000_000]),
        (stable(&[0, 1], 200), vec![5_000_000, 4_000_000]),
        (stable(&[1, 2, 3], 10_000), vec![5_000, 9_000, 2_000]),
        (stable(&[0, 1, 3, 4], 1), vec![5_000_000_000; 4]),
    ];
    shapes
        .into_iter()
        .map(|(shape, amounts)| open(world, &shape, &amounts))
        .collect()
}

fn two(dice: &mut Dice, shape: &Shape) -> (AssetId, AssetId) {
    let from = dice.of(&shape.assets);
    loop {
        let to = dice.of(&shape.assets);
        if to != from {
            return (from, to);
        }
    }
}

/// Runs random steps; the settings decide whether the protocol takes a part.
fn run(test: &str, share_bps: u16) {
    let mut dice = Dice::new(test);
    let (mut world, _) = start();
    world.sweep_every = 25;
    let pools = pools(&mut world);
    let set = setProtocolShareCall {
        shareBps: share_bps,
    };
    world.ok(OWNER, ADDRESS, &set);
    world.wait_ms(exchange::CHANGE_DELAY_MS);
    let (mut swaps, mut adds, mut removals) = (0, 0, 0);
    for step in 0..STEPS {
        if dice.below(4) == 0 {
            world.wait_ms(u64::try_from(dice.below(30_000)).expect("small"));
        }
        let (pool, who) = (dice.of(&pools), dice.of(&PEOPLE));
        let before: Vec<_> = pools
            .iter()
            .map(|pool| Plain::read(&world, *pool))
            .collect();
        let at = usize::try_from(pool.get()).expect("small");
        let plain = &before[at];
        match dice.below(10) {
            0..=6 => {
                let (asset_in, asset_out) = two(&mut dice, &plain.shape);
                let most = plain.reserves[plain.place(asset_out)];
                let units = a(dice.amount(most.min(RICH)));
                let size = dice.of(&[Size::In(units), Size::Out(units)]);
                let leg = Leg {
                    pool,
                    asset_in,
                    asset_out,
                    size,
                };
                let bounds = bounds(asset_in.get(), RICH / 10, asset_out.get(), 0);
                let quoted = act(&mut world, |cx| exchange::quote(cx, &[leg], bounds));
                let done = swap(&mut world, who, &[leg], bounds);
                assert_eq!(quoted, done, "step {step}: a quote came out otherwise");
                let expected = plain.swapped(leg).filter(|(paid, _)| *paid <= RICH / 10);
                if plain.shape.curve == Curve::Product {
                    let found = done
                        .clone()
                        .ok()
                        .map(|done| (done.paid.get(), done.received.get()));
                    assert_eq!(
                        found, expected,
                        "step {step}: {leg:?} in {plain:?}: {done:?}"
                    );
                }
                swaps += u32::from(done.is_ok());
            }
            7..=8 => {
                let most: Vec<_> = plain
                    .reserves
                    .iter()
                    .map(|reserve| a(dice.amount((reserve / 2 + 10).min(RICH / 100))))
                    .collect();
                let added = act(&mut world, |cx| {
                    exchange::add(cx, pool, who, who, &most, Shares::ZERO)
                });
                if let Ok((taken, made)) = &added {
                    adds += 1;
                    assert!(taken.iter().zip(&most).all(|(taken, most)| taken <= most));
                    if plain.shape.curve == Curve::Product {
                        let fits = most
                            .iter()
                            .zip(&plain.reserves)
                            .map(|(most, reserve)| n(most.get()) * n(plain.total) / n(*reserve));
                        let least = fits.min().expect("two");
                        assert_eq!(made.to_u256(), least, "step {step}");
                        for (taken, reserve) in taken.iter().zip(&plain.reserves) {
                            assert_eq!(
                                taken.to_u256(),
                                (least * n(*reserve)).div_ceil(n(plain.total))
                            );
                        }
                    }
                }
            }
            _ => {
                let have = shares(&world, pool, who);
                let burned = dice.amount(have);
                let least = vec![Assets::ZERO; plain.reserves.len()];
                let removed = act(&mut world, |cx| {
                    exchange::remove(cx, pool, who, who, s(burned), &least)
                });
                assert_eq!(removed.is_ok(), burned > 0 && burned <= have, "step {step}");
                if let Ok(amounts) = removed {
                    removals += 1;
                    for (amount, reserve) in amounts.iter().zip(&plain.reserves) {
                        assert_eq!(amount.to_u256(), n(burned) * n(*reserve) / n(plain.total));
                    }
                }
            }
        }
        for (pool, before) in pools.iter().zip(&before) {
            let after = Plain::read(&world, *pool);
            if after == *before {
                continue;
            }
            assert_eq!(pool.get() as usize, at, "step {step}: another pool moved");
            assert!(
                after.is_worth(before),
                "step {step}: {before:?} became {after:?}"
            );
        }
    }
    println!("{swaps} swaps, {adds} deposits, {removals} withdrawals");
    assert!(swaps > STEPS / 3 && adds > STEPS / 20 && removals > STEPS / 40);
}

#[test]
fn exch_5_exch_6_exch_7_random_steps_are_predicted_and_lower_no_share() {
    run("random_steps_are_predicted_and_lower_no_share", 0);
}

#[test]
fn exch_5_exch_11_random_steps_with_a_protocol_share_lower_no_share() {
    run("random_steps_with_a_protocol_share_lower_no_share", 2_500);
}

/// Random round trips through both curves, alone in a block: nobody ends richer in one asset without less of another.
#[test]
fn exch_6_round_trips_never_gain() {
    let mut dice = Dice::new("round_trips_never_gain");
    let (mut world, _) = start();
    world.sweep_every = 50;
    let pools = pools(&mut world);
    let mut trips = 0;
    for _ in 0..600 {
        let pool = dice.of(&pools);
        let plain = Plain::read(&world, pool);
        let (from, to) = two(&mut dice, &plain.shape);
        let units = dice.amount((plain.reserves[plain.place(from)]).min(RICH / 10));
        if units == 0 {
            continue;
        }
        let there = leg(pool, from.get(), to.get(), units);
        let back = sized(leg(pool, to.get(), from.get(), 0), Size::InAll);
        let circle = bounds(from.get(), RICH, from.get(), 0);
        let Ok(done) = swap(&mut world, BOBS, &[there, back], circle) else {
            continue;
        };
        trips += 1;
        assert!(done.received.is_zero() && !done.paid.is_zero(), "{done:?}");
    }
    assert!(trips > 200, "only {trips} trips");
}
