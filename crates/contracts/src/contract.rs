//! What a native contract is to the rest of the house, and the one place where its verbs are called.
//!
//! A contract is a value of [`Contract`]; a verb is a row of its table. [`verbs!`](crate::verbs) makes the table from a
//! `sol!` interface and does not compile when a verb of the interface lacks a row.
//!
//! ```text
//!   input ─► selector ─► row ─► value rule ─► static rule ─► gas ─► strict decode ─► verb ─► encode
//! ```

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, Bytes, FixedBytes, LogData, U256};
use alloy_sol_types::{
    SolCall, SolError, SolEvent, TopicList,
    abi::{self, AbiDecoderConfig, token::WordToken},
};
use capstan_state::{Ctx, Field, Halt};

use crate::{GenesisConfig, SystemKind, address::Kind, error, invariant::Check};

mod table;

pub use table::{count, covers, joined, sorted};

/// Gas per started word of calldata: what bytecode pays to load and check a word.
pub const INPUT_WORD_GAS: u64 = 6;
/// Most topics of a log.
const TOPICS_MAX: usize = 4;

/// What a verb may do to state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// Reads; runs in static calls.
    View,
    /// Writes; a static call to it halts, as an SSTORE would.
    Write,
    /// Writes nothing itself but passes calls on: runs in static calls, where its callees cannot write.
    Relay,
}

/// One row of a contract's table.
#[derive(Clone, Copy)]
pub struct Verb {
    /// First four bytes of the calldata.
    pub selector: [u8; 4],
    /// `transfer(address,uint256)`.
    pub signature: &'static str,
    /// What it may do.
    pub mutability: Mutability,
    /// Whether coins may come with the call.
    pub payable: bool,
    /// Gas charged before anything else, beside storage, calldata and calls.
    pub base_gas: u64,
    /// Decodes, acts, encodes.
    pub run: Run,
}

/// The body of a verb, from argument bytes to return bytes.
pub type Run = fn(&mut Ctx<'_>, &[u8]) -> Result<Bytes, Halt>;

impl core::fmt::Debug for Verb {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{} {:?} {} gas",
            self.signature, self.mutability, self.base_gas
        )
    }
}

/// Where a contract answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At one address, from genesis.
    At(Address),
    /// At every deployed address of a kind.
    Kind(Kind),
}

/// How calldata is read.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// By selector. The rows are sorted.
    Verbs(&'static [Verb]),
    /// As it comes, by a contract older than selectors.
    Raw(Run),
}

/// A native contract.
#[derive(Clone, Copy, Debug)]
pub struct Contract {
    /// Lower case, one word; names its files in `abi/` and `specs/`.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Where it answers.
    pub place: Place,
    /// How calldata is read.
    pub entry: Entry,
    /// What tools are told: the contract's own interface first, then those that it inherits, the nearest first.
    pub interfaces: &'static [Interface],
    /// Contracts whose errors come through this one's verbs, because it calls them: tools are told those too.
    pub errors_of: &'static [&'static Self],
    /// Kinds of system transactions that the contract serves, and how. The frame is that of the kind's address:
    /// the contract enters its own.
    pub system: &'static [(SystemKind, Run)],
    /// Storage layout, for snapshots and for naming slots in words.
    pub layout: &'static [Field],
    /// First state, written once when a chain begins.
    pub genesis: fn(&mut Ctx<'_>, &GenesisConfig) -> Result<(), Halt>,
    /// What must hold between transactions.
    pub invariants: Check,
}

/// A `sol!` interface, as tools are told about it.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// Lower case, one word: the contract's name, or that of the face that several contracts answer.
    pub name: &'static str,
    /// Its declarations. Not for the hot path.
    pub abi: fn() -> JsonAbi,
    /// The file that declares it: source of the Solidity file and of the texts for people.
    pub source: &'static str,
}

impl Contract {
    /// Runs the contract on calldata. Every rule that holds for all verbs is here.
    ///
    /// # Errors
    /// - `NativeNotDeployed`: the address is of a known kind, but nothing was made there.
    /// - `NativeShortCalldata`, `NativeUnknownVerb`, `NativeBadCalldata`: the input names no verb or does not decode.
    /// - `NativeNotPayable`: coins came with a verb that takes none.
    /// - [`Halt::StaticViolation`]: a static call to a verb that writes.
    /// - what the verb itself says.
    pub fn run(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
        let verbs = match self.entry {
            Entry::Verbs(verbs) => verbs,
            Entry::Raw(run) => return run(cx, input),
        };
        // Paid before anything is looked at: the frame holds a copy of its input, whatever becomes of it.
        cx.store.charge(input_gas(input.len()))?;
        if matches!(self.place, Place::Kind(_)) && cx.store.code_size(cx.this())? == 0 {
            return Err(revert(&error::NativeNotDeployed { account: cx.this() }));
        }
        let Some((selector, args)) = input.split_first_chunk::<4>() else {
            return Err(revert(&error::NativeShortCalldata {
                length: U256::from(input.len()),
            }));
        };
        let Some(verb) = table::find(verbs, *selector) else {
            let selector = FixedBytes(*selector);
            return Err(revert(&error::NativeUnknownVerb { selector }));
        };
        if !verb.payable && !cx.frame.value.is_zero() {
            return Err(revert(&error::NativeNotPayable {
                value: cx.frame.value,
            }));
        }
        if verb.mutability == Mutability::Write && cx.store.is_static() {
            return Err(Halt::StaticViolation);
        }
        cx.store.charge(verb.base_gas)?;
        (verb.run)(cx, args)
    }

    /// Everything that a tool needs to speak with the contract: what it declares and inherits, and every error that
    /// may come back from it.
    pub fn abi(&self) -> JsonAbi {
        let mut all = self.declared();
        let others = self.errors_of.iter().map(|other| other.declared());
        for abi in others.chain([error::INative::abi::contract()]) {
            for (name, more) in abi.errors {
                all.errors.entry(name).or_insert(more);
            }
        }
        all
    }

    /// What the contract declares or inherits.
    pub fn declared(&self) -> JsonAbi {
        let mut all = JsonAbi::new();
        for interface in self.interfaces {
            let JsonAbi {
                functions,
                events,
                errors,
                ..
            } = (interface.abi)();
            for (name, more) in functions {
                all.functions.entry(name).or_default().extend(more);
            }
            for (name, more) in events {
                all.events.entry(name).or_default().extend(more);
            }
            for (name, more) in errors {
                all.errors.entry(name).or_default().extend(more);
            }
        }
        all
    }

    /// Looks a verb up by its selector.
    pub fn verb(&self, selector: [u8; 4]) -> Option<&'static Verb> {
        match self.entry {
            Entry::Verbs(verbs) => table::find(verbs, selector),
            Entry::Raw(_) => None,
        }
    }
}

/// Gas for an input of so many bytes. The selector rides along for free.
pub fn input_gas(length: usize) -> u64 {
    let arguments = length.saturating_sub(4);
    let words = u64::try_from(arguments.div_ceil(32)).unwrap_or(u64::MAX);
    words.saturating_mul(INPUT_WORD_GAS)
}

/// What DELEGATECALL, CALLCODE and an EIP-7702 delegation to a native contract answer: its storage
/// handles address its own account, so running it in another's name has no meaning.
pub fn refuse_delegated() -> Halt {
    revert(&error::NativeDelegateCall {})
}

/// A revert with a Solidity custom error.
pub fn revert(error: &impl SolError) -> Halt {
    Halt::Revert(error.abi_encode().into())
}

/// Decodes the arguments of one verb: each value has one encoding, checked before the verb sees it.
/// Bytes after the arguments are allowed, as Solidity allows them.
///
/// # Errors
/// `NativeBadCalldata`: too short, dirty padding, or dynamic parts that overlap or leave gaps.
pub fn decode<C: SolCall>(args: &[u8]) -> Result<C, Halt> {
    const STRICT: AbiDecoderConfig = AbiDecoderConfig::new()
        .strict(true)
        .validate_allow_trailing_bytes(true);
    C::abi_decode_raw_with_config(args, STRICT).map_err(|_| {
        revert(&error::NativeBadCalldata {
            selector: FixedBytes(C::SELECTOR),
        })
    })
}

/// Encodes what a verb answers.
pub fn encode<C: SolCall>(answer: impl Into<C::Return>) -> Bytes {
    C::abi_encode_returns(&answer.into()).into()
}

/// Emits an event of the contract whose frame this is.
///
/// # Errors
/// The store's.
pub fn emit<E: SolEvent>(cx: &mut Ctx<'_>, event: &E) -> Result<(), Halt> {
    // As `SolEvent::encode_log_data`, with one buffer for topics and one for data, as large as they get: half of its
    // instructions, and events were a fifth of those of a swap.
    let mut topics = [WordToken::default(); TOPICS_MAX];
    if event.encode_topics_raw(&mut topics).is_err() {
        return Err(Halt::Fatal(format!("topics of {}", E::SIGNATURE)));
    }
    let count = <E::TopicList as TopicList>::COUNT;
    let topics = topics.iter().take(count).map(|topic| topic.0);
    let data = abi::encode_sequence(&event.tokenize_body());
    let log = LogData::new_unchecked(topics.collect(), data.into());
    cx.store.emit(cx.frame.this, log)
}

/// Makes `pub(crate) static VERBS`: one row per verb of a `sol!` interface.
///
/// `transferCall: Write, 40 => |cx, call| actions::transfer(cx, call.to, call.value);`
/// The word `#[payable]` before a row lets coins in. A verb without a row does not compile.
///
/// - `verbs! { IFlashCalls; rows }`: a contract with an interface of its own.
/// - `verbs! { ITokenCalls, and erc20::verbs::<TokenBook>(); rows }`: one that answers a face besides, or several.
/// - `verbs! { faces erc4626::verbs::<SavingsBook>(), erc20::verbs::<SavingsBook>() }`: one that answers faces alone.
/// - `verbs! { face <B: Book> IErc20Calls; rows }`: such a face, as `const fn verbs::<B>()`.
#[macro_export]
macro_rules! verbs {
    (@rows $($(#[$payable:ident])? $call:ty: $mutability:ident, $gas:literal => $body:expr;)*) => {
        [$(
            $crate::Verb {
                selector: <$call as ::alloy_sol_types::SolCall>::SELECTOR,
                signature: <$call as ::alloy_sol_types::SolCall>::SIGNATURE,
                mutability: $crate::Mutability::$mutability,
                payable: $crate::verbs!(@payable $($payable)?),
                base_gas: $gas,
                run: |cx, args| {
                    let body: fn(&mut ::capstan_state::Ctx<'_>, $call) -> ::core::result::Result<_, ::capstan_state::Halt> = $body;
                    let answer = body(cx, $crate::contract::decode::<$call>(args)?)?;
                    Ok($crate::contract::encode::<$call>(answer))
                },
            }
        ),*]
    };
    (@payable) => { false };
    (@payable payable) => { true };
    (@covered $calls:ty, $rows:expr) => {
        assert!(
            $crate::contract::covers($rows, <$calls>::SELECTORS),
            "a verb of the interface has no row in its table, or a row has no verb"
        )
    };
    (face <$param:ident: $bound:path> $calls:ty; $($rows:tt)*) => {
        /// One row per verb of the face.
        pub const fn verbs<$param: $bound>() -> [$crate::Verb; <$calls>::SELECTORS.len()] {
            let rows = $crate::verbs!(@rows $($rows)*);
            $crate::verbs!(@covered $calls, &rows);
            rows
        }
    };
    (@tables $($table:expr),+) => {
        const TABLES: &[&[$crate::Verb]] = &[$(&$table),+];
        static ROWS: [$crate::Verb; $crate::contract::count(TABLES)] =
            $crate::contract::sorted($crate::contract::joined(TABLES));
        /// One row per verb, sorted by selector.
        pub(crate) static VERBS: &[$crate::Verb] = &ROWS;
    };
    (faces $($face:expr),+) => {
        $crate::verbs! { @tables $($face),+ }
    };
    ($calls:ty, and $($face:expr),+; $($rows:tt)*) => {
        const OWN: [$crate::Verb; <$calls>::SELECTORS.len()] = $crate::verbs!(@rows $($rows)*);
        const _: () = $crate::verbs!(@covered $calls, &OWN);
        $crate::verbs! { @tables OWN, $($face),+ }
    };
    ($calls:ty; $($rows:tt)*) => {
        static ROWS: [$crate::Verb; <$calls>::SELECTORS.len()] =
            $crate::contract::sorted($crate::verbs!(@rows $($rows)*));
        const _: () = $crate::verbs!(@covered $calls, &ROWS);
        /// One row per verb, sorted by selector.
        pub(crate) static VERBS: &[$crate::Verb] = &ROWS;
    };
}

#[cfg(test)]
mod tests;
