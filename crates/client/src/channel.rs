//! What keys of customers and machines say to the contract of jobs about channels.

use alloy_primitives::{B256, U256};
use alloy_sol_types::{SolCall, SolError};
use capstan_contracts::jobs::{
    ADDRESS,
    IJobs::{
        Channel, Hold, JobsNoChannel, JobsNoOffer, Offer, OfferTerms, Receipt, Signature, Voucher,
        channelOfCall, claimCall, holdCall, offerCall, offerOfCall, releaseCall, showCall,
    },
};

use crate::{Call, ClientError, Node};

/// Who calls himself needs no signature.
const CALLS: Signature = Signature {
    v: 0,
    r: B256::ZERO,
    s: B256::ZERO,
};

fn call(verb: &impl SolCall) -> Call {
    Call {
        to: ADDRESS,
        input: verb.abi_encode().into(),
        value_wei: U256::ZERO,
    }
}

/// A machine's key offers a class, or ends that.
pub fn job_offer(terms: OfferTerms) -> Call {
    call(&offerCall {
        terms,
        signature: CALLS,
    })
}

/// A spending key binds units to a machine.
pub fn job_hold(terms: Hold) -> Call {
    call(&holdCall {
        terms,
        signature: CALLS,
    })
}

/// A machine's key lets go of a channel; anybody does once it is over.
pub fn job_release(channel: B256) -> Call {
    call(&releaseCall {
        channel,
        byMachine: CALLS,
    })
}

/// Claims an epoch by both words; anybody may carry them.
pub fn job_claim(voucher: Voucher, by_key: Signature, by_machine: Signature) -> Call {
    call(&claimCall {
        voucher,
        byKey: by_key,
        byMachine: by_machine,
    })
}

/// Shows a receipt that was picked.
pub fn job_show(claim_id: u64, pick: u32, receipt: Receipt, proof: Vec<B256>) -> Call {
    call(&showCall {
        claimId: claim_id,
        pick,
        receipt,
        proof,
    })
}

/// What is refused by this error is not there.
async fn if_there<Missing: SolError, C: SolCall>(
    node: &Node,
    asked: &C,
) -> Result<Option<C::Return>, ClientError> {
    match node.view(ADDRESS, asked).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is::<Missing>() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A channel, if there is one.
///
/// # Errors
/// The node does not answer.
pub async fn job_channel(node: &Node, channel: B256) -> Result<Option<Channel>, ClientError> {
    if_there::<JobsNoChannel, _>(node, &channelOfCall { channel }).await
}

/// What a machine offers of a class, if it does or did.
///
/// # Errors
/// The node does not answer.
pub async fn job_offered(
    node: &Node,
    machine_id: u64,
    class_id: u32,
) -> Result<Option<Offer>, ClientError> {
    let asked = offerOfCall {
        machineId: machine_id,
        classId: class_id,
    };
    if_there::<JobsNoOffer, _>(node, &asked).await
}
