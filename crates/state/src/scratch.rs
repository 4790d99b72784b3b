//! A world on top of a world: writes stay in memory and are forgotten.
//!
//! ```text
//!   contract ──► Scratch ──► changed words, coins      in memory, journalled for mark and rewind
//!                    └─────► any Store                 read only: so a preview runs inside a static call
//! ```
//!
//! A preview must answer exactly what the verb would do, and the surest way is to run the verb. Reads are
//! charged by the world below as ever; a write costs the read of what it replaces. Foreign code could see
//! that nothing is kept, so calls and creations revert with `NotPreviewable`. Logs are dropped.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, LogData, U256};
use alloy_sol_types::sol;

use crate::{
    BlockInfo, CallOutcome, CallRequest, CreateOutcome, CreateRequest, GasClass, Halt, Mark, Store,
    commute, gas,
};

sol! {
    /// A preview got to a step that runs foreign code; what it would do cannot be told beforehand.
    #[derive(Debug, PartialEq, Eq)]
    error NotPreviewable(address target);
}

/// What of the world may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Word(Address, U256),
    Transient(Address, U256),
    Coins(Address),
}

/// A store whose writes go nowhere.
pub struct Scratch<'s> {
    below: &'s mut dyn Store,
    cells: BTreeMap<Cell, U256>,
    /// What each write replaced, newest last; `None` is "as below".
    journal: Vec<(Cell, Option<U256>)>,
}

impl<'s> Scratch<'s> {
    /// Opens a scratch world over `below`.
    pub fn new(below: &'s mut dyn Store) -> Self {
        Self {
            below,
            cells: BTreeMap::new(),
            journal: Vec::new(),
        }
    }

    fn read(&mut self, cell: Cell) -> Result<U256, Halt> {
        if let Some(&here) = self.cells.get(&cell) {
            self.below.charge(gas::WARM)?;
            return Ok(here);
        }
        match cell {
            Cell::Word(at, slot) => self.below.load(at, slot),
            Cell::Transient(at, slot) => self.below.tload(at, slot),
            Cell::Coins(of) => self.below.coin_balance(of),
        }
    }

    fn write(&mut self, cell: Cell, value: U256) {
        let before = self.cells.insert(cell, value);
        self.journal.push((cell, before));
    }

    /// Reads, and writes if `change` allows it; answers whether it did.
    fn update(
        &mut self,
        cell: Cell,
        change: impl FnOnce(U256) -> Option<U256>,
    ) -> Result<bool, Halt> {
        let present = self.read(cell)?;
        let new = change(present);
        if let Some(new) = new {
            self.write(cell, new);
        }
        Ok(new.is_some())
    }
}

impl Store for Scratch<'_> {
    fn load(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.read(Cell::Word(at, slot))
    }

    fn save(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.update(Cell::Word(at, slot), |_| Some(word)).map(drop)
    }

    fn add(&mut self, at: Address, slot: U256, delta: U256, class: GasClass) -> Result<(), Halt> {
        let added = self.update(Cell::Word(at, slot), |word| {
            commute::add(word, delta, class)
        })?;
        if added { Ok(()) } else { Err(Halt::overflow()) }
    }

    fn sub_bounded(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        min: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.update(Cell::Word(at, slot), |word| {
            commute::sub_bounded(word, delta, min, class)
        })
    }

    fn add_capped(
        &mut self,
        at: Address,
        slot: U256,
        delta: U256,
        cap: U256,
        class: GasClass,
    ) -> Result<bool, Halt> {
        self.update(Cell::Word(at, slot), |word| {
            commute::add_capped(word, delta, cap, class)
        })
    }

    fn tload(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.read(Cell::Transient(at, slot))
    }

    fn tsave(&mut self, at: Address, slot: U256, word: U256) -> Result<(), Halt> {
        self.update(Cell::Transient(at, slot), |_| Some(word))
            .map(drop)
    }

    fn coin_balance(&mut self, of: Address) -> Result<U256, Halt> {
        self.read(Cell::Coins(of))
    }

    fn coin_move(&mut self, from: Address, to: Address, amount: U256) -> Result<bool, Halt> {
        let paid = self.update(Cell::Coins(from), |coins| coins.checked_sub(amount))?;
        if !paid {
            return Ok(false);
        }
        let received = self.update(Cell::Coins(to), |coins| coins.checked_add(amount))?;
        if received {
            Ok(true)
        } else {
            Err(Halt::overflow())
        }
    }

    fn code_size(&mut self, of: Address) -> Result<usize, Halt> {
        self.below.code_size(of)
    }

    fn deploy_marker(&mut self, at: Address) -> Result<(), Halt> {
        Err(Halt::revert(&NotPreviewable { target: at }))
    }

    fn create(&mut self, request: CreateRequest) -> Result<CreateOutcome, Halt> {
        Err(Halt::revert(&NotPreviewable {
            target: request.from,
        }))
    }

    fn call(&mut self, request: CallRequest) -> Result<CallOutcome, Halt> {
        Err(Halt::revert(&NotPreviewable {
            target: request.target,
        }))
    }

    fn emit(&mut self, _at: Address, _log: LogData) -> Result<(), Halt> {
        Ok(())
    }

    fn charge(&mut self, gas: u64) -> Result<(), Halt> {
        self.below.charge(gas)
    }

    fn gas_left(&self) -> u64 {
        self.below.gas_left()
    }

    fn is_static(&self) -> bool {
        false
    }

    fn block(&self) -> &BlockInfo {
        self.below.block()
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Halt> {
        self.below.block_hash(number)
    }

    fn mark(&mut self) -> Mark {
        Mark(self.journal.len())
    }

    fn commit(&mut self, _mark: Mark) {}

    fn rewind(&mut self, mark: Mark) {
        while self.journal.len() > mark.0 {
            match self.journal.pop() {
                Some((cell, Some(before))) => {
                    self.cells.insert(cell, before);
                }
                Some((cell, None)) => {
                    self.cells.remove(&cell);
                }
                None => break,
            }
        }
    }

    fn recover(&mut self, digest: B256, v: u8, r: B256, s: B256) -> Result<Option<Address>, Halt> {
        self.below.recover(digest, v, r, s)
    }

    fn keccak(&mut self, bytes: &[u8]) -> Result<B256, Halt> {
        self.below.keccak(bytes)
    }
}

#[cfg(test)]
mod tests;
