//! What must hold between transactions, as code over a world that is only looked at.
//!
//! TOK-3 to TOK-6 speak of single calls, so the tests check them around calls.

use capstan_state::{Ctx, View};

use super::{
    CONTRACT,
    actions::TokenBook,
    params::DECIMALS_MAX,
    state::{FactoryState, TokenState},
};
use crate::{
    address::native,
    admin,
    erc20::Issued,
    invariant::{Broken, check_one, holds},
};

/// Checks one token.
pub(super) fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    TokenBook::holdings().check(world, cx)?;
    let decimals = TokenState::new().decimals.load(cx)?;
    holds(decimals <= DECIMALS_MAX, "TOK-10", || {
        format!("{} has {decimals} decimals", cx.this())
    })
}

/// Checks the factory, and every token that it made.
pub(super) fn check_factory(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    let count = FactoryState::new().token_count.load(cx)?;
    for id in 1..=count {
        let token = native(super::KIND, id);
        let owner = admin::owner_of(cx, token)?;
        holds(!owner.is_zero(), "TOK-10", || {
            format!("{token} has no owner")
        })?;
        check_one(&CONTRACT, world, token)?;
    }
    let next = native(super::KIND, count.saturating_add(1));
    holds(world.words_of(next)?.is_empty(), "TOK-10", || {
        format!("{next} stores something before it was made")
    })
}
