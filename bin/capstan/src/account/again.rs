//! The second question: before something is signed that cannot be called back and is worth a thought.
//!
//! An address that never sent, received or was code may be mistyped, and no checksum tells that it is somebody else's. An
//! amount beyond ten thousand dollars is asked for again by its size. `--yes` answers both: scripts know what they do.

use alloy_primitives::{Address, Bytes, U256};
use capstan_client::{Node, Report, Wish};
use console::Term;
use eyre::Result;
use serde_json::json;

use super::{Doing, Step};

/// Dollars beyond which an amount is large.
const LARGE_USD: u64 = 10_000;
/// Digits of an address that are typed again.
const TYPED: usize = 4;

/// What is asked again, and what has to be typed.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    why: String,
    typed: String,
}

/// Whether somebody at a terminal says yes a second time, where that is asked for.
pub(super) async fn agreed(doing: &Doing, steps: &[Step]) -> Result<bool> {
    let mut unused = Vec::new();
    for step in steps {
        if let Step::Move(Wish::Withdraw { to }, _) = step
            && *to != doing.name.owner
            && is_unused(&doing.node, *to).await?
        {
            unused.push(*to);
        }
    }
    let before = doing.told.before.report.as_ref();
    let after = doing.told.after.as_ref();
    let after = after.and_then(|after| after.report.as_ref());
    let terminal = Term::stderr();
    for question in questions(&unused, before, after) {
        terminal.write_str(&format!(
            "{}; type {} to sign: ",
            question.why, question.typed
        ))?;
        if terminal.read_line()?.trim() != question.typed {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether nothing was ever there.
async fn is_unused(node: &Node, address: Address) -> Result<bool> {
    let at = json!([address, "latest"]);
    let nonce = node.quantity("eth_getTransactionCount", at.clone()).await?;
    let balance: U256 = node.read("eth_getBalance", at.clone()).await?;
    let code: Bytes = node.read("eth_getCode", at).await?;
    Ok(nonce == 0 && balance.is_zero() && code.is_empty())
}

fn questions(unused: &[Address], before: Option<&Report>, after: Option<&Report>) -> Vec<Question> {
    let mut all: Vec<_> = unused
        .iter()
        .map(|address| {
            let text = address.to_string();
            Question {
                why: format!("nothing was ever at {text}, and nobody can call it back"),
                typed: text[text.len() - TYPED..].to_owned(),
            }
        })
        .collect();
    let (Some(before), Some(after)) = (before, after) else {
        return all;
    };
    let whole = U256::from(10).pow(U256::from(18));
    let leaves = before
        .collateral
        .amount
        .saturating_sub(after.collateral.amount);
    let borrows = after.debt.amount.saturating_sub(before.debt.amount);
    for (usd, what) in [
        (leaves / whole, "leave the account"),
        (borrows / whole, "are borrowed"),
    ] {
        if usd > U256::from(LARGE_USD) {
            all.push(Question {
                why: format!("{usd} USD {what}"),
                typed: usd.to_string(),
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(collateral: u64, debt: u64) -> Report {
        let usd = |whole: u64| {
            let amount = U256::from(whole) * U256::from(10).pow(U256::from(18));
            json!({"amount": amount, "decimals": 18, "text": whole.to_string()})
        };
        let whole = json!({
            "collateral": usd(collateral),
            "borrowable": usd(0),
            "debt": usd(debt),
            "healthInitial": null,
            "healthMaintenance": null,
            "roomToFallBps": 0,
            "costPerDay": usd(0),
        });
        serde_json::from_value(whole).expect("a report")
    }

    #[track_caller]
    fn check(unused: &[Address], before: (u64, u64), after: (u64, u64), typed: &[&str]) {
        let (before, after) = (report(before.0, before.1), report(after.0, after.1));
        let asked = questions(unused, Some(&before), Some(&after));
        let found: Vec<_> = asked.iter().map(|one| one.typed.as_str()).collect();
        assert_eq!(found, typed);
    }

    /// CLI-16
    #[test]
    fn cli_16_new_addresses_and_large_amounts_are_asked_for_twice() {
        let new = Address::repeat_byte(0xab);
        check(&[], (30_000, 0), (30_000, 9_000), &[]);
        check(&[], (30_000, 0), (30_000, 15_000), &["15000"]);
        check(&[], (30_000, 0), (19_000, 0), &["11000"]);
        check(&[], (30_000, 20_000), (30_000, 0), &[]);
        let last = new.to_string();
        check(&[new], (100, 0), (50, 0), &[&last[last.len() - 4..]]);
    }
}
