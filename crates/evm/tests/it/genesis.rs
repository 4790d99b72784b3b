//! A chain right after genesis, with the real native contracts.

use std::sync::Arc;

use alloy_eips::{eip2935, eip4788};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::erc20::IErc20;
use capstan_contracts::token::{FACTORY_ADDRESS as TOKEN_FACTORY, IToken, ITokenFactory};
use capstan_contracts::{GenesisConfig, Place};
use capstan_evm::call::{Checks, Session};
use capstan_evm::mem::MemState;
use capstan_evm::{BlockContext, BlockOutcome, Protocol, Rules, StateRead};
use capstan_state::{Store as _, mem::MemStore};
use revm::context::TxEnv;

use crate::judged::Judged;
use crate::world::{Asm, MARKER, SENDER, block_context};

/// Hundredths of a percent that a flash loan costs in this world.
const FLASH_FEE_BPS: u16 = 10;

/// A chain right after genesis, with every native contract and Ethereum's two system contracts.
pub(crate) struct Chain {
    pub(crate) state: MemState,
    pub(crate) rules: Arc<Rules>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let mut store = MemStore::new();
        let mut config = GenesisConfig::owned_by(SENDER);
        config.flash_fee_bps = FLASH_FEE_BPS;
        capstan_contracts::genesis(&mut store, &config).expect("genesis");
        let mut chain = Self {
            state: MemState::new(),
            rules: Arc::new(Rules::new(31337)),
        };
        for contract in capstan_contracts::all() {
            let Place::At(at) = contract.place else {
                continue;
            };
            let words: Vec<_> = store
                .words()
                .filter(|(of, ..)| *of == at)
                .map(|(_, slot, word)| (slot, word))
                .collect();
            assert!(store.code_size(at).expect("memory") > 0);
            chain
                .state
                .put(at, U256::ZERO, 0, Bytes::from_static(&MARKER), words);
        }
        for (at, code) in [
            (
                eip2935::HISTORY_STORAGE_ADDRESS,
                eip2935::HISTORY_STORAGE_CODE.clone(),
            ),
            (
                eip4788::BEACON_ROOTS_ADDRESS,
                eip4788::BEACON_ROOTS_CODE.clone(),
            ),
        ] {
            chain.state.put(at, U256::ZERO, 1, code, []);
        }
        chain.fund(SENDER);
        chain
    }

    pub(crate) fn fund(&mut self, who: Address) {
        self.state
            .put(who, U256::from(10).pow(U256::from(21)), 0, Bytes::new(), []);
    }

    pub(crate) fn code(&mut self, at: Address, code: &Asm) {
        let code = Bytes::copy_from_slice(&code.code);
        self.state.put(at, U256::from(1_000), 1, code, []);
    }

    pub(crate) fn session(&self) -> Session {
        let state: Arc<dyn StateRead> = Arc::new(self.state.clone());
        Session::open(self.rules.clone(), state, block_context(&self.rules, 1)).expect("opens")
    }

    pub(crate) fn block(&self, ctx: BlockContext) -> Judged {
        let state: Arc<dyn StateRead> = Arc::new(self.state.clone());
        Judged::open(self.rules.clone(), state, ctx, &Protocol)
    }

    /// Makes a block the newest.
    pub(crate) fn keep(&mut self, outcome: &BlockOutcome) {
        self.state.apply(&outcome.diff);
    }

    /// Runs a call by the sender and keeps it.
    pub(crate) fn act(&mut self, to: Address, call: &impl SolCall) -> Bytes {
        self.act_as(SENDER, to, call)
    }

    /// The same by anybody.
    pub(crate) fn act_as(&mut self, caller: Address, to: Address, call: &impl SolCall) -> Bytes {
        let mut session = self.session();
        let tx = TxEnv {
            caller,
            ..call_tx(to, call.abi_encode())
        };
        let ran = session.run(tx, Checks::NONE).expect("valid");
        assert!(ran.result.is_success(), "{:?}", ran.result);
        session.commit(&ran.state);
        let diff = session
            .changes()
            .expect("memory")
            .expect("nothing was pretended");
        self.state.apply(&diff);
        ran.result.into_output().unwrap_or_default()
    }

    /// Makes a token of the sender's.
    pub(crate) fn token(&mut self) -> Address {
        let create = ITokenFactory::createTokenCall {
            name: "Test".into(),
            symbol: "TEST".into(),
            decimals: 18,
            owner: SENDER,
            grantDelayMs: 0,
        };
        let answer = self.act(TOKEN_FACTORY, &create);
        ITokenFactory::createTokenCall::abi_decode_returns(&answer).expect("an address")
    }

    /// Makes a contract of bytecode.
    pub(crate) fn create(&mut self, code: Bytes) -> Address {
        let mut session = self.session();
        let create = TxEnv {
            kind: TxKind::Create,
            ..call_tx(Address::ZERO, code.to_vec())
        };
        let ran = session.run(create, Checks::NONE).expect("valid");
        let made = ran.result.created_address();
        session.commit(&ran.state);
        let diff = session.changes().expect("memory");
        self.state.apply(&diff.expect("nothing was pretended"));
        made.unwrap_or_else(|| panic!("{:?}", ran.result))
    }

    pub(crate) fn mint(&mut self, token: Address, to: Address, value: u64) {
        let value = U256::from(value);
        self.act(token, &IToken::mintCall { to, value });
    }
}

pub(crate) fn call_tx(to: Address, data: Vec<u8>) -> TxEnv {
    TxEnv {
        caller: SENDER,
        kind: TxKind::Call(to),
        data: data.into(),
        gas_limit: 16_000_000,
        chain_id: None,
        ..TxEnv::default()
    }
}

pub(crate) fn balance(session: &mut Session, token: Address, account: Address) -> U256 {
    let call = IErc20::balanceOfCall { account }.abi_encode();
    let ran = session
        .run(call_tx(token, call), Checks::NONE)
        .expect("valid");
    U256::from_be_slice(&ran.result.into_output().expect("an answer"))
}

pub(crate) fn word(of: Address) -> U256 {
    of.into_word().into()
}
