//! A small world: native contracts that follow a script, bytecode by hand, and one sender with coins.

use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, B256, Bytes, LogData, U256, address};
use capstan_contracts::SystemKind;
use capstan_evm::call::{Checks, Session};
use capstan_evm::mem::MemState;
use capstan_evm::trace::DynInspector;
use capstan_evm::{BlockContext, ExecError, Natives, Rules, StateRead};
use capstan_state::{
    BlockInfo, CallKind, CallRequest, CreateRequest, Ctx, GasClass, Halt, ProtocolVersion,
};
use revm::context::TxEnv;
use revm::context_interface::result::{ExecutionResult, ResultAndState};
use revm::primitives::TxKind;

pub(crate) const SENDER: Address = address!("5e17de5e17de5e17de5e17de5e17de5e17de5e17");
pub(crate) const COINBASE: Address = address!("c01bba5ec01bba5ec01bba5ec01bba5ec01bba5e");
/// Code that native accounts have.
pub(crate) const MARKER: [u8; 1] = [0xfe];
/// What delegation to a native contract answers in this world.
pub(crate) const DELEGATED: &[u8] = b"no delegation";

/// One step of a native contract's script.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Load(u64),
    Save(u64, u64),
    Add(u64, u64, GasClass),
    /// Slot, delta, minimum.
    Sub(u64, u64, u64, GasClass),
    TLoad(u64),
    TSave(u64, u64),
    Balance(Address),
    /// Sends coins of this contract.
    Send(Address, u64),
    CodeSize(Address),
    Marker(Address),
    Call(Address),
    CallWith {
        to: Address,
        value: u64,
        gas: Option<u64>,
        kind: CallKind,
    },
    /// Calls and ends with the callee's output.
    Forward(Address),
    Create {
        value: u64,
        init: Bytes,
        salt: Option<B256>,
    },
    Emit(u64),
    /// Remembers the gas left.
    Gas,
    Keccak(usize),
    /// Runs the steps between a mark and its end: kept or undone.
    Guard(bool, Vec<Self>),
    Value,
    Caller,
    Revert(&'static str),
    Panic,
    /// Storage of another native contract, without a call.
    SaveAt(Address, u64, u64),
}

static SCRIPTS: Mutex<Vec<Vec<Act>>> = Mutex::new(Vec::new());
static OWNED: Mutex<Vec<Address>> = Mutex::new(Vec::new());
const PREFIX: [u8; 12] = [0xaa; 12];

/// Native contracts of the tests: each address is a script.
pub(crate) struct Scripted;

pub(crate) static SCRIPTED: Scripted = Scripted;

/// A native contract that follows this script whenever it is called.
pub(crate) fn native(script: Vec<Act>) -> Address {
    let mut scripts = SCRIPTS.lock().expect("scripts");
    scripts.push(script);
    let id = u64::try_from(scripts.len()).expect("few scripts");
    let mut bytes = [0; 20];
    bytes[..12].copy_from_slice(&PREFIX);
    bytes[12..].copy_from_slice(&id.to_be_bytes());
    Address::from(bytes)
}

/// Makes any address native, without a script.
pub(crate) fn own(at: Address) {
    OWNED.lock().expect("owned").push(at);
}

impl Natives for Scripted {
    fn owns(&self, at: Address) -> bool {
        at[..12] == PREFIX
            || SystemKind::of_target(at).is_some()
            || OWNED.lock().expect("owned").contains(&at)
    }

    fn run(&self, cx: &mut Ctx<'_>, _: &[u8]) -> Result<Bytes, Halt> {
        let id = u64::from_be_bytes(cx.this()[12..].try_into().expect("eight bytes"));
        let index = usize::try_from(id).expect("small") - 1;
        let script = SCRIPTS.lock().expect("scripts")[index].clone();
        let mut words = Vec::new();
        match play(cx, &script, &mut words)? {
            Some(output) => Ok(output),
            None => Ok(words
                .iter()
                .flat_map(|word: &U256| word.to_be_bytes::<32>())
                .collect()),
        }
    }

    fn serves_system(&self, at: Address) -> bool {
        self.owns(at) || SystemKind::of_target(at) == Some(SystemKind::DevOverride)
    }

    fn run_system(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
        self.run(cx, input)
    }

    fn refuse_delegated(&self) -> Halt {
        Halt::Revert(Bytes::from_static(DELEGATED))
    }
}

fn play(cx: &mut Ctx<'_>, script: &[Act], words: &mut Vec<U256>) -> Result<Option<Bytes>, Halt> {
    let this = cx.this();
    for act in script {
        let word = match act {
            Act::Load(slot) => Some(cx.store.load(this, U256::from(*slot))?),
            Act::Save(slot, word) => {
                cx.store.save(this, U256::from(*slot), U256::from(*word))?;
                None
            }
            Act::SaveAt(at, slot, word) => {
                cx.store.save(*at, U256::from(*slot), U256::from(*word))?;
                None
            }
            Act::Add(slot, delta, class) => {
                cx.store
                    .add(this, U256::from(*slot), U256::from(*delta), *class)?;
                None
            }
            Act::Sub(slot, delta, min, class) => Some(U256::from(cx.store.sub_bounded(
                this,
                U256::from(*slot),
                U256::from(*delta),
                U256::from(*min),
                *class,
            )?)),
            Act::TLoad(slot) => Some(cx.store.tload(this, U256::from(*slot))?),
            Act::TSave(slot, word) => {
                cx.store.tsave(this, U256::from(*slot), U256::from(*word))?;
                None
            }
            Act::Balance(of) => Some(cx.store.coin_balance(*of)?),
            Act::Send(to, amount) => Some(U256::from(cx.store.coin_move(
                this,
                *to,
                U256::from(*amount),
            )?)),
            Act::CodeSize(of) => Some(U256::from(cx.store.code_size(*of)?)),
            Act::Marker(at) => {
                cx.store.deploy_marker(*at)?;
                None
            }
            Act::Call(to) => Some(call(cx, *to, 0, None, CallKind::Call)?.0),
            Act::CallWith {
                to,
                value,
                gas,
                kind,
            } => Some(call(cx, *to, *value, *gas, *kind)?.0),
            Act::Forward(to) => return Ok(Some(call(cx, *to, 0, None, CallKind::Call)?.1)),
            Act::Create { value, init, salt } => {
                let made = cx.store.create(CreateRequest {
                    from: this,
                    salt: *salt,
                    value: U256::from(*value),
                    init_code: init.clone(),
                })?;
                Some(made.address.map_or(U256::ZERO, |at| at.into_word().into()))
            }
            Act::Emit(topic) => {
                let log =
                    LogData::new_unchecked(vec![B256::from(U256::from(*topic))], Bytes::new());
                cx.store.emit(this, log)?;
                None
            }
            Act::Gas => Some(U256::from(cx.store.gas_left())),
            Act::Keccak(length) => Some(cx.store.keccak(&vec![0; *length])?.into()),
            Act::Guard(keep, inner) => {
                let mark = cx.store.mark();
                let ended = play(cx, inner, words);
                if *keep {
                    cx.store.commit(mark);
                } else {
                    cx.store.rewind(mark);
                }
                ended?;
                None
            }
            Act::Value => Some(cx.frame.value),
            Act::Caller => Some(cx.caller().into_word().into()),
            Act::Revert(why) => return Err(Halt::Revert(Bytes::from_static(why.as_bytes()))),
            Act::Panic => panic!("a native contract of a test panics on purpose"),
        };
        words.extend(word);
    }
    Ok(None)
}

fn call(
    cx: &mut Ctx<'_>,
    target: Address,
    value: u64,
    gas_limit: Option<u64>,
    kind: CallKind,
) -> Result<(U256, Bytes), Halt> {
    let request = CallRequest {
        kind,
        from: cx.this(),
        target,
        value: U256::from(value),
        input: Bytes::new(),
        gas_limit,
    };
    let outcome = cx.store.call(request)?;
    Ok((U256::from(outcome.success), outcome.output))
}

/// State, rules and the block of a test.
pub(crate) struct World {
    pub(crate) state: MemState,
    pub(crate) rules: Arc<Rules>,
}

pub(crate) fn world() -> World {
    let mut state = MemState::new();
    state.put(
        SENDER,
        U256::from(10).pow(U256::from(21)),
        0,
        Bytes::new(),
        [],
    );
    World {
        state,
        rules: Arc::new(Rules::new(31337)),
    }
}

pub(crate) fn block_context(rules: &Rules, number: u64) -> BlockContext {
    BlockContext {
        info: BlockInfo {
            chain_id: rules.chain_id,
            number,
            time_ms: 1_700_000_000_250,
            beneficiary: COINBASE,
            base_fee_wei: 7,
            prevrandao: B256::repeat_byte(0x77),
            gas_limit: rules.gas_limit(),
            version: ProtocolVersion(1),
        },
        parent_hash: B256::repeat_byte(0x11),
        parent_beacon_root: B256::repeat_byte(0x22),
    }
}

impl World {
    /// Gives a native contract its marker, coins and slots.
    pub(crate) fn with_native(mut self, at: Address, balance: u64, storage: &[(u64, u64)]) -> Self {
        self.put(at, balance, &MARKER, storage);
        self
    }

    /// Puts bytecode.
    pub(crate) fn with_code(mut self, at: Address, code: &[u8], storage: &[(u64, u64)]) -> Self {
        self.put(at, 0, code, storage);
        self
    }

    pub(crate) fn put(&mut self, at: Address, balance: u64, code: &[u8], storage: &[(u64, u64)]) {
        let storage = storage
            .iter()
            .map(|(slot, word)| (U256::from(*slot), U256::from(*word)));
        self.state.put(
            at,
            U256::from(balance),
            1,
            Bytes::copy_from_slice(code),
            storage,
        );
    }

    pub(crate) fn session(&self) -> Session {
        let state: Arc<dyn StateRead> = Arc::new(self.state.clone());
        let ctx = block_context(&self.rules, 1);
        Session::open_with(self.rules.clone(), state, ctx, &SCRIPTED).expect("opens")
    }

    /// Calls `to` with this much gas beyond the intrinsic 21,000.
    pub(crate) fn call(&self, to: Address, value: u64, gas: u64) -> Ran {
        self.watched(to, value, gas, None)
    }

    pub(crate) fn watched(
        &self,
        to: Address,
        value: u64,
        gas: u64,
        inspector: Option<&mut DynInspector<'_>>,
    ) -> Ran {
        let mut session = self.session();
        let tx = tx(TxKind::Call(to), value, gas);
        let ran = match inspector {
            None => session.run(tx, Checks::NONE),
            Some(inspector) => session.run_watched(tx, Checks::NONE, inspector),
        };
        let ResultAndState { result, state } = ran.expect("valid");
        session.commit(&state);
        Ran { result, session }
    }
}

pub(crate) fn tx(kind: TxKind, value: u64, gas: u64) -> TxEnv {
    TxEnv {
        caller: SENDER,
        kind,
        value: U256::from(value),
        gas_limit: 21_000 + gas,
        gas_price: 0,
        chain_id: None,
        ..TxEnv::default()
    }
}

/// A transaction that ran, and the state after it.
pub(crate) struct Ran {
    pub(crate) result: ExecutionResult,
    pub(crate) session: Session,
}

impl Ran {
    /// Gas beyond the intrinsic 21,000.
    pub(crate) fn gas(&self) -> u64 {
        self.result.tx_gas_used() - 21_000
    }

    pub(crate) fn ok(self) -> Self {
        assert!(self.result.is_success(), "{:?}", self.result);
        self
    }

    pub(crate) fn words(&self) -> Vec<U256> {
        let output = self.result.output().cloned().unwrap_or_default();
        output.chunks(32).map(U256::from_be_slice).collect()
    }

    pub(crate) fn slot(&self, at: Address, slot: u64) -> U256 {
        self.session
            .overlay()
            .storage(at, U256::from(slot))
            .expect("memory")
    }

    pub(crate) fn balance(&self, of: Address) -> U256 {
        let account = self.session.overlay().account(of).expect("memory");
        account.map_or(U256::ZERO, |account| account.balance)
    }

    pub(crate) fn topics(&self) -> Vec<u64> {
        let topic =
            |log: &alloy_primitives::Log| U256::from_be_bytes(log.topics()[0].0).to::<u64>();
        self.result.logs().iter().map(topic).collect()
    }
}

/// Why a transaction was refused.
pub(crate) fn refusal<T: std::fmt::Debug>(ended: Result<T, ExecError>) -> capstan_evm::TxRefused {
    match ended {
        Err(ExecError::Refused(refused)) => refused,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Bytecode by hand.
#[derive(Clone, Default)]
pub(crate) struct Asm {
    pub(crate) code: Vec<u8>,
    /// Gas of pushes and pops, which native code does not need.
    pub(crate) overhead: u64,
}

pub(crate) fn asm() -> Asm {
    Asm::default()
}

impl Asm {
    pub(crate) fn push(mut self, word: impl Into<U256>) -> Self {
        self.code.push(0x7f);
        self.code.extend(word.into().to_be_bytes::<32>());
        self.overhead += 3;
        self
    }

    pub(crate) fn op(mut self, op: u8) -> Self {
        self.code.push(op);
        self
    }

    pub(crate) fn pop(mut self) -> Self {
        self.overhead += 2;
        self.op(0x50)
    }

    pub(crate) fn sload(self, slot: u64) -> Self {
        self.push(U256::from(slot)).op(0x54).pop()
    }

    pub(crate) fn sstore(self, slot: u64, word: u64) -> Self {
        self.push(U256::from(word)).push(U256::from(slot)).op(0x55)
    }

    /// Calls with the given opcode; leaves the success flag on the stack.
    pub(crate) fn call(self, op: u8, to: Address, value: u64, gas: U256) -> Self {
        let this = self
            .push(U256::ZERO)
            .push(U256::ZERO)
            .push(U256::ZERO)
            .push(U256::ZERO);
        let this = if matches!(op, 0xf1 | 0xf2) {
            this.push(U256::from(value))
        } else {
            this
        };
        this.push(U256::from_be_bytes(to.into_word().0))
            .push(gas)
            .op(op)
    }

    /// A plain CALL with all gas, whose flag is dropped.
    pub(crate) fn visit(self, to: Address) -> Self {
        self.call(0xf1, to, 0, U256::MAX).pop()
    }

    pub(crate) fn log(self, topic: u64) -> Self {
        self.push(U256::from(topic))
            .push(U256::ZERO)
            .push(U256::ZERO)
            .op(0xa1)
    }

    pub(crate) fn revert(self) -> Self {
        self.push(U256::ZERO).push(U256::ZERO).op(0xfd)
    }

    /// Returns the word on top of the stack.
    pub(crate) fn return_word(self) -> Self {
        self.push(U256::ZERO)
            .op(0x52)
            .push(U256::from(32))
            .push(U256::ZERO)
            .op(0xf3)
    }

    /// Returns what the last call returned.
    pub(crate) fn return_data(self) -> Self {
        self.op(0x3d)
            .push(U256::ZERO)
            .push(U256::ZERO)
            .op(0x3e)
            .op(0x3d)
            .push(U256::ZERO)
            .op(0xf3)
    }
}

/// Address of a piece of bytecode.
pub(crate) fn at(byte: u8) -> Address {
    Address::repeat_byte(byte)
}
