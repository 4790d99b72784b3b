//! What is known of assets whoever holds them: listing, price, terms, factors. Each is read once, when somebody first
//! asks, and then the same for the check and for every time that a guard looks at.

use capstan_state::{Ctx, Halt};
use capstan_units::AssetId;

use super::{
    settings,
    state::{Ramp, Terms},
};
use crate::{
    ledger,
    oracle::{self, Feed},
};

/// What was read so far. Not to be held while foreign code runs.
#[derive(Debug, Default)]
pub(super) struct Goods {
    /// As many as a batch names: in a list they are found sooner than in a tree.
    all: Vec<Good>,
}

/// One asset.
#[derive(Debug, Default)]
struct Good {
    asset: AssetId,
    listed: Option<ledger::Asset>,
    feed: Option<Feed>,
    terms: Option<Terms>,
    ramp: Option<Ramp>,
}

impl Goods {
    /// What the ledger knows.
    ///
    /// # Errors
    /// `LedgerUnknownAsset`.
    pub(super) fn listed(
        &mut self,
        cx: &mut Ctx<'_>,
        asset: AssetId,
    ) -> Result<ledger::Asset, Halt> {
        once(&mut self.at(asset).listed, || ledger::asset(cx, asset))
    }

    /// What the oracle knows.
    pub(super) fn feed(&mut self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Feed, Halt> {
        once(&mut self.at(asset).feed, || oracle::feed(cx, asset))
    }

    /// What is agreed about it as collateral.
    pub(super) fn terms(&mut self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Terms, Halt> {
        once(&mut self.at(asset).terms, || settings::terms(cx, asset))
    }

    /// How much of it counts, now and later.
    pub(super) fn ramp(&mut self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<Ramp, Halt> {
        once(&mut self.at(asset).ramp, || settings::ramp(cx, asset))
    }

    #[allow(
        clippy::indexing_slicing,
        reason = "the place is that of one which is there"
    )]
    fn at(&mut self, asset: AssetId) -> &mut Good {
        let known = self.all.iter().position(|good| good.asset == asset);
        let place = known.unwrap_or_else(|| {
            self.all.push(Good {
                asset,
                ..Good::default()
            });
            self.all.len().saturating_sub(1)
        });
        &mut self.all[place]
    }
}

/// Reads it, unless that was done.
fn once<T: Copy>(kept: &mut Option<T>, read: impl FnOnce() -> Result<T, Halt>) -> Result<T, Halt> {
    if let Some(known) = kept {
        return Ok(*known);
    }
    Ok(*kept.insert(read()?))
}
