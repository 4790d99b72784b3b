//! `capstan admin list`: an asset from a file.

use alloy_primitives::{Address, U256};
use capstan_client::{AssetFile, Node};
use capstan_contracts::{
    admin::{self, IAdmin},
    erc20::IErc20,
    ether,
    ledger::{self, IForeign, ILedger},
    listing::{self, IListing},
    oracle::{self, IOracle},
    resolve,
};
use capstan_units::{decimal, mul_div_down};
use eyre::Result;

use super::Change;
use crate::words::{lasting, percent};

const PRICE_DECIMALS: u8 = 18;
const ADAPTIVE: u8 = 1;

/// One step; two for a token of others, which first allows its seed to be taken.
pub(super) async fn plan(change: &mut Change, text: &str) -> Result<()> {
    let file = AssetFile::read(text)?;
    let node = &change.node;
    let token = file.token()?;
    let decimals = node.view(token, &IForeign::decimalsCall {}).await?;
    let symbol = match token {
        ether::ADDRESS => "ETH".to_owned(),
        token => symbol(node, token).await,
    };
    let asset = file.asset(decimals)?;
    let number = node
        .view(ledger::ADDRESS, &ILedger::assetCountCall {})
        .await?;
    let mut words = vec![format!("lists {symbol} ({token}) as asset #{number}")];
    words.extend(parts(&asset, decimals, &symbol));
    let counting = reporters_now(node).await?;
    if counting < usize::from(asset.feed.quorum) {
        words.push(format!(
            "  note: {} reporters must agree, and {counting} count now; until then it has no price",
            asset.feed.quorum
        ));
    }
    let seed = asset.market.seed;
    let allowance = IErc20::allowanceCall {
        owner: change.from,
        spender: listing::ADDRESS,
    };
    let is_foreign = resolve(token).is_none();
    let balance = IErc20::balanceOfCall {
        account: change.from,
    };
    let has = node.view(token, &balance).await?;
    if is_foreign && has < seed {
        let has = decimal(has, decimals);
        words.push(format!(
            "  note: your wallet has {has} {symbol}, less than the seed"
        ));
    }
    let lacks = is_foreign && node.view(token, &allowance).await? < seed;
    if lacks {
        let approve = IErc20::approveCall {
            spender: listing::ADDRESS,
            value: seed,
        };
        let seed = decimal(seed, decimals);
        let word = format!("allows {seed} {symbol} to be taken from your wallet, for the seed");
        change.step(token, &approve, vec![word]);
    }
    let price = U256::from(asset.feed.referencePrice);
    let whole = U256::from(10).checked_pow(U256::from(decimals));
    let worth = whole.and_then(|whole| mul_div_down(seed, price, whole).ok());
    change.pays(
        worth.unwrap_or(U256::MAX),
        "are its seed, which stays for ever",
    );
    change.step(listing::ADDRESS, &IListing::listCall { asset }, words);
    Ok(())
}

/// What a token calls itself, without what would move a cursor.
async fn symbol(node: &Node, token: Address) -> String {
    let said = node.view(token, &IForeign::symbolCall {}).await;
    let plain = |c: char| !c.is_control() && !c.is_whitespace();
    match said {
        Ok(symbol) => symbol
            .chars()
            .map(|c| if plain(c) { c } else { '?' })
            .take(32)
            .collect(),
        Err(_) => "a token without a symbol".to_owned(),
    }
}

/// Reporters that stand in the list and hold the role now.
async fn reporters_now(node: &Node) -> Result<usize> {
    let mut counting = 0;
    for account in node
        .view(oracle::ADDRESS, &IOracle::reportersCall {})
        .await?
    {
        let held = IAdmin::hasRoleCall {
            scope: oracle::ADDRESS,
            role: oracle::REPORT,
            account,
        };
        counting += usize::from(node.view(admin::ADDRESS, &held).await?);
    }
    Ok(counting)
}

/// A fact of a step, in the column of its name.
pub(super) fn line(name: &str, text: &str) -> String {
    format!("  {name:<12}{text}")
}

/// How a price is agreed on.
pub(super) fn price_words(feed: &IListing::Feed) -> Vec<String> {
    let ms = |ms: u32| lasting(u64::from(ms));
    let mut words = Vec::new();
    let mut row = |name: &str, text: String| words.push(line(name, &text));
    row(
        "price",
        format!(
            "{}, near {} USD, by {} reporters; counts for {}",
            feed.description,
            decimal(
                feed.referencePrice.try_into().unwrap_or_default(),
                PRICE_DECIMALS
            ),
            feed.quorum,
            ms(feed.staleMs)
        ),
    );
    row(
        "band",
        format!(
            "{}, wider by {} a minute without a price; {} rounds confirm what is outside",
            percent(feed.bandBps),
            percent(feed.bandWidenBpsPerMin),
            feed.reacceptRounds
        ),
    );
    row(
        "doubt",
        format!(
            "unsure by at most {}; smoothed over {}; after {} without a price, {} of grace",
            percent(feed.confidenceBpsMax),
            ms(feed.smoothMs),
            ms(feed.outageMs),
            ms(feed.graceMs)
        ),
    );
    if feed.growthBpsPerYear > 0 {
        let most = percent(feed.growthBpsPerYear);
        row("growth", format!("at most {most} a year"));
    }
    if feed.stillMs > 0 {
        let still = ms(feed.stillMs);
        row("still", format!("doubted when the same for {still}"));
    }
    words
}

/// Part by part.
fn parts(asset: &IListing::Asset, decimals: u8, symbol: &str) -> Vec<String> {
    let units = |value| format!("{} {symbol}", decimal(value, decimals));
    let IListing::Asset {
        token: _,
        border,
        feed,
        market,
        collateral,
    } = asset;
    let mut words = Vec::new();
    let mut row = |name: &str, text: String| words.push(line(name, &text));
    row(
        "seed",
        format!("{} from your wallet, for ever", units(market.seed)),
    );
    row(
        "border",
        format!(
            "within {} at most {} of all may leave, or {}",
            lasting(u64::from(border.windowS) * 1_000),
            percent(border.shareBps),
            units(border.floor)
        ),
    );
    words.extend(price_words(feed));
    let mut row = |name: &str, text: String| words.push(line(name, &text));
    row(
        "market",
        format!(
            "at most {} supplied, {} borrowed; {} of interest to the reserve",
            units(market.supplyCap),
            units(market.borrowCap),
            percent(market.reserveFactorBps)
        ),
    );
    row(
        "rates",
        if market.rateModel == ADAPTIVE {
            "adaptive".to_owned()
        } else {
            format!(
                "{} a year, {} more at {} in use, {} more at all of it",
                percent(market.baseBps),
                percent(market.slope1Bps),
                percent(market.optimalBps),
                percent(market.slope2Bps)
            )
        },
    );
    for text in counts(collateral) {
        row("collateral", text);
    }
    if !collateral.depositCap.is_zero() {
        row(
            "deposits",
            format!("at most {}", units(collateral.depositCap)),
        );
    }
    words
}

/// What an asset counts as collateral.
pub(super) fn counts(collateral: &IListing::Collateral) -> Vec<String> {
    if collateral.maintenanceBps == 0 && collateral.categoryMaintenanceBps == 0 {
        return vec!["it backs no debt".to_owned()];
    }
    let mut all = vec![format!(
        "{} to borrow, {} to stay; a liquidation costs at most {}{}",
        percent(collateral.initialBps),
        percent(collateral.maintenanceBps),
        percent(collateral.discountMaxBps),
        if collateral.isolated {
            "; counts only alone"
        } else {
            ""
        }
    )];
    if collateral.category != 0 {
        all.push(format!(
            "against debts of category {}: {} to borrow, {} to stay",
            collateral.category,
            percent(collateral.categoryInitialBps),
            percent(collateral.categoryMaintenanceBps)
        ));
    }
    all
}
