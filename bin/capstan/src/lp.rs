//! `capstan lp`: liquidity goes in and out, shown before it is signed; and what it came to.

mod carry;
mod floor;
mod show;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall as _;
use capstan_client::Node;
use capstan_contracts::{
    erc20::IErc20,
    exchange::{self, IExchange},
};
use capstan_units::{decimal, tick_price::TICK_MAX};
use eyre::{OptionExt as _, Result, bail};
use serde_json::json;

use self::{
    carry::Way,
    floor::{AMOUNT_MAX, Floor, SHARE_DECIMALS, less, more, tick_of, to_exchange},
};
use crate::{
    account::owner,
    args::{LpAddOptions, LpCommand, LpRemoveOptions, Signing},
    block_on,
    deed::Deed,
};

pub(crate) fn run(command: &LpCommand) -> Result<()> {
    block_on(async {
        match command {
            LpCommand::Add(options) => add(options).await,
            LpCommand::Remove(options) => remove(options).await,
            LpCommand::Deposit(options) => carry::carry(options, Way::In).await,
            LpCommand::Withdraw(options) => carry::carry(options, Way::Out).await,
            LpCommand::Show {
                ask,
                signer,
                owner: stated,
            } => show::show(ask, owner(signer, *stated)?).await,
        }
    })
}

/// Which way liquidity goes in.
#[derive(Clone, Copy)]
enum Entry {
    Shares,
    Open { lower: i32, upper: i32 },
    Grow { position: u64 },
}

/// What went in, or would, and what it makes.
struct Made {
    amounts: Vec<U256>,
    made: U256,
}

impl Entry {
    fn of(options: &LpAddOptions, floor: &Floor) -> Result<Self> {
        let Some(range) = &floor.pool.range else {
            if options.full || options.from.is_some() || options.position.is_some() {
                bail!("pool #{} has shares, not ranges", options.pool);
            }
            return Ok(Self::Shares);
        };
        let spacing = range.tick_spacing;
        if let Some(position) = options.position {
            return Ok(Self::Grow { position });
        }
        let most = TICK_MAX.div_euclid(spacing) * spacing;
        let (Some(from), Some(to)) = (options.from, options.to) else {
            if !options.full {
                bail!(
                    "pool #{} is one of ranges: say --from PRICE --to PRICE (of one {}, in {}), --full, or --position NUMBER",
                    options.pool,
                    floor.assets[0].symbol,
                    floor.assets[1].symbol
                );
            }
            return Ok(Self::Open {
                lower: -most,
                upper: most,
            });
        };
        let tick = |price: f64| tick_of(price, floor.assets[0].decimals, floor.assets[1].decimals);
        let steps = |price: f64| tick(price) / f64::from(spacing);
        let whole = |steps: f64| (steps as i32).saturating_mul(spacing).clamp(-most, most);
        let (lower, upper) = (whole(steps(from).floor()), whole(steps(to).ceil()));
        if lower >= upper {
            bail!("--from {from} is not below --to {to}");
        }
        Ok(Self::Open { lower, upper })
    }

    fn input(self, floor: &Floor, most: &[U256], least: U256) -> Result<Bytes> {
        let two = || -> Result<[U256; 2]> {
            let two = most.to_vec().try_into().ok();
            two.ok_or_eyre("a pool of ranges has two assets")
        };
        let (pool_id, deadline_ms) = (floor.pool.pool_id, floor.deadline_ms);
        Ok(match self {
            Self::Shares => IExchange::addLiquidityCall {
                poolId: pool_id,
                amountsMax: most.to_vec(),
                sharesMin: least,
                to: floor.wallet,
                deadlineMs: deadline_ms,
            }
            .abi_encode(),
            Self::Open { lower, upper } => IExchange::openRangeCall {
                poolId: pool_id,
                lower,
                upper,
                amountsMax: two()?,
                liquidityMin: u128::try_from(least)?,
                to: floor.wallet,
                deadlineMs: deadline_ms,
            }
            .abi_encode(),
            Self::Grow { position } => IExchange::growRangeCall {
                positionId: position,
                amountsMax: two()?,
                liquidityMin: u128::try_from(least)?,
                deadlineMs: deadline_ms,
            }
            .abi_encode(),
        }
        .into())
    }

    fn read(self, output: &Bytes) -> Result<Made> {
        Ok(match self {
            Self::Shares => {
                let done = IExchange::addLiquidityCall::abi_decode_returns(output)?;
                Made {
                    amounts: done.amounts,
                    made: done.shares,
                }
            }
            Self::Open { .. } => {
                let done = IExchange::openRangeCall::abi_decode_returns(output)?;
                Made {
                    amounts: done.amounts.to_vec(),
                    made: U256::from(done.liquidity),
                }
            }
            Self::Grow { .. } => {
                let done = IExchange::growRangeCall::abi_decode_returns(output)?;
                Made {
                    amounts: done.amounts.to_vec(),
                    made: U256::from(done.liquidity),
                }
            }
        })
    }
}

async fn add(options: &LpAddOptions) -> Result<()> {
    let signing = &options.signing;
    let floor = Floor::open(signing, options.pool).await?;
    let named = floor.named(&options.amounts).await?;
    let entry = Entry::of(options, &floor)?;
    // What is not named a stable pool does not need, and others need as much as goes with what is named.
    let rest = if floor.pool.curve == "stable" {
        U256::ZERO
    } else {
        AMOUNT_MAX
    };
    let most: Vec<_> = named.iter().map(|amount| amount.unwrap_or(rest)).collect();
    let approvals = floor.approvals(&most).await?;
    let input = entry.input(&floor, &most, U256::ZERO)?;
    let told = entry.read(&floor.tried(&approvals, &input).await?)?;
    let bounded = named.iter().zip(&told.amounts).map(|(named, needed)| {
        let moved = more(*needed, options.swap.slippage);
        named.unwrap_or(moved)
    });
    let most: Vec<_> = bounded.collect();
    let least = less(told.made, options.swap.slippage);
    let call = entry.input(&floor, &most, least)?;
    let approvals = floor.approvals(&most).await?;

    let (made, at_least) = if floor.is_range() {
        (told.made.to_string(), least.to_string())
    } else {
        (
            decimal(told.made, SHARE_DECIMALS),
            decimal(least, SHARE_DECIMALS),
        )
    };
    let what = if floor.is_range() {
        "liquidity"
    } else {
        "shares"
    };
    let mut rows = vec![
        ("pool", floor.title()),
        (
            "put in",
            format!(
                "{}, at most {}",
                floor.words(&told.amounts),
                floor.words(&most)
            ),
        ),
        ("get", format!("{made} {what}, at least {at_least}")),
    ];
    if let Entry::Open { lower, upper } = entry {
        rows.push(("range", floor.range_words(lower, upper)));
    }
    if let Some(part) = floor.part_after(told.made) {
        rows.push(("part", part));
    }
    let whole = json!({
        "poolId": options.pool,
        "amounts": floor.json_of(&told.amounts),
        "amountsMax": floor.json_of(&most),
        what: told.made,
        "atLeast": least,
        "target": exchange::ADDRESS,
        "calldata": call,
    });
    let deed = Deed {
        node: floor.node.clone(),
        wallet: floor.wallet,
        approvals,
        call: to_exchange(&call),
        rows,
        stakes: floor.stakes(&told.amounts, "are provided").await,
        told: whole,
    };
    finish(&floor, deed, signing).await
}

async fn remove(options: &LpRemoveOptions) -> Result<()> {
    if options.position {
        return remove_range(options).await;
    }
    let signing = &options.signing;
    let floor = Floor::open(signing, u32::try_from(options.number)?).await?;
    let lp_token = floor.pool.lp_token.ok_or_eyre(format!(
        "pool #{} is one of ranges: name a position, by its number and --position",
        options.number
    ))?;
    let balance = IErc20::balanceOfCall {
        account: floor.wallet,
    };
    let held = floor.node.view(lp_token, &balance).await?;
    if held.is_zero() {
        bail!("the wallet has no shares of pool #{}", options.number);
    }
    let burned = options.part.resolve(SHARE_DECIMALS, held)?.min(held);
    let (pool_id, deadline_ms) = (floor.pool.pool_id, floor.deadline_ms);
    let input = |least: Vec<U256>| -> Bytes {
        match options.to_units {
            None => IExchange::removeLiquidityCall {
                poolId: pool_id,
                shares: burned,
                amountsMin: least,
                to: floor.wallet,
                deadlineMs: deadline_ms,
            }
            .abi_encode(),
            Some(index) => IExchange::removeLiquidityToUnitsCall {
                poolId: pool_id,
                shares: burned,
                amountsMin: least,
                index,
                deadlineMs: deadline_ms,
            }
            .abi_encode(),
        }
        .into()
    };
    // Both verbs answer the same.
    let none = input(vec![U256::ZERO; floor.assets.len()]);
    let answer = floor.tried(&[], &none).await?;
    let amounts = IExchange::removeLiquidityCall::abi_decode_returns(&answer)?;
    let least: Vec<_> = amounts
        .iter()
        .map(|amount| less(*amount, options.swap.slippage))
        .collect();
    let call = input(least.clone());
    let rows = vec![
        ("pool", floor.title()),
        (
            "burn",
            format!(
                "{} of {} shares",
                decimal(burned, SHARE_DECIMALS),
                decimal(held, SHARE_DECIMALS)
            ),
        ),
        (
            "receive",
            format!(
                "{}, at least {}",
                floor.words(&amounts),
                floor.words(&least)
            ),
        ),
        ("to", destination(options, floor.wallet)),
    ];
    let whole = json!({
        "poolId": pool_id,
        "shares": burned,
        "amounts": floor.json_of(&amounts),
        "amountsMin": floor.json_of(&least),
        "target": exchange::ADDRESS,
        "calldata": call,
    });
    let deed = Deed {
        node: floor.node.clone(),
        wallet: floor.wallet,
        approvals: Vec::new(),
        call: to_exchange(&call),
        rows,
        stakes: floor.stakes(&amounts, "are taken out").await,
        told: whole,
    };
    finish(&floor, deed, signing).await
}

async fn remove_range(options: &LpRemoveOptions) -> Result<()> {
    let signing = &options.signing;
    let position = options.number;
    let node = Node::new(&signing.ask.rpc)?;
    let ask = IExchange::rangeCall {
        positionId: position,
    };
    let range = node.view(exchange::ADDRESS, &ask).await?;
    let floor = Floor::open(signing, range.poolId).await?;
    let all = U256::from(range.liquidity);
    let taken = options.part.resolve(0, all)?.min(all);
    let liquidity = u128::try_from(taken)?;
    let deadline_ms = floor.deadline_ms;
    let input = |least: [U256; 2]| -> Bytes {
        match options.to_units {
            None => IExchange::shrinkRangeCall {
                positionId: position,
                liquidity,
                amountsMin: least,
                to: floor.wallet,
                deadlineMs: deadline_ms,
            }
            .abi_encode(),
            Some(index) => IExchange::shrinkRangeToUnitsCall {
                positionId: position,
                liquidity,
                amountsMin: least,
                index,
                deadlineMs: deadline_ms,
            }
            .abi_encode(),
        }
        .into()
    };
    // Both verbs answer the same.
    let answer = floor.tried(&[], &input([U256::ZERO; 2])).await?;
    let out = IExchange::shrinkRangeCall::abi_decode_returns(&answer)?;
    let least = out
        .principal
        .map(|amount| less(amount, options.swap.slippage));
    let call = input(least);
    let rows = vec![
        ("pool", floor.title()),
        (
            "position",
            format!("#{position}, {liquidity} of its liquidity {all}"),
        ),
        ("range", floor.range_words(range.lower, range.upper)),
        (
            "receive",
            format!(
                "{}, at least {}",
                floor.words(&out.principal),
                floor.words(&least)
            ),
        ),
        ("fees", floor.words(&out.fees)),
        ("to", destination(options, floor.wallet)),
    ];
    let whole = json!({
        "poolId": range.poolId,
        "positionId": position,
        "liquidity": taken,
        "amounts": floor.json_of(&out.principal),
        "amountsMin": floor.json_of(&least),
        "fees": floor.json_of(&out.fees),
        "target": exchange::ADDRESS,
        "calldata": call,
    });
    let deed = Deed {
        node: floor.node.clone(),
        wallet: floor.wallet,
        approvals: Vec::new(),
        call: to_exchange(&call),
        rows,
        stakes: floor.stakes(&out.principal, "are taken out").await,
        told: whole,
    };
    finish(&floor, deed, signing).await
}

fn destination(options: &LpRemoveOptions, wallet: Address) -> String {
    match options.to_units {
        None => format!("wallet {wallet}"),
        Some(index) => format!(
            "units of account {index} of {wallet}; `capstan account withdraw` takes them out"
        ),
    }
}

/// Carries a deed out, and says what became of it.
async fn finish(floor: &Floor, deed: Deed, signing: &Signing) -> Result<()> {
    let Some(sent) = deed.carry_out(signing).await? else {
        return Ok(());
    };
    let done = floor.done(sent.hash).await?;
    if signing.ask.json {
        let transaction = sent.to_json();
        let told = json!({"transaction": transaction, "done": done.json, "shown": deed.told});
        println!("{told:#}");
        return Ok(());
    }
    println!("{sent}");
    println!("{}", done.words);
    Ok(())
}
