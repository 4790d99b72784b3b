//! A foreign token that does whatever a test wants.

use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use capstan_state::{CallRequest, Halt, Store, mem::MemStore};

use super::{World, account};
use crate::{
    erc20::IErc20::approveCall,
    ledger::IForeign::{
        balanceOfCall, decimalsCall, symbolCall, totalSupplyCall, transferCall, transferFromCall,
    },
};

/// The native contract that a giver of [`Token::give`] lets take his units.
const ROOM: Address = account(0x77);

fn n(value: u128) -> U256 {
    U256::from(value)
}

/// How a token misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whim {
    Honest,
    /// Answers no bytes, as tokens older than the standard.
    Silent,
    /// Answers false and moves nothing.
    False,
    /// Answers true and moves nothing.
    Liar,
    /// Answers the number two.
    Two,
    Reverts,
    /// Keeps a tenth of what moves.
    Fee,
    /// Takes one unit more than it was told to.
    Greedy,
    /// Sends more than was asked for.
    Generous,
    /// Answers `balanceOf` with too few bytes.
    Blind,
}

pub(crate) type Inside = Arc<dyn Fn(&mut MemStore) -> Result<(), Halt> + Send + Sync>;

/// A scripted ERC-20: balances are words of its own account. Everything is in the hands of its whim.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) address: Address,
    whim: Arc<Mutex<Whim>>,
    inside: Arc<Mutex<Option<Inside>>>,
}

/// Where a balance lies.
pub(crate) fn slot(of: Address) -> U256 {
    U256::from_be_bytes(of.into_word().0)
}

fn allowance_slot(owner: Address, spender: Address) -> U256 {
    keccak256((owner, spender).abi_encode()).into()
}

impl Token {
    pub(crate) fn deploy(world: &mut World, whim: Whim) -> Self {
        let token = Self {
            address: account(0x70),
            whim: Arc::new(Mutex::new(whim)),
            inside: Arc::default(),
        };
        let script = token.clone();
        world.store.on_call(token.address, move |store, request| {
            script.answer(store, request)
        });
        token
    }

    /// Gives units to somebody, who lets the room take them.
    pub(crate) fn give(&self, world: &mut World, to: Address, units: u128) {
        let have = world.store.word(self.address, slot(to));
        world
            .store
            .set_word(self.address, slot(to), have + n(units));
        let allowance = allowance_slot(to, ROOM);
        world.store.set_word(self.address, allowance, n(units));
    }

    /// Lets the room take everything of somebody.
    pub(crate) fn allow(&self, world: &mut World, of: Address) {
        self.allow_to(world, of, ROOM);
    }

    /// Lets `spender` take everything of somebody.
    pub(crate) fn allow_to(&self, world: &mut World, of: Address, spender: Address) {
        let allowance = allowance_slot(of, spender);
        world.store.set_word(self.address, allowance, U256::MAX);
    }

    /// Changes a balance by nobody's order.
    pub(crate) fn rebase(&self, world: &mut World, of: Address, units: u128) {
        world.store.set_word(self.address, slot(of), n(units));
    }

    pub(crate) fn balance(&self, world: &World, of: Address) -> U256 {
        world.store.word(self.address, slot(of))
    }

    pub(crate) fn becomes(&self, whim: Whim) {
        *self.whim.lock().expect("one thread") = whim;
    }

    /// Runs foreign code in the middle of every transfer, after the balances moved.
    pub(crate) fn calls(
        &self,
        code: impl Fn(&mut MemStore) -> Result<(), Halt> + Send + Sync + 'static,
    ) {
        *self.inside.lock().expect("one thread") = Some(Arc::new(code));
    }

    pub(crate) fn answer(
        &self,
        store: &mut MemStore,
        request: &CallRequest,
    ) -> Result<Bytes, Halt> {
        let whim = *self.whim.lock().expect("one thread");
        let input = &request.input;
        let word = |value: u128| Ok(Bytes::from(n(value).to_be_bytes_vec()));
        if let Ok(call) = balanceOfCall::abi_decode(input) {
            if whim == Whim::Blind {
                return Ok(Bytes::from_static(&[1; 31]));
            }
            let balance = store.load(self.address, slot(call.account))?;
            return Ok(balance.to_be_bytes_vec().into());
        }
        if let Ok(call) = transferCall::abi_decode(input) {
            return self.transfer(store, whim, request.from, call.to, call.value);
        }
        if let Ok(call) = transferFromCall::abi_decode(input) {
            let allowance = allowance_slot(call.from, request.from);
            let allowed = store.load(self.address, allowance)?;
            let Some(rest) = allowed.checked_sub(call.value) else {
                return Err(Halt::Revert(Bytes::from_static(b"allowance")));
            };
            store.save(self.address, allowance, rest)?;
            return self.transfer(store, whim, call.from, call.to, call.value);
        }
        if let Ok(call) = approveCall::abi_decode(input) {
            let allowance = allowance_slot(request.from, call.spender);
            store.save(self.address, allowance, call.value)?;
            return word(1);
        }
        match input.get(..4) {
            Some(verb) if verb == decimalsCall::SELECTOR => word(6),
            Some(verb) if verb == totalSupplyCall::SELECTOR => word(1_000_000),
            Some(verb) if verb == symbolCall::SELECTOR => {
                Ok(symbolCall::abi_encode_returns(&"FRN".to_owned()).into())
            }
            _ => Err(Halt::Revert(Bytes::new())),
        }
    }

    fn transfer(
        &self,
        store: &mut MemStore,
        whim: Whim,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<Bytes, Halt> {
        let (leaves, arrives) = match whim {
            Whim::Reverts => return Err(Halt::Revert(Bytes::from_static(b"no"))),
            Whim::False | Whim::Liar => (U256::ZERO, U256::ZERO),
            Whim::Fee => (value, value - value / n(10)),
            Whim::Greedy => (value + n(1), value),
            Whim::Generous => (value, value + n(5)),
            Whim::Honest | Whim::Silent | Whim::Two | Whim::Blind => (value, value),
        };
        let have = store.load(self.address, slot(from))?;
        let Some(rest) = have.checked_sub(leaves) else {
            return Err(Halt::Revert(Bytes::from_static(b"balance")));
        };
        store.save(self.address, slot(from), rest)?;
        let had = store.load(self.address, slot(to))?;
        store.save(self.address, slot(to), had + arrives)?;
        let inside = self.inside.lock().expect("one thread").clone();
        if let Some(code) = inside {
            code(store)?;
        }
        let answer = match whim {
            Whim::Silent => return Ok(Bytes::new()),
            Whim::False => 0,
            Whim::Two => 2,
            _ => 1,
        };
        Ok(n(answer).to_be_bytes_vec().into())
    }
}
