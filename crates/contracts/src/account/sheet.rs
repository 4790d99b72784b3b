//! What stands on an account, in one to four words: which assets, in which kinds of positions, and how far their
//! prices may move before the block looks again; and which liquidity in pools.
//!
//! ```text
//!   word 0   rows 0..4 (6 bytes each) | 2 free | piece count (1) | row count (1) | look by, seconds (4)
//!   word 1   rows 4..9
//!   word 2   rows 9..14
//!   word 3   pieces 0..4 (8 bytes each), in order; zeros behind the last
//!   row      trigger (4) | kinds (1) | asset (1)
//!   trigger  0, or (tick + 2) * 2 + (1 if it is crossed upward), or 2^31 + width (7 bits) * 2^24 + (lower tick + 2)
//!   piece    1 bit: a range | 1 bit: a stake | number of the pool, the position or the farm, plus one
//! ```
//!
//! Two ticks lie a width apart of three binary digits and an exponent, so that both fit a row.
//!
//! Each word can be read by itself, so whoever follows changes of storage needs no other word to know which guards
//! came and went.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, FarmId, PoolId, PriceTick};

use super::{
    ADDRESS,
    error::{AccountTooManyAssets, AccountTooManyPieces},
    state::AccountState,
};
use crate::{registry, revert};

const STATE: AccountState = AccountState::new();

/// Most rows of a sheet: a liquidation looks at each of them.
pub const ROWS_MAX: usize = 14;
/// Asset ids that fit a row.
pub const ASSETS_MAX: u32 = 256;
/// Most pieces of liquidity on a sheet: a liquidation takes each of them apart.
pub const PIECES_MAX: usize = 4;
/// Words of a sheet: of rows, and one of pieces.
pub(crate) const WORDS: u8 = 4;
const PIECES_WORD: u8 = 3;
const PIECE_BITS: usize = 64;
const PIECE_COUNT_BITS: usize = 40;
const ROW_BITS: usize = 48;
const FIRST_WORD_ROWS: usize = 4;
const WORD_ROWS: usize = 5;
/// Rows of word 0 stand above its head.
const HEAD_BITS: usize = 64;
const COUNT_BITS: usize = 32;

/// When a price calls the block to an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// No price does.
    #[default]
    Never,
    /// A collateral price at or below this.
    Falls(PriceTick),
    /// A debt price at or above this.
    Rises(PriceTick),
    /// At or below the first or at or above the second: of an asset that is owed, and that liquidity is made of.
    Leaves(PriceTick, PriceTick),
}

const BOTH_WAYS: u32 = 1 << 31;
const WIDTH_PLACE: u32 = 24;
const TICK_MASK: u32 = (1 << WIDTH_PLACE) - 1;
/// Binary digits of a width behind its first.
const WIDTH_DIGITS: u32 = 3;
const WIDTH_CODE_MAX: u32 = 127;

impl Trigger {
    /// Both ways, as close as they can be kept: the one that lies farther from the price `now` comes nearer, so a look may
    /// come too early, but not at once.
    pub(super) fn leaves(low: PriceTick, high: PriceTick, now: PriceTick) -> Self {
        let width = u32::try_from(high.get().saturating_sub(low.get())).unwrap_or(0);
        let kept = width_of(code_down(width));
        let room = |from: PriceTick, to: PriceTick| to.get().saturating_sub(from.get());
        if room(low, now) <= room(now, high) {
            return Self::apart(low, kept);
        }
        let lost = i32::try_from(width.saturating_sub(kept)).unwrap_or(0);
        Self::apart(PriceTick::new(low.get().saturating_add(lost)), kept)
    }

    fn apart(low: PriceTick, width: u32) -> Self {
        let width = i32::try_from(width).unwrap_or(i32::MAX);
        Self::Leaves(low, PriceTick::new(low.get().saturating_add(width)))
    }

    fn to_bits(self) -> u32 {
        let biased = |tick: PriceTick| u32::try_from(tick.get().saturating_add(2)).unwrap_or(1);
        match self {
            Self::Never => 0,
            Self::Falls(tick) => biased(tick).saturating_mul(2),
            Self::Rises(tick) => biased(tick).saturating_mul(2).saturating_add(1),
            Self::Leaves(low, high) => {
                let width = u32::try_from(high.get().saturating_sub(low.get())).unwrap_or(0);
                BOTH_WAYS | (code_down(width) << WIDTH_PLACE) | (biased(low) & TICK_MASK)
            }
        }
    }

    fn of_bits(bits: u32) -> Self {
        let tick = |biased: u32| {
            let number = i32::try_from(biased).unwrap_or(i32::MAX);
            PriceTick::new(number.saturating_sub(2))
        };
        if bits & BOTH_WAYS != 0 {
            let width = width_of((bits & !BOTH_WAYS) >> WIDTH_PLACE);
            return Self::apart(tick(bits & TICK_MASK), width);
        }
        match (bits, bits & 1) {
            (0, _) => Self::Never,
            (_, 0) => Self::Falls(tick(bits >> 1)),
            _ => Self::Rises(tick(bits >> 1)),
        }
    }
}

/// The code of the largest width that is not above this one.
fn code_down(width: u32) -> u32 {
    let Some(exponent) = width
        .checked_ilog2()
        .and_then(|digits| digits.checked_sub(WIDTH_DIGITS))
    else {
        return width;
    };
    let digits = (width >> exponent) & ((1 << WIDTH_DIGITS) - 1);
    let code = (exponent.saturating_add(1) << WIDTH_DIGITS) | digits;
    code.min(WIDTH_CODE_MAX)
}

/// `code` while it has no exponent, else `(8 + digits) * 2^(exponent - 1)`.
fn width_of(code: u32) -> u32 {
    let digits = code & ((1 << WIDTH_DIGITS) - 1);
    match (code >> WIDTH_DIGITS).checked_sub(1) {
        None => digits,
        Some(exponent) => ((1 << WIDTH_DIGITS) | digits) << exponent,
    }
}

/// What stands on an account beside its rows. In order: pools by number, then stakes by farm, then positions by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// Shares of a pool of reserves.
    Shares(PoolId),
    /// A stake in a farm, of a pool's shares or of units.
    Stake(FarmId),
    /// A position of concentrated liquidity, by its number.
    Range(u64),
}

const RANGE_BIT: u64 = 1 << 63;
const STAKE_BIT: u64 = 1 << 62;

impl Piece {
    /// A number of eight bytes that is no other piece's, nor zero.
    pub(super) fn key(self) -> u64 {
        match self {
            Self::Shares(pool) => u64::from(pool.get()).saturating_add(1),
            Self::Stake(farm) => u64::from(farm.get()).saturating_add(1) | STAKE_BIT,
            Self::Range(position) => position.saturating_add(1) | RANGE_BIT,
        }
    }

    /// The piece with this number; `None` for zero.
    fn of_key(key: u64) -> Option<Self> {
        let number = (key & !RANGE_BIT).checked_sub(1)?;
        if key & RANGE_BIT != 0 {
            return Some(Self::Range(number));
        }
        let is_stake = key & STAKE_BIT != 0;
        let number = u32::try_from(number & !STAKE_BIT).ok()?;
        Some(if is_stake {
            Self::Stake(FarmId::new(number))
        } else {
            Self::Shares(PoolId::new(number))
        })
    }
}

/// One asset of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub asset: AssetId,
    /// Bit `n`: something stands there in the kind of positions with number `n`.
    pub kinds: u8,
    /// When its price calls the block.
    pub trigger: Trigger,
}

impl Row {
    fn to_bits(self) -> U256 {
        let bits = (u64::from(self.trigger.to_bits()) << 16)
            | (u64::from(self.kinds) << 8)
            | u64::from(self.asset.get() & 0xff);
        U256::from(bits)
    }

    fn of_bits(bits: u64) -> Self {
        let low = |bits: u64| u8::try_from(bits & 0xff).unwrap_or_default();
        Self {
            asset: AssetId::new(u32::from(low(bits))),
            kinds: low(bits >> 8),
            trigger: Trigger::of_bits(u32::try_from(bits >> 16).unwrap_or_default()),
        }
    }
}

/// What stands on an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// When the block looks at the latest, in seconds; zero is never.
    pub look_by_s: u32,
    /// Assets, in order.
    pub rows: Vec<Row>,
    /// Liquidity in pools, in order. Each of its coins has a row.
    pub pieces: Vec<Piece>,
}

impl Sheet {
    /// Reads a sheet: its first word, and the others if they say something. The frame is the account room's.
    pub(super) fn load(cx: &mut Ctx<'_>, account: AccountId) -> Result<Self, Halt> {
        Self::read(|part| STATE.sheets.at((account, part)).load(cx))
    }

    /// The sheet of stored words; each is asked for once, and none that says nothing.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn read(mut word: impl FnMut(u8) -> Result<U256, Halt>) -> Result<Self, Halt> {
        let head = word(0)?;
        let count = usize::from(count_of(head));
        let mut sheet = Self {
            look_by_s: look_by_of(head),
            rows: Vec::with_capacity(count),
            pieces: Vec::new(),
        };
        if piece_count_of(head) != 0 {
            sheet.pieces.extend(pieces_of(word(PIECES_WORD)?));
        }
        for part in 0..PIECES_WORD {
            if sheet.rows.len() >= count {
                break;
            }
            let rows = match part {
                0 => head,
                _ => word(part)?,
            };
            sheet.rows.extend(rows_of(part, rows));
        }
        Ok(sheet)
    }

    /// Writes the words that differ from `before`.
    pub(super) fn save(
        &self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        before: &Self,
    ) -> Result<(), Halt> {
        for part in 0..WORDS {
            let word = self.word(part);
            if word != before.word(part) {
                STATE.sheets.at((account, part)).save(cx, word)?;
            }
        }
        Ok(())
    }

    /// Notes whether anything of `asset` stands there in a kind of positions (ACC-6).
    ///
    /// # Errors
    /// `AccountTooManyAssets`: it is new there, and the sheet is full or has no room for such a number.
    pub(super) fn note(
        &mut self,
        account: AccountId,
        asset: AssetId,
        kind: u8,
        stands: bool,
    ) -> Result<(), Halt> {
        let bit = 1_u8.checked_shl(u32::from(kind)).unwrap_or_default();
        match self.rows.binary_search_by_key(&asset, |row| row.asset) {
            Ok(at) => {
                let Some(row) = self.rows.get_mut(at) else {
                    return Ok(());
                };
                row.kinds = if stands {
                    row.kinds | bit
                } else {
                    row.kinds & !bit
                };
                if row.kinds == 0 {
                    self.rows.remove(at);
                }
            }
            Err(_) if !stands => {}
            Err(at) => {
                if self.rows.len() >= ROWS_MAX || asset.get() >= ASSETS_MAX {
                    return Err(revert(&AccountTooManyAssets {
                        owner: account.owner,
                        index: account.index,
                        assetId: asset.get(),
                        max: U256::from(ROWS_MAX),
                    }));
                }
                let row = Row {
                    asset,
                    kinds: bit,
                    trigger: Trigger::Never,
                };
                self.rows.insert(at, row);
            }
        }
        Ok(())
    }

    /// Notes whether a piece of liquidity stands there. Rows of its coins are noted apart.
    ///
    /// # Errors
    /// `AccountTooManyPieces`.
    pub(super) fn note_piece(
        &mut self,
        account: AccountId,
        piece: Piece,
        stands: bool,
    ) -> Result<(), Halt> {
        match self.pieces.binary_search(&piece) {
            Ok(at) if !stands => {
                self.pieces.remove(at);
            }
            Err(at) if stands => {
                if self.pieces.len() >= PIECES_MAX {
                    return Err(revert(&AccountTooManyPieces {
                        owner: account.owner,
                        index: account.index,
                        max: U256::from(PIECES_MAX),
                    }));
                }
                self.pieces.insert(at, piece);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether anything of `asset` stands there.
    pub(super) fn has(&self, asset: AssetId) -> bool {
        self.rows.iter().any(|row| row.asset == asset)
    }

    /// A word of it, as it is stored.
    pub(crate) fn word(&self, part: u8) -> U256 {
        let (from, to, shift) = match part {
            PIECES_WORD => return self.pieces_word(),
            0 => (0, FIRST_WORD_ROWS, HEAD_BITS),
            n => {
                let from = FIRST_WORD_ROWS
                    .saturating_add(WORD_ROWS.saturating_mul(usize::from(n).saturating_sub(1)));
                (from, from.saturating_add(WORD_ROWS), 0)
            }
        };
        let rows = self.rows.iter().skip(from).take(to.saturating_sub(from));
        let mut word = U256::ZERO;
        for (n, row) in rows.enumerate() {
            let place = ROW_BITS.saturating_mul(n).saturating_add(shift);
            word |= row.to_bits().wrapping_shl(place);
        }
        if part == 0 {
            let count = |of: usize| U256::from(u8::try_from(of).unwrap_or(u8::MAX));
            word |= U256::from(self.look_by_s)
                | count(self.rows.len()).wrapping_shl(COUNT_BITS)
                | count(self.pieces.len()).wrapping_shl(PIECE_COUNT_BITS);
        }
        word
    }

    fn pieces_word(&self) -> U256 {
        let pieces = self.pieces.iter().enumerate();
        pieces.fold(U256::ZERO, |word, (n, piece)| {
            word | U256::from(piece.key()).wrapping_shl(PIECE_BITS.saturating_mul(n))
        })
    }
}

fn look_by_of(head: U256) -> u32 {
    u32::try_from(head & U256::from(u32::MAX)).unwrap_or_default()
}

fn count_of(head: U256) -> u8 {
    u8::try_from(head.wrapping_shr(COUNT_BITS) & U256::from(u8::MAX)).unwrap_or_default()
}

fn piece_count_of(head: U256) -> u8 {
    u8::try_from(head.wrapping_shr(PIECE_COUNT_BITS) & U256::from(u8::MAX)).unwrap_or_default()
}

fn pieces_of(word: U256) -> impl Iterator<Item = Piece> {
    word.into_limbs().into_iter().map_while(Piece::of_key)
}

fn rows_of(part: u8, word: U256) -> impl Iterator<Item = Row> {
    let (count, shift) = match part {
        0 => (FIRST_WORD_ROWS, HEAD_BITS),
        PIECES_WORD => (0, 0),
        _ => (WORD_ROWS, 0),
    };
    (0..count).map_while(move |n| {
        let place = ROW_BITS.saturating_mul(n).saturating_add(shift);
        let bits = word.wrapping_shr(place) & U256::from(0xffff_ffff_ffff_u64);
        let row = Row::of_bits(u64::try_from(bits).unwrap_or_default());
        (row.kinds != 0).then_some(row)
    })
}

/// What one stored word says about when to look at an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guards {
    /// The time, in seconds; zero is never.
    pub look_by_s: u32,
    /// The rows whose price calls the block.
    pub rows: Vec<Row>,
    /// Whether minted dollars are owed, so that a redemption may come.
    pub owes_dollars: bool,
}

/// The account and word that a storage slot of this contract is part of, for whoever follows changes of storage.
pub fn sheet_slot(slot: U256) -> Option<(AccountId, u8)> {
    STATE.sheets.key_of(slot)
}

/// The guards of one stored word.
pub fn guards_of(part: u8, word: U256) -> Guards {
    let dollar = 1_u8 << registry::DOLLAR;
    Guards {
        look_by_s: if part == 0 { look_by_of(word) } else { 0 },
        rows: rows_of(part, word)
            .filter(|row| row.trigger != Trigger::Never)
            .collect(),
        owes_dollars: rows_of(part, word).any(|row| row.kinds & dollar != 0),
    }
}

/// Every account with a sheet, for whoever looks at a world from outside.
///
/// # Errors
/// Storage that does not decode.
pub fn accounts(world: &dyn capstan_state::View) -> Result<Vec<AccountId>, Halt> {
    let words = STATE.sheets.listed(world, ADDRESS)?;
    let firsts = words.into_iter().filter(|((_, part), _)| *part == 0);
    Ok(firsts.map(|((account, _), _)| account).collect())
}

#[cfg(test)]
mod tests;
