//! A small world for the contracts' own tests: every native contract over a store in memory.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use capstan_state::{Ctx, Frame, Halt, ReadOnly, Store, mem::MemStore};

use crate::{
    GenesisConfig, Place, SYSTEM_SENDER, SystemKind, all,
    erc20::IErc20,
    flash::IFlashBorrower::onFlashLoanCall,
    genesis,
    invariant::check_all,
    mutant, resolve, still, system_work,
    token::{FACTORY_ADDRESS as TOKEN_FACTORY, IToken, ITokenFactory},
};

pub(crate) mod accounts;
pub(crate) mod clerk;
pub(crate) mod dice;
pub(crate) mod fault;
pub(crate) mod foreign;
pub(crate) mod market;
pub(crate) mod prices;
pub(crate) mod steps;
pub(crate) mod stream;

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
    /// All invariants are checked after every so many transactions: each, unless a model watches every step.
    pub(crate) sweep_every: u32,
    /// Words of this contract that transactions wrote since somebody took them away are kept in `written`.
    pub(crate) watched: Option<Address>,
    /// Slot, word before and word after, in order.
    pub(crate) written: Vec<(U256, U256, U256)>,
    transactions: u32,
}

impl World {
    /// A world at genesis.
    pub(crate) fn new() -> Self {
        let mut store = MemStore::new();
        store.set_recover(recover);
        genesis(&mut store, &GenesisConfig::owned_by(OWNER)).expect("genesis");
        let mut world = Self {
            store,
            sweep_every: 1,
            watched: None,
            written: Vec::new(),
            transactions: 0,
        };
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
    pub(crate) fn answer_calls(&mut self, at: Address) {
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

    /// One transaction under a gas limit. Every invariant holds after it.
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
        let answer = self.store.attempt(|store| {
            if !value.is_zero() {
                assert!(
                    store.coin_move(caller, target, value)?,
                    "the caller is too poor"
                );
            }
            let mut cx = store.frame(target, caller);
            cx.frame = Frame { value, ..cx.frame };
            contract.run(&mut cx, input)
        });
        self.check(|| format!("a call of {}", contract.name));
        answer
    }

    /// One transaction of the block itself.
    pub(crate) fn system(&mut self, kind: SystemKind, input: &[u8]) -> Result<Bytes, Halt> {
        self.system_limited(u64::MAX, kind, input)
    }

    /// The same under a gas limit.
    pub(crate) fn system_limited(
        &mut self,
        gas_limit: u64,
        kind: SystemKind,
        input: &[u8],
    ) -> Result<Bytes, Halt> {
        let answer = self.system_unchecked(gas_limit, kind, input);
        self.check(|| format!("{kind:?}"));
        answer
    }

    /// The same over words that are damaged, of which nothing holds.
    pub(crate) fn system_unchecked(
        &mut self,
        gas_limit: u64,
        kind: SystemKind,
        input: &[u8],
    ) -> Result<Bytes, Halt> {
        self.store.next_transaction(gas_limit);
        self.store.set_system_phase(true);
        let run = system_work(kind).expect("served");
        let answer = self
            .store
            .attempt(|store| run(&mut store.frame(kind.target(), SYSTEM_SENDER), input));
        self.store.set_system_phase(false);
        answer
    }

    /// One transaction of another native contract, which calls functions that are no verbs. Every invariant
    /// holds after it.
    pub(crate) fn inside<R>(
        &mut self,
        this: Address,
        caller: Address,
        verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>,
    ) -> Result<R, Halt> {
        self.store.next_transaction(u64::MAX);
        let answer = self
            .store
            .attempt(|store| verb(&mut store.frame(this, caller)));
        self.check(|| format!("a call from {this}"));
        answer
    }

    /// Every invariant holds. A vulnerable twin only notes what it broke.
    #[track_caller]
    fn check(&mut self, after: impl FnOnce() -> String) {
        self.transactions = self.transactions.wrapping_add(1);
        if let Some(watched) = self.watched {
            let words = self.store.written().filter(|(at, ..)| *at == watched);
            let words = words.map(|(_, slot, before, after)| (slot, before, after));
            self.written.extend(words);
        }
        if !self.transactions.is_multiple_of(self.sweep_every) {
            return;
        }
        match check_all(&self.store) {
            Ok(()) => {}
            Err(broken) if mutant::none_lives() => panic!("after {}: {broken}", after()),
            Err(broken) => mutant::note(broken.id),
        }
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
        let block = self.store.block_mut();
        block.time_ms += ms;
        block.number += 1;
    }

    /// The chain stands still for so long; then its next block comes, and says so.
    pub(crate) fn stand_still_ms(&mut self, ms: u64) {
        let parent_ms = self.store.block_mut().time_ms;
        self.wait_ms(ms);
        let input = still::encode_wake(parent_ms);
        self.system(SystemKind::Wake, &input).expect("stood still");
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

    /// What a view answers about the world as it stands, outside any transaction.
    #[track_caller]
    pub(crate) fn view<C: SolCall>(&self, target: Address, call: &C) -> C::Return {
        let mut store = ReadOnly::new(&self.store);
        let frame = Frame {
            this: target,
            caller: BOB,
            value: U256::ZERO,
        };
        let contract = resolve(target).expect("native");
        let output = contract.run(&mut Ctx::new(&mut store, frame), &call.abi_encode());
        let output = output.unwrap_or_else(|halt| panic!("{}: {}", C::SIGNATURE, words(&halt)));
        C::abi_decode_returns_validate(&output).expect("well-formed answer")
    }

    pub(crate) fn balance(&self, token: Address, account: Address) -> U256 {
        self.view(token, &IErc20::balanceOfCall { account })
    }

    pub(crate) fn supply(&self, token: Address) -> U256 {
        self.view(token, &IErc20::totalSupplyCall {})
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

/// Makes `at` a borrower that lets `flash` take back what it owes, and answers the magic word.
pub(crate) fn honest_borrower(store: &mut MemStore, at: Address) {
    store.on_call(at, move |store, request| {
        let call = onFlashLoanCall::abi_decode(&request.input).expect("a callback");
        repay(store, at, &call, call.amount.saturating_add(call.fee))
    });
}

/// Lets `flash` take `value` from `borrower`, and answers the magic word.
pub(crate) fn repay(
    store: &mut MemStore,
    borrower: Address,
    call: &onFlashLoanCall,
    value: U256,
) -> Result<Bytes, Halt> {
    let spender = crate::flash::ADDRESS;
    let approve = IErc20::approveCall { spender, value };
    let outcome = store.call_simply(borrower, call.token, approve.abi_encode().into())?;
    if !outcome.success {
        return Err(Halt::Revert(outcome.output));
    }
    let magic = keccak256("ERC3156FlashBorrower.onFlashLoan");
    Ok(Bytes::copy_from_slice(magic.as_slice()))
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
