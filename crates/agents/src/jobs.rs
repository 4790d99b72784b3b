//! What machines and customers ask of the contract of jobs, and do there: offers, holds, claims, receipts that were picked.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};
use capstan_client::{
    Assets, ClientError, Node, Sender, administration, job_channel, job_hold, job_offer,
    job_offered, job_release,
};
use capstan_contracts::{
    jobs::{
        ADDRESS, AUDIT,
        IJobs::{
            self, Channel, Hold, Offer, OfferTerms, channelIdCall, claimOfCall, claimsOfCall,
            classOfCall, classesCall, customerOfCall, keyOfCall, machinesInCall, paramsCall,
            pickOfCall,
        },
        Phase,
    },
    machines::{self, IMachines::machineCall, State},
    still::{self, IStill::untilMsCall},
};

/// Claims of a machine that are looked through for picks, page by page, the newest first, until all of a page are past showing.
const CLAIMS_MAX: u64 = 64;
const PAGES_MAX: u32 = 64;
/// Machines of a class in one answer.
const PAGE: u32 = 256;
/// Holds last for so many epochs, or so long, whatever is more: what is bound and not used comes back soon after.
const HOLD: (u64, u64) = (8, 600_000);

/// What work is sold under.
#[derive(Clone, Debug)]
pub struct Trade {
    /// Parameters in force.
    pub params: IJobs::JobParams,
    /// The class.
    pub class: IJobs::ServiceClass,
    /// Its number.
    pub class_id: u32,
    /// Digits of what is paid in.
    pub decimals: u8,
    /// What that calls itself.
    pub symbol: String,
}

/// Parameters in force; all zero where jobs are not open on this chain.
///
/// # Errors
/// The node does not answer.
pub async fn params(node: &Node) -> Result<IJobs::JobParams, ClientError> {
    Ok(node.view(ADDRESS, &paramsCall {}).await?.current)
}

/// What work of a class is sold under; none where jobs are not open on this chain.
///
/// # Errors
/// The node does not answer, or there is no such class.
pub async fn trade(node: &Node, class_id: u32) -> Result<Option<Trade>, ClientError> {
    let params = params(node).await?;
    if params.epochMs == 0 {
        return Ok(None);
    }
    let class = node
        .view(ADDRESS, &classOfCall { classId: class_id })
        .await?;
    let assets = Assets::of(node).await?;
    let asset = assets.get(params.assetId);
    let (decimals, symbol) = asset.map_or((0, String::new()), |asset| {
        (asset.decimals, asset.symbol.clone())
    });
    Ok(Some(Trade {
        params,
        class,
        class_id,
        decimals,
        symbol,
    }))
}

/// A class, if there is one of this number.
///
/// # Errors
/// The node does not answer.
pub async fn class(node: &Node, class_id: u32) -> Result<Option<IJobs::ServiceClass>, ClientError> {
    let found = node.view(ADDRESS, &classOfCall { classId: class_id }).await;
    match found {
        Ok(class) => Ok(Some(class)),
        Err(error) if error.is_of_contract() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether vouchers of an epoch that is over count still: for an epoch's time behind it, and what of that the chain stood still.
///
/// # Errors
/// The node does not answer.
pub async fn is_claimable(
    node: &Node,
    epoch_ms: u64,
    epoch: u64,
    now_ms: u64,
) -> Result<bool, ClientError> {
    let asked = untilMsCall {
        fromMs: epoch.saturating_add(1).saturating_mul(epoch_ms),
        windowMs: epoch_ms.saturating_sub(1),
    };
    Ok(now_ms <= node.view(still::ADDRESS, &asked).await?)
}

/// Numbers of all classes.
///
/// # Errors
/// The node does not answer.
pub async fn classes(node: &Node) -> Result<Vec<u32>, ClientError> {
    node.view(ADDRESS, &classesCall {}).await
}

/// A machine that sells a class.
#[derive(Clone, Debug)]
pub struct Sold {
    /// Who signs its receipts.
    pub key: Address,
    /// What it offers.
    pub offer: Offer,
}

/// Open offers of a class by machines that serve.
///
/// # Errors
/// The node does not answer.
pub async fn offers(node: &Node, class_id: u32) -> Result<Vec<Sold>, ClientError> {
    let mut all = Vec::new();
    let mut from = 0;
    loop {
        let asked = machinesInCall {
            classId: class_id,
            from,
            count: PAGE,
        };
        let page = node.view(ADDRESS, &asked).await?;
        for machine_id in page.machineIds {
            let offer = job_offered(node, machine_id, class_id).await?;
            let Some(offer) = offer.filter(serves) else {
                continue;
            };
            let asked = machineCall {
                machineId: machine_id,
            };
            let machine = node.view(machines::ADDRESS, &asked).await?;
            all.push(Sold {
                key: machine.key,
                offer,
            });
        }
        from = page.next;
        if from == 0 {
            return Ok(all);
        }
    }
}

fn serves(offer: &Offer) -> bool {
    let serving = [State::Probation, State::Live, State::Late].map(State::number);
    offer.terms.isOpen && serving.contains(&offer.state)
}

/// Puts an offer on the chain, unless it stands there as it is. Floors that hardly moved stay: they change once an epoch.
///
/// # Errors
/// The node or the contract refuses.
pub async fn put_offer(
    node: &Node,
    machine: &Sender,
    mut terms: OfferTerms,
) -> Result<(), ClientError> {
    let (machine_id, class_id) = (terms.machineId, terms.classId);
    let standing = job_offered(node, machine_id, class_id).await?;
    let now_ms = node.head_time_ms().await?;
    terms.sequence = now_ms;
    if let Some(Offer { terms: before, .. }) = standing {
        terms.sequence = now_ms.max(before.sequence.saturating_add(1));
        let is_near = |new: U256, old: U256| new.abs_diff(old) <= old / U256::from(5);
        let is_near = is_near(terms.inputFloor, before.inputFloor)
            && is_near(terms.outputFloor, before.outputFloor);
        if is_near || !terms.isOpen {
            (terms.inputFloor, terms.outputFloor) = (before.inputFloor, before.outputFloor);
        }
        let is_same = OfferTerms {
            sequence: before.sequence,
            ..terms.clone()
        } == before;
        if is_same {
            return Ok(());
        }
    }
    machine.send(node, &job_offer(terms)).await?;
    Ok(())
}

/// The number of a channel.
///
/// # Errors
/// The node does not answer.
pub async fn channel_id(
    node: &Node,
    customer: Address,
    key: Address,
    machine_id: u64,
    class_id: u32,
) -> Result<B256, ClientError> {
    let asked = channelIdCall {
        customer,
        key,
        machineId: machine_id,
        classId: class_id,
    };
    node.view(ADDRESS, &asked).await
}

/// What a spending key wants to bind.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Whose units.
    pub customer: Address,
    /// To which machine.
    pub machine_id: u64,
    /// For which class.
    pub class_id: u32,
    /// At least, in smallest units.
    pub at_least: U256,
    /// At once, where there is so much.
    pub usual: U256,
}

/// Binds units, and answers the channel as it stands then.
///
/// # Errors
/// The customer has not so many free, the key may not, or the node does not answer.
pub async fn bind(
    node: &Node,
    trade: &Trade,
    key: &Sender,
    binding: &Binding,
) -> Result<Option<Channel>, ClientError> {
    let Binding {
        customer,
        machine_id,
        class_id,
        at_least,
        usual,
    } = *binding;
    let own = key.address();
    let free = node.view(ADDRESS, &customerOfCall { customer }).await?.free;
    let asked = keyOfCall { customer, key: own };
    let left = node.view(ADDRESS, &asked).await?.left;
    // Where less than usual is there, all of it that counts; the contract says what is missing of the least.
    let amount = usual.min(free).min(left).max(at_least);
    let channel = channel_id(node, customer, own, machine_id, class_id).await?;
    let before = job_channel(node, channel).await?;
    let now_ms = node.head_time_ms().await?;
    let used = before.map_or(0, |before| before.sequence);
    let IJobs::JobParams {
        epochMs, holdMs, ..
    } = trade.params;
    let lasts_ms = epochMs.saturating_mul(HOLD.0).max(HOLD.1).min(holdMs);
    let terms = Hold {
        customer,
        key: own,
        machineId: machine_id,
        classId: class_id,
        sequence: now_ms.max(used.saturating_add(1)),
        amount,
        untilMs: now_ms.saturating_add(lasts_ms),
    };
    key.send(node, &job_hold(terms)).await?;
    job_channel(node, channel).await
}

/// Gives back what is bound to a channel that is over.
///
/// # Errors
/// The contract refuses, or the node does not answer.
pub async fn release(node: &Node, by: &Sender, channel: B256) -> Result<(), ClientError> {
    by.send(node, &job_release(channel)).await.map(drop)
}

/// A receipt that was picked and waits to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Picked {
    /// The claim.
    pub claim_id: u64,
    /// The pick of it.
    pub pick: u32,
    /// The channel.
    pub channel: B256,
    /// The epoch.
    pub epoch: u64,
    /// The place of the receipt under the voucher.
    pub index: u32,
}

/// Receipts of a machine's claims that were picked and not shown: what is due first comes first.
///
/// # Errors
/// The node does not answer.
pub async fn picked(node: &Node, machine_id: u64) -> Result<Vec<Picked>, ClientError> {
    let mut all = Vec::new();
    let mut before = 0;
    for _ in 0..PAGES_MAX {
        let asked = claimsOfCall {
            machineId: machine_id,
            before,
            count: CLAIMS_MAX,
        };
        let ids = node.view(ADDRESS, &asked).await?;
        let mut is_over = true;
        for claim_id in &ids {
            is_over &= picked_of(node, *claim_id, &mut all).await?;
        }
        match ids.last() {
            Some(oldest) if !is_over => before = *oldest,
            _ => break,
        }
    }
    all.sort_by_key(|(due_ms, picked)| (*due_ms, picked.claim_id, picked.pick));
    Ok(all.into_iter().map(|(_, picked)| picked).collect())
}

/// Those of one claim. Answers whether it is past showing.
async fn picked_of(
    node: &Node,
    claim_id: u64,
    all: &mut Vec<(u64, Picked)>,
) -> Result<bool, ClientError> {
    let call = claimOfCall { claimId: claim_id };
    let claim = node.view(ADDRESS, &call).await?;
    if claim.phase != Phase::Showing.number() {
        return Ok(claim.phase > Phase::Showing.number());
    }
    for (pick, index) in (0..).zip(claim.picks) {
        let asked = pickOfCall {
            claimId: claim_id,
            pick,
        };
        if node.view(ADDRESS, &asked).await?.receipt.is_zero() {
            let picked = Picked {
                claim_id,
                pick,
                channel: claim.channel,
                epoch: claim.voucher.epoch,
                index,
            };
            all.push((claim.dueMs, picked));
        }
    }
    Ok(false)
}

/// Who audits jobs now.
///
/// # Errors
/// The node does not answer.
pub async fn auditors(node: &Node) -> Result<BTreeSet<Address>, ClientError> {
    let known = administration(node).await?;
    let now_ms = known.now_ms;
    let grants = known.grants.into_iter();
    let audits = grants.filter(|grant| {
        (grant.scope, grant.role) == (ADDRESS, AUDIT) && grant.effective_ms <= now_ms
    });
    Ok(audits.map(|grant| grant.holder).collect())
}
