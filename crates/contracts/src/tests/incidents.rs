//! What others lost money by, played against this protocol and against its twin in which one line is broken.
//!
//! ```text
//!   replay(&Scene) ─► attacker's profit in cents ─┬─ on the product    at most nothing
//!                                                 └─ on the twin       more than nothing
//! ```
//!
//! A replay is a function that answers the attacker's profit, at market prices; [`TABLE`] says which incident it is
//! and which line of the product it breaks (`crate::mutant`). Markets, prices, tokens, loans and accounts are the
//! product's own. Where a replay is about markets or prices alone, who may borrow against what is decided by
//! [`scene::Scene::borrow_against`], a lender by the oracle's prices and nothing else, so that no check of accounts stands
//! in the way of what is tried.

mod accounts;
mod exchange;
mod markets;
mod prices;
mod products;
mod scene;

use crate::mutant::{Mutant, Twin};

/// One incident.
struct Incident {
    /// Who lost, when.
    what: &'static str,
    /// The lines that are broken in the twin.
    mutants: &'static [Mutant],
    /// The attack; answers the attacker's profit in millionths of a dollar.
    replay: fn() -> i128,
}

const TABLE: &[Incident] = &[
    Incident {
        what: "empty market and donation (Hundred, Midas, Onyx, Radiant, Sonne 2023-24)",
        mutants: &[Mutant::NoSeed, Mutant::GiftsCount],
        replay: markets::empty_market_and_donation,
    },
    Incident {
        what: "half-up rounding (Aave before v3.5, USM 2026)",
        mutants: &[Mutant::SharesToNearest],
        replay: markets::half_up_rounding,
    },
    Incident {
        what: "unbacked supply (KelpDAO rsETH 2026), beyond what the cap puts at stake",
        mutants: &[Mutant::NoSupplyCap],
        replay: markets::unbacked_supply,
    },
    Incident {
        what: "read-only re-entrancy (Curve 2022, Midas and Sentiment 2023)",
        mutants: &[Mutant::OutIsGone],
        replay: markets::read_only_reentrancy,
    },
    Incident {
        what: "one payment counted twice (native and ERC-20 in Uniswap v4, Akropolis 2020)",
        mutants: &[Mutant::CashIsRepayment],
        replay: markets::one_payment_counted_twice,
    },
    Incident {
        what: "stale price (Venus and Blizz on LUNA 2022)",
        mutants: &[Mutant::OldPricesCount],
        replay: prices::luna_stale_price,
    },
    Incident {
        what: "fixed price (Stream xUSD 2025)",
        mutants: &[Mutant::StillPricesCount],
        replay: prices::xusd_fixed_price,
    },
    Incident {
        what: "cap on growth set too low (Aave CAPO 2026)",
        mutants: &[Mutant::CapLiquidates],
        replay: prices::capo_misconfigured,
    },
    Incident {
        what: "real gap of 30 % after an outage, with a band that stays",
        mutants: &[Mutant::FixedBand],
        replay: accounts::gap_after_an_outage,
    },
    Incident {
        what: "collateral given away to be forgiven the debt (Euler 2023)",
        mutants: &[Mutant::GiftsUnchecked],
        replay: accounts::harming_oneself,
    },
    Incident {
        what: "checks reset within a batch (Abracadabra, Sharwa 2025)",
        mutants: &[Mutant::LastActionDecides],
        replay: accounts::checks_reset_in_a_batch,
    },
    Incident {
        what: "collateral pumped by its owner (Mango 2022)",
        mutants: &[Mutant::SpotCounts],
        replay: accounts::self_pumped_collateral,
    },
    Incident {
        what: "liquidity valued by what its pool holds (Warp 2020, Cream 2021)",
        mutants: &[Mutant::PoolPriceCounts],
        replay: accounts::pool_pumped_liquidity,
    },
    Incident {
        what: "collateral priced by a pool in the transaction that moves it (bZx and Harvest 2020, Inverse 2022)",
        mutants: &[Mutant::PoolIsOracle],
        replay: accounts::pool_pumped_collateral,
    },
    Incident {
        what: "thin debt squeezed (Aave on CRV 2022)",
        mutants: &[Mutant::NoBorrowCap],
        replay: accounts::thin_debt_squeezed,
    },
    Incident {
        what: "nobody else bids (Maker's Black Thursday 2020), beyond the largest discount",
        mutants: &[Mutant::NoFloor],
        replay: accounts::nobody_else_bids,
    },
    Incident {
        what: "liquidation sandwiched in its pool (keepers that sell on chain, 2020-25), beyond what the floor grants",
        mutants: &[Mutant::NoSaleFloor],
        replay: accounts::sandwiched_sale,
    },
    Incident {
        what: "scraps of exact output scaled down (Balancer 2025)",
        mutants: &[Mutant::ScrapsCountLess],
        replay: exchange::scraps_of_exact_output,
    },
    Incident {
        what: "end of a range that is not crossed (KyberSwap 2023)",
        mutants: &[Mutant::EndForgotten],
        replay: exchange::end_of_a_range_forgotten,
    },
    Incident {
        what: "product of uneven reserves cut to nothing when shares are made (yETH 2025)",
        mutants: &[Mutant::ProductIsNothing],
        replay: exchange::product_cut_to_nothing,
    },
    Incident {
        what: "re-entered between the price of a deposit and its count (GMX v1 2025)",
        mutants: &[Mutant::PlanIsKept],
        replay: exchange::reentered_between_price_and_count,
    },
    Incident {
        what: "leveraged tokens made at a value that is late (FTX and other issuers 2020-22)",
        mutants: &[Mutant::ValueIsEnough],
        replay: products::units_at_a_late_value,
    },
    Incident {
        what: "rebalance of leveraged tokens run ahead of (March 2020), beyond what the limit grants",
        mutants: &[Mutant::NoProductFloor],
        replay: products::rebalance_run_ahead_of,
    },
];

fn dollars(micro: i128) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let (whole, rest) = (micro.abs() / 1_000_000, micro.abs() % 1_000_000);
    format!("{sign}{whole}.{rest:06}")
}

#[test]
fn every_incident_pays_on_the_twin_alone() {
    println!(
        "| incident | line broken in the twin | profit here | profit on the twin | invariants that notice |"
    );
    println!("|---|---|---|---|---|");
    let mut failed = Vec::new();
    for incident in TABLE {
        let Incident {
            what,
            mutants,
            replay,
        } = incident;
        let here = replay();
        let twin = Twin::with(mutants);
        let there = replay();
        let noted: Vec<_> = twin.noted().into_iter().collect();
        drop(twin);
        println!(
            "| {what} | {mutants:?} | {} | {} | {} |",
            dollars(here),
            dollars(there),
            noted.join(" ")
        );
        if here > 0 || there <= 0 {
            failed.push(what);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
