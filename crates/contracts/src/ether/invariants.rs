//! What must hold between transactions, as code over a world that is only looked at.
//!
//! TOK-8 and TOK-9 speak of single calls, so the tests check them around calls.

use capstan_state::{Ctx, View};

use super::actions::CoinBook;
use crate::{
    erc20::Book,
    invariant::{Broken, holds},
};

/// TOK-7, at the accounts that the face touches most: itself and whoever asks. The layout has no field for a
/// balance, and that nothing lies outside the layout is checked for every contract.
pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    for owner in [cx.this(), world.latest_block().beneficiary] {
        let (says, has) = (CoinBook::balance_of(cx, owner)?, world.coins_of(owner)?);
        holds(says == has, "TOK-7", || {
            format!("{owner} has {has} coins, the face says {says}")
        })?;
    }
    Ok(())
}
