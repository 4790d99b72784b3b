//! A deed: one call of a wallet, shown, tried, agreed to and signed in the same way whatever it does.
//!
//! ```text
//!   rows, decoded call ─► try it, after its approvals ─► consent ─► approvals ─► the call
//! ```

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall as _;
use capstan_client::{Asset, Assets, Call, Node, Sent, send, try_in_turn};
use capstan_contracts::{decode_call, erc20::IErc20, resolve};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, WrapErr as _};
use serde_json::{Map, Value, json};

use crate::{
    account::owner,
    args::Signing,
    consent::{self, Stakes},
};

/// Room for the name of a fact, with two spaces behind the longest one.
const NAME_WIDTH: usize = 10;

/// How the largest number is shown: contracts read it as all there is, people do not.
const ALL: &str = "all";

/// What somebody wants to sign, and what he has to know of it.
pub(crate) struct Deed {
    pub(crate) node: Node,
    pub(crate) wallet: Address,
    /// Tokens of others move only as far as their owner allowed it: transactions that come first.
    pub(crate) approvals: Vec<Call>,
    pub(crate) call: Call,
    /// Facts in words, in the order in which they are read.
    pub(crate) rows: Vec<(&'static str, String)>,
    pub(crate) stakes: Stakes,
    /// The same facts with every digit, for `--json`.
    pub(crate) told: Value,
}

impl Deed {
    /// Shows it, tries it, asks, signs. None where it was only to be shown.
    pub(crate) async fn carry_out(&self, signing: &Signing) -> Result<Option<Sent>> {
        if !signing.ask.json {
            self.show();
        }
        tried(&self.node, self.wallet, &self.approvals, &self.call).await?;
        if signing.preview {
            if signing.ask.json {
                println!("{:#}", self.told);
            }
            return Ok(None);
        }
        let key = consent::key(&self.node, signing, self.wallet, &self.stakes).await?;
        for approval in &self.approvals {
            send(&self.node, &key, approval).await?;
        }
        Ok(Some(send(&self.node, &key, &self.call).await?))
    }

    /// Carries it out, and says `done`: of a deed whose transaction tells nothing more.
    pub(crate) async fn finish(&self, signing: &Signing, done: &str) -> Result<()> {
        let Some(sent) = self.carry_out(signing).await? else {
            return Ok(());
        };
        if signing.ask.json {
            println!(
                "{:#}",
                json!({"transaction": sent.to_json(), "did": self.told})
            );
            return Ok(());
        }
        println!("{sent}");
        println!("{done}");
        Ok(())
    }

    fn show(&self) {
        let row = |name: &str, value: &str| println!("{name:<NAME_WIDTH$}{value}");
        for (name, value) in &self.rows {
            row(name, value);
        }
        row("call", &decoded(&self.call));
        for approval in &self.approvals {
            let Ok(allowed) = IErc20::approveCall::abi_decode(&approval.input) else {
                continue;
            };
            eprintln!(
                "note: the token {} first needs your approval for {} to move {} of its smallest units; a transaction of \
                 its own does that",
                approval.to, allowed.spender, allowed.value
            );
        }
    }
}

/// Whoever signs a call of a room whose amounts are of one asset.
pub(crate) struct Signer<'a> {
    signing: &'a Signing,
    pub(crate) node: Node,
    pub(crate) wallet: Address,
    pub(crate) asset: Asset,
}

impl<'a> Signer<'a> {
    pub(crate) async fn new(signing: &'a Signing, node: Node, asset: u32) -> Result<Self> {
        let assets = Assets::of(&node).await?;
        let asset = assets.get(asset).ok_or_eyre("its asset is not listed")?;
        Ok(Self {
            wallet: owner(&signing.signer, None)?,
            asset: asset.clone(),
            signing,
            node,
        })
    }

    /// An amount with its unit.
    pub(crate) fn words(&self, amount: U256) -> String {
        format!(
            "{} {}",
            decimal(amount, self.asset.decimals),
            self.asset.symbol
        )
    }

    /// Shows facts, tries the call, asks, signs, and says where it is.
    pub(crate) async fn carry_out(
        self,
        approvals: Vec<Call>,
        call: Call,
        rows: Vec<(&'static str, String)>,
        stakes: Stakes,
    ) -> Result<()> {
        let facts = rows.iter().map(|(name, value)| (*name, json!(value)));
        let facts: Map<_, _> = facts.map(|(name, fact)| (name.to_owned(), fact)).collect();
        let told = json!({"facts": facts, "call": decoded(&call)});
        let deed = Deed {
            node: self.node,
            wallet: self.wallet,
            approvals,
            call,
            rows,
            stakes,
            told,
        };
        let Some(sent) = deed.carry_out(self.signing).await? else {
            return Ok(());
        };
        if self.signing.ask.json {
            let transaction = sent.to_json();
            println!(
                "{:#}",
                json!({"transaction": transaction, "told": deed.told})
            );
        } else {
            println!("{sent}");
        }
        Ok(())
    }
}

/// The call as a wallet would show it.
pub(crate) fn decoded(call: &Call) -> String {
    let known = resolve(call.to);
    let said = known.and_then(|known| {
        let said = decode_call(known, &call.input)?;
        let said = said.to_string().replace(&U256::MAX.to_string(), ALL);
        Some(format!("{}.{said}", known.name))
    });
    said.unwrap_or_else(|| match call.input.is_empty() {
        true => format!("{} without data", call.to),
        false => format!("{} {}", call.to, call.input),
    })
}

/// What a call of a wallet would answer after approvals that it still has to sign.
pub(crate) async fn tried(
    node: &Node,
    wallet: Address,
    approvals: &[Call],
    call: &Call,
) -> Result<Bytes> {
    let calls: Vec<_> = approvals.iter().chain([call]).cloned().collect();
    let answers = try_in_turn(node, wallet, &calls).await;
    let answers = answers.wrap_err("this would fail")?;
    answers
        .last()
        .cloned()
        .ok_or_eyre("the node did not try the call")
}

/// What the wallet must allow first of a token of others, if less is allowed than may be taken.
pub(crate) async fn approval(
    node: &Node,
    asset: &Asset,
    wallet: Address,
    spender: Address,
    most: U256,
) -> Result<Option<Call>> {
    if !asset.is_foreign || most.is_zero() {
        return Ok(None);
    }
    let allowance = IErc20::allowanceCall {
        owner: wallet,
        spender,
    };
    if node.view(asset.token, &allowance).await? >= most {
        return Ok(None);
    }
    let approve = IErc20::approveCall {
        spender,
        value: most,
    };
    Ok(Some(Call {
        to: asset.token,
        input: approve.abi_encode().into(),
        value_wei: U256::ZERO,
    }))
}
