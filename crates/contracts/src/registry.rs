//! Every native contract, one line each, and the look-up that the EVM asks for each call.

use alloy_primitives::Address;
use capstan_state::{Ctx, Frame, Halt, Store};

use crate::{
    Contract, Place, SystemKind,
    address::{self, Kind},
    contract::Run,
    position::Position,
};

/// The registry. To add a contract, write its folder and add its line.
static CONTRACTS: &[&Contract] = &[
    &crate::admin::CONTRACT,
    &crate::token::FACTORY,
    &crate::token::CONTRACT,
    &crate::ether::CONTRACT,
    &crate::flash::CONTRACT,
    &crate::oracle::CONTRACT,
    &crate::oracle::FEED,
    &crate::ledger::CONTRACT,
    &crate::lending::CONTRACT,
    &crate::lending::share::CONTRACT,
    &crate::exchange::CONTRACT,
    &crate::exchange::lp::CONTRACT,
    &crate::exchange::nft::CONTRACT,
    &crate::exchange::router::CONTRACT,
    &crate::farms::CONTRACT,
    &crate::streams::CONTRACT,
    &crate::backstop::CONTRACT,
    &crate::backstop::share::CONTRACT,
    &crate::account::CONTRACT,
    &crate::triggers::CONTRACT,
    &crate::products::CONTRACT,
    &crate::products::unit::CONTRACT,
    &crate::dollar::CONTRACT,
    &crate::dollar::savings::CONTRACT,
    &crate::term::CONTRACT,
    &crate::machines::CONTRACT,
    &crate::machines::identity::CONTRACT,
    &crate::machines::title::CONTRACT,
    &crate::jobs::CONTRACT,
    &crate::income::CONTRACT,
    &crate::income::share::CONTRACT,
    &crate::listing::CONTRACT,
    &crate::still::CONTRACT,
    &crate::multicall::CONTRACT,
    &crate::create2::CONTRACT,
];

/// Kinds of positions that an account can hold. Their places here are stored: append, never reorder.
static POSITIONS: &[&dyn Position] = &[
    &crate::ledger::Units,
    &crate::lending::InMarket,
    &crate::streams::Income,
    &crate::dollar::InDollar,
    &crate::term::InTerm,
];

/// Number of free units among the kinds of positions.
pub const UNITS: u8 = 0;
/// Number of supply and debt in a market.
pub const MARKET: u8 = 1;
/// Number of what streams owe an account.
pub const INCOME: u8 = 2;
/// Number of debt in minted dollars.
pub const DOLLAR: u8 = 3;
/// Number of fixed-term debt.
pub const TERM: u8 = 4;
/// Number of liquidity in pools. It is of several assets at once, so it stands beside the rows of its coins, and no
/// [`Position`] of one asset answers for it: rows only say that the asset is among those coins.
pub const LIQUIDITY: u8 = 7;

/// The kinds of positions, each with the number under which it is stored.
pub fn positions() -> impl Iterator<Item = (u8, &'static dyn Position)> {
    (0..).zip(POSITIONS.iter().copied())
}

/// The kind of positions with this number.
///
/// # Errors
/// A sheet names a kind that there is not.
pub fn position(number: u8) -> Result<&'static dyn Position, Halt> {
    let kind = POSITIONS.get(usize::from(number)).copied();
    kind.ok_or_else(|| Halt::Fatal(format!("corrupt storage: {number} is no kind of positions")))
}

/// Every contract, in the order in which genesis writes them.
pub fn all() -> &'static [&'static Contract] {
    CONTRACTS
}

/// The contract that answers at `address`, deployed or not. Two comparisons for a foreign address.
#[inline]
pub fn resolve(address: Address) -> Option<&'static Contract> {
    if address::has_prefix(&address) {
        let (kind, _) = address::parse(address)?;
        return CONTRACTS
            .iter()
            .copied()
            .find(|contract| match contract.place {
                Place::At(at) => at == address,
                Place::Kind(of) => of == kind,
            });
    }
    if !address::CANONICAL.contains(&address) {
        return None;
    }
    CONTRACTS
        .iter()
        .copied()
        .find(|contract| contract.place == Place::At(address))
}

/// What serves a kind of system transactions; `None` if nothing does yet.
pub fn system_work(kind: SystemKind) -> Option<Run> {
    let mut served = CONTRACTS.iter().flat_map(|contract| contract.system);
    served.find(|(of, _)| *of == kind).map(|(_, run)| *run)
}

/// The contract with this name.
pub fn by_name(name: &str) -> Option<&'static Contract> {
    CONTRACTS
        .iter()
        .copied()
        .find(|contract| contract.name == name)
}

/// What a chain says about native contracts when it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisConfig {
    /// Holder of the root role of the whole protocol: lists, pauses, hands over.
    pub owner: Address,
    /// Fee of a flash loan, in hundredths of a percent of the amount.
    pub flash_fee_bps: u16,
}

impl GenesisConfig {
    /// A chain whose protocol belongs to `owner`, with free flash loans.
    pub const fn owned_by(owner: Address) -> Self {
        Self {
            owner,
            flash_fee_bps: 0,
        }
    }
}

/// Puts the markers and the first state of every contract with a fixed address.
///
/// # Errors
/// Whatever the store answers; a contract's own `genesis` refuses values out of range.
pub fn genesis(store: &mut dyn Store, config: &GenesisConfig) -> Result<(), Halt> {
    for contract in all() {
        if let Place::At(this) = contract.place {
            store.deploy_marker(this)?;
            let frame = Frame {
                this,
                caller: crate::SYSTEM_SENDER,
                value: Default::default(),
            };
            (contract.genesis)(&mut Ctx::new(store, frame), config)?;
        }
    }
    Ok(())
}

/// Kinds whose contracts are made while the chain runs, for lists of prefixes.
pub fn kinds() -> impl Iterator<Item = (Kind, &'static Contract)> {
    all().iter().filter_map(|contract| match contract.place {
        Place::Kind(kind) => Some((kind, *contract)),
        Place::At(_) => None,
    })
}

/// What a room calls the verb with this bit, which its error about a paused verb carries.
pub fn pause_word(room: &str, bit: u8) -> Option<&'static str> {
    let words = match room {
        "lending" => crate::lending::Pause::WORDS,
        "dollar" => crate::dollar::Pause::WORDS,
        "backstop" => crate::backstop::Pause::WORDS,
        "term" => crate::term::Pause::WORDS,
        "machines" => crate::machines::Pause::WORDS,
        "jobs" => crate::jobs::Pause::WORDS,
        "income" => crate::income::Pause::WORDS,
        _ => return None,
    };
    let found = words.iter().find(|(of, _)| *of == bit);
    found.map(|(_, word)| *word)
}
