//! A pool that is asked again and again on one state: what it is made of is read once, and what holds for every question
//! is worked out once. A search for a route asks each pool dozens of times.

use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Bps, PoolId};

use super::{
    ADDRESS, Curve,
    curve::stable::Found,
    fees,
    pool::Pool,
    range::{self, Now},
    route::Outcome,
    track,
    trade::{self, Exact},
};

/// A pool as the next swap of this block would find it.
#[derive(Clone, Debug)]
pub struct Asked {
    pool: Pool,
    /// The protocol's part of fees.
    share: Bps,
    curve: Known,
}

/// What holds for every question, by the pool's curve.
#[derive(Clone, Copy, Debug)]
enum Known {
    Product,
    /// `D`.
    Stable(Found),
    /// Where it stands, and with that the fee. Ends of ranges on the way are read by each question.
    Range(Now),
}

impl Asked {
    /// Reads a pool.
    ///
    /// # Errors
    /// `ExchangeUnknownPool`, `ExchangeNoSolution`.
    pub fn read(cx: &mut Ctx<'_>, id: PoolId) -> Result<Self, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let pool = Pool::load(cx, id)?;
        let curve = match pool.curve {
            Curve::Product => Known::Product,
            Curve::Stable => Known::Stable(trade::invariant(cx, &pool, &pool.even()?)?),
            Curve::Range => {
                let untouched_ms = track::untouched_ms(cx, &pool)?;
                Known::Range(Now::next(cx, id, untouched_ms)?)
            }
        };
        Ok(Self {
            share: fees::share(cx)?,
            pool,
            curve,
        })
    }

    /// What a swap comes to, to the unit what [`quote`](super::quote) of one leg answers (EXCH-7).
    ///
    /// # Errors
    /// Those of a swap in a pool.
    pub fn trade(
        &self,
        cx: &mut Ctx<'_>,
        asset_in: AssetId,
        asset_out: AssetId,
        exact: Exact,
    ) -> Result<Outcome, Halt> {
        let cx = &mut cx.enter(ADDRESS);
        let (pool, share) = (&self.pool, self.share);
        let places = trade::tradable(pool, asset_in, asset_out)?;
        let (traded, protocol_fee) = match self.curve {
            Known::Product => trade::in_reserves(cx, pool, None, places, exact, share)?,
            Known::Stable(d) => trade::in_reserves(cx, pool, Some(d), places, exact, share)?,
            Known::Range(now) => trade::along_ranges(pool, exact, || {
                range::asked(cx, pool, now, places.0, exact, share)
            })?,
        };
        trade::move_reserves(&mut pool.clone(), places, traded, protocol_fee)?;
        Ok(Outcome {
            paid: traded.amount_in,
            received: traded.amount_out,
        })
    }
}
