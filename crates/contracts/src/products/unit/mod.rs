//! Units of a product as a token of the wallet: ERC-20 and ERC-4626 at one native address per product.
//!
//! The token's address owns the product's account, `(token, 0)`. Units are made and destroyed by what deposits add to that
//! account and redemptions leave behind (PROD-1). What exactly a trade brings is known only behind it, so nobody asks for
//! exact units or exact assets: `mint` and `withdraw` are shut, and their limits answer zero, as ERC-4626 has it.

mod abi;
mod actions;
mod state;

pub use abi::IProductToken;

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Map, Value};
use capstan_units::{AccountId, ProductId, decimal};

use super::{ADDRESS, Kind, actions::known};
use crate::{
    Contract, Entry, Interface, Place, address,
    erc20::{self, Book, Holdings, Issued},
    erc4626, ledger, native,
};
use state::UnitState;

/// Where units answer; the id is the product's number.
pub const KIND: address::Kind = address::Kind::new(27);
/// Digits of a unit, which is worth a dollar in the beginning.
pub const DECIMALS: u8 = 18;
/// Digits of a leverage in hundredths of a percent.
const LEVERAGE_DIGITS: u8 = 4;

const STATE: UnitState = UnitState::new();

/// The token of a product.
pub fn address_of(id: ProductId) -> Address {
    native(KIND, u64::from(id.get()))
}

/// The account that a product is.
pub fn account_of(id: ProductId) -> AccountId {
    AccountId::new(address_of(id), 0)
}

/// The product of a token, which the frame is.
fn product_of(cx: &Ctx<'_>) -> Result<ProductId, Halt> {
    address::parse(cx.this())
        .and_then(|(_, id)| u32::try_from(id).ok())
        .map(ProductId::new)
        .ok_or_else(|| Halt::Fatal(format!("{} is no product", cx.this())))
}

/// Makes units of a product.
pub(super) fn mint(cx: &mut Ctx<'_>, id: ProductId, to: Address, units: U256) -> Result<(), Halt> {
    erc20::mint::<UnitBook>(&mut cx.enter(address_of(id)), to, units)
}

/// The units that belonged to nobody become somebody's.
pub(super) fn give_seed(cx: &mut Ctx<'_>, id: ProductId, to: Address) -> Result<(), Halt> {
    let seed = balance_of(cx, id, ADDRESS)?;
    let cx = &mut cx.enter(address_of(id));
    erc20::burn::<UnitBook>(cx, ADDRESS, seed)?;
    erc20::mint::<UnitBook>(cx, to, seed)
}

/// All units of a product.
pub(super) fn supply_of(cx: &mut Ctx<'_>, id: ProductId) -> Result<U256, Halt> {
    UnitBook::holdings().total(&mut cx.enter(address_of(id)))
}

/// Units of one holder.
pub(super) fn balance_of(cx: &mut Ctx<'_>, id: ProductId, of: Address) -> Result<U256, Halt> {
    UnitBook::holdings().balance_of(&mut cx.enter(address_of(id)), of)
}

/// Units of a product.
pub(super) struct UnitBook;

impl Book for UnitBook {
    fn balance_of(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        Self::holdings().balance_of(cx, owner)
    }

    fn shift(cx: &mut Ctx<'_>, from: Address, to: Address, amount: U256) -> Result<bool, Halt> {
        Self::holdings().shift(cx, from, to, amount)
    }

    fn total_supply(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        Self::holdings().total(cx)
    }

    fn allowance(owner: Address, spender: Address) -> Value<U256> {
        STATE.allowances.at((owner, spender))
    }

    fn nonces() -> Map<Address, Value<U256>> {
        STATE.nonces
    }

    fn name(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let id = product_of(cx)?;
        let product = known(cx, id)?;
        let collateral = ledger::symbol(cx, product.collateral)?;
        let debt = ledger::symbol(cx, product.debt)?;
        let leverage = leverage(product.target_bps);
        Ok(match product.kind()? {
            Kind::Long => format!("{leverage}x Long {collateral} against {debt}"),
            Kind::Short => format!("{leverage}x Short {debt} against {collateral}"),
            Kind::Loop => format!("Loop of {collateral} against {debt} at health {leverage}"),
            Kind::Neutral => format!("Neutral {debt} and {collateral}"),
        })
    }

    fn symbol(cx: &mut Ctx<'_>) -> Result<String, Halt> {
        let id = product_of(cx)?;
        let product = known(cx, id)?;
        let leverage = leverage(product.target_bps);
        Ok(match product.kind()? {
            Kind::Long => format!("{}{leverage}L", ledger::symbol(cx, product.collateral)?),
            Kind::Short => format!("{}{leverage}S", ledger::symbol(cx, product.debt)?),
            Kind::Loop => format!("loop{}", ledger::symbol(cx, product.collateral)?),
            Kind::Neutral => format!("neutral{}", ledger::symbol(cx, product.debt)?),
        })
    }

    fn decimals(_: &mut Ctx<'_>) -> Result<u8, Halt> {
        Ok(DECIMALS)
    }
}

fn leverage(bps: u32) -> String {
    decimal(U256::from(bps), LEVERAGE_DIGITS)
}

impl Issued for UnitBook {
    fn holdings() -> Holdings {
        Holdings {
            supply: STATE.supply,
            balances: STATE.balances,
        }
    }
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "productToken",
    doc: "Units of a leveraged token or a strategy vault (ERC-20, ERC-4626).",
    place: Place::Kind(KIND),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[
        Interface {
            name: "productToken",
            abi: IProductToken::abi::contract,
            source: include_str!("abi.rs"),
        },
        erc4626::INTERFACE,
        erc20::INTERFACE,
    ],
    errors_of: &[&super::CONTRACT],
    system: &[],
    layout: UnitState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: |world, cx| UnitBook::holdings().check(world, cx),
};
