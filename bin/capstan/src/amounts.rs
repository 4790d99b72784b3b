//! Amounts of listed assets, as rows of a deed name them.

use alloy_primitives::U256;
use capstan_client::{Amount, Asset, Assets};
use capstan_units::{Assets as Units, decimal};
use eyre::{OptionExt as _, Result, bail};

/// The amount that somebody named, of so much that there is.
pub(crate) fn sized(amount: &Amount, asset: &Asset, there_is: U256) -> Result<U256> {
    let sized = match amount {
        Amount::Max => there_is,
        amount => amount.resolve(asset.decimals, there_is)?,
    };
    if sized.is_zero() {
        bail!("the amount is zero: there is nothing to do with it");
    }
    // Contracts keep no more of anything, and would answer that a number overflows.
    let most = Units::MAX.to_u256();
    if sized > most {
        bail!(
            "the amount is {}, and no amount is more than {}",
            told(asset, sized),
            told(asset, most)
        );
    }
    Ok(sized)
}

/// The asset with this number.
pub(crate) fn of(assets: &Assets, id: u32) -> Result<&Asset> {
    let found = assets.get(id);
    found.ok_or_eyre(format!("the node lists no asset #{id}"))
}

/// `2.5 ETH`, with every digit.
pub(crate) fn told(asset: &Asset, amount: U256) -> String {
    format!("{} {}", decimal(amount, asset.decimals), asset.symbol)
}
