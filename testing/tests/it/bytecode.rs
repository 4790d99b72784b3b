//! Protocols of others as bytecode on a bare EVM, and randomness for what runs beside them.

use std::{collections::BTreeMap, fs, path::Path};

use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use alloy_sol_types::SolCall;
use revm::{
    ExecuteCommitEvm, MainBuilder, MainContext,
    context::{Context, TxEnv},
    context_interface::result::{ExecutionResult, Output},
    database::{CacheDB, EmptyDB},
    primitives::TxKind,
};

/// Sends what nobody else is named for.
pub(crate) const OWNER: Address = Address::with_last_byte(0xee);
/// When everything begins.
pub(crate) const START_S: u64 = 1_700_000_000;

type Evm = revm::MainnetEvm<
    Context<revm::context::BlockEnv, TxEnv, revm::context::CfgEnv, CacheDB<EmptyDB>>,
>;

/// Creation codes of the peers in hexadecimal, by name.
pub(crate) type Codes = BTreeMap<String, String>;

/// Those of some rooms. None where nothing is compiled: `cargo xtask test` does it, so under `CI` that is a failure.
pub(crate) fn codes(room: &str) -> Option<Codes> {
    let built = format!("peers/{room}/build/rooms.json");
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join(built);
    let Ok(built) = fs::read(built) else {
        let missing = format!("the peers of {room} are not compiled; `cargo xtask test` does it");
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        println!("SKIP: {missing}");
        return None;
    };
    Some(serde_json::from_slice(&built).expect("code by name"))
}

/// Peers' bytecode on a bare EVM.
pub(crate) struct Peers<'a> {
    codes: &'a Codes,
    evm: Evm,
}

impl<'a> Peers<'a> {
    pub(crate) fn new(codes: &'a Codes) -> Self {
        let context = Context::mainnet()
            .with_db(CacheDB::<EmptyDB>::default())
            .modify_block_chained(|block| block.timestamp = U256::from(START_S))
            .modify_cfg_chained(|cfg| cfg.disable_nonce_check = true);
        Self {
            codes,
            evm: context.build_mainnet(),
        }
    }

    pub(crate) fn at_s(&mut self, seconds: u64) {
        self.evm.ctx.block.timestamp = U256::from(seconds);
    }

    fn send(
        &mut self,
        caller: Address,
        kind: TxKind,
        data: Vec<u8>,
    ) -> Result<(Bytes, Option<Address>), Bytes> {
        let tx = TxEnv {
            caller,
            kind,
            data: data.into(),
            gas_limit: 16_000_000,
            gas_price: 0,
            chain_id: None,
            ..TxEnv::default()
        };
        match self.evm.transact_commit(tx).expect("a valid transaction") {
            ExecutionResult::Success { output, .. } => Ok(match output {
                Output::Call(data) => (data, None),
                Output::Create(_, at) => (Bytes::new(), at),
            }),
            ExecutionResult::Revert { output, .. } => Err(output),
            ExecutionResult::Halt { reason, .. } => panic!("halted: {reason:?}"),
        }
    }

    /// Prints which code a name stands for.
    pub(crate) fn introduce(&self, name: &str) {
        let code = hex::decode(&self.codes[name]).expect("hexadecimal");
        println!("peer: {name}, creation code {}", keccak256(&code));
    }

    /// Deploys a peer and prints which it is.
    pub(crate) fn deploy(&mut self, name: &str, arguments: &[u8]) -> Address {
        self.introduce(name);
        let mut code = hex::decode(&self.codes[name]).expect("hexadecimal");
        code.extend(arguments);
        let made = self.send(OWNER, TxKind::Create, code).expect("deploys");
        made.1.expect("an address")
    }

    /// A call by somebody, or what it reverts with.
    pub(crate) fn attempt<C: SolCall>(
        &mut self,
        caller: Address,
        at: Address,
        call: &C,
    ) -> Result<C::Return, Bytes> {
        let (data, _) = self.send(caller, TxKind::Call(at), call.abi_encode())?;
        Ok(C::abi_decode_returns(&data).expect("well-formed answer"))
    }

    /// A call that must end well.
    pub(crate) fn ask<C: SolCall>(&mut self, at: Address, call: &C) -> C::Return {
        self.attempt(OWNER, at, call)
            .unwrap_or_else(|data| panic!("{} reverted with {data}", C::SIGNATURE))
    }
}

/// Hash-chain randomness: the same on every machine.
pub(crate) struct Random(pub(crate) U256);

impl Random {
    pub(crate) fn below(&mut self, bound: u128) -> u128 {
        self.0 = keccak256(self.0.to_be_bytes::<32>()).into();
        (self.0 % U256::from(bound)).to::<u128>()
    }

    /// From one on, of any size up to a bound.
    pub(crate) fn amount(&mut self, most: u128) -> u128 {
        let shift = u32::try_from(self.below(70)).expect("small");
        1 + self.below((most >> shift).max(1))
    }

    /// One of some.
    pub(crate) fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        let count = u128::try_from(choices.len()).expect("small");
        let at = usize::try_from(self.below(count)).expect("small");
        choices[at].clone()
    }
}

/// A number that the environment may set.
fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.and_then(|set| set.parse().ok()).unwrap_or(default)
}

/// Which random sequence is run.
pub(crate) fn seed() -> u64 {
    number("CAPSTAN_SEED", 1)
}

/// How many steps a comparison takes, unless a soak says more.
pub(crate) fn steps(default: u64) -> u64 {
    number("CAPSTAN_STEPS", default)
}
