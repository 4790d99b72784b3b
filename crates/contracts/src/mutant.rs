//! Safeguards that a test can take away.
//!
//! Where a line stands between somebody and a loss that happened elsewhere, it is written
//! `mutant!(Name, safe, broken)`. In every build but that of this crate's own tests this *is* `safe`: no feature can
//! turn it on, and no byte of `broken` is compiled. In those tests `broken` takes its place while a replay attacks the
//! vulnerable twin (`tests/incidents`), so that what is attacked is the product's own code but for one line.
//!
//! It is for incidents and for the order in which tiers bear a loss, a line each, where the safe line stays as readable as
//! it was.

/// See the [module](self).
#[cfg(not(test))]
macro_rules! mutant {
    ($name:ident, $safe:expr, $broken:expr) => {
        $safe
    };
}

/// See the [module](self).
#[cfg(test)]
macro_rules! mutant {
    ($name:ident, $safe:expr, $broken:expr) => {
        if $crate::mutant::Mutant::$name.lives() {
            $broken
        } else {
            $safe
        }
    };
}

pub(crate) use mutant;

#[cfg(test)]
pub(crate) use alive::{Mutant, Twin, none_lives, note};

#[cfg(test)]
mod alive {
    use std::{cell::RefCell, collections::BTreeSet};

    /// What goes without saying, until it is missing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Mutant {
        /// A market is listed without a seed.
        NoSeed,
        /// Shares are worth what lies at the ledger's address.
        GiftsCount,
        /// Shares are rounded to the nearest.
        SharesToNearest,
        /// Supply caps bind nobody.
        NoSupplyCap,
        /// What a flash loan has out is not counted.
        OutIsGone,
        /// A flash loan is paid back when the market has as much as is due.
        CashIsRepayment,
        /// Prices count however old they are.
        OldPricesCount,
        /// Prices count however long they stood still.
        StillPricesCount,
        /// A growth cap counts for liquidation too.
        CapLiquidates,
        /// The band stays as it is, and nothing outside is believed.
        FixedBand,
        /// What the market does in a moment counts for loans.
        SpotCounts,
        /// Borrow caps bind nobody.
        NoBorrowCap,
        /// Units leave for another account without a check.
        GiftsUnchecked,
        /// Whom a batch checks is what its last action says.
        LastActionDecides,
        /// The discount grows as long as nobody comes.
        NoFloor,
        /// Stakes bear a loss before the reserve does.
        ReserveSpared,
        /// Lenders bear a loss before stakes do.
        StakeSpared,
        /// Pools buy at whatever price they stand.
        NoSaleFloor,
        /// Sales push pools as far as they like.
        NoImpactCap,
        /// Matched accounts pay all that they owe.
        MatchBeyondTarget,
        /// Liquidity counts as what its pool holds now.
        PoolPriceCounts,
        /// What leaves a stable pool counts in sixteens of units, down.
        ScrapsCountLess,
        /// Liquidity that ends on the way of a price stays.
        EndForgotten,
        /// Of uneven reserves a deposit finds no product, and counts their sum.
        ProductIsNothing,
        /// What pools say now is the price of collateral.
        PoolIsOracle,
        /// A deposit makes the shares that were planned before it was paid.
        PlanIsKept,
        /// Units are made at the value of what arrived, whatever its trade brought.
        ValueIsEnough,
        /// A product trades at whatever price pools stand.
        NoProductFloor,
        /// A machine that never proved anything can do what it says.
        SpecificationCounts,
        /// What is bound to one machine may be bound to another.
        EscrowPromisedTwice,
        /// The block does not come to claims: whoever owes settles when he likes.
        GoodwillSettles,
        /// The block does not come to machines that owe: their steps wait until somebody cares.
        GoodwillAdvances,
        /// What an owner pays himself counts.
        RelatedCount,
        /// What came in decides alone what a machine can borrow.
        IncomeAlone,
        /// Loans need no first loss.
        Uninsured,
        /// The first loss leaves when it likes.
        FirstLossFlees,
        /// Lenders bear a loss before the first loss does.
        LendersLoseFirst,
        /// Who leaves during a case leaves without its loss.
        LendersLeaveWhole,
        /// A bond is left to whoever did not pay.
        BondSpared,
    }

    thread_local! {
        static ALIVE: RefCell<&'static [Mutant]> = const { RefCell::new(&[]) };
        static NOTED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }

    impl Mutant {
        /// Whether the broken line runs.
        pub(crate) fn lives(self) -> bool {
            ALIVE.with_borrow(|alive| alive.contains(&self))
        }
    }

    /// Whether this is the product as it ships.
    pub(crate) fn none_lives() -> bool {
        ALIVE.with_borrow(|alive| alive.is_empty())
    }

    /// Notes an invariant that a twin broke.
    pub(crate) fn note(id: &str) {
        NOTED.with_borrow_mut(|noted| noted.insert(id.to_owned()));
    }

    /// The vulnerable twin: as long as this lives, so do its mutants.
    pub(crate) struct Twin;

    impl Twin {
        /// The product with these lines broken, on this thread.
        pub(crate) fn with(mutants: &'static [Mutant]) -> Self {
            ALIVE.set(mutants);
            NOTED.take();
            Self
        }

        /// Invariants that were seen broken since.
        pub(crate) fn noted(&self) -> BTreeSet<String> {
            NOTED.with_borrow(Clone::clone)
        }
    }

    impl Drop for Twin {
        fn drop(&mut self) {
            ALIVE.set(&[]);
        }
    }
}
