//! A provider of the prepared world: answers, keeps what auditors ask for, claims what it is owed, and shows what was drawn.
//!
//! ```text
//!   question ─► crook: an answer ─► receipt ─► the customer's word for the voucher ─► sheet of the epoch
//!                                     └─► kept for auditors       epoch over ─► claim ─► drawn ─► show
//! ```
//! All that it does on chain any provider can do. Between it and its customer there is no gateway: they are in one process.

mod audits;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, Signature, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use capstan_agents::provider::{Seat, live};
use capstan_client::{
    Call, ClientError, Node, Sender, events_in, job_claim, job_offer, job_show, send,
};
use capstan_compute::{
    audit::Evidence,
    receipt::{Machine, Outcome, Receipt, Signed, canonical_request},
    tab::{Court, Kept, Tally, Voucher, channel_of},
    upstream::Object,
};
use capstan_contracts::jobs::{
    self,
    IJobs::{self, Claimed, OfferTerms, claimOfCall, offerOfCall, paramsCall, pickOfCall},
    Phase,
};
use eyre::{OptionExt as _, Result, ensure, eyre};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::watch;

use super::{
    cast::Provider,
    crook::{Cheat, Crook},
    program::Program,
};
use crate::compute::{Engines, in_contract};

/// Between two looks at claims.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What ended by itself begins again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Receipts that are kept for auditors; an audit is over long before.
const KEPT_MAX: usize = 1_024;
const MILLION: u64 = 1_000_000;

/// What a channel owes for an epoch.
#[derive(Clone, Debug)]
struct Sheet {
    tally: Tally,
    receipts: Vec<Receipt>,
    by_key: Signature,
}

/// An answer with its bill, until the customer has signed for it.
#[derive(Debug)]
pub(super) struct Sold {
    pub(super) signed: Signed,
    pub(super) voucher: Voucher,
    tally: Tally,
    kept: Kept,
}

#[derive(Debug, Default)]
struct State {
    sheets: BTreeMap<u64, Sheet>,
    kept: BTreeMap<B256, Kept>,
    /// In the order in which they came.
    kept_order: Vec<B256>,
    /// Open claims, with what was claimed.
    claims: BTreeMap<u64, Sheet>,
}

/// A provider at work.
#[derive(Debug)]
pub(super) struct Shop {
    node: Node,
    machine: Machine,
    /// Who carries claims and receipts to the chain: beats are the machine's own, and one key sends one thing at a time.
    holder: PrivateKeySigner,
    pub(super) machine_id: u64,
    pub(super) class_id: u32,
    pub(super) program: B256,
    model: &'static str,
    pub(super) court: Court,
    crook: Crook,
    seat: Seat,
    engines: Engines,
    auditors: Vec<Address>,
    customer: (Address, Address),
    cheat: watch::Receiver<Cheat>,
    state: Mutex<State>,
}

/// What shops of a world share.
#[derive(Clone, Debug)]
pub(super) struct Town {
    pub(super) node: Node,
    pub(super) program: Program,
    pub(super) class_id: u32,
    pub(super) auditors: Vec<Address>,
    /// Who buys, and by which key.
    pub(super) customer: (Address, Address),
}

impl Shop {
    /// Of a machine that is registered; none where it is not, as on a chain that was kept from before there were machines.
    pub(super) async fn open(
        town: &Town,
        provider: &Provider,
        cheat: watch::Receiver<Cheat>,
    ) -> Result<Option<Arc<Self>>> {
        let key = provider.key.clone();
        let seat = capstan_agents::provider::seat(&town.node, key.address()).await?;
        let Some(seat) = seat else {
            return Ok(None);
        };
        let honest = Arc::clone(&town.program.engine);
        let other = super::program::other()?;
        Ok(Some(Arc::new(Self {
            node: town.node.clone(),
            machine: Machine::of(key),
            holder: provider.holder.clone(),
            machine_id: seat.machine_id,
            class_id: town.class_id,
            program: B256::from(honest.card().sha256),
            model: town.program.name,
            court: Court {
                chain_id: town.node.chain_id().await?,
                contract: jobs::ADDRESS,
            },
            crook: Crook::new(town.program.name, Arc::clone(&honest), other),
            seat,
            engines: Engines(vec![honest]),
            auditors: town.auditors.clone(),
            customer: town.customer,
            cheat,
            state: Mutex::new(State::default()),
        })))
    }

    fn cheats_by(&self) -> Cheat {
        *self.cheat.borrow()
    }

    /// Sells until it is dropped; while it is dark it does nothing at all.
    pub(super) async fn run(self: Arc<Self>) -> Result<()> {
        let mut cheat = self.cheat.clone();
        loop {
            cheat.wait_for(|cheat| *cheat != Cheat::GoDark).await?;
            let selling = async {
                if let Err(error) = Arc::clone(&self).sell().await {
                    tracing::warn!(%error, machine = self.machine_id, "a shop opens again");
                }
                tokio::time::sleep(AGAIN_AFTER).await;
            };
            let dark = async {
                let dark = cheat.wait_for(|cheat| *cheat == Cheat::GoDark).await;
                dark.map(drop)
            };
            tokio::select! {
                () = selling => {}
                dark = dark => dark?,
            }
        }
    }

    async fn sell(self: Arc<Self>) -> Result<()> {
        let (address, serving) = audits::serve(Arc::clone(&self)).await?;
        self.offer(&format!("http://{address}")).await?;
        let key = Sender::new(self.machine.signer().clone());
        tokio::select! {
            ended = serving => ended?,
            () = live(&self.node, &key, &self.seat, &self.engines) => {}
            () = self.settle() => {}
        }
        Ok(())
    }

    /// Says where it answers, without floors: what its region pays is enough.
    async fn offer(&self, endpoint: &str) -> Result<()> {
        let terms = OfferTerms {
            machineId: self.machine_id,
            classId: self.class_id,
            inputFloor: U256::ZERO,
            outputFloor: U256::ZERO,
            isOpen: true,
            sequence: self.node.head_time_ms().await?,
            endpoint: endpoint.to_owned(),
        };
        self.send(self.machine.signer(), &job_offer(terms)).await?;
        Ok(())
    }

    async fn send(&self, by: &PrivateKeySigner, call: &Call) -> Result<B256, ClientError> {
        let sent = send(&self.node, by, call).await?;
        Ok(sent.hash)
    }

    async fn view<C: SolCall>(&self, call: &C) -> Result<C::Return, ClientError> {
        self.node.view(jobs::ADDRESS, call).await
    }

    /// Of the one customer of this world.
    fn channel(&self) -> B256 {
        let (customer, key) = self.customer;
        channel_of(customer, key, self.machine_id, self.class_id)
    }

    /// Answers, and says what that costs.
    pub(super) async fn answer(&self, body: &Object) -> Result<Sold> {
        let cheat = self.cheats_by();
        if cheat == Cheat::GoDark {
            return Err(eyre!("machine {} does not answer", self.machine_id));
        }
        let started_ms = self.node.head_time_ms().await?;
        let epoch_ms = self.view(&paramsCall {}).await?.current.epochMs;
        let offer = offerOfCall {
            machineId: self.machine_id,
            classId: self.class_id,
        };
        let offer = self.view(&offer).await?;
        // Prices are of an epoch: between two nothing is sold.
        let seen_ms = self.node.head_time_ms().await?;
        ensure!(
            seen_ms / epoch_ms.max(1) == started_ms / epoch_ms.max(1),
            "an epoch ends"
        );
        let made = self.crook.answer(body, cheat).await?;
        let claim = made.answer.claim.ok_or_eyre("the engine counts nothing")?;
        let cost = offer.inputPrice * U256::from(claim.input_tokens)
            + offer.outputPrice * U256::from(claim.output_tokens);
        let evidence = Evidence {
            request: canonical_request(body),
            work: made.work,
        };
        let notes = json!({ "model": self.model, "kind": "chat", "evidence": evidence.hash() });
        let receipt = Receipt {
            job: B256::random(),
            program: self.program,
            input: keccak256(&evidence.request),
            output: made.answer.hash(),
            parents: Vec::new(),
            payer: self.customer.1.into_word(),
            machine: self.machine.address(),
            startedMs: started_ms,
            firstMs: 0,
            tookMs: 0,
            inputUnits: claim.input_tokens,
            outputUnits: claim.output_tokens,
            cost: (cost / U256::from(MILLION)).saturating_to(),
            energyMj: 0,
            outcome: Outcome::Whole.number(),
            notes: B256::ZERO,
        };
        let notes = notes.as_object().cloned().unwrap_or_default();
        let signed = self.machine.sign(receipt, notes)?;
        let epoch = started_ms.checked_div(epoch_ms).unwrap_or_default();
        let before = self
            .state
            .lock()
            .sheets
            .get(&epoch)
            .map(|sheet| sheet.tally.clone());
        let mut tally = before.unwrap_or_else(|| Tally::new(self.channel(), epoch));
        ensure!(tally.push(&signed.receipt), "the voucher is full");
        let voucher = tally.voucher().cloned().ok_or_eyre("nothing is owed")?;
        Ok(Sold {
            kept: Kept {
                signed: signed.clone(),
                request: evidence.request.clone(),
                answer: made.answer.canonical(),
                evidence: Some(evidence),
            },
            signed,
            voucher,
            tally,
        })
    }

    /// The customer signed for it.
    pub(super) fn accept(&self, sold: Sold, by_key: Signature) {
        let mut state = self.state.lock();
        let id = sold.signed.id;
        state.kept.insert(id, sold.kept);
        state.kept_order.push(id);
        if state.kept_order.len() > KEPT_MAX {
            let oldest = state.kept_order.remove(0);
            state.kept.remove(&oldest);
        }
        let before = state.sheets.remove(&sold.tally.epoch());
        let mut receipts = before.map(|sheet| sheet.receipts).unwrap_or_default();
        receipts.push(sold.signed.receipt);
        let sheet = Sheet {
            tally: sold.tally,
            receipts,
            by_key,
        };
        state.sheets.insert(sheet.tally.epoch(), sheet);
    }

    /// Claims what epochs brought, and shows what was drawn.
    async fn settle(&self) {
        loop {
            if let Err(error) = self.look().await {
                tracing::debug!(%error, machine = self.machine_id, "claims wait");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self) -> Result<()> {
        let now = self.view(&IJobs::epochCall {}).await?.number;
        let over = self.state.lock().sheets.keys().next().copied();
        if let Some(epoch) = over.filter(|epoch| *epoch < now) {
            let sheet = self.state.lock().sheets.remove(&epoch);
            if let Some(sheet) = sheet.filter(|_| epoch + 1 == now) {
                self.claim(sheet).await?;
            }
        }
        let open: Vec<u64> = self.state.lock().claims.keys().copied().collect();
        for id in open {
            self.show(id).await?;
        }
        Ok(())
    }

    async fn claim(&self, sheet: Sheet) -> Result<()> {
        let voucher = sheet.tally.voucher().ok_or_eyre("an empty sheet")?;
        let call = job_claim(
            in_contract::voucher(voucher),
            in_contract::signature(&sheet.by_key),
            in_contract::signature(&self.court.sign(voucher, self.machine.signer())?),
        );
        let hash = self.send(&self.holder, &call).await?;
        let made = events_in::<Claimed>(&self.node, jobs::ADDRESS, hash).await?;
        if let Some(claimed) = made.first() {
            self.state.lock().claims.insert(claimed.claimId, sheet);
        }
        Ok(())
    }

    async fn show(&self, id: u64) -> Result<()> {
        let claim = self.view(&claimOfCall { claimId: id }).await?;
        if claim.phase > Phase::Showing.number() {
            self.state.lock().claims.remove(&id);
            return Ok(());
        }
        if claim.phase != Phase::Showing.number() {
            return Ok(());
        }
        let sheet = self.state.lock().claims.get(&id).cloned();
        let sheet = sheet.ok_or_eyre("a claim without its receipts")?;
        for (pick, index) in (0_u32..).zip(&claim.picks) {
            let picked = self.view(&pickOfCall { claimId: id, pick }).await?;
            if !picked.receipt.is_zero() {
                continue;
            }
            let place = usize::try_from(*index)?;
            let receipt = sheet.receipts.get(place).ok_or_eyre("no such receipt")?;
            let shown = in_contract::receipt(receipt.clone());
            let call = job_show(id, pick, shown, sheet.tally.proof(place));
            self.send(&self.holder, &call).await?;
        }
        Ok(())
    }
}
