//! What an account is worth, by the prices and factors of whoever asks.

use alloy_primitives::U256;
use capstan_units::AccountId;

use super::{
    super::*,
    book::{Answer, Model, ceil, floor, one, whole},
};
use crate::testkit::market::no;

/// Smallest debt, in dollars.
pub(super) const DEBT_MIN: u128 = 10 * USD;
const DAY_MS: u64 = 86_400_000;
/// Shortest way from one set of factors to another.
const RAMP_MS: u64 = 7 * DAY_MS;

/// What the oracle says of an asset; `None` is unusable.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quote {
    /// For loans, of collateral and of debts.
    pub(super) lend: Option<(u128, u128)>,
    /// For liquidations, of both.
    pub(super) sell: Option<u128>,
    /// To look.
    pub(super) view: Option<u128>,
    /// The latest one, usable or not.
    pub(super) latest: u128,
    /// Whether it is unusable because it is in its grace period.
    pub(super) in_grace: bool,
}

/// How much an asset counts, on its way from one set of factors to another: to borrow and to stay, and the same against
/// debts of its own category.
#[derive(Clone, Debug)]
pub(super) struct Counting {
    pub(super) said: Collateral,
    from: [u16; 4],
    to: [u16; 4],
    start_ms: u64,
    pub(super) end_ms: u64,
}

fn factors(said: &Collateral) -> [u16; 4] {
    [
        said.initialBps,
        said.maintenanceBps,
        said.categoryInitialBps,
        said.categoryMaintenanceBps,
    ]
}

impl Counting {
    /// An asset that counts from now on.
    pub(super) fn new(said: Collateral, now_ms: u64) -> Self {
        let all = factors(&said);
        Self {
            said,
            from: all,
            to: all,
            start_ms: now_ms,
            end_ms: now_ms,
        }
    }

    /// Along a straight line, rounded down.
    pub(super) fn at(&self, now_ms: u64) -> [u16; 4] {
        if now_ms >= self.end_ms {
            return self.to;
        }
        if now_ms <= self.start_ms {
            return self.from;
        }
        let (whole_ms, gone_ms) = (
            u128::from(self.end_ms - self.start_ms),
            u128::from(now_ms - self.start_ms),
        );
        let mut at = [0; 4];
        for (place, (from, to)) in self.from.into_iter().zip(self.to).enumerate() {
            let sum = u128::from(from) * (whole_ms - gone_ms) + u128::from(to) * gone_ms;
            at[place] = u16::try_from(sum / whole_ms).expect("a factor");
        }
        at
    }

    /// The owner changes his mind: after a day's notice, over a week at least, and one way at a time.
    pub(super) fn set(
        &mut self,
        asset: u32,
        said: Collateral,
        ramp_ms: u64,
        now_ms: u64,
    ) -> Answer<()> {
        let fixed = |one: &Collateral| (one.discountMaxBps, one.category, one.isolated);
        if fixed(&said) != fixed(&self.said) {
            return no(&AccountCollateralFixed { assetId: asset });
        }
        let present = self.at(now_ms);
        if factors(&said) == present {
            self.said = said;
            return Ok(());
        }
        if ramp_ms < RAMP_MS {
            return no(&AccountRampTooShort {
                rampMs: ramp_ms,
                minMs: RAMP_MS,
            });
        }
        if now_ms < self.end_ms {
            return no(&AccountRampUnderWay { endMs: self.end_ms });
        }
        let start_ms = now_ms + DAY_MS;
        *self = Self {
            from: present,
            to: factors(&said),
            start_ms,
            end_ms: start_ms + ramp_ms,
            said,
        };
        Ok(())
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Batch,
    Block,
    Owner,
}

/// One asset of a balance sheet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) asset: u32,
    pub(super) kinds: u8,
    pub(super) held: U256,
    pub(super) owed: U256,
    pub(super) held_price: U256,
    pub(super) is_priced: bool,
    pub(super) owed_price: U256,
    /// Whether what is owed has a price.
    pub(super) is_judged: bool,
    pub(super) held_value: U256,
    pub(super) owed_value: U256,
    pub(super) factor: U256,
    /// Pieces of which it is the first coin, in value, and what of that counts.
    pub(super) liquidity: U256,
    pub(super) liquidity_counts: U256,
}

impl Line {
    fn counts(&self) -> U256 {
        floor(self.held_value, self.factor, one())
    }

    /// The same, if so much were held.
    pub(super) fn with_held(mut self, held: U256) -> Self {
        self.held = held;
        self.held_value = floor(held, self.held_price, whole(self.asset));
        self
    }

    /// Units of the smallest debt.
    pub(super) fn least(&self) -> U256 {
        ceil(n(DEBT_MIN), whole(self.asset), self.owed_price)
    }
}

/// A balance sheet in one line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) collateral: U256,
    pub(super) adjusted: U256,
    pub(super) debt: U256,
}

impl Sum {
    pub(super) fn is_healthy(&self) -> bool {
        self.adjusted >= self.debt
    }

    pub(super) fn health(&self) -> U256 {
        if self.debt.is_zero() {
            return U256::MAX;
        }
        floor(self.adjusted, n(USD), self.debt)
    }
}

pub(super) fn sum_of(lines: &[Line]) -> Sum {
    let mut sum = Sum::default();
    for line in lines {
        sum.collateral += line.held_value + line.liquidity;
        sum.adjusted += line.counts() + line.liquidity_counts;
        sum.debt += line.owed_value;
    }
    sum
}

impl Model {
    pub(super) fn lines(&self, who: AccountId, asker: Asker) -> Answer<Vec<Line>> {
        let mut lines = Vec::new();
        for (asset, kinds) in self.rows(who) {
            let (held, owed) = self.line(who, asset, kinds);
            let quote = self.quotes[&asset];
            let (held_price, owed_price) = match asker {
                Asker::Batch => (quote.lend.map(|both| both.0), quote.lend.map(|both| both.1)),
                Asker::Block | Asker::Owner => (quote.sell, quote.sell),
            };
            let is_judged = owed_price.is_some() || owed.is_zero();
            if !is_judged && asker != Asker::Block {
                return no(&AccountPriceUnusable {
                    owner: who.owner,
                    index: who.index,
                    assetId: asset,
                });
            }
            let otherwise = match asker {
                Asker::Batch => 0,
                Asker::Block if quote.in_grace => quote.latest * 2,
                Asker::Block | Asker::Owner => quote.latest,
            };
            let price = n(held_price.unwrap_or(otherwise));
            let owed_price = n(owed_price.unwrap_or_default());
            lines.push(Line {
                asset,
                kinds,
                held,
                owed,
                held_price: price,
                is_priced: held_price.is_some(),
                is_judged,
                owed_price,
                held_value: floor(held, price, whole(asset)),
                owed_value: ceil(owed, owed_price, whole(asset)),
                factor: U256::ZERO,
                liquidity: U256::ZERO,
                liquidity_counts: U256::ZERO,
            });
        }
        self.set_factors(who, &mut lines, asker);
        self.add_pieces(who, &mut lines);
        Ok(lines)
    }

    fn set_factors(&self, who: AccountId, lines: &mut [Line], asker: Asker) {
        let said = |line: &Line| &self.terms[&line.asset].said;
        let debts = lines.iter().filter(|line| !line.owed.is_zero());
        let categories: Vec<u8> = debts.map(|line| said(line).category).collect();
        let shared = match categories.first() {
            Some(first) if categories.iter().all(|one| one == first) => *first,
            _ => 0,
        };
        for line in lines.iter_mut() {
            let counting = &self.terms[&line.asset];
            let is_near = shared != 0 && counting.said.category == shared;
            let all = counting.at(self.now_ms);
            let place = usize::from(asker != Asker::Batch) + 2 * usize::from(is_near);
            line.factor = U256::from(all[place]);
        }
        let (alone, together): (Vec<&Line>, Vec<&Line>) =
            lines.iter().partition(|line| said(line).isolated);
        let together: U256 = together.iter().map(|line| line.counts()).sum();
        // A piece with an isolated coin has another one beside it, and never counts.
        let pieces = self.fair(who, lines).into_iter().map(|(_, places, value)| {
            let coins = places.map(|place| &lines[place]);
            let is_alone = coins.iter().any(|line| said(line).isolated);
            let factor = coins[0].factor.min(coins[1].factor);
            floor(value, if is_alone { U256::ZERO } else { factor }, one())
        });
        let together = together + pieces.sum::<U256>();
        // Of equal ones the first.
        let best = alone
            .iter()
            .rev()
            .max_by_key(|line| line.counts())
            .filter(|line| line.counts() > together)
            .map(|line| line.asset);
        for line in lines.iter_mut() {
            let counts = match best {
                Some(best) => line.asset == best,
                None => !self.terms[&line.asset].said.isolated,
            };
            if !counts {
                line.factor = U256::ZERO;
            }
        }
    }

    pub(super) fn sum(&self, who: AccountId, asker: Asker) -> Answer<Sum> {
        Ok(sum_of(&self.lines(who, asker)?))
    }

    /// Whether the block would sell.
    pub(super) fn unhealthy(&self, who: AccountId) -> bool {
        self.sum(who, Asker::Block)
            .is_ok_and(|sum| !sum.is_healthy())
    }

    /// What somebody may still owe more, in dollars times 10^18.
    pub(super) fn room(&self, who: AccountId) -> U256 {
        let sum = self.sum(who, Asker::Batch).unwrap_or_default();
        sum.adjusted.saturating_sub(sum.debt)
    }
}
