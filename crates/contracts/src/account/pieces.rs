//! Liquidity in pools and stakes in farms on an account: pieces beside the rows, each worth what nobody can move.
//!
//! ```text
//!   sheet    rows: eth · usdc · ...         pieces: shares of pool 3 · stake in farm 5 · range 17     at most four
//!              └──────┴── "a coin of a piece" ──┘   each coin of a piece has its row
//!   worth    fair value at the question's prices (`exchange::Liquidity`), at the lowest factor of its coins
//!   stake    what its shares are worth, or units at their price: staking changes nothing of what counts
//!   look     piece ─► units of its coins ─► netting and sale, as ever
//! ```
//!
//! The least factor makes what counts of a piece fall by no more than its coins do (`exchange/fair.rs` says why of the
//! value), so triggers of coins are all the guard that it needs. Taking a piece apart never lowers health: what comes is
//! worth the fair value at least, and each coin counts by its own factor, which is no lower.

use alloy_primitives::{I256, U256};
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::{AccountId, AssetId, Assets, Shares, Usd, mul_div_down, value_down};

use super::{
    IAccount::{self, PieceTakenApart},
    assess::{self, Question, Stand, Valued},
    batch,
    desk::Desk,
    error::AccountNoPiece,
    farming,
    goods::Goods,
    moves, operators,
    sheet::{Piece, Sheet},
    state::{AccountState, PutIn},
};
use crate::{
    contract::emit,
    exchange::{self, Liquidity, Quoted},
    farms::{self, Thing},
    registry::UNITS,
    revert,
};

const STATE: AccountState = AccountState::new();

impl Piece {
    /// Its kind and number, as the ABI names it.
    pub(super) fn name(self) -> (u8, u64) {
        match self {
            Self::Shares(pool) => (0, u64::from(pool.get())),
            Self::Range(position) => (1, position),
            Self::Stake(farm) => (2, u64::from(farm.get())),
        }
    }
}

/// What a piece is made of.
#[derive(Clone, Debug)]
pub(super) enum Made {
    /// Liquidity in a pool.
    Liquidity(Liquidity),
    /// Units of one asset.
    Units([AssetId; 1], Assets),
}

impl Made {
    /// Its coins, in the pool's order.
    pub(super) fn coins(&self) -> &[AssetId] {
        match self {
            Self::Liquidity(liquidity) => &liquidity.coins,
            Self::Units(coin, _) => coin,
        }
    }

    /// Shares, liquidity or units.
    pub(super) const fn amount(&self) -> u128 {
        match self {
            Self::Liquidity(liquidity) => liquidity.amount,
            Self::Units(_, units) => units.get(),
        }
    }

    /// What it is worth at these prices, one for each coin; nothing where a price is zero.
    ///
    /// # Errors
    /// More than any value may be.
    pub(super) fn fair_down(&self, prices: &[Quoted]) -> Result<Usd, Halt> {
        match (self, prices) {
            (Self::Liquidity(liquidity), _) => liquidity.fair_down(prices),
            (Self::Units(_, units), [quoted]) => {
                Ok(value_down(*units, quoted.price, quoted.decimals)?)
            }
            (Self::Units(coin, _), _) => Err(Halt::Fatal(format!("a stake is only of {coin:?}"))),
        }
    }
}

/// What a piece of an account is made of now.
pub(super) fn made(cx: &mut Ctx<'_>, account: AccountId, piece: Piece) -> Result<Made, Halt> {
    Ok(Made::Liquidity(match piece {
        Piece::Shares(pool) => Liquidity::of_shares(cx, pool, account)?,
        Piece::Range(position) => Liquidity::of_range(cx, position)?,
        Piece::Stake(farm) => {
            let staked = farms::staked(cx, farm, account)?;
            match farms::thing(cx, farm)? {
                Thing::Shares(pool) => Liquidity::of_some_shares(cx, pool, Shares::new(staked)?)?,
                Thing::Units(asset) => return Ok(Made::Units([asset], Assets::new(staked)?)),
            }
        }
    }))
}

/// The coins of a piece, in the pool's order.
pub(super) fn coins_of(cx: &mut Ctx<'_>, piece: Piece) -> Result<Vec<AssetId>, Halt> {
    match piece {
        Piece::Shares(pool) => exchange::coins_of(cx, pool),
        Piece::Range(position) => Ok(Liquidity::of_range(cx, position)?.coins),
        Piece::Stake(farm) => match farms::thing(cx, farm)? {
            Thing::Shares(pool) => exchange::coins_of(cx, pool),
            Thing::Units(asset) => Ok(vec![asset]),
        },
    }
}

/// The same of all pieces of a sheet.
pub(super) fn read(
    cx: &mut Ctx<'_>,
    account: AccountId,
    sheet: &Sheet,
) -> Result<Vec<(Piece, Made)>, Halt> {
    let mut all = Vec::with_capacity(sheet.pieces.len());
    for piece in &sheet.pieces {
        all.push((*piece, made(cx, account, *piece)?));
    }
    Ok(all)
}

/// Refuses a piece that does not stand on the account.
///
/// # Errors
/// `AccountNoPiece`.
pub(super) fn expect(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    piece: Piece,
) -> Result<(), Halt> {
    if desk.pieces(cx, account)?.contains(&piece) {
        return Ok(());
    }
    let (kind, id) = piece.name();
    Err(revert(&AccountNoPiece {
        owner: account.owner,
        index: account.index,
        kind,
        id,
    }))
}

/// Notes that liquidity came to a piece: what of each coin, in the pool's order.
///
/// # Errors
/// `AccountTooManyPieces`, `AccountTooManyAssets`.
pub(super) fn grown(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    piece: Piece,
    coins: &[AssetId],
    amounts: &[Assets],
) -> Result<(), Halt> {
    for coin in coins {
        desk.mark(cx, account, *coin, UNITS)?;
    }
    desk.note_piece(cx, account, piece, coins, true)?;
    let put_in = STATE.put_in.at((account, piece.key()));
    let before = put_in.load(cx)?;
    put_in.save(cx, &before.with(amounts)?)
}

/// Notes that `taken` of `whole` left a piece; answers what had been put in for that part.
pub(super) fn shrunk(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    piece: Piece,
    coins: &[AssetId],
    (taken, whole): (u128, u128),
) -> Result<[Assets; 4], Halt> {
    for coin in coins {
        desk.mark(cx, account, *coin, UNITS)?;
    }
    let put_in = STATE.put_in.at((account, piece.key()));
    let before = put_in.load(cx)?;
    let left = whole.saturating_sub(taken);
    let after = before.part_down(left, whole)?;
    put_in.save(cx, &after)?;
    if left == 0 {
        desk.note_piece(cx, account, piece, coins, false)?;
    }
    before.less(&after)
}

impl PutIn {
    fn amounts(&self) -> [Assets; 4] {
        [self.coin0, self.coin1, self.coin2, self.coin3]
    }

    const fn of([coin0, coin1, coin2, coin3]: [Assets; 4]) -> Self {
        Self {
            coin0,
            coin1,
            coin2,
            coin3,
        }
    }

    fn with(&self, more: &[Assets]) -> Result<Self, Halt> {
        let mut sum = self.amounts();
        for (amount, more) in sum.iter_mut().zip(more) {
            // What was put in is told, not owed: at the edge of its range it stays there.
            *amount = amount.add(*more).unwrap_or(Assets::MAX);
        }
        Ok(Self::of(sum))
    }

    fn part_down(&self, part: u128, whole: u128) -> Result<Self, Halt> {
        let mut parts = self.amounts();
        for amount in &mut parts {
            let (part, whole) = (U256::from(part), U256::from(whole));
            *amount = Assets::from_u256(mul_div_down(amount.to_u256(), part, whole)?)?;
        }
        Ok(Self::of(parts))
    }

    fn less(&self, left: &Self) -> Result<[Assets; 4], Halt> {
        let mut parts = self.amounts();
        for (amount, left) in parts.iter_mut().zip(left.amounts()) {
            *amount = amount.sub(left)?;
        }
        Ok(parts)
    }
}

/// Moves a piece, or some of its shares or units, to another account.
///
/// # Errors
/// `AccountNoPiece`, `AccountTooManyPieces`, `AccountTooManyAssets`, and those of moved shares.
pub(super) fn transfer(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    from: AccountId,
    to: AccountId,
    piece: Piece,
    amount: U256,
) -> Result<(), Halt> {
    expect(cx, desk, from, piece)?;
    let whole = made(cx, from, piece)?.amount();
    let moved = if amount == U256::MAX {
        whole
    } else {
        Shares::from_u256(amount)?.get()
    };
    let moved = match piece {
        Piece::Shares(pool) => {
            exchange::move_shares(cx, pool, from, to, Shares::new(moved)?)?;
            moved
        }
        Piece::Stake(farm) => {
            farms::move_stake(cx, farm, from, to, moved)?;
            moved
        }
        // A position is one thing, and its token stays where it is.
        Piece::Range(_) => whole,
    };
    if moved == 0 {
        return Ok(());
    }
    let coins = coins_of(cx, piece)?;
    let amounts = shrunk(cx, desk, from, piece, &coins, (moved, whole))?;
    grown(cx, desk, to, piece, &coins, &amounts)
}

/// The verb: the runner may act on the other account, so nobody's places are filled for him.
///
/// # Errors
/// `AccountSameAccount`, `AccountNotAuthorised`, and those of [`transfer`].
pub(super) fn give(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    to: AccountId,
    piece: Piece,
    amount: U256,
) -> Result<(), Halt> {
    let (from, caller) = (desk.account(), cx.caller());
    moves::expect_different(from, to)?;
    operators::expect_authorised(cx, to, caller)?;
    batch::touch(cx, to, false)?;
    transfer(cx, desk, from, to, piece, amount)
}

/// Takes every piece of an account apart that its look needs, into units of its coins; answers what stands there then.
///
/// An account that is healthy and pays what is overdue from what it holds keeps its pieces.
pub(super) fn into_units(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    stand: &Stand,
    all: Vec<Valued>,
) -> Result<Vec<Valued>, Halt> {
    if stand.pieces.is_empty() || is_paid_without(cx, stand, &all)? {
        return Ok(all);
    }
    for (piece, made) in &stand.pieces {
        // What fails is rewound in storage, so that is where everything is by then. A piece that cannot be taken apart
        // stays, counts as before, and holds up no other.
        desk.close(cx)?;
        let account = stand.account;
        let taken = cx.attempt(|cx| take_apart(cx, desk, account, *piece, made, made.amount()))?;
        if taken.is_err() {
            desk.forget();
        }
    }
    let stand = desk.stand(cx, stand.account)?;
    stand.valued(cx, &mut desk.goods, Question::Block)
}

fn is_paid_without(cx: &mut Ctx<'_>, stand: &Stand, all: &[Valued]) -> Result<bool, Halt> {
    if !assess::sum(all)?.is_healthy() {
        return Ok(false);
    }
    for (row, line) in &stand.rows {
        if assess::overdue(cx, stand.account, *row)? > line.held {
            return Ok(false);
        }
    }
    Ok(true)
}

/// So much of a piece becomes units of its coins.
///
/// # Errors
/// Those of the exchange's `remove` and `shrink_range`.
pub(super) fn take_apart(
    cx: &mut Ctx<'_>,
    desk: &mut Desk,
    account: AccountId,
    piece: Piece,
    made: &Made,
    taken: u128,
) -> Result<(), Halt> {
    let amounts = match (piece, made) {
        (Piece::Range(position), _) => {
            let (principal, fees) = exchange::shrink_range(cx, position, account, taken)?;
            sums(principal, fees)?
        }
        (Piece::Stake(farm), Made::Units(..)) => {
            farming::leave(cx, desk, account, farm, taken)?;
            vec![Assets::new(taken)?]
        }
        (Piece::Stake(farm), Made::Liquidity(liquidity)) => {
            farming::leave(cx, desk, account, farm, taken)?;
            burn(cx, account, liquidity, taken)?
        }
        (Piece::Shares(_), Made::Liquidity(liquidity)) => burn(cx, account, liquidity, taken)?,
        (Piece::Shares(pool), Made::Units(..)) => {
            return Err(Halt::Fatal(format!("shares of pool {pool} are no units")));
        }
    };
    let part = (taken, made.amount());
    shrunk(cx, desk, account, piece, made.coins(), part)?;
    let (kind, id) = piece.name();
    emit(
        cx,
        &PieceTakenApart {
            owner: account.owner,
            index: account.index,
            kind,
            id,
            assetIds: made.coins().iter().map(|coin| coin.get()).collect(),
            amounts: words(&amounts),
        },
    )
}

fn burn(
    cx: &mut Ctx<'_>,
    account: AccountId,
    liquidity: &Liquidity,
    taken: u128,
) -> Result<Vec<Assets>, Halt> {
    let shares = Shares::new(taken)?;
    let least = vec![Assets::ZERO; liquidity.coins.len()];
    exchange::remove(cx, liquidity.pool, account, account, shares, &least)
}

fn sums(principal: exchange::Two, fees: exchange::Two) -> Result<Vec<Assets>, Halt> {
    let pairs = principal.into_iter().zip(fees);
    pairs.map(|(part, fee)| Ok(part.add(fee)?)).collect()
}

pub(super) fn words(amounts: &[Assets]) -> Vec<U256> {
    amounts.iter().map(|amount| amount.to_u256()).collect()
}

/// The pieces of an account as its owner sees them.
///
/// # Errors
/// `AccountInFlight`, `AccountPriceUnusable`.
pub(super) fn of(cx: &mut Ctx<'_>, account: AccountId) -> Result<Vec<IAccount::Piece>, Halt> {
    batch::expect_settled(cx)?;
    view(cx, account)
}

/// The same while nobody asks what runs.
pub(super) fn view(cx: &mut Ctx<'_>, account: AccountId) -> Result<Vec<IAccount::Piece>, Halt> {
    let sheet = Sheet::load(cx, account)?;
    if sheet.pieces.is_empty() {
        return Ok(Vec::new());
    }
    let (stand, mut goods) = (Stand::read(cx, account, &sheet)?, Goods::default());
    let now = stand.valued(cx, &mut goods, Question::View)?;
    let initial = stand.valued(cx, &mut goods, Question::Batch)?;
    let fair = stand.fair(cx, &now)?;
    let mut seen = Vec::with_capacity(fair.len());
    for ((piece, made), fair) in stand.pieces.iter().zip(&fair) {
        let coins = made.coins();
        let amounts = amounts_now(cx, *piece, made)?;
        let put_in = STATE.put_in.at((account, piece.key())).load(cx)?.amounts();
        let put_in: Vec<_> = put_in.into_iter().take(coins.len()).collect();
        let value = worth_down(&now, coins, &amounts)?;
        let if_held = worth_down(&now, coins, &put_in)?;
        let (kind, id) = piece.name();
        seen.push(IAccount::Piece {
            kind,
            id,
            poolId: match made {
                Made::Liquidity(liquidity) => liquidity.pool.get(),
                Made::Units(..) => u32::MAX,
            },
            amount: U256::from(made.amount()),
            assetIds: coins.iter().map(|coin| coin.get()).collect(),
            amounts: words(&amounts),
            putIn: words(&put_in),
            value: value.to_u256(),
            fairValue: fair.value.to_u256(),
            ifHeld: if_held.to_u256(),
            impermanentLoss: signed(if_held)?
                .checked_sub(signed(value)?)
                .ok_or_else(Halt::overflow)?,
            initialBps: fair.factor(&initial).get(),
            maintenanceBps: fair.factor(&now).get(),
        });
    }
    Ok(seen)
}

fn signed(value: Usd) -> Result<I256, Halt> {
    I256::try_from(value.to_u256()).map_err(|_| Halt::overflow())
}

/// What taking a piece apart would give now.
pub(super) fn amounts_now(
    cx: &mut Ctx<'_>,
    piece: Piece,
    made: &Made,
) -> Result<Vec<Assets>, Halt> {
    match (piece, made) {
        (Piece::Range(position), _) => {
            let frame = cx.frame;
            let mut world = Scratch::new(cx.store);
            let worth = exchange::range_worth(&mut Ctx::new(&mut world, frame), position)?;
            sums(worth.principal, worth.fees)
        }
        (_, Made::Units(_, units)) => Ok(vec![*units]),
        (_, Made::Liquidity(liquidity)) => {
            let shares = Shares::new(liquidity.amount)?;
            exchange::some_shares_worth(cx, liquidity.pool, shares)
        }
    }
}

/// What a piece is worth by what its pool holds now: what anybody can move.
#[cfg(test)]
pub(super) fn worth_now_down(
    cx: &mut Ctx<'_>,
    piece: Piece,
    made: &Made,
    all: &[Valued],
) -> Result<Usd, Halt> {
    let amounts = amounts_now(cx, piece, made)?;
    worth_down(all, made.coins(), &amounts)
}

fn worth_down(all: &[Valued], coins: &[AssetId], amounts: &[Assets]) -> Result<Usd, Halt> {
    let mut sum = Usd::ZERO;
    for (coin, amount) in coins.iter().zip(amounts) {
        if let Some(valued) = all.iter().find(|valued| valued.asset() == *coin) {
            sum = sum.add(value_down(*amount, valued.held_price, valued.decimals)?)?;
        }
    }
    Ok(sum)
}
