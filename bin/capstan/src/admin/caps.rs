//! `capstan admin caps`, `pause` and `resume`: how much, and whether, of an asset that is listed.

use alloy_primitives::U256;
use capstan_client::{Asset, AssetName, Assets};
use capstan_contracts::{
    account::{self, IAccount},
    ledger::{self, ILedger},
    lending::{self, CHANGE_DELAY_MS, ILending},
    oracle::{self, IOracle},
};
use capstan_units::{decimal, parse_decimal};
use eyre::{Result, WrapErr as _};

use super::Change;
use crate::{args::Stoppable, words::when};

/// Caps that somebody names, in whole units.
pub(super) struct Wanted<'a> {
    pub(super) supply: Option<&'a str>,
    pub(super) borrow: Option<&'a str>,
    pub(super) deposit: Option<&'a str>,
}

fn units(name: &str, asset: &Asset, text: &str) -> Result<U256> {
    parse_decimal(text, asset.decimals).wrap_err_with(|| format!("--{name} {text}"))
}

pub(super) async fn plan(change: &mut Change, name: &AssetName, wanted: Wanted<'_>) -> Result<()> {
    let assets = Assets::of(&change.node).await?;
    let asset = assets.find(name)?;
    let cap = |name: &str, text: Option<&str>| -> Result<Option<U256>> {
        text.map(|text| units(name, asset, text)).transpose()
    };
    let supply = cap("supply", wanted.supply)?;
    let borrow = cap("borrow", wanted.borrow)?;
    if supply.is_some() || borrow.is_some() {
        of_market(change, asset, supply, borrow).await?;
    }
    if let Some(deposit) = cap("deposit", wanted.deposit)? {
        of_ledger(change, asset, deposit).await?;
    }
    Ok(())
}

async fn of_market(
    change: &mut Change,
    asset: &Asset,
    supply: Option<U256>,
    borrow: Option<U256>,
) -> Result<()> {
    let now_ms = change.node.head_time_ms().await?;
    let asked = ILending::paramsOfCall { assetId: asset.id };
    let set = change.node.view(lending::ADDRESS, &asked).await?;
    // What was announced goes on: a wish for caps takes nothing else back.
    let is_announced = set.nextFromMs > now_ms;
    let before = if is_announced {
        &set.next
    } else {
        &set.present
    };
    let params = ILending::MarketParams {
        supplyCap: supply.unwrap_or(before.supplyCap),
        borrowCap: borrow.unwrap_or(before.borrowCap),
        ..before.clone()
    };
    if params == *before {
        return Ok(());
    }
    // LEND-12: what only lowers caps counts at once.
    let mut lowered = set.present.clone();
    lowered.supplyCap = lowered.supplyCap.min(params.supplyCap);
    lowered.borrowCap = lowered.borrowCap.min(params.borrowCap);
    let at_ms = if params == lowered {
        now_ms
    } else {
        now_ms.saturating_add(CHANGE_DELAY_MS)
    };
    let text = |value| decimal(value, asset.decimals);
    let mut words = Vec::new();
    for (name, was, now) in [
        ("supply cap", set.present.supplyCap, params.supplyCap),
        ("borrow cap", set.present.borrowCap, params.borrowCap),
    ] {
        if was != now {
            words.push(format!(
                "{name} of {symbol}: {} -> {} {symbol}, {}",
                text(was),
                text(now),
                when(now_ms, at_ms),
                symbol = asset.symbol
            ));
        }
    }
    if is_announced {
        words.push(format!(
            "  what was announced for this market counts anew, {}",
            when(now_ms, at_ms)
        ));
    }
    let call = ILending::setParamsCall {
        assetId: asset.id,
        params,
    };
    change.step(lending::ADDRESS, &call, words);
    Ok(())
}

async fn of_ledger(change: &mut Change, asset: &Asset, cap: U256) -> Result<()> {
    let asked = IAccount::collateralOfCall { assetId: asset.id };
    let set = change.node.view(account::ADDRESS, &asked).await?;
    if set.now.depositCap == cap {
        return Ok(());
    }
    let text = |value: U256| {
        if value.is_zero() {
            "any".to_owned()
        } else {
            format!("{} {}", decimal(value, asset.decimals), asset.symbol)
        }
    };
    let word = format!(
        "deposit cap of {}: {} -> {}, now",
        asset.symbol,
        text(set.now.depositCap),
        text(cap)
    );
    let call = IAccount::setCollateralCall {
        assetId: asset.id,
        collateral: IAccount::Collateral {
            depositCap: cap,
            ..set.now
        },
        // Factors stay, so nothing moves.
        rampMs: 0,
    };
    change.step(account::ADDRESS, &call, vec![word]);
    Ok(())
}

/// What stops or goes on, of which contract.
struct Halves {
    asset: Asset,
    /// Bits of the market's verbs, and their names.
    market: u8,
    names: Vec<&'static str>,
    border: bool,
    price: bool,
}

async fn halves(change: &Change, name: &AssetName, verbs: &[Stoppable]) -> Result<Halves> {
    let assets = Assets::of(&change.node).await?;
    let mut halves = Halves {
        asset: assets.find(name)?.clone(),
        market: 0,
        names: Vec::new(),
        border: verbs.contains(&Stoppable::Border),
        price: verbs.contains(&Stoppable::Price),
    };
    for verb in verbs {
        let Some(pause) = verb.of_market() else {
            continue;
        };
        if halves.market & pause.bit() == 0 {
            halves.market |= pause.bit();
            halves.names.push(match verb {
                Stoppable::Supply => "supply",
                Stoppable::Redeem => "redeem",
                Stoppable::Borrow => "borrow",
                _ => "flash loans",
            });
        }
    }
    Ok(halves)
}

pub(super) async fn stop(change: &mut Change, name: &AssetName, verbs: &[Stoppable]) -> Result<()> {
    let Halves {
        asset,
        market,
        names,
        border,
        price,
    } = halves(change, name, verbs).await?;
    let (asset_id, symbol) = (asset.id, asset.symbol);
    if market != 0 {
        let call = ILending::pauseCall {
            assetId: asset_id,
            verbs: market,
        };
        let word = format!("stops {} of {symbol}, now", names.join(", "));
        change.step(lending::ADDRESS, &call, vec![word]);
    }
    if border {
        let call = ILedger::freezeCall { assetId: asset_id };
        let word = format!("stops deposits and withdrawals of {symbol} by wallets, now");
        change.step(ledger::ADDRESS, &call, vec![word]);
    }
    if price {
        let call = IOracle::freezeCall { assetId: asset_id };
        let word = format!(
            "makes the price of {symbol} unusable, now: nobody borrows against it or is liquidated at it"
        );
        change.step(oracle::ADDRESS, &call, vec![word]);
    }
    Ok(())
}

pub(super) async fn go_on(
    change: &mut Change,
    name: &AssetName,
    verbs: &[Stoppable],
) -> Result<()> {
    let Halves {
        asset,
        market,
        names,
        border,
        price,
    } = halves(change, name, verbs).await?;
    let (asset_id, symbol) = (asset.id, asset.symbol);
    if market != 0 {
        let call = ILending::unpauseCall {
            assetId: asset_id,
            verbs: market,
        };
        let word = format!("lets {} of {symbol} go on, now", names.join(", "));
        change.step(lending::ADDRESS, &call, vec![word]);
    }
    if border {
        let call = ILedger::unfreezeCall { assetId: asset_id };
        let word = format!("opens {symbol} for wallets again, now");
        change.step(ledger::ADDRESS, &call, vec![word]);
    }
    if price {
        let call = IOracle::unfreezeCall { assetId: asset_id };
        let word = format!("lets the price of {symbol} be used again, after a time of grace");
        change.step(oracle::ADDRESS, &call, vec![word]);
    }
    Ok(())
}
