//! Supply and balances in storage.

use alloy_primitives::{Address, U256};
use capstan_state::{Balance, Ctx, Halt, Map, Total, View};
use capstan_units::Assets;

use crate::invariant::{Broken, holds};

/// The two fields of a contract that holds its own units. Amounts wider than [`Assets`] are no balance and no
/// supply, so they are refused as too much (TOK-2).
#[derive(Clone, Copy, Debug)]
pub struct Holdings {
    /// Sum of all balances.
    pub supply: Total,
    /// Balance of each owner.
    pub balances: Map<Address, Balance>,
}

impl Holdings {
    /// What `owner` holds.
    ///
    /// # Errors
    /// The store's.
    pub fn balance_of(&self, cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        Ok(self.balances.at(owner).load(cx)?.to_u256())
    }

    /// Sum of all balances.
    ///
    /// # Errors
    /// The store's.
    pub fn total(&self, cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        Ok(self.supply.load(cx)?.to_u256())
    }

    /// What may still be made under the cap.
    ///
    /// # Errors
    /// The store's.
    pub fn room(&self, cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        Ok(Assets::MAX.to_u256().saturating_sub(self.total(cx)?))
    }

    /// Moves `amount`; answers `false`, and moves nothing, if `from` has too little.
    ///
    /// # Errors
    /// The store's.
    #[must_use = "a refused move moves nothing"]
    pub fn shift(
        &self,
        cx: &mut Ctx<'_>,
        from: Address,
        to: Address,
        amount: U256,
    ) -> Result<bool, Halt> {
        let Ok(assets) = Assets::from_u256(amount) else {
            return Ok(false);
        };
        let taken = self
            .balances
            .at(from)
            .sub_bounded(cx, assets, Assets::ZERO)?;
        if taken {
            self.balances.at(to).add(cx, assets)?;
        }
        Ok(taken)
    }

    /// Makes `amount` for `to`; answers `false`, and makes nothing, if the supply would pass its cap.
    ///
    /// # Errors
    /// The store's.
    #[must_use = "a refused issue makes nothing"]
    pub fn issue(&self, cx: &mut Ctx<'_>, to: Address, amount: U256) -> Result<bool, Halt> {
        let Ok(assets) = Assets::from_u256(amount) else {
            return Ok(false);
        };
        let fits = self.supply.add_capped(cx, assets, Assets::MAX)?;
        if fits {
            self.balances.at(to).add(cx, assets)?;
        }
        Ok(fits)
    }

    /// Destroys `amount` of `from`; answers `false`, and destroys nothing, if `from` has too little.
    ///
    /// # Errors
    /// [`Halt::Fatal`] if the supply is below a balance: storage is damaged.
    #[must_use = "a refused retirement destroys nothing"]
    pub fn retire(&self, cx: &mut Ctx<'_>, from: Address, amount: U256) -> Result<bool, Halt> {
        let Ok(assets) = Assets::from_u256(amount) else {
            return Ok(false);
        };
        if !self
            .balances
            .at(from)
            .sub_bounded(cx, assets, Assets::ZERO)?
        {
            return Ok(false);
        }
        // TOK-1: the supply holds every balance, so it holds this one.
        if !self.supply.sub_bounded(cx, assets, Assets::ZERO)? {
            let this = cx.this();
            return Err(Halt::Fatal(format!("{this}: supply below a balance")));
        }
        Ok(true)
    }

    /// TOK-1 and TOK-2, over everybody who holds anything.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn check(&self, world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
        let supply = self.supply.load(cx)?.to_u256();
        let mut sum = U256::ZERO;
        for (_, balance) in self.balances.listed(world, cx.this())? {
            sum = sum.saturating_add(balance.load(cx)?.to_u256());
        }
        holds(sum == supply, "TOK-1", || {
            format!("balances are {sum} together, the supply is {supply}")
        })?;
        holds(supply <= Assets::MAX.to_u256(), "TOK-2", || {
            format!("the supply is {supply}")
        })
    }
}
