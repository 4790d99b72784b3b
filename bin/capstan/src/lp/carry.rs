//! Liquidity goes to an account and back as it is: LP tokens and positions, no unit of a coin.

use alloy_primitives::U256;
use capstan_client::{AccountName, Batch, Node, Pool, account, pools, preview, send};
use capstan_contracts::{
    erc20::IErc20,
    exchange::{self, IExchange},
};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, bail};
use serde_json::json;

use super::floor::SHARE_DECIMALS;
use crate::{
    account::{effect, owner},
    args::LpCarryOptions,
    consent::{self, Stakes},
    deed::decoded,
};

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the account.
    In,
    /// To the wallet.
    Out,
}

/// What goes.
struct Load {
    words: String,
    amount: U256,
}

pub(super) async fn carry(options: &LpCarryOptions, way: Way) -> Result<()> {
    let act = &options.act;
    let node = Node::new(&act.signing.ask.rpc)?;
    let wallet = owner(&act.signing.signer, None)?;
    let name = AccountName {
        owner: wallet,
        index: act.index,
    };
    let load = load(&node, options, way, name).await?;
    let (id, mut batch) = (options.number, Batch::default());
    match way {
        Way::In => batch.deposit_piece(options.position, id, load.amount),
        Way::Out => batch.withdraw_piece(options.position, id, load.amount, wallet),
    };
    let call = batch.call(name);
    let (whole, told) = preview(&node, name, &batch).await?;
    let is_json = act.signing.ask.json;
    if !is_json {
        let row = |name: &str, value: String| println!("{name:<10}{value}");
        row("move", load.words.clone());
        let (at_home, on_account) = (
            format!("wallet {wallet}"),
            format!("account {} of {wallet}", act.index),
        );
        let (from, to) = match way {
            Way::In => (at_home, on_account),
            Way::Out => (on_account, at_home),
        };
        row("from", from);
        row("to", to);
        row("call", decoded(&call));
        effect(name, &told);
    }
    match (&told.error, &told.revert) {
        (Some(error), _) => bail!("this would fail: {error}"),
        (None, Some(revert)) => bail!("this would fail with {revert}"),
        (None, None) => {}
    }
    if act.signing.preview {
        if is_json {
            println!("{whole:#}");
        }
        return Ok(());
    }
    let key = consent::key(&node, &act.signing, wallet, &Stakes::of_batch(&told)).await?;
    let sent = send(&node, &key, &call).await?;
    if is_json {
        let (whole, _) = account(&node, name).await?;
        println!(
            "{:#}",
            json!({"transaction": sent.to_json(), "account": whole})
        );
        return Ok(());
    }
    println!("{sent}");
    let where_now = match way {
        Way::In => format!("stand on account {}", act.index),
        Way::Out => "are in the wallet".to_owned(),
    };
    println!("{} {where_now} now", load.words);
    Ok(())
}

/// What is meant, of what there is on the side that it comes from.
async fn load(node: &Node, options: &LpCarryOptions, way: Way, name: AccountName) -> Result<Load> {
    let number = options.number;
    let pools = pools(node).await?;
    let title = |id: u32| {
        let mut all = pools.iter().map(|(_, pool)| pool);
        let pool = all.find(|pool| pool.pool_id == id)?;
        Some((title(pool), pool.lp_token))
    };
    if options.position {
        let ask = IExchange::rangeCall { positionId: number };
        let range = node.view(exchange::ADDRESS, &ask).await?;
        let (pool, _) = title(range.poolId).ok_or_eyre("a position of no pool")?;
        return Ok(Load {
            words: format!("position #{number} in pool {pool}"),
            amount: U256::MAX,
        });
    }
    let pool_id = u32::try_from(number)?;
    let (pool, lp_token) = title(pool_id).ok_or_eyre(format!(
        "there is no pool {pool_id}; `capstan pool list` names those there are"
    ))?;
    let lp_token = lp_token.ok_or_eyre(format!(
        "pool {pool} is one of ranges: name a position, by its number and --position"
    ))?;
    let (held, place) = match way {
        Way::In => {
            let account = name.owner;
            let ask = IErc20::balanceOfCall { account };
            (node.view(lp_token, &ask).await?, "the wallet".to_owned())
        }
        Way::Out => {
            let (_, state) = account(node, name).await?;
            let mut pieces = state.standing.pieces.into_iter().flatten();
            let piece =
                pieces.find(|piece| piece.kind == "shares" && piece.id.to::<u64>() == number);
            (
                piece.map_or(U256::ZERO, |piece| piece.amount),
                format!("account {}", name.index),
            )
        }
    };
    if held.is_zero() {
        bail!("{place} has no shares of pool {pool}");
    }
    let amount = options.part.resolve(SHARE_DECIMALS, held)?.min(held);
    let shares = |amount| decimal(amount, SHARE_DECIMALS);
    Ok(Load {
        words: format!(
            "{} of {} shares of pool {pool}",
            shares(amount),
            shares(held)
        ),
        amount,
    })
}

fn title(pool: &Pool) -> String {
    let symbols: Vec<_> = pool.assets.iter().map(|asset| &*asset.symbol).collect();
    format!("#{} {}", pool.pool_id, symbols.join("/"))
}
