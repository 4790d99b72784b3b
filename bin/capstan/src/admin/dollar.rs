//! `capstan admin dollar`: opens the chain's own dollar from a file.

use capstan_client::DollarFile;
use capstan_contracts::{
    account::{self, IAccount},
    dollar::{self, IDollar},
    ledger::{self, ILedger},
    oracle::{self, IOracle},
};
use capstan_units::decimal;
use eyre::{Result, bail};

use super::{
    Change,
    list::{counts, line, price_words},
};
use crate::words::{lasting, percent};

const DECIMALS: u8 = 18;

/// Three steps: the dollar, its feed, and what it counts. Opening lists it, so the number it will have is the next one.
pub(super) async fn plan(change: &mut Change, text: &str) -> Result<()> {
    let file = DollarFile::read(text)?;
    let node = &change.node;
    let opened = node.view(dollar::ADDRESS, &IDollar::dollarCall {}).await;
    match opened {
        Err(error) if error.is::<IDollar::DollarNotOpen>() => {}
        Err(other) => return Err(other.into()),
        Ok(opened) => bail!(
            "the dollar is open already, as asset #{}: it is opened once",
            opened.assetId
        ),
    }
    let asset_id = node
        .view(ledger::ADDRESS, &ILedger::assetCountCall {})
        .await?;
    let params = file.params()?;
    let open = IDollar::openCall {
        params: params.clone(),
    };
    let mut words = vec![format!("opens the dollar as asset #{asset_id}")];
    words.extend(params_words(&params));
    change.step(dollar::ADDRESS, &open, words);
    let feed = file.feed()?;
    let list_feed = IOracle::listFeedCall {
        assetId: asset_id,
        description: feed.description.clone(),
        referencePrice: feed.referencePrice,
        params: oracle::FeedParams::from(&feed).into(),
    };
    let mut words = vec!["says how its price is agreed on".to_owned()];
    words.extend(price_words(&feed));
    change.step(oracle::ADDRESS, &list_feed, words);
    if let Some(terms) = file.collateral()? {
        let words = counts(&terms)
            .iter()
            .map(|text| line("collateral", text))
            .collect();
        let set = IAccount::setCollateralCall {
            assetId: asset_id,
            collateral: (&terms).into(),
            rampMs: 0,
        };
        change.step(account::ADDRESS, &set, words);
    }
    Ok(())
}

fn params_words(params: &IDollar::DollarParams) -> Vec<String> {
    let usd = |value| format!("{} usd", decimal(value, DECIMALS));
    let refill = lasting(u64::from(params.refillS) * 1_000);
    vec![
        line(
            "debts",
            &format!(
                "cost {} a year; at most {}, and {} at once, free again in {refill}",
                percent(params.stabilityBps),
                usd(params.ceiling),
                usd(params.headroom)
            ),
        ),
        line(
            "savings",
            &format!(
                "earn up to {} a year from fees above {}",
                percent(params.savingsBps),
                usd(params.surplusFloor)
            ),
        ),
        line(
            "redemption",
            &format!(
                "at par less {}, from {}",
                percent(params.redemptionFeeBps),
                usd(params.redemptionMin)
            ),
        ),
    ]
}
