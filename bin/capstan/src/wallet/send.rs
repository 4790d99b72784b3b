//! `capstan wallet send`: coins or tokens to somebody, shown before they are signed.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use capstan_client::{Amount, Asset, AssetName, Assets, Call, Node};
use capstan_contracts::{erc20::IErc20, ether, ledger::IForeign, resolve};
use capstan_units::decimal;
use eyre::{Result, WrapErr as _, bail};
use serde_json::json;

use crate::{
    account::{balance, owner},
    args::Signing,
    consent::Stakes,
    deed::{Deed, tried},
    swap::spendable,
};

/// Number of what no ledger lists: no asset has it, so nothing has a price.
const UNLISTED: u32 = u32::MAX;
const COIN_DECIMALS: u8 = 18;

pub(super) async fn send(
    signing: &Signing,
    amount: &Amount,
    name: &AssetName,
    to: Address,
) -> Result<()> {
    let deed = deed(signing, amount, name, to).await?;
    let Some(sent) = deed.carry_out(signing).await? else {
        return Ok(());
    };
    if signing.ask.json {
        let told = json!({"transaction": sent.to_json(), "sent": deed.told});
        println!("{told:#}");
    } else {
        println!("{sent}");
    }
    Ok(())
}

async fn deed(signing: &Signing, amount: &Amount, name: &AssetName, to: Address) -> Result<Deed> {
    let node = Node::new(&signing.ask.rpc)?;
    let wallet = owner(&signing.signer, None)?;
    if let Some(contract) = resolve(to) {
        bail!(
            "{to} is the native contract {}, and what is sent there is lost; call its verbs instead",
            contract.name
        );
    }
    if to.is_zero() {
        bail!("nobody has the zero address");
    }
    let asset = sendable(&node, name).await?;
    let there_is = spendable(&asset, balance(&node, &asset, wallet).await?);
    let value = match amount {
        Amount::Max => there_is,
        amount => amount.resolve(asset.decimals, there_is)?,
    };
    let (symbol, words) = (&asset.symbol, |value| decimal(value, asset.decimals));
    if value.is_zero() {
        bail!("the amount is zero");
    }
    if value > there_is {
        bail!("the wallet has {} {symbol} to spend", words(there_is));
    }
    let call = transfer(&asset, to, value);
    let answer = tried(&node, wallet, &[], &call).await?;
    if !answer.is_empty() && !matches!(IErc20::transferCall::abi_decode_returns(&answer), Ok(true))
    {
        bail!("the token {} does not say that it was sent", asset.token);
    }
    let stakes = Stakes::default().receiver(to);
    let stakes = stakes
        .amount(&node, &asset, value, "leave the wallet")
        .await;
    Ok(Deed {
        rows: vec![
            ("send", format!("{} {symbol}", words(value))),
            ("from", format!("wallet {wallet}")),
            ("to", to.to_string()),
        ],
        told: json!({
            "token": asset.token,
            "symbol": symbol,
            "amount": value,
            "text": words(value),
            "to": to,
        }),
        node,
        wallet,
        approvals: Vec::new(),
        call,
        stakes,
    })
}

fn transfer(asset: &Asset, to: Address, value: U256) -> Call {
    if asset.token == ether::ADDRESS {
        return Call {
            to,
            value_wei: value,
            ..Call::default()
        };
    }
    Call {
        to: asset.token,
        input: IErc20::transferCall { to, value }.abi_encode().into(),
        value_wei: U256::ZERO,
    }
}

/// An asset of the ledger; where nothing is listed, the gas coin or a token all the same.
async fn sendable(node: &Node, name: &AssetName) -> Result<Asset> {
    let listed = Assets::of(node).await?;
    let why = match listed.find(name) {
        Ok(found) => return Ok(found.clone()),
        Err(why) => why,
    };
    let unlisted = |symbol: String, token, decimals| Asset {
        id: UNLISTED,
        symbol,
        token,
        decimals,
        is_foreign: true,
    };
    match name {
        AssetName::Symbol(symbol) if symbol.eq_ignore_ascii_case("eth") => {
            Ok(unlisted("ETH".to_owned(), ether::ADDRESS, COIN_DECIMALS))
        }
        AssetName::Token(token) => {
            let decimals = node.view(*token, &IForeign::decimalsCall {}).await;
            let decimals = decimals.wrap_err_with(|| format!("{token} is no token"))?;
            Ok(unlisted(format!("units of {token}"), *token, decimals))
        }
        _ => Err(why.into()),
    }
}
