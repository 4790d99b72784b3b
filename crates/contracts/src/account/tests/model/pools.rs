//! Liquidity on accounts: shares of pools of a product, what they count wherever the pool stands, and how they are taken
//! apart (ACC-22 to ACC-24).
//!
//! Pools are shut but for the moment of a batch, so that the block's sales find none: those have a model of their own.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256, U512};
use capstan_units::AccountId;

use super::{
    super::*,
    book::{Answer, LIQUIDITY, Model, Told, UNITS, ceil, floor, narrow, one, whole},
    sheet::{Asker, Line, sum_of},
};
use crate::{
    exchange::{
        IExchange::{
            ExchangeInsufficientShares, ExchangeTooSmall, ExchangeUnknownPool, ExchangeZeroAmount,
        },
        VAULT,
    },
    testkit::market::no,
};

/// A pool of two coins.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) coins: [u32; 2],
    pub(super) reserves: [U256; 2],
    /// Shares of all, also of who is no account here.
    pub(super) total: U256,
    pub(super) shares: BTreeMap<AccountId, U256>,
    /// What accounts put in, less the part that they took out.
    pub(super) put_in: BTreeMap<AccountId, [U256; 2]>,
}

impl Pool {
    pub(super) fn own(&self, who: AccountId) -> U256 {
        self.shares.get(&who).copied().unwrap_or_default()
    }

    /// What so many shares give of each coin.
    pub(super) fn worth(&self, shares: U256) -> [U256; 2] {
        self.reserves
            .map(|reserve| floor(shares, reserve, self.total))
    }

    /// `2 * sqrt(x * y * p0 * p1)` of the part that so many shares are. The roots of reserves and of prices have all the
    /// binary digits that a word of 256 leaves them, and what is rounded is rounded down.
    fn fair(&self, shares: U256, prices: [U256; 2]) -> U256 {
        if prices.iter().any(U256::is_zero) || shares.is_zero() {
            return U256::ZERO;
        }
        let (of_reserves, behind) = root(self.reserves[0] * self.reserves[1]);
        let (of_prices, behind_too) = root(prices[0] * prices[1]);
        let own = floor(of_reserves * of_prices, shares, self.total);
        let doubled: U512 = U512::from(own) << 1;
        let value: U512 = doubled >> (behind + behind_too);
        // Each coin has six digits behind its point, and the root of both has as many.
        U256::from(value) / whole(self.coins[0])
    }
}

/// A root, and how many of its binary digits are behind the point.
fn root(value: U256) -> (U256, usize) {
    let digits = value.leading_zeros() / 2;
    ((value << (2 * digits)).root(2), digits)
}

impl Model {
    fn pool(&mut self, id: u32) -> Answer<&mut Pool> {
        match self.pools.get_mut(&id) {
            Some(pool) => Ok(pool),
            None => no(&ExchangeUnknownPool { poolId: id }),
        }
    }

    /// Pools of which an account has shares.
    pub(super) fn pieces(&self, who: AccountId) -> Vec<u32> {
        let pools = self.pools.iter();
        let own = pools.filter(|(_, pool)| !pool.own(who).is_zero());
        own.map(|(id, _)| *id).collect()
    }

    /// Whether a piece of an account is made of an asset.
    pub(super) fn is_coin(&self, who: AccountId, asset: u32) -> bool {
        let mut pieces = self.pieces(who).into_iter();
        pieces.any(|id| self.pools[&id].coins.contains(&asset))
    }

    /// What pieces are worth at the prices of their coins' lines, and what of it counts: the lowest factor of both. Each is
    /// summed up with the line of its first coin.
    pub(super) fn add_pieces(&self, who: AccountId, lines: &mut [Line]) {
        for (_, places, value) in self.fair(who, lines) {
            let factor = places.map(|place| lines[place].factor);
            let counts = floor(value, factor[0].min(factor[1]), one());
            lines[places[0]].liquidity += value;
            lines[places[0]].liquidity_counts += counts;
        }
    }

    /// Each piece: its pool, the places of its coins among the lines, what it is worth.
    pub(super) fn fair(&self, who: AccountId, lines: &[Line]) -> Vec<(u32, [usize; 2], U256)> {
        let place = |asset: u32| {
            let mut places = lines.iter().enumerate();
            let found = places.find(|(_, line)| line.asset == asset);
            found.expect("each coin of a piece has its row").0
        };
        let mut all = Vec::new();
        for id in self.pieces(who) {
            let pool = &self.pools[&id];
            let places = pool.coins.map(place);
            let prices = places.map(|place| lines[place].held_price);
            all.push((id, places, pool.fair(pool.own(who), prices)));
        }
        all
    }

    fn note_coins(&mut self, who: AccountId, coins: [u32; 2]) {
        for coin in coins {
            self.note(who, coin, UNITS);
            self.note(who, coin, LIQUIDITY);
        }
    }

    fn grown(&mut self, who: AccountId, id: u32, amounts: [U256; 2]) {
        let pool = self.pools.get_mut(&id).expect("there");
        let put_in = pool.put_in.entry(who).or_default();
        for (sum, more) in put_in.iter_mut().zip(amounts) {
            *sum += more;
        }
        let coins = pool.coins;
        self.note_coins(who, coins);
    }

    /// Answers what had been put in for the part that left.
    fn shrunk(&mut self, who: AccountId, id: u32, (taken, of): (U256, U256)) -> [U256; 2] {
        let pool = self.pools.get_mut(&id).expect("there");
        let put_in = pool.put_in.entry(who).or_default();
        let before = *put_in;
        let left = of - taken;
        *put_in = before.map(|amount| floor(amount, left, of));
        let part = [before[0] - put_in[0], before[1] - put_in[1]];
        let coins = pool.coins;
        self.note_coins(who, coins);
        part
    }

    pub(super) fn provide(&mut self, who: AccountId, id: u32, asked: [U256; 2]) -> Answer<U256> {
        let pool = self.pool(id)?.clone();
        let mut limits = [U256::ZERO; 2];
        for ((limit, asked), coin) in limits.iter_mut().zip(asked).zip(pool.coins) {
            *limit = self.all_or(asked, self.free(coin, who))?;
        }
        let makes = limits.into_iter().zip(pool.reserves);
        let shares = makes.map(|(limit, reserve)| floor(limit, pool.total, reserve));
        let shares = shares.min().expect("two coins");
        let mut amounts = [U256::ZERO; 2];
        for (amount, reserve) in amounts.iter_mut().zip(pool.reserves) {
            *amount = narrow(ceil(shares, reserve, pool.total))?;
        }
        narrow(shares)?;
        if shares.is_zero() {
            return no(&ExchangeTooSmall {
                poolId: id,
                amount: limits[0].min(limits[1]),
            });
        }
        for (coin, amount) in pool.coins.into_iter().zip(amounts) {
            self.shift(coin, who, VAULT, amount)?;
        }
        let pool = self.pool(id)?;
        for (reserve, amount) in pool.reserves.iter_mut().zip(amounts) {
            *reserve += amount;
        }
        pool.total += shares;
        *pool.shares.entry(who).or_default() += shares;
        self.grown(who, id, amounts);
        Ok(shares)
    }

    pub(super) fn remove(&mut self, who: AccountId, id: u32, asked: U256) -> Answer<[U256; 2]> {
        let own = self.pool(id)?.own(who);
        let shares = self.all_or(asked, own)?;
        if shares.is_zero() {
            return no(&ExchangeZeroAmount {});
        }
        self.expect_shares(who, id, shares)?;
        let pool = self.pool(id)?;
        let amounts = pool.worth(shares);
        for (reserve, amount) in pool.reserves.iter_mut().zip(amounts) {
            *reserve -= amount;
        }
        pool.total -= shares;
        *pool.shares.entry(who).or_default() -= shares;
        let coins = pool.coins;
        for (coin, amount) in coins.into_iter().zip(amounts) {
            self.shift(coin, VAULT, who, amount)?;
        }
        self.shrunk(who, id, (shares, own));
        Ok(amounts)
    }

    fn expect_shares(&mut self, who: AccountId, id: u32, need: U256) -> Answer<()> {
        let have = self.pool(id)?.own(who);
        if have >= need {
            return Ok(());
        }
        no(&ExchangeInsufficientShares {
            poolId: id,
            owner: who.owner,
            index: who.index,
            have,
            need,
        })
    }

    /// Shares to an account that the runner may act on as well.
    pub(super) fn give_piece(
        &mut self,
        caller: Address,
        from: AccountId,
        to: AccountId,
        id: u32,
        asked: U256,
    ) -> Answer<()> {
        super::verbs::refuse_same(from, to)?;
        self.authorised(to, caller)?;
        self.touch(to, false);
        if !self.pieces(from).contains(&id) {
            return no(&AccountNoPiece {
                owner: from.owner,
                index: from.index,
                kind: 0,
                id: id.into(),
            });
        }
        self.move_piece(from, to, id, asked)
    }

    /// Shares, and what was put in for them.
    pub(super) fn move_piece(
        &mut self,
        from: AccountId,
        to: AccountId,
        id: u32,
        asked: U256,
    ) -> Answer<()> {
        let own = self.pool(id)?.own(from);
        let moved = self.all_or(asked, own)?;
        self.expect_shares(from, id, moved)?;
        if moved.is_zero() {
            return Ok(());
        }
        let pool = self.pool(id)?;
        *pool.shares.entry(from).or_default() -= moved;
        *pool.shares.entry(to).or_default() += moved;
        let part = self.shrunk(from, id, (moved, own));
        self.grown(to, id, part);
        Ok(())
    }

    /// The block takes so many shares apart.
    pub(super) fn take_apart(&mut self, who: AccountId, id: u32, shares: U256) -> Answer<()> {
        let amounts = self.remove(who, id, shares)?;
        self.told.push(Told::Apart {
            account: who,
            pool: id,
            amounts,
        });
        Ok(())
    }

    /// Before anything is sold, all liquidity of whoever is unhealthy, or lacks what is overdue, becomes units.
    pub(super) fn apart_for_look(&mut self, who: AccountId, lines: Vec<Line>) -> Answer<Vec<Line>> {
        let pieces = self.pieces(who);
        let lacks = |line: &Line| self.overdue(who, line.asset) > line.held;
        let is_needed = !sum_of(&lines).is_healthy() || lines.iter().any(lacks);
        if pieces.is_empty() || !is_needed {
            return Ok(lines);
        }
        for id in pieces {
            let own = self.pools[&id].own(who);
            // What fails holds up no other piece.
            let _ = self.attempt(|next| next.take_apart(who, id, own));
        }
        self.lines(who, Asker::Block)
    }
}
