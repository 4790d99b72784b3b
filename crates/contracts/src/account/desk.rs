//! What a batch, or a look of the block, carries from one step to the next, so that no word is read twice.
//!
//! ```text
//!   verb ── moves units, shares, debts ──► marks: "this kind of that asset may have changed"
//!   verb ── ...
//!   end  ── what stands there? asked once ──► sheet ──► check ──► limits ──► guard ──► written once
//! ```
//!
//! Nothing is carried past foreign code: [`Desk::put_away`] writes what the verbs did, and who asks next reads anew.

use capstan_state::{Ctx, Halt};
use capstan_units::{AccountId, AssetId, Assets};

use super::{
    assess::{Stand, kind_bit, owed},
    batch,
    goods::Goods,
    pieces,
    sheet::{Piece, ROWS_MAX, Row, Sheet},
};
use crate::{
    ledger,
    position::Line,
    registry::{self, LIQUIDITY},
};

/// One account's sheet while verbs change what stands there.
#[derive(Debug)]
pub(super) struct Open {
    account: AccountId,
    stored: Sheet,
    pub(super) sheet: Sheet,
    /// Kinds, by asset, of which nobody has asked yet whether they still stand there.
    marks: Vec<(AssetId, u8)>,
}

impl Open {
    /// As it is stored.
    pub(super) fn load(cx: &mut Ctx<'_>, account: AccountId) -> Result<Self, Halt> {
        let stored = Sheet::load(cx, account)?;
        Ok(Self {
            account,
            sheet: stored.clone(),
            stored,
            marks: Vec::new(),
        })
    }

    /// Writes the words that changed. Every mark was asked for.
    pub(super) fn save(self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        self.sheet.save(cx, self.account, &self.stored)
    }

    /// Notes that a verb changed what stands of `asset` in a kind. A row that is there just keeps the question; a new one
    /// may find the sheet full, so it is asked at once.
    ///
    /// # Errors
    /// `AccountTooManyAssets`.
    fn mark(&mut self, cx: &mut Ctx<'_>, asset: AssetId, kind: u8) -> Result<(), Halt> {
        if !self.sheet.has(asset) {
            if self.sheet.rows.len() >= ROWS_MAX {
                self.ask(cx)?;
            }
            let stands = registry::position(kind)?.stands(cx, self.account, asset)?;
            return self.sheet.note(self.account, asset, kind, stands);
        }
        self.sheet.note(self.account, asset, kind, true)?;
        match self.marks.iter_mut().find(|(of, _)| *of == asset) {
            Some((_, kinds)) => *kinds |= kind_bit(kind),
            None => self.marks.push((asset, kind_bit(kind))),
        }
        Ok(())
    }

    /// Asks for every mark whether something stands there.
    fn ask(&mut self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        for (asset, kinds) in std::mem::take(&mut self.marks) {
            for (number, kind) in registry::positions() {
                if kinds & kind_bit(number) != 0 {
                    let stands = kind.stands(cx, self.account, asset)?;
                    self.sheet.note(self.account, asset, number, stands)?;
                }
            }
        }
        Ok(())
    }

    /// What stands there; the same reading answers the marks.
    pub(super) fn stand(&mut self, cx: &mut Ctx<'_>) -> Result<Stand, Halt> {
        let mut rows = Vec::with_capacity(self.sheet.rows.len());
        for row in &self.sheet.rows {
            let marks = self.marks.iter().find(|(of, _)| *of == row.asset);
            let mut row = *row;
            let line = read(
                cx,
                self.account,
                &mut row,
                marks.map_or(0, |(_, kinds)| *kinds),
            )?;
            if row.kinds != 0 {
                rows.push((row, line));
            }
        }
        self.marks.clear();
        self.sheet.rows = rows.iter().map(|(row, _)| *row).collect();
        Ok(Stand {
            account: self.account,
            rows,
            pieces: pieces::read(cx, self.account, &self.sheet)?,
        })
    }

    /// Notes whether a piece of liquidity stands there, and at the rows of its coins whether any piece is made of them.
    ///
    /// # Errors
    /// `AccountTooManyPieces`, `AccountTooManyAssets`.
    fn note_piece(
        &mut self,
        cx: &mut Ctx<'_>,
        piece: Piece,
        coins: &[AssetId],
        stands: bool,
    ) -> Result<(), Halt> {
        self.sheet.note_piece(self.account, piece, stands)?;
        let mut kept = Vec::new();
        for other in &self.sheet.pieces {
            kept.extend(pieces::coins_of(cx, *other)?);
        }
        for coin in coins {
            if !self.sheet.has(*coin) && self.sheet.rows.len() >= ROWS_MAX {
                self.ask(cx)?;
            }
            let is_coin = kept.contains(coin);
            self.sheet.note(self.account, *coin, LIQUIDITY, is_coin)?;
        }
        Ok(())
    }
}

/// What of a row's asset stands on the account. Kinds that are marked and do not stand leave the row.
fn read(cx: &mut Ctx<'_>, account: AccountId, row: &mut Row, marks: u8) -> Result<Line, Halt> {
    let mut sum = Line::EMPTY;
    for (number, kind) in registry::positions() {
        let bit = kind_bit(number);
        if row.kinds & bit == 0 {
            continue;
        }
        let line = kind.assess(cx, account, row.asset)?;
        if marks & bit != 0
            && line.is_empty()
            && !(kind.may_stand_empty() && kind.stands(cx, account, row.asset)?)
        {
            row.kinds &= !bit;
        }
        sum = sum.with(line)?;
    }
    Ok(sum)
}

/// The sheets that are open, and the assets that were asked about.
#[derive(Debug)]
pub(super) struct Desk {
    account: AccountId,
    /// One, nearly always, and as many as a transaction may touch.
    open: Vec<Open>,
    pub(super) goods: Goods,
    /// Whether the batch's account is among those that this transaction changes, and will be checked.
    touched: Option<bool>,
}

impl Desk {
    /// Nothing is known yet of anybody. `account` is whose batch it is.
    pub(super) fn new(account: AccountId) -> Self {
        Self {
            account,
            open: Vec::new(),
            goods: Goods::default(),
            touched: None,
        }
    }

    /// Whose batch it is.
    pub(super) const fn account(&self) -> AccountId {
        self.account
    }

    /// Adds the account to those that the batch changes, once (ACC-2).
    ///
    /// # Errors
    /// `AccountTooManyTouched`.
    pub(super) fn touch(&mut self, cx: &mut Ctx<'_>, lowers: bool) -> Result<(), Halt> {
        if self.touched.is_some_and(|lowered| lowered || !lowers) {
            return Ok(());
        }
        batch::touch(cx, self.account, lowers)?;
        self.touched = Some(lowers);
        Ok(())
    }

    /// Notes that what stands of an asset on an account, in a kind of positions, may have changed (ACC-6).
    ///
    /// # Errors
    /// `AccountTooManyAssets`: it is new there, and the sheet is full.
    pub(super) fn mark(
        &mut self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        asset: AssetId,
        kind: u8,
    ) -> Result<(), Halt> {
        self.open(cx, account)?.mark(cx, asset, kind)
    }

    /// Kinds in which something of an asset may stand on an account.
    pub(super) fn kinds(
        &mut self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        asset: AssetId,
    ) -> Result<u8, Halt> {
        let mut rows = self.open(cx, account)?.sheet.rows.iter();
        let row = rows.find(|row| row.asset == asset);
        Ok(row.map_or(0, |row| row.kinds))
    }

    /// What an account owes of an asset, over all kinds.
    pub(super) fn owed(
        &mut self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        asset: AssetId,
    ) -> Result<Assets, Halt> {
        let kinds = self.kinds(cx, account, asset)?;
        owed(cx, account, asset, kinds)
    }

    /// The rows of what stands on an account.
    pub(super) fn rows(&mut self, cx: &mut Ctx<'_>, account: AccountId) -> Result<&[Row], Halt> {
        let open = self.open(cx, account)?;
        open.ask(cx)?;
        Ok(&open.sheet.rows)
    }

    /// Liquidity that stands on an account.
    pub(super) fn pieces(
        &mut self,
        cx: &mut Ctx<'_>,
        account: AccountId,
    ) -> Result<&[Piece], Halt> {
        Ok(&self.open(cx, account)?.sheet.pieces)
    }

    /// Notes whether a piece of liquidity stands on an account (ACC-23).
    ///
    /// # Errors
    /// `AccountTooManyPieces`, `AccountTooManyAssets`.
    pub(super) fn note_piece(
        &mut self,
        cx: &mut Ctx<'_>,
        account: AccountId,
        piece: Piece,
        coins: &[AssetId],
        stands: bool,
    ) -> Result<(), Halt> {
        self.open(cx, account)?.note_piece(cx, piece, coins, stands)
    }

    /// What stands on an account.
    pub(super) fn stand(&mut self, cx: &mut Ctx<'_>, account: AccountId) -> Result<Stand, Halt> {
        self.open(cx, account)?.stand(cx)
    }

    /// The second by which the block looks at an account, as it is stored; zero if it need not.
    pub(super) fn look_by_s(&mut self, cx: &mut Ctx<'_>, account: AccountId) -> Result<u32, Halt> {
        Ok(self.open(cx, account)?.sheet.look_by_s)
    }

    /// Hands out the sheet of an account, to be written with its guard.
    pub(super) fn take(&mut self, cx: &mut Ctx<'_>, account: AccountId) -> Result<Open, Halt> {
        match self.place(account) {
            Some(place) => Ok(self.open.swap_remove(place)),
            None => Open::load(cx, account),
        }
    }

    /// Before units of an asset cross the border: a foreign token is foreign code.
    ///
    /// # Errors
    /// `LedgerUnknownAsset`.
    pub(super) fn before_border(&mut self, cx: &mut Ctx<'_>, asset: AssetId) -> Result<(), Halt> {
        match self.goods.listed(cx, asset)?.kind {
            ledger::Kind::Foreign => self.put_away(cx),
            ledger::Kind::Coin | ledger::Kind::NativeToken => Ok(()),
        }
    }

    /// Writes every sheet as the verbs left it, and closes it.
    pub(super) fn close(&mut self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        let mut all = std::mem::take(&mut self.open);
        all.sort_unstable_by_key(|open| open.account);
        for mut open in all {
            open.ask(cx)?;
            open.save(cx)?;
        }
        Ok(())
    }

    /// The same before foreign code, which may change everything: nothing is known any more.
    pub(super) fn put_away(&mut self, cx: &mut Ctx<'_>) -> Result<(), Halt> {
        self.goods = Goods::default();
        self.close(cx)
    }

    /// Closes every sheet as it is stored: what was done to them since was rewound.
    pub(super) fn forget(&mut self) {
        self.open.clear();
    }

    fn place(&self, account: AccountId) -> Option<usize> {
        self.open.iter().position(|open| open.account == account)
    }

    #[allow(
        clippy::indexing_slicing,
        reason = "the place is that of one which is there"
    )]
    fn open(&mut self, cx: &mut Ctx<'_>, account: AccountId) -> Result<&mut Open, Halt> {
        let place = match self.place(account) {
            Some(place) => place,
            None => {
                self.open.push(Open::load(cx, account)?);
                self.open.len().saturating_sub(1)
            }
        };
        Ok(&mut self.open[place])
    }
}
