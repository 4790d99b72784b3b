//! What a liquidation cost, beside what the rule of today's largest protocol would have taken.
//!
//! ```text
//!   ours    debt paid, collateral given up (buyer and reserve), the difference is the penalty
//!   Aave v3 half of the debt, or all of it (health at most 0.95, or debt or collateral below 2,000 dollars);
//!           for it, collateral worth 5 % more, as far as there is any
//! ```
//!
//! Values are at the oracle's prices of the liquidation's block. The debt before it is that of the block before, so of
//! several liquidations of one account in one block each is compared with the whole. What pools gave beyond a price stays
//! with the account as units and lowers no penalty here: ours is the most that it can have been.
//!
//! Not here: interest within a block, and what gas and races cost a liquidator there.

use alloy_primitives::U256;
use capstan_contracts::{
    account::{
        self,
        IAccount::{self, AccountRef, LiquidationStep},
    },
    ledger::{self, ILedger},
    oracle::{self, IOracle},
};
use capstan_units::mul_div_down;
use serde::Serialize;

use crate::{
    error::{RpcError, RpcResult},
    fixed::Fixed,
    views::Views,
};

/// Of Aave v3.3 on Ethereum for its main markets; the bonus is that of ether.
const CLOSE_FACTOR_BPS: u64 = 5_000;
const WHOLE_BPS: u64 = 10_000;
const BONUS_BPS: u64 = 500;
const WHOLE_BELOW_HEALTH: u64 = 950_000_000_000_000_000;
const WHOLE_BELOW_USD: u64 = 2_000;

/// As the contract numbers venues.
const NETTING: u8 = 1;

/// Dollars, with 18 digits.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Compared {
    /// Debt that was paid.
    paid_value: Fixed,
    /// Collateral that was given up.
    taken_value: Fixed,
    /// What it cost the account beyond the debt that is gone.
    penalty: Fixed,
    aave: Aave,
}

/// What Aave's rule would have taken at once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Aave {
    close_factor_bps: u64,
    bonus_bps: u64,
    paid_value: Fixed,
    taken_value: Fixed,
    penalty: Fixed,
}

/// `None` where nothing was sold, or where a state or a price that it takes is not there any more.
pub(super) fn compare(
    before: &mut Views<'_>,
    at: &mut Views<'_>,
    of: AccountRef,
    health_before: U256,
    steps: &[LiquidationStep],
) -> RpcResult<Option<Compared>> {
    // What an account owes and has of one asset is set off for nothing, which is no sale to compare.
    if steps.iter().all(|step| step.venue == NETTING) {
        return Ok(None);
    }
    let mut paid = U256::ZERO;
    let mut taken = U256::ZERO;
    for step in steps {
        let goods = step.taken.saturating_add(step.toReserve);
        let (Some(debt), Some(goods)) = (
            value(at, step.debtAssetId, step.paid)?,
            value(at, step.collateralAssetId, goods)?,
        ) else {
            return Ok(None);
        };
        paid = paid.saturating_add(debt);
        taken = taken.saturating_add(goods);
    }
    let Ok(holdings) =
        before.answer(account::ADDRESS, &IAccount::holdingsOfCall { account: of })?
    else {
        return Ok(None);
    };
    let (mut owed, mut held) = (U256::ZERO, U256::ZERO);
    let sold = |asset: u32| steps.iter().any(|step| step.collateralAssetId == asset);
    for row in &holdings {
        let Some(debt) = value(at, row.assetId, row.owed)? else {
            return Ok(None);
        };
        owed = owed.saturating_add(debt);
        if sold(row.assetId) {
            let goods = row.units.saturating_add(row.supplied);
            held = held.saturating_add(value(at, row.assetId, goods)?.unwrap_or_default());
        }
    }
    Ok(Some(Compared {
        paid_value: Fixed::wad(paid),
        taken_value: Fixed::wad(taken),
        penalty: Fixed::wad(taken.saturating_sub(paid)),
        aave: aave(owed, held, health_before)?,
    }))
}

fn aave(owed: U256, held: U256, health_before: U256) -> RpcResult<Aave> {
    let small = U256::from(WHOLE_BELOW_USD) * U256::from(10).pow(U256::from(18));
    let is_whole = health_before <= U256::from(WHOLE_BELOW_HEALTH) || owed < small || held < small;
    let close_factor_bps = if is_whole {
        WHOLE_BPS
    } else {
        CLOSE_FACTOR_BPS
    };
    let with_bonus = WHOLE_BPS + BONUS_BPS;
    let part = |of: U256, bps: u64, whole: u64| {
        mul_div_down(of, U256::from(bps), U256::from(whole))
            .map_err(|error| RpcError::internal(error.to_string()))
    };
    let closed = part(owed, close_factor_bps, WHOLE_BPS)?;
    let taken = part(closed, with_bonus, WHOLE_BPS)?.min(held);
    // Where there is not enough collateral, less is paid for what there is.
    let paid = part(taken, WHOLE_BPS, with_bonus)?;
    Ok(Aave {
        close_factor_bps,
        bonus_bps: BONUS_BPS,
        paid_value: Fixed::wad(paid),
        taken_value: Fixed::wad(taken),
        penalty: Fixed::wad(taken - paid),
    })
}

/// What so much of an asset was worth, in dollars with 18 digits; `None` without a usable price.
fn value(at: &mut Views<'_>, asset_id: u32, amount: U256) -> RpcResult<Option<U256>> {
    if amount.is_zero() {
        return Ok(Some(U256::ZERO));
    }
    let Ok(price) = at.answer(oracle::ADDRESS, &IOracle::priceOfCall { assetId: asset_id })? else {
        return Ok(None);
    };
    let asset = at.ask(ledger::ADDRESS, &ILedger::assetCall { assetId: asset_id })?;
    let unit = U256::from(10).pow(U256::from(asset.decimals));
    let worth = mul_div_down(amount, U256::from(price.price), unit);
    worth
        .map(Some)
        .map_err(|error| RpcError::internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(whole: u64) -> U256 {
        U256::from(whole) * U256::from(10).pow(U256::from(18))
    }

    #[track_caller]
    fn check(owed: u64, held: u64, health: &str, expected: (u64, u64, u64)) {
        let health = capstan_units::parse_decimal(health, 18).expect("a health");
        let found = aave(dollars(owed), dollars(held), health).expect("in range");
        let told = serde_json::to_value(&found).expect("JSON");
        let text = |name: &str| told[name]["text"].as_str().map(str::to_owned);
        let (factor, paid, penalty) = expected;
        assert_eq!(told["closeFactorBps"], factor);
        assert_eq!(text("paidValue"), Some(paid.to_string()), "{told}");
        assert_eq!(text("penalty"), Some(penalty.to_string()), "{told}");
    }

    /// RPC-36
    #[test]
    fn rpc_33_the_other_rule_takes_half_or_all_and_a_bonus() {
        check(15_000, 18_000, "0.99", (5_000, 7_500, 375));
        check(15_000, 18_000, "0.95", (10_000, 15_000, 750));
        // Less than it is owed lies there.
        check(20_000, 2_100, "0.90", (10_000, 2_000, 100));
        // Small things at once.
        check(1_000, 5_000, "0.99", (10_000, 1_000, 50));
    }
}
