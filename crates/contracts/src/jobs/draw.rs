//! Which receipts of a claim are audited: the hash of the second block after it says (JOB-8).
//!
//! Nobody knows that hash when he claims. Who builds that block may try several contents and keep the hash that he likes
//! best, at the price of building each; he cannot aim at one. The block draws by itself, so nobody gains by waiting.

use alloy_primitives::B256;
use alloy_sol_types::SolValue;
use capstan_state::{Ctx, Halt};

use super::{
    HASHES,
    IJobs::ClaimDrawn,
    SEED_BLOCKS, STATE,
    math::{index_of, picks_of},
    numbers::Phase,
    state::Claim,
};
use crate::contract::emit;

impl Claim {
    /// The indices of the receipts that are audited.
    pub(super) fn indices(&self) -> Vec<u32> {
        let index = |pick| index_of(self.seed, pick, self.picks, self.receipts);
        (0..self.picks).map(index).collect()
    }
}

/// Draws, if the hash is known. Answers whether it was. Where the block comes so late that the hash is known no more, that of
/// a later one decides: the claim stands as it was made, so nothing is gained by that.
pub(super) fn draw(cx: &mut Ctx<'_>, id: u64, claim: &mut Claim) -> Result<bool, Halt> {
    let (number, now_ms) = (cx.store.block().number, cx.store.block().time_ms);
    if number <= claim.seed_block {
        return Ok(false);
    }
    let hash = cx.store.block_hash(claim.seed_block)?;
    if hash.is_zero() {
        if number > claim.seed_block.saturating_add(HASHES) {
            claim.seed_block = number.saturating_add(SEED_BLOCKS);
            STATE.claims.at(id).save(cx, claim)?;
        }
        return Ok(false);
    }
    let parts = (hash, id, claim.root).abi_encode();
    let seed = cx.store.keccak(&parts)?;
    claim.seed = if seed.is_zero() {
        B256::with_last_byte(1)
    } else {
        seed
    };
    claim.drawn_ms = now_ms;
    claim.picks = picks_of(claim.receipts, claim.audit_ppm, claim.seed);
    STATE.claims.at(id).save(cx, claim)?;
    let show_by_ms = claim.due_ms(cx, Phase::Showing)?;
    emit(
        cx,
        &ClaimDrawn {
            claimId: id,
            seed: claim.seed,
            picks: claim.indices(),
            showByMs: show_by_ms,
        },
    )?;
    Ok(true)
}
