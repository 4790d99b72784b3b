//! Stable pools beside the curve's own polynomial, found by halving in big integers with 40 more binary digits, and
//! beside Balancer's arithmetic.
//!
//! Ours never gives more, nor asks for less, than the curve; and never differs from it by more than two units of `D` and
//! four units of the coin, both of 10^-18, where reserves are at least a million of them.

use num_bigint::BigInt;

use super::*;

sol! {
    interface IPeerStable {
        function invariant(uint256 amp, uint256[] memory balances, bool up) external pure returns (uint256);
        function outGivenIn(uint256 amp, uint256[] memory balances, uint256 from, uint256 to, uint256 amount) external pure returns (uint256);
        function inGivenOut(uint256 amp, uint256[] memory balances, uint256 from, uint256 to, uint256 amount) external pure returns (uint256);
    }
}

/// Digits behind the point of the reference.
const DIGITS: usize = 40;
const FEE_PIPS: u128 = 100;
const PIPS: u128 = 1_000_000;
/// How far our answer may be from the curve, in units of `D`, and in units of the coin.
const SLACK_D: u128 = 2;
const SLACK: u128 = 4;

fn big(units: u128) -> BigInt {
    BigInt::from(units) << DIGITS
}

/// A pool's reserves and amplification.
#[derive(Clone, Debug)]
struct Curved {
    reserves: Vec<BigInt>,
    amplification: u32,
}

impl Curved {
    /// `(A*n*S + D - A*n*D) * n^n * P - D^(n+1)`, which falls as `D` grows and is zero at the invariant.
    fn above(&self, d: &BigInt) -> BigInt {
        let count = u32::try_from(self.reserves.len()).expect("small");
        let slope = BigInt::from(self.amplification) * count;
        let sum: BigInt = self.reserves.iter().sum();
        let whole = BigInt::from(count.pow(count));
        let product = self.reserves.iter().fold(whole, |all, x| all * x);
        (&slope * sum + d - slope * d) * product - d.pow(count + 1)
    }

    /// `D`, down.
    fn invariant(&self) -> BigInt {
        let most = self.reserves.iter().sum::<BigInt>() + 1;
        halved(&most, |d| self.above(d) >= BigInt::ZERO)
    }

    /// The reserve of one coin that makes `d` of the others, down.
    fn solve(&self, place: usize, d: &BigInt) -> BigInt {
        let is_less = |y: &BigInt| {
            let mut tried = self.clone();
            tried.reserves[place] = y.clone();
            tried.above(d) < BigInt::ZERO
        };
        let mut most = d.clone();
        while is_less(&most) {
            most *= 2;
        }
        halved(&most, is_less)
    }

    /// What the coin at `to` falls by where that at `from` grows by `more`, for a `D` that much larger.
    fn moved(&self, from: usize, to: usize, more: &BigInt, larger: &BigInt) -> BigInt {
        let d = self.invariant() + larger;
        let mut grown = self.clone();
        grown.reserves[from] += more;
        &self.reserves[to] - grown.solve(to, &d)
    }
}

/// The largest number below `most` for which something holds that holds from zero on.
fn halved(most: &BigInt, holds: impl Fn(&BigInt) -> bool) -> BigInt {
    let (mut low, mut high) = (BigInt::ZERO, most.clone());
    while &high - &low > BigInt::from(1) {
        let middle: BigInt = (&low + &high) / 2;
        if holds(&middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Units and a part of one.
fn units_of(value: &BigInt) -> f64 {
    let thousandths: BigInt = (value * 1_000) >> DIGITS;
    thousandths.to_string().parse::<f64>().expect("a number") / 1_000.0
}

/// One pool and one swap of any size that keeps the reserves within a hundred to one.
struct Case {
    reserves: Vec<u128>,
    amplification: u32,
    from: usize,
    to: usize,
    amount: u128,
}

impl Case {
    fn random(random: &mut Random) -> Self {
        let count = random.of(&[2_usize, 3, 4]);
        let base = 1 + random.amount(1_000_000_000_000_000_000_000_000);
        let reserves: Vec<_> = (0..count)
            .map(|_| base * (1 + random.below(20)) + 1_000_000)
            .collect();
        let places: Vec<_> = (0..count).collect();
        let (from, apart) = (random.of(&places), random.of(&places[1..]));
        let to = (from + apart) % count;
        let amount = random.amount(reserves[to] / 2);
        Self {
            amplification: random.of(&[1, 2, 10, 85, 200, 1_000, 5_000]),
            reserves,
            from,
            to,
            amount,
        }
    }

    /// What our pool says with an amplification; both sides, of which one is given.
    fn ours(&self, ours: &mut Ours, amplification: u32, size: Size) -> Option<Outcome> {
        let shape = Shape {
            curve: Curve::Stable,
            fee_pips: 100,
            amplification,
            assets: (0..self.reserves.len()).map(asset).collect(),
        };
        let amounts: Vec<_> = self.reserves.iter().copied().map(units).collect();
        let bounds = Bounds {
            asset_in: asset(self.from),
            paid_max: units(RICH),
            asset_out: asset(self.to),
            received_min: Assets::ZERO,
        };
        let mut found = None;
        // The pool is opened and forgotten: it is as asked for in every case.
        let undone: Result<(), Halt> = ours.act(|cx| {
            let (pool, _) = exchange::create(cx, ALICE, ALICE, &shape, &amounts)?;
            let leg = Leg {
                pool,
                asset_in: bounds.asset_in,
                asset_out: bounds.asset_out,
                size,
            };
            found = exchange::quote(cx, &[leg], bounds).ok();
            refused()
        });
        assert!(undone.is_err());
        found
    }

    fn curved(&self) -> Curved {
        Curved {
            reserves: self.reserves.iter().copied().map(big).collect(),
            amplification: self.amplification,
        }
    }

    fn balances(&self) -> (U256, Vec<U256>) {
        let reserves = self.reserves.iter().copied().map(U256::from).collect();
        (U256::from(self.amplification) * U256::from(1_000), reserves)
    }
}

/// How far answers were from the curve at most, for the pool's good or not, in units of 10^-18.
#[derive(Debug, Default)]
struct Worst {
    ours: f64,
    balancers: f64,
    balancers_against_the_pool: f64,
}

impl Worst {
    /// `kept` is what the pool keeps beyond the curve.
    fn count(&mut self, ours: &BigInt, balancers: &BigInt) {
        self.ours = self.ours.max(units_of(ours));
        self.balancers = self.balancers.max(units_of(balancers));
        self.balancers_against_the_pool = self.balancers_against_the_pool.max(-units_of(balancers));
    }
}

/// What a swap of exact input, and one of exact output, differ by from the curve; ours runs with that much more
/// amplification.
fn first_difference(
    codes: &Codes,
    cases: u64,
    more: u32,
    random: &mut Random,
) -> Result<Worst, String> {
    let (mut ours, mut peers) = (Ours::new(4), Peers::new(codes));
    let balancer = peers.deploy("PeerStable", &[]);
    let mut worst = Worst::default();
    let (slack_d, slack) = (big(SLACK_D), big(SLACK));
    for number in 0..cases {
        let case = Case::random(random);
        let curved = case.curved();
        let (amp, balances) = case.balances();
        let (from, to) = (U256::from(case.from), U256::from(case.to));
        let amplification = case.amplification + more;
        let wrong = |what: &str, found: &BigInt, exact: &BigInt| {
            let (found, exact) = (units_of(found), units_of(exact));
            format!("case {number}, {what}: {found}, the curve {exact}")
        };

        let after_fee = case.amount * (PIPS - FEE_PIPS) / PIPS;
        let size = Size::In(units(case.amount));
        if let Some(done) = case.ours(&mut ours, amplification, size) {
            let grown = big(after_fee);
            let exact = curved.moved(case.from, case.to, &grown, &BigInt::ZERO);
            let least = curved.moved(case.from, case.to, &grown, &slack_d) - &slack;
            let out = big(done.received.get());
            if out > exact || out < least {
                return Err(wrong("received", &out, &exact));
            }
            let call = IPeerStable::outGivenInCall {
                amp,
                balances: balances.clone(),
                from,
                to,
                amount: U256::from(after_fee),
            };
            // Where nothing comes out, Balancer refuses as ours does.
            if let Ok(theirs) = peers.attempt(OWNER, balancer, &call) {
                worst.count(&(&exact - out), &(&exact - big(narrow(theirs))));
            }
        }

        let size = Size::Out(units(case.amount));
        if let Some(done) = case.ours(&mut ours, amplification, size) {
            let fallen = -big(case.amount);
            // The coin at `from` grows where that at `to` falls.
            let exact = -curved.moved(case.to, case.from, &fallen, &BigInt::ZERO);
            let most = -curved.moved(case.to, case.from, &fallen, &slack_d) + &slack;
            // With the fee: of what is paid, the part that stays is all that the curve asks for.
            let net = big(done.paid.get()) * (PIPS - FEE_PIPS) / PIPS;
            if net < exact || net > most + big(1) {
                return Err(wrong("paid", &net, &exact));
            }
            let call = IPeerStable::inGivenOutCall {
                amp,
                balances,
                from,
                to,
                amount: U256::from(case.amount),
            };
            if let Ok(theirs) = peers.attempt(OWNER, balancer, &call) {
                worst.count(&(net - &exact), &(big(narrow(theirs)) - &exact));
            }
        }
    }
    Ok(worst)
}

#[test]
fn stable_swaps_are_the_curves_and_balancers_within_units() {
    let Some(codes) = codes("exchange") else {
        return;
    };
    let seed = seed();
    println!("replay: CAPSTAN_SEED={seed} cargo nextest run -p capstan-testing stable_swaps_are");
    let mut random = Random(U256::from(seed));
    let worst = first_difference(&codes, steps(STEPS) / 20, 0, &mut random);
    let worst = worst.unwrap_or_else(|found| panic!("{found}"));
    println!("furthest from the curve, in units of 10^-18: {worst:?}");
}

/// The comparison bites: one more of amplification, and it fails.
#[test]
fn an_amplification_that_is_off_by_one_is_found() {
    let Some(codes) = codes("exchange") else {
        return;
    };
    let mut random = Random(U256::from(7));
    let found = first_difference(&codes, 20, 1, &mut random);
    println!("found: {found:?}");
    assert!(found.is_err());
}
