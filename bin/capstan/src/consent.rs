//! Consent: what a person is asked before his key signs. Once always, and a second time where nothing could be called back.
//!
//! ```text
//!   what is shown ─► "sign this?" ─► who receives it, if nothing was ever there ─► how much, if it is large ─► the key
//! ```
//!
//! An address that never sent, received or was code may be mistyped, and no checksum tells that it is somebody else's. An
//! amount beyond ten thousand dollars is asked for again by its size. `--yes` answers all of it: scripts know what they do.

use alloy_primitives::{Address, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use capstan_client::{Asset, Node, Preview, Report};
use capstan_contracts::oracle::{self, IOracle};
use capstan_units::mul_div_down;
use console::Term;
use eyre::{Result, bail};
use serde_json::json;

use crate::{account::signer, args::Signing};

/// Dollars beyond which an amount is large.
const LARGE_USD: u64 = 10_000;
/// Digits of an address that are typed again.
const TYPED: usize = 4;
/// Digits of a value in dollars behind the point.
const USD_DECIMALS: u8 = 18;

/// What somebody might lose by a mistake: who gains what he signs, and what that is worth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stakes {
    receivers: Vec<Address>,
    /// Values in dollars times 10^18, each with what happens to it.
    worths: Vec<(U256, &'static str)>,
}

impl Stakes {
    /// Somebody receives coins, a role or a contract.
    pub(crate) fn receiver(mut self, who: Address) -> Self {
        self.receivers.push(who);
        self
    }

    /// So much of an asset, at the oracle's price, `what`: what has no price there is not asked about by its size.
    pub(crate) async fn amount(
        self,
        node: &Node,
        asset: &Asset,
        amount: U256,
        what: &'static str,
    ) -> Self {
        match value_of(node, asset, amount).await {
            Some(value) => self.value(value, what),
            None => self,
        }
    }

    /// So many dollars, times 10^18.
    pub(crate) fn value(mut self, value: U256, what: &'static str) -> Self {
        self.worths.push((value, what));
        self
    }

    /// Several amounts of one deed, as one.
    pub(crate) fn together(mut self, what: &'static str) -> Self {
        let values = self.worths.drain(..).map(|(value, _)| value);
        let sum = values.fold(U256::ZERO, U256::saturating_add);
        self.value(sum, what)
    }

    /// What a batch takes from an account's collateral, and adds to its debt.
    pub(crate) fn of_batch(told: &Preview) -> Self {
        let after = told.after.as_ref().and_then(|after| after.report.as_ref());
        match (&told.before.report, after) {
            (Some(before), Some(after)) => Self::of_reports(before, after),
            _ => Self::default(),
        }
    }

    fn of_reports(before: &Report, after: &Report) -> Self {
        let (held, holds) = (before.collateral.amount, after.collateral.amount);
        let (owed, owes) = (before.debt.amount, after.debt.amount);
        Self::default()
            .value(held.saturating_sub(holds), "leave the account")
            .value(owes.saturating_sub(owed), "are borrowed")
    }
}

async fn value_of(node: &Node, asset: &Asset, amount: U256) -> Option<U256> {
    let ask = IOracle::priceOfCall { assetId: asset.id };
    let price = node.view(oracle::ADDRESS, &ask).await.ok()?.price;
    let whole = U256::from(10).checked_pow(U256::from(asset.decimals))?;
    mul_div_down(amount, U256::from(price), whole).ok()
}

/// The key of a wallet whose holder agreed to what he was shown.
pub(crate) async fn key(
    node: &Node,
    signing: &Signing,
    wallet: Address,
    stakes: &Stakes,
) -> Result<PrivateKeySigner> {
    if !signing.yes {
        let terminal = Term::stderr();
        if !terminal.is_term() {
            bail!("there is no terminal to ask: --yes signs without asking");
        }
        let asked = questions(&unused(node, wallet, stakes).await?, stakes);
        let mut answer = |question: &str| -> Result<String> {
            terminal.write_str(question)?;
            Ok(terminal.read_line()?)
        };
        if !agrees(&asked, &mut answer)? {
            bail!("not signed");
        }
    }
    let key = signer(&signing.signer)?;
    if key.address() != wallet {
        bail!("the wallet is {}, not {wallet}", key.address());
    }
    Ok(key)
}

/// What is asked again, and what has to be typed.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    why: String,
    typed: String,
}

/// Receivers besides the signer himself at whose address nothing ever was.
async fn unused(node: &Node, wallet: Address, stakes: &Stakes) -> Result<Vec<Address>> {
    let mut unused = Vec::new();
    for &address in &stakes.receivers {
        if address == wallet || address.is_zero() {
            continue;
        }
        let at = json!([address, "latest"]);
        let nonce = node.quantity("eth_getTransactionCount", at.clone()).await?;
        let balance: U256 = node.read("eth_getBalance", at.clone()).await?;
        let code: Bytes = node.read("eth_getCode", at).await?;
        if nonce == 0 && balance.is_zero() && code.is_empty() {
            unused.push(address);
        }
    }
    Ok(unused)
}

fn questions(unused: &[Address], stakes: &Stakes) -> Vec<Question> {
    let mut all: Vec<_> = unused
        .iter()
        .map(|address| {
            let text = address.to_string();
            Question {
                why: format!("nothing was ever at {text}"),
                typed: text[text.len() - TYPED..].to_owned(),
            }
        })
        .collect();
    let dollar = U256::from(10).pow(U256::from(USD_DECIMALS));
    for (value, what) in &stakes.worths {
        let usd = value / dollar;
        if usd > U256::from(LARGE_USD) {
            all.push(Question {
                why: format!("{usd} USD {what}"),
                typed: usd.to_string(),
            });
        }
    }
    all
}

/// Whether whoever answers says yes, and types what each question wants.
fn agrees(questions: &[Question], answer: &mut dyn FnMut(&str) -> Result<String>) -> Result<bool> {
    let first = answer("sign this? [y/N] ")?;
    if !matches!(first.trim(), "y" | "Y" | "yes") {
        return Ok(false);
    }
    for question in questions {
        let said = answer(&format!(
            "{}; type {} to sign: ",
            question.why, question.typed
        ))?;
        if said.trim() != question.typed {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
