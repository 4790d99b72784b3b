//! Random steps over a store: what every store must answer alike.
//!
//! [`play`] runs steps as one frame and writes down everything that it can see: answers, gas left after
//! each step, how the frame ended. Two stores that start from the same world agree if their notes do.

use alloy_primitives::{Address, B256, Bytes, LogData, U256, keccak256};
use capstan_state::{
    CallKind, CallRequest, CreateRequest, Ctx, GasClass, Halt, ProtocolVersion, Store,
};
use proptest::prelude::*;

/// One touch of the world, or a stretch of them between a mark and its end.
#[derive(Clone, Debug)]
#[allow(
    missing_docs,
    reason = "each step is the store's method of the same name"
)]
pub enum Step {
    Load {
        at: Address,
        slot: U256,
    },
    Save {
        at: Address,
        slot: U256,
        word: U256,
    },
    Add {
        slot: U256,
        delta: U256,
        class: GasClass,
    },
    SubBounded {
        slot: U256,
        delta: U256,
        min: U256,
        class: GasClass,
    },
    AddCapped {
        slot: U256,
        delta: U256,
        cap: U256,
        class: GasClass,
    },
    TLoad {
        slot: U256,
    },
    TSave {
        slot: U256,
        word: U256,
    },
    CoinBalance {
        of: Address,
    },
    CoinMove {
        to: Address,
        amount: U256,
    },
    CodeSize {
        of: Address,
    },
    DeployMarker {
        at: Address,
    },
    Call {
        to: Address,
        kind: CallKind,
        value: U256,
        gas_limit: Option<u64>,
    },
    Emit {
        topics: usize,
        bytes: usize,
    },
    Charge {
        gas: u64,
    },
    Keccak {
        bytes: usize,
    },
    /// CREATE2 of one of [`INIT_CODES`].
    Create {
        salt: u8,
        init: usize,
        value: U256,
    },
    /// Of a digest that nobody signed: any curve point is somebody's signature.
    Recover {
        v: u8,
        r: u8,
        s: U256,
    },
    /// All that the store says about the frame and the block.
    Facts,
    /// Steps between a mark and its end: kept, or undone.
    Marked {
        keep: bool,
        steps: Vec<Self>,
    },
}

/// Init codes and what they do: deploy this many zero bytes, revert, or burn their gas.
pub const INIT_CODES: [(&[u8], Init); 5] = [
    (&[0x5f, 0x5f, 0xf3], Init::Deploys { bytes: 0, gas: 4 }),
    (
        &[0x60, 0x20, 0x5f, 0xf3],
        Init::Deploys { bytes: 32, gas: 8 },
    ),
    (
        &[0x60, 0xff, 0x5f, 0xf3],
        Init::Deploys {
            bytes: 255,
            gas: 29,
        },
    ),
    (&[0x5f, 0x5f, 0xfd], Init::Reverts { gas: 4 }),
    (&[0xfe], Init::Burns),
];

/// What an init code does.
#[derive(Clone, Copy, Debug)]
pub enum Init {
    /// Uses `gas` and answers `bytes` zeros: the code.
    Deploys {
        /// Size of the code.
        bytes: usize,
        /// Gas of its opcodes and memory.
        gas: u64,
    },
    /// Uses `gas` and reverts with nothing.
    Reverts {
        /// Gas of its opcodes.
        gas: u64,
    },
    /// Uses all gas.
    Burns,
}

/// The salt of a [`Step::Create`].
pub fn salt(number: u8) -> B256 {
    B256::with_last_byte(number)
}

/// What one step showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its answer, as a word.
    pub answer: U256,
    /// Gas left after it.
    pub gas_left: u64,
}

/// Steps in a frame of `this`, over `others`, of which `deployed` have code: storage is kept only where
/// there is an account (EIP-161), which native contracts are by their marker. Words and slots are few and small, so that every
/// pair of original, present and new word comes up; some are at the edge of the word.
pub fn steps(
    this: Address,
    deployed: Vec<Address>,
    others: Vec<Address>,
) -> impl Strategy<Value = Vec<Step>> {
    let flat = step(this, deployed, others);
    let marked = (any::<bool>(), prop::collection::vec(flat.clone(), 0..6))
        .prop_map(|(keep, steps)| Step::Marked { keep, steps });
    let nested = (
        any::<bool>(),
        prop::collection::vec(prop_oneof![3 => flat.clone(), 1 => marked.clone()], 0..5),
    )
        .prop_map(|(keep, steps)| Step::Marked { keep, steps });
    prop::collection::vec(prop_oneof![8 => flat, 1 => marked, 1 => nested], 0..24)
}

fn step(
    this: Address,
    deployed: Vec<Address>,
    others: Vec<Address>,
) -> impl Strategy<Value = Step> + Clone {
    let slot = || (0..4_u64).prop_map(U256::from);
    let word = || {
        prop_oneof![
            8 => (0..4_u64).prop_map(U256::from),
            1 => Just(U256::MAX),
            1 => Just(U256::MAX - U256::ONE),
        ]
    };
    let class = || prop_oneof![Just(GasClass::Flat), Just(GasClass::ZeroAware)];
    let any_account = {
        let mut all = others.clone();
        all.push(this);
        prop::sample::select(all)
    };
    let other = prop::sample::select(others);
    let deployed = prop::sample::select(deployed);
    let kind = prop_oneof![Just(CallKind::Call), Just(CallKind::Static)];
    let limit = prop::option::of(0..100_000_u64);
    let storage = prop_oneof![
        4 => (any_account.clone(), slot()).prop_map(|(at, slot)| Step::Load { at, slot }),
        6 => slot().prop_map(move |slot| Step::Load { at: this, slot }),
        1 => (deployed, slot(), word()).prop_map(|(at, slot, word)| Step::Save { at, slot, word }),
        8 => (slot(), word()).prop_map(move |(slot, word)| Step::Save { at: this, slot, word }),
        4 => (slot(), word(), class()).prop_map(|(slot, delta, class)| Step::Add { slot, delta, class }),
        6 => (slot(), word(), word(), class())
            .prop_map(|(slot, delta, min, class)| Step::SubBounded { slot, delta, min, class }),
        6 => (slot(), word(), word(), class())
            .prop_map(|(slot, delta, cap, class)| Step::AddCapped { slot, delta, cap, class }),
        1 => slot().prop_map(|slot| Step::TLoad { slot }),
        1 => (slot(), word()).prop_map(|(slot, word)| Step::TSave { slot, word }),
    ];
    let rest = prop_oneof![
        any_account.clone().prop_map(|of| Step::CoinBalance { of }),
        (any_account.clone(), 0..60_u64).prop_map(|(to, amount)| Step::CoinMove {
            to,
            amount: U256::from(amount)
        }),
        any_account.prop_map(|of| Step::CodeSize { of }),
        other.clone().prop_map(|at| Step::DeployMarker { at }),
        (other, kind, 0..60_u64, limit).prop_map(|(to, kind, value, gas_limit)| Step::Call {
            to,
            kind,
            value: if kind == CallKind::Static {
                U256::ZERO
            } else {
                U256::from(value)
            },
            gas_limit,
        }),
        (0..=4_usize, 0..100_usize).prop_map(|(topics, bytes)| Step::Emit { topics, bytes }),
        (0..50_000_u64).prop_map(|gas| Step::Charge { gas }),
        (0..200_usize).prop_map(|bytes| Step::Keccak { bytes }),
        (0..2_u8, 0..INIT_CODES.len(), 0..60_u64).prop_map(|(salt, init, value)| Step::Create {
            salt,
            init,
            value: U256::from(value),
        }),
        (25..31_u8, 0..6_u8, word()).prop_map(|(v, r, s)| Step::Recover { v, r, s }),
        Just(Step::Facts),
    ];
    prop_oneof![3 => storage, 1 => rest]
}

/// Runs steps in `cx`'s frame, noting each, until one halts.
pub fn play(cx: &mut Ctx<'_>, steps: &[Step], notes: &mut Vec<Note>) -> Result<(), Halt> {
    for step in steps {
        let answer = match step {
            Step::Marked { keep, steps } => {
                let mark = cx.store.mark();
                let ended = play(cx, steps, notes);
                if *keep && ended.is_ok() {
                    cx.store.commit(mark)
                } else {
                    cx.store.rewind(mark)
                }
                // A halt that is the caller's mistake ends the stretch only; others end the frame.
                match ended {
                    Ok(()) => U256::ONE,
                    Err(Halt::Revert(_)) => U256::ZERO,
                    Err(halt) => return Err(halt),
                }
            }
            step => touch(cx, step)?,
        };
        notes.push(Note {
            answer,
            gas_left: cx.store.gas_left(),
        });
    }
    Ok(())
}

fn touch(cx: &mut Ctx<'_>, step: &Step) -> Result<U256, Halt> {
    let (this, store) = (cx.frame.this, &mut *cx.store);
    Ok(match *step {
        Step::Load { at, slot } => store.load(at, slot)?,
        Step::Save { at, slot, word } => done(store.save(at, slot, word)?),
        Step::Add { slot, delta, class } => done(store.add(this, slot, delta, class)?),
        Step::SubBounded {
            slot,
            delta,
            min,
            class,
        } => U256::from(store.sub_bounded(this, slot, delta, min, class)?),
        Step::AddCapped {
            slot,
            delta,
            cap,
            class,
        } => U256::from(store.add_capped(this, slot, delta, cap, class)?),
        Step::TLoad { slot } => store.tload(this, slot)?,
        Step::TSave { slot, word } => done(store.tsave(this, slot, word)?),
        Step::CoinBalance { of } => store.coin_balance(of)?,
        Step::CoinMove { to, amount } => U256::from(store.coin_move(this, to, amount)?),
        Step::CodeSize { of } => U256::from(store.code_size(of)?),
        Step::DeployMarker { at } => done(store.deploy_marker(at)?),
        Step::Call {
            to: target,
            kind,
            value,
            gas_limit,
        } => {
            let input = Bytes::new();
            let request = CallRequest {
                kind,
                from: this,
                target,
                value,
                input,
                gas_limit,
            };
            U256::from(store.call(request)?.success)
        }
        Step::Emit { topics, bytes } => {
            let log = LogData::new_unchecked(vec![B256::ZERO; topics], vec![7; bytes].into());
            done(store.emit(this, log)?)
        }
        Step::Charge { gas } => done(store.charge(gas)?),
        Step::Keccak { bytes } => store.keccak(&vec![1; bytes])?.into(),
        Step::Create {
            salt: number,
            init,
            value,
        } => {
            let request = CreateRequest {
                from: this,
                salt: Some(salt(number)),
                value,
                init_code: INIT_CODES[init].0.into(),
            };
            let outcome = store.create(request)?;
            let at = outcome.address.unwrap_or_default();
            keccak256([at.as_slice(), &outcome.output].concat()).into()
        }
        Step::Recover { v, r, s } => {
            let signer =
                store.recover(keccak256("digest"), v, B256::with_last_byte(r), s.into())?;
            signer.unwrap_or_default().into_word().into()
        }
        Step::Facts => facts(store),
        Step::Marked { .. } => unreachable!("play takes marked stretches apart"),
    })
}

/// All that a store says without being touched, as one word.
fn facts(store: &dyn Store) -> U256 {
    let block = store.block();
    let ProtocolVersion(version) = block.version;
    let numbers = [
        block.chain_id,
        block.number,
        block.time_ms,
        block.gas_limit,
        u64::from(version),
        u64::from(store.is_static()),
    ];
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    bytes.extend(block.base_fee_wei.to_be_bytes());
    bytes.extend(block.beneficiary);
    bytes.extend(block.prevrandao);
    keccak256(bytes).into()
}

/// The answer of a step that says nothing.
fn done((): ()) -> U256 {
    U256::ZERO
}
