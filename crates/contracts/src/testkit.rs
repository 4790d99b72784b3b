//! A small world for the contracts' own tests: every native contract over a store in memory.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use capstan_state::{Frame, Halt, Store, mem::MemStore};

use crate::{
    GenesisConfig, Place,
    address::TOKEN_FACTORY,
    all, genesis, resolve,
    token::{
        IToken,
        ITokenFactory::{self},
    },
};

pub(crate) mod fault;

/// An ordinary account.
pub(crate) const fn account(n: u8) -> Address {
    Address::with_last_byte(n)
}

/// Owner of the protocol and of the tokens.
pub(crate) const OWNER: Address = account(0xee);
/// Ordinary people.
pub(crate) const ALICE: Address = account(0xa1);
pub(crate) const BOB: Address = account(0xb0);
pub(crate) const CAROL: Address = account(0xca);

/// The world.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: MemStore,
}

impl World {
    /// A world at genesis.
    pub(crate) fn new() -> Self {
        let mut store = MemStore::new();
        store.set_recover(recover);
        genesis(&mut store, &GenesisConfig::owned_by(OWNER)).expect("genesis");
        let mut world = Self { store };
        for contract in all() {
            if let Place::At(at) = contract.place {
                world.answer_calls(at);
            }
        }
        world
    }

    /// A world with one token of [`OWNER`]'s.
    pub(crate) fn with_token() -> (Self, Address) {
        let mut world = Self::new();
        let token = world.create_token(0);
        (world, token)
    }

    pub(crate) fn create_token(&mut self, grant_delay_ms: u64) -> Address {
        let call = ITokenFactory::createTokenCall {
            name: "Test Token".into(),
            symbol: "TT".into(),
            decimals: 6,
            owner: OWNER,
            grantDelayMs: grant_delay_ms,
        };
        let token = self.ok(OWNER, TOKEN_FACTORY, &call);
        self.answer_calls(token);
        token
    }

    /// Lets inner calls reach the native contract at `at`.
    fn answer_calls(&mut self, at: Address) {
        self.store.on_call(at, move |store, request| {
            let contract = resolve(at).expect("native");
            let mut cx = store.frame(at, request.from);
            cx.frame.value = request.value;
            contract.run(&mut cx, &request.input)
        });
    }

    /// One transaction: raw calldata with coins.
    pub(crate) fn raw(
        &mut self,
        caller: Address,
        target: Address,
        value: U256,
        input: &[u8],
    ) -> Result<Bytes, Halt> {
        self.limited(u64::MAX, caller, target, value, input)
    }

    /// One transaction under a gas limit.
    pub(crate) fn limited(
        &mut self,
        gas_limit: u64,
        caller: Address,
        target: Address,
        value: U256,
        input: &[u8],
    ) -> Result<Bytes, Halt> {
        self.store.next_transaction(gas_limit);
        let contract = resolve(target).expect("native");
        self.store.attempt(|store| {
            if !value.is_zero() {
                assert!(
                    store.coin_move(caller, target, value)?,
                    "the caller is too poor"
                );
            }
            let mut cx = store.frame(target, caller);
            cx.frame = Frame { value, ..cx.frame };
            contract.run(&mut cx, input)
        })
    }

    /// One call, decoded.
    pub(crate) fn call<C: SolCall>(
        &mut self,
        caller: Address,
        target: Address,
        call: &C,
    ) -> Result<C::Return, Halt> {
        let output = self.raw(caller, target, U256::ZERO, &call.abi_encode())?;
        Ok(C::abi_decode_returns_validate(&output).expect("well-formed answer"))
    }

    /// One call that works.
    #[track_caller]
    pub(crate) fn ok<C: SolCall>(
        &mut self,
        caller: Address,
        target: Address,
        call: &C,
    ) -> C::Return {
        match self.call(caller, target, call) {
            Ok(answer) => answer,
            Err(halt) => panic!("{}: {}", C::SIGNATURE, words(&halt)),
        }
    }

    /// One call that reverts with exactly this error and changes nothing.
    #[track_caller]
    pub(crate) fn refused<C: SolCall>(
        &mut self,
        caller: Address,
        target: Address,
        call: &C,
        error: &impl SolError,
    ) {
        let before = self.state();
        let halt = match self.call(caller, target, call) {
            Ok(_) => panic!("{} was not refused", C::SIGNATURE),
            Err(halt) => halt,
        };
        assert_eq!(halt, Halt::revert(error), "{}", words(&halt));
        assert_eq!(self.state(), before, "{} left traces", C::SIGNATURE);
    }

    /// The last log, as this event of `at`.
    #[track_caller]
    pub(crate) fn last_event<E: SolEvent>(&self, at: Address) -> E {
        let log = self.store.logs().last().expect("a log");
        assert_eq!(log.address, at);
        E::decode_log_data(&log.data).expect("this event")
    }

    pub(crate) fn wait_ms(&mut self, ms: u64) {
        self.store.block_mut().time_ms += ms;
    }

    pub(crate) fn mint(&mut self, token: Address, to: Address, value: u128) {
        self.ok(
            OWNER,
            token,
            &IToken::mintCall {
                to,
                value: U256::from(value),
            },
        );
    }

    pub(crate) fn balance(&mut self, token: Address, account: Address) -> U256 {
        self.ok(BOB, token, &IToken::balanceOfCall { account })
    }

    pub(crate) fn supply(&mut self, token: Address) -> U256 {
        self.ok(BOB, token, &IToken::totalSupplyCall {})
    }

    /// Everything that a revert must restore.
    pub(crate) fn state(&self) -> State {
        let coins = (0..=255).map(|n| self.store.coins(account(n)));
        let natives = all().iter().filter_map(|contract| match contract.place {
            Place::At(at) => Some(self.store.coins(at)),
            Place::Kind(_) => None,
        });
        State {
            words: self.store.words().collect(),
            coins: coins.chain(natives).collect(),
            logs: self.store.logs().len(),
            creations: self.store.creations().len(),
        }
    }
}

/// What [`World::state`] compares.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    words: Vec<(Address, U256, U256)>,
    coins: Vec<U256>,
    logs: usize,
    creations: usize,
}

/// A halt for people.
pub(crate) fn words(halt: &Halt) -> String {
    match halt {
        Halt::Revert(data) => match crate::decode_error(data) {
            Some(error) => error.to_string(),
            None => format!("reverted with {data}"),
        },
        other => format!("{other:?}"),
    }
}

/// A stand-in for the curve: `r` names the signer and `s` binds him to the digest. Real signatures are
/// checked where a curve is at hand, in the `testing` crate.
fn recover(digest: B256, v: u8, r: B256, s: B256) -> Option<Address> {
    let honest = matches!(v, 27 | 28) && s == sign(digest, Address::from_word(r)).1;
    honest.then(|| Address::from_word(r))
}

/// What [`recover`] accepts.
pub(crate) fn sign(digest: B256, signer: Address) -> (B256, B256) {
    let r = signer.into_word();
    let mut s = keccak256([digest.0, r.0].concat());
    s.0[0] = 0;
    (r, s)
}
