//! What the next block owes: indexes of what calls for it, beside the state.
//!
//! ```text
//!   final block ──► its changes of guards ──► an index of each room at the newest final block
//!   candidates  ──► their changes, folded ──► over it, for whatever parent a block is built on
//!   prices of the block that is being made ──► accounts ──► Liquidate, or a block that is Bad without it
//!   dollars that wait ──► debtors nearest to their guards ──► Redeem, or a block that is Bad without it
//!   prices and time ──► orders ──► Triggers, or a block that is Bad without it
//!   prices and time ──► products ──► Rebalance, or a block that is Bad without it
//!   time ──► claims of machines ──► Epoch, or a block that is Bad without it
//!   time ──► machines that owe ──► Recover, or a block that is Bad without it
//! ```
//!
//! An index is a function of one contract's stored words ([`Room`]). It lives in memory; now and then and at a clean stop
//! it is saved, so that a start reads it and what changed since, and not every word. Another room is a field of
//! [`Guards`] and [`Called`], its bytes in `saved.rs`, and its kind of work in [`Inner::due`].

mod parts;
mod saved;

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, U256};
use alloy_sol_types::{Revert, SolError as _, SolEvent as _};
use capstan_contracts::{
    SystemKind,
    account::{self, IAccount, LOOKS_MAX, REDEMPTIONS_MAX, index::Sheets},
    calls::{CallIndex, Changes, Due, Room},
    income::{self, Debts, IIncome},
    jobs::{self, Claims, IJobs},
    products::{self, IProducts, Products},
    triggers::{self, ITriggers, Orders},
};
use capstan_evm::{StateDiff, StateError, StateRead, Tx};
use capstan_state::{BlockInfo, Ctx, Frame, Halt, ReadOnly, View};
use capstan_units::AccountId;

use self::parts::Parts;
use super::{Inner, ledger::storage, order::system_kind};
use crate::{
    Block, ChainError,
    db::{DbView, DerivedIndex, IndexSnapshot, IndexStep, Loaded, load_index},
};
use saved::Saved;

/// Blocks after which an index is saved again: a start after a crash follows at most so many.
const SAVE_EVERY: u64 = 4_096;

/// The contracts whose words the indexes follow.
pub(super) const FOLLOWED: [Address; 5] = [
    Sheets::ADDRESS,
    Orders::ADDRESS,
    Products::ADDRESS,
    Claims::ADDRESS,
    Debts::ADDRESS,
];

/// One room's index.
#[derive(Debug)]
struct Kept<R: Saved> {
    index: CallIndex<R>,
    /// How it came to be when the chain was opened.
    loaded: Loaded,
    /// The height of what was saved last.
    saved: u64,
    /// What is being copied to be saved.
    copied: Option<Parts<R>>,
}

/// What came of copying a part.
#[derive(Debug)]
pub(super) enum Copied {
    /// Nothing is to be saved now.
    Nothing,
    /// More is to come.
    Part,
    /// The last part of one room's index.
    All(Box<dyn Whole>),
}

impl Copied {
    /// The same, or what another room has to copy.
    fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Nothing => other(),
            copied => copied,
        }
    }
}

/// A whole copy of one room's index.
pub(super) trait Whole: std::fmt::Debug {
    /// As it is saved. Nobody waits for this.
    fn into_snapshot(self: Box<Self>) -> IndexSnapshot;
}

/// The copy of an index at a block.
#[derive(Debug)]
struct WholeOf<R: Saved> {
    height: u64,
    at: B256,
    parts: Parts<R>,
}

impl<R: Saved> Whole for WholeOf<R> {
    fn into_snapshot(self: Box<Self>) -> IndexSnapshot {
        IndexSnapshot::copied(R::NAME, self.parts.into_saved(), self.height, self.at)
    }
}

impl<R: Saved> Kept<R> {
    /// The index at the newest block of a database.
    fn load(view: &DbView) -> Result<Self, ChainError> {
        let mut index = CallIndex::default();
        let loaded = load_index(view, &mut index).map_err(storage)?;
        let saved = match loaded {
            Loaded::Saved { at } => at,
            Loaded::Rebuilt => 0,
        };
        tracing::debug!(
            name = R::NAME,
            count = index.len(),
            ?loaded,
            "an index stands"
        );
        Ok(Self {
            index,
            loaded,
            saved,
            copied: None,
        })
    }

    /// Follows a block that has become final.
    fn follow(&mut self, changes: &Changes<R>) {
        self.index.apply(changes);
        if let Some(copied) = &mut self.copied {
            copied.follow(changes);
        }
    }

    /// Leaves the blocks above `height`, by what they did to the words of each followed contract.
    fn leave(&mut self, height: u64, steps: &[(Address, IndexStep)]) {
        let own = steps.iter().filter(|(account, _)| *account == R::ADDRESS);
        for (_, step) in own {
            DerivedIndex::undo(&mut self.index, step);
        }
        // A rewind is a developer's: what was copied is copied anew.
        self.copied = None;
        self.saved = self.saved.min(height);
    }

    fn copy_part(&mut self, height: u64, at: B256) -> Copied {
        if self.copied.is_none() && height < self.saved.saturating_add(SAVE_EVERY) {
            return Copied::Nothing;
        }
        let mut parts = self.copied.take().unwrap_or_default();
        if parts.take_from(&self.index) {
            self.copied = Some(parts);
            return Copied::Part;
        }
        self.saved = height;
        Copied::All(Box::new(WholeOf { height, at, parts }))
    }

    /// Whether nobody calls, in this state and `over`.
    fn is_quiet(&self, over: &Changes<R>) -> bool {
        self.index.is_empty() && over.added.is_empty()
    }

    /// Whom a block on top of this state and of `over` must come to, at most `max`, as calldata.
    fn due(
        &self,
        cx: &mut Ctx<'_>,
        over: &Changes<R>,
        max: usize,
        encode: impl FnOnce(&[R::Id]) -> Bytes,
    ) -> Result<Told, Halt> {
        Ok(Told::of(&self.index.due(cx, over, max)?, encode))
    }

    fn tell(&self) {
        metrics::gauge!(R::GAUGE).set(self.index.len() as f64);
    }

    fn snapshot(&mut self, height: u64, at: B256) -> IndexSnapshot {
        self.saved = height;
        IndexSnapshot::of(&self.index, height, at)
    }

    fn report(&self, height: u64) -> GuardReport {
        GuardReport {
            height,
            count: self.index.len(),
            digest: self.index.digest(),
            snapshot: match self.loaded {
                Loaded::Saved { at } => Some(at),
                Loaded::Rebuilt => None,
            },
        }
    }
}

/// What a block owes of one kind of work.
struct Told {
    /// The calldata of its transaction.
    input: Bytes,
    /// How many it is for.
    count: usize,
    /// What calls for nobody because of damaged words.
    damaged: Vec<String>,
}

impl Told {
    fn of<I>(due: &Due<I>, encode: impl FnOnce(&[I]) -> Bytes) -> Self {
        Self {
            input: encode(&due.who),
            count: due.who.len(),
            damaged: due.damaged.clone(),
        }
    }
}

/// The indexes, and the final block at which they stand.
#[derive(Debug)]
pub(super) struct Guards {
    height: u64,
    at: B256,
    accounts: Kept<Sheets>,
    orders: Kept<Orders>,
    products: Kept<Products>,
    claims: Kept<Claims>,
    debts: Kept<Debts>,
}

/// What a block changed of what calls for the next ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Called {
    accounts: Changes<Sheets>,
    orders: Changes<Orders>,
    products: Changes<Products>,
    claims: Changes<Claims>,
    debts: Changes<Debts>,
}

impl Called {
    /// These changes, then `later` ones, as one.
    fn then(&mut self, later: &Self) {
        self.accounts.then(&later.accounts);
        self.orders.then(&later.orders);
        self.products.then(&later.products);
        self.claims.then(&later.claims);
        self.debts.then(&later.debts);
    }
}

/// How an index of guards stands, and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardReport {
    /// The final block that it has followed.
    pub height: u64,
    /// Guards in it.
    pub count: usize,
    /// Commits to all of them.
    pub digest: B256,
    /// The height of the snapshot that the start took; `None`: it read every account.
    pub snapshot: Option<u64>,
}

/// Accounts with a guard: whoever owes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// The final block at which they have it.
    pub height: u64,
    /// In the order of the index: of the accounts that one asset's fall would reach, the nearest first.
    pub accounts: Vec<AccountId>,
    /// Whether these are all.
    pub is_whole: bool,
}

impl Guards {
    /// The indexes at the newest block of a database.
    pub(super) fn load(view: &DbView) -> Result<Self, ChainError> {
        let tip = view.tip().unwrap_or_default();
        let guards = Self {
            height: tip.height,
            at: tip.hash,
            accounts: Kept::load(view)?,
            orders: Kept::load(view)?,
            products: Kept::load(view)?,
            claims: Kept::load(view)?,
            debts: Kept::load(view)?,
        };
        guards.tell();
        Ok(guards)
    }

    /// Follows a block that has become final.
    pub(super) fn follow(&mut self, block: &Block, called: &Called) {
        self.accounts.follow(&called.accounts);
        self.orders.follow(&called.orders);
        self.products.follow(&called.products);
        self.claims.follow(&called.claims);
        self.debts.follow(&called.debts);
        self.stand_at(block);
    }

    /// Leaves the blocks above one that is the newest again.
    fn leave(&mut self, to: &Block, steps: &[(Address, IndexStep)]) {
        self.accounts.leave(to.number(), steps);
        self.orders.leave(to.number(), steps);
        self.products.leave(to.number(), steps);
        self.claims.leave(to.number(), steps);
        self.debts.leave(to.number(), steps);
        self.stand_at(to);
    }

    fn stand_at(&mut self, block: &Block) {
        self.height = block.number();
        self.at = block.hash();
        self.tell();
    }

    /// Copies the next part of what is to be saved, if the last time is long ago: of one room after the other. The caller
    /// asks again at once, and blocks go on in between.
    pub(super) fn copy_part(&mut self) -> Copied {
        let (height, at) = (self.height, self.at);
        let copied = self.accounts.copy_part(height, at);
        let copied = copied.or_else(|| self.orders.copy_part(height, at));
        let copied = copied.or_else(|| self.products.copy_part(height, at));
        let copied = copied.or_else(|| self.claims.copy_part(height, at));
        copied.or_else(|| self.debts.copy_part(height, at))
    }

    fn tell(&self) {
        self.accounts.tell();
        self.orders.tell();
        self.products.tell();
        self.claims.tell();
        self.debts.tell();
    }

    /// What is to be saved, at once.
    fn snapshots(&mut self) -> Vec<IndexSnapshot> {
        let (height, at) = (self.height, self.at);
        vec![
            self.accounts.snapshot(height, at),
            self.orders.snapshot(height, at),
            self.products.snapshot(height, at),
            self.claims.snapshot(height, at),
            self.debts.snapshot(height, at),
        ]
    }

    /// The index of accounts.
    pub(super) fn report(&self) -> GuardReport {
        self.accounts.report(self.height)
    }

    /// Whoever a price or a time calls the block to, at most `max`.
    pub(super) fn guarded(&self, max: usize) -> Guarded {
        let mut seen = BTreeSet::new();
        let mut guarded = Guarded {
            height: self.height,
            accounts: Vec::new(),
            is_whole: true,
        };
        for (_, account) in self.accounts.index.iter() {
            if seen.contains(account) {
                continue;
            }
            if guarded.accounts.len() == max {
                guarded.is_whole = false;
                break;
            }
            seen.insert(*account);
            guarded.accounts.push(*account);
        }
        guarded
    }

    /// The index of orders.
    pub(super) fn report_orders(&self) -> GuardReport {
        self.orders.report(self.height)
    }

    /// The index of products.
    pub(super) fn report_products(&self) -> GuardReport {
        self.products.report(self.height)
    }

    /// The index of claims.
    pub(super) fn report_claims(&self) -> GuardReport {
        self.claims.report(self.height)
    }

    /// The index of machines that owe.
    pub(super) fn report_debts(&self) -> GuardReport {
        self.debts.report(self.height)
    }
}

/// Whether every snapshot that is saved leads to the index that stored words make; one that would not be taken is no
/// matter.
pub(crate) fn verify_snapshots(view: &DbView) -> Result<(), ChainError> {
    verify_snapshot::<Sheets>(view)?;
    verify_snapshot::<Orders>(view)?;
    verify_snapshot::<Products>(view)?;
    verify_snapshot::<Claims>(view)?;
    verify_snapshot::<Debts>(view)
}

fn verify_snapshot<R: Saved>(view: &DbView) -> Result<(), ChainError> {
    let mut loaded = CallIndex::<R>::default();
    if load_index(view, &mut loaded).map_err(storage)? == Loaded::Rebuilt {
        return Ok(());
    }
    let words = view.storage_of(R::ADDRESS).map_err(storage)?;
    let anew = CallIndex::<R>::rebuild(words);
    if loaded == anew {
        return Ok(());
    }
    Err(ChainError::Storage(format!(
        "the saved index of {} has {} entries, the accounts make {}{}: stop the node and remove the file {} to have it \
         made anew from the block log",
        R::NAME,
        loaded.len(),
        anew.len(),
        if loaded.len() == anew.len() {
            ", of which some differ"
        } else {
            ""
        },
        crate::db::STATE_FILE,
    )))
}

/// What a block changes of the guards.
pub(super) fn changes(
    diff: &StateDiff,
    before: impl FnOnce() -> Result<Arc<dyn StateRead>, ChainError>,
) -> Result<Called, ChainError> {
    if FOLLOWED
        .iter()
        .all(|room| !diff.accounts.contains_key(room))
    {
        return Ok(Called::default());
    }
    let before = before()?;
    Ok(Called {
        accounts: changes_of(diff, &*before)?,
        orders: changes_of(diff, &*before)?,
        products: changes_of(diff, &*before)?,
        claims: changes_of(diff, &*before)?,
        debts: changes_of(diff, &*before)?,
    })
}

fn changes_of<R: Room>(diff: &StateDiff, before: &dyn StateRead) -> Result<Changes<R>, ChainError> {
    let mut changes = Changes::default();
    let room = diff.accounts.get(&R::ADDRESS);
    for (slot, after) in room.into_iter().flat_map(|room| &room.storage) {
        if R::has(*slot) {
            let word = before.storage(R::ADDRESS, *slot).map_err(storage)?;
            changes.note(*slot, word, *after);
        }
    }
    Ok(changes)
}

impl Inner {
    /// The indexes leave what a rewind has undone. The caller holds the turn.
    pub(super) fn leave_guards(&self, steps: &[(Address, IndexStep)]) {
        let head = self.ledger.head();
        self.guards.lock().leave(&head, steps);
    }

    /// Saves the indexes as they stand, for the next start.
    pub(super) fn save_guards(&self) -> Result<(), ChainError> {
        let snapshots = self.guards.lock().snapshots();
        for snapshot in &snapshots {
            self.ledger.save_index(snapshot)?;
        }
        Ok(())
    }

    /// What a block on `parent` owes of a kind of work, once all before it stands and has led to `state`: the calldata of
    /// its transaction. The caller holds the turn.
    pub(super) fn due(
        &self,
        kind: SystemKind,
        parent: B256,
        state: &dyn StateRead,
        block: &BlockInfo,
    ) -> Result<Option<Bytes>, ChainError> {
        let guards = self.guards.lock();
        let mut over = Called::default();
        {
            let tree = self.tree.lock();
            let path = tree.path(parent, guards.at)?;
            for candidate in path.into_iter().rev() {
                over.then(&candidate.executed.guards);
            }
        }
        let Guards {
            accounts,
            orders,
            products,
            claims,
            debts,
            ..
        } = &*guards;
        let nobody = match kind {
            SystemKind::Triggers => orders.is_quiet(&over.orders),
            SystemKind::Rebalance => products.is_quiet(&over.products),
            SystemKind::Epoch => claims.is_quiet(&over.claims),
            SystemKind::Recover => debts.is_quiet(&over.debts),
            _ => accounts.is_quiet(&over.accounts),
        };
        if nobody {
            return Ok(None);
        }
        let standing = Standing {
            state,
            block,
            failed: RefCell::new(None),
        };
        let frame = Frame {
            this: account::ADDRESS,
            caller: account::ADDRESS,
            value: U256::ZERO,
        };
        let mut store = ReadOnly::new(&standing);
        let cx = &mut Ctx::new(&mut store, frame);
        let due = match kind {
            SystemKind::Triggers => {
                let max = triggers::LOOKS_MAX;
                orders.due(cx, &over.orders, max, triggers::encode_orders)
            }
            SystemKind::Rebalance => {
                let max = products::LOOKS_MAX;
                products.due(cx, &over.products, max, products::encode_products)
            }
            SystemKind::Epoch => {
                let max = jobs::LOOKS_MAX;
                claims.due(cx, &over.claims, max, jobs::encode_claims)
            }
            SystemKind::Recover => {
                let max = income::LOOKS_MAX;
                debts.due(cx, &over.debts, max, income::encode_machines)
            }
            SystemKind::Redeem => {
                let due = accounts
                    .index
                    .redeemable(cx, &over.accounts, REDEMPTIONS_MAX);
                due.map(|due| Told::of(&due, account::encode_accounts))
            }
            _ => accounts.due(cx, &over.accounts, LOOKS_MAX, account::encode_accounts),
        };
        if let Some(error) = standing.failed.take() {
            return Err(storage(error));
        }
        let due = due.map_err(|halt| ChainError::Internal(format!("guards: {halt:?}")))?;
        for why in &due.damaged {
            report_damage(kind, why);
        }
        Ok((due.count > 0).then_some(due.input))
    }
}

/// Words that no contract writes, in what the block would work on: only a developer can have written them.
fn report_damage(kind: SystemKind, why: &str) {
    metrics::counter!("capstan_guards_damaged_total").increment(1);
    tracing::warn!(
        ?kind,
        why,
        "damaged words; the block goes on without what is read from them"
    );
}

/// Says whom a system transaction passed over because their words are damaged.
pub(super) fn report_damaged(kind: SystemKind, logs: &[Log]) {
    let account = |owner, index, reason| (format!("account {owner}/{index}"), reason);
    let reason_of = |log: &Log| {
        let look = IAccount::LookFailed::decode_log(log)
            .map(|log| account(log.owner, log.index, log.data.reason));
        let look = look.or_else(|_| {
            IAccount::RedemptionFailed::decode_log(log)
                .map(|log| account(log.owner, log.index, log.data.reason))
        });
        let look = look.or_else(|_| {
            ITriggers::TriggerFailed::decode_log(log)
                .map(|log| (format!("order {}", log.id), log.data.reason))
        });
        let look = look.or_else(|_| {
            IProducts::RebalanceFailed::decode_log(log)
                .map(|log| (format!("product {}", log.id), log.data.reason))
        });
        let look = look.or_else(|_| {
            IJobs::ClaimFailed::decode_log(log)
                .map(|log| (format!("claim {}", log.claimId), log.data.reason))
        });
        let look = look.or_else(|_| {
            IIncome::MachineLookFailed::decode_log(log)
                .map(|log| (format!("machine {}", log.machineId), log.data.reason))
        });
        look.ok()
    };
    for (whom, reason) in logs.iter().filter_map(reason_of) {
        // Reverts of contracts are their own errors; damage alone comes in words.
        if let Ok(damage) = Revert::abi_decode(&reason) {
            report_damage(kind, &format!("{whom}: {}", damage.reason));
        }
    }
}

/// What a block that is judged still owes of one kind of work that the index calls for.
pub(super) struct Owed {
    kind: SystemKind,
    work: Work,
}

enum Work {
    /// What stands before it is not done yet.
    Unknown,
    /// A transaction with this calldata.
    Due(Bytes),
    /// Nothing.
    Nothing,
}

impl Owed {
    /// The kinds, in block order.
    pub(super) const KINDS: [SystemKind; 6] = [
        SystemKind::Liquidate,
        SystemKind::Redeem,
        SystemKind::Triggers,
        SystemKind::Rebalance,
        SystemKind::Epoch,
        SystemKind::Recover,
    ];

    pub(super) const fn of(kind: SystemKind) -> Self {
        Self {
            kind,
            work: Work::Unknown,
        }
    }

    /// Finds out, once: when the first transaction comes that may not stand before it, or none any more.
    fn settle(
        &mut self,
        due: impl FnOnce(SystemKind) -> Result<Option<Bytes>, ChainError>,
    ) -> Result<(), ChainError> {
        if matches!(self.work, Work::Unknown) {
            self.work = due(self.kind)?.map_or(Work::Nothing, Work::Due);
        }
        Ok(())
    }

    /// The next transaction must be the work, if some is owed, and none of its kind otherwise (CHAIN-15). Answers what is
    /// wrong.
    pub(super) fn expect(
        &mut self,
        tx: &Recovered<Tx>,
        due: impl FnOnce(SystemKind) -> Result<Option<Bytes>, ChainError>,
    ) -> Result<Option<String>, ChainError> {
        let kind = system_kind(tx);
        if kind.is_some_and(|kind| kind < self.kind) {
            return Ok(None);
        }
        self.settle(due)?;
        let is_it = kind == Some(self.kind);
        Ok(match &self.work {
            Work::Due(owed) if is_it && tx.input() == owed => {
                self.work = Work::Nothing;
                None
            }
            Work::Due(owed) => Some(format!("the block owes {:?} first: {owed}", self.kind)),
            _ if is_it => Some(format!("{:?} that is not owed: {}", self.kind, tx.input())),
            _ => None,
        })
    }

    /// What is still owed behind the last transaction.
    pub(super) fn left(
        &mut self,
        due: impl FnOnce(SystemKind) -> Result<Option<Bytes>, ChainError>,
    ) -> Result<Option<String>, ChainError> {
        self.settle(due)?;
        Ok(match &self.work {
            Work::Due(owed) => Some(format!("it owes {:?}: {owed}", self.kind)),
            _ => None,
        })
    }
}

/// The state of a block in the making, for reading.
struct Standing<'s> {
    state: &'s dyn StateRead,
    block: &'s BlockInfo,
    /// The first read that failed: to the contracts it looks like damage.
    failed: RefCell<Option<StateError>>,
}

impl Standing<'_> {
    fn info(&self, of: Address) -> Result<capstan_evm::AccountInfo, Halt> {
        let info = self.read(self.state.account(of))?;
        Ok(info.unwrap_or_default())
    }

    fn read<T>(&self, answer: Result<T, StateError>) -> Result<T, Halt> {
        answer.map_err(|error| {
            let why = error.to_string();
            self.failed.borrow_mut().get_or_insert(error);
            Halt::Fatal(why)
        })
    }
}

impl View for Standing<'_> {
    fn latest_block(&self) -> &BlockInfo {
        self.block
    }

    fn word_of(&self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.read(self.state.storage(at, slot))
    }

    /// Nothing that the index asks lists a whole account.
    fn words_of(&self, at: Address) -> Result<Vec<(U256, U256)>, Halt> {
        Err(Halt::Fatal(format!(
            "all words of {at} in a block in the making"
        )))
    }

    fn coins_of(&self, of: Address) -> Result<U256, Halt> {
        Ok(self.info(of)?.balance)
    }

    fn code_size_of(&self, of: Address) -> Result<usize, Halt> {
        let info = self.info(of)?;
        if info.code_hash == KECCAK256_EMPTY || info.code_hash.is_zero() {
            return Ok(0);
        }
        Ok(self.read(self.state.code(info.code_hash))?.len())
    }
}
