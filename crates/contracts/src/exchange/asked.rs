//! A pool of reserves that is asked again and again on one state: what it is made of is read once, and what holds for
//! every question is worked out once. A search for a route asks each pool dozens of times.

use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Bps, PoolId};

use super::{
    ADDRESS, Curve,
    curve::stable::Found,
    fees,
    pool::Pool,
    route::Outcome,
    trade::{self, Exact},
};

/// A pool of reserves as the next swap would find it.
#[derive(Clone, Debug)]
pub struct Asked {
    pool: Pool,
    /// The protocol's part of fees.
    share: Bps,
    /// `D` of a stable pool.
    invariant: Option<Found>,
}

impl Asked {
    /// Reads a pool. None if it is one of ranges: its swaps read ends of ranges on the way.
    ///
    /// # Errors
    /// `ExchangeUnknownPool`, `ExchangeNoSolution`.
    pub fn read(cx: &mut Ctx<'_>, id: PoolId) -> Result<Option<Self>, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let pool = Pool::load(cx, id)?;
        let invariant = match pool.curve {
            Curve::Range => return Ok(None),
            Curve::Product => None,
            Curve::Stable => Some(trade::invariant(cx, &pool, &pool.even()?)?),
        };
        Ok(Some(Self {
            share: fees::share(cx)?,
            pool,
            invariant,
        }))
    }

    /// What a swap comes to, to the unit what [`quote`](super::quote) of one leg answers (EXCH-7).
    ///
    /// # Errors
    /// Those of a swap in a pool of reserves.
    pub fn trade(
        &self,
        cx: &mut Ctx<'_>,
        asset_in: AssetId,
        asset_out: AssetId,
        exact: Exact,
    ) -> Result<Outcome, Halt> {
        let places = trade::tradable(&self.pool, asset_in, asset_out)?;
        let (traded, protocol_fee) =
            trade::in_reserves(cx, &self.pool, self.invariant, places, exact, self.share)?;
        trade::move_reserves(&mut self.pool.clone(), places, traded, protocol_fee)?;
        Ok(Outcome {
            paid: traded.amount_in,
            received: traded.amount_out,
        })
    }
}
