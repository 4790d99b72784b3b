//! A world that is only looked at: for invariants, explorers and the risk lab, never for contracts.
//!
//! Contracts know the key of whatever they read, so [`Store`](crate::Store) lists nothing. Whoever looks at a
//! whole world from outside may list: [`View`] shows all words of an account, `Map::listed` reads keys back out
//! of them, and [`ReadOnly`] lets the same handles read the rest.

use alloy_primitives::{Address, B256, LogData, U256, keccak256};

use crate::{
    BlockInfo, CallOutcome, CallRequest, CreateOutcome, CreateRequest, GasClass, Halt, Mark, Store,
    gas,
};

/// A world between transactions. Nothing here costs gas; `Err` is always [`Halt::Fatal`]: storage failed.
pub trait View {
    /// The latest block.
    fn latest_block(&self) -> &BlockInfo;
    /// A storage word.
    fn word_of(&self, at: Address, slot: U256) -> Result<U256, Halt>;
    /// Every word of an account that is not zero, by slot.
    fn words_of(&self, at: Address) -> Result<Vec<(U256, U256)>, Halt>;
    /// Gas-coin balance, in wei.
    fn coins_of(&self, of: Address) -> Result<U256, Halt>;
    /// Size of the code at an address, in bytes.
    fn code_size_of(&self, of: Address) -> Result<usize, Halt>;
}

/// A store over a [`View`]: reads are free, whatever would change the world is a static violation.
///
/// It counts what warm reads and work would cost, so that whoever searches can tell how long he has: `gas_left` falls from
/// the largest number, and nothing is ever refused for want of it.
pub struct ReadOnly<'v> {
    world: &'v dyn View,
    gas_left: u64,
}

impl<'v> ReadOnly<'v> {
    /// Opens `world` for reading.
    pub fn new(world: &'v dyn View) -> Self {
        Self {
            world,
            gas_left: u64::MAX,
        }
    }
}

/// Refused: nobody may write here.
fn refused<T>() -> Result<T, Halt> {
    Err(Halt::StaticViolation)
}

impl Store for ReadOnly<'_> {
    fn load(&mut self, at: Address, slot: U256) -> Result<U256, Halt> {
        self.charge(gas::WARM)?;
        self.world.word_of(at, slot)
    }

    fn save(&mut self, _: Address, _: U256, _: U256) -> Result<(), Halt> {
        refused()
    }

    fn add(&mut self, _: Address, _: U256, _: U256, _: GasClass) -> Result<(), Halt> {
        refused()
    }

    fn sub_bounded(
        &mut self,
        _: Address,
        _: U256,
        _: U256,
        _: U256,
        _: GasClass,
    ) -> Result<bool, Halt> {
        refused()
    }

    fn add_capped(
        &mut self,
        _: Address,
        _: U256,
        _: U256,
        _: U256,
        _: GasClass,
    ) -> Result<bool, Halt> {
        refused()
    }

    /// Transient words do not outlive their transaction.
    fn tload(&mut self, _: Address, _: U256) -> Result<U256, Halt> {
        Ok(U256::ZERO)
    }

    fn tsave(&mut self, _: Address, _: U256, _: U256) -> Result<(), Halt> {
        refused()
    }

    fn coin_balance(&mut self, of: Address) -> Result<U256, Halt> {
        self.world.coins_of(of)
    }

    fn coin_move(&mut self, _: Address, _: Address, _: U256) -> Result<bool, Halt> {
        refused()
    }

    fn code_size(&mut self, of: Address) -> Result<usize, Halt> {
        self.world.code_size_of(of)
    }

    fn deploy_marker(&mut self, _: Address) -> Result<(), Halt> {
        refused()
    }

    fn create(&mut self, _: CreateRequest) -> Result<CreateOutcome, Halt> {
        refused()
    }

    /// A world that is only looked at runs no foreign code.
    fn call(&mut self, _: CallRequest) -> Result<CallOutcome, Halt> {
        refused()
    }

    fn emit(&mut self, _: Address, _: LogData) -> Result<(), Halt> {
        refused()
    }

    fn charge(&mut self, gas: u64) -> Result<(), Halt> {
        self.gas_left = self.gas_left.saturating_sub(gas);
        Ok(())
    }

    fn gas_left(&self) -> u64 {
        self.gas_left
    }

    fn is_static(&self) -> bool {
        true
    }

    fn block(&self) -> &BlockInfo {
        self.world.latest_block()
    }

    fn mark(&mut self) -> Mark {
        Mark(0)
    }

    fn commit(&mut self, _: Mark) {}

    fn rewind(&mut self, _: Mark) {}

    /// No signature is checked by looking.
    fn recover(&mut self, _: B256, _: u8, _: B256, _: B256) -> Result<Option<Address>, Halt> {
        refused()
    }

    fn keccak(&mut self, bytes: &[u8]) -> Result<B256, Halt> {
        Ok(keccak256(bytes))
    }
}
