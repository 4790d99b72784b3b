//! `capstan dev cheat`: lets a provider of a running development node cheat, and tells what becomes of it.
//!
//! The node is asked once, over RPC: its provider really does it from then on. What is told is read from the chain: claims as
//! they are made, which of their receipts are drawn, what auditors say of those, and what is refunded and slashed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U256};
use capstan_client::{Asset, Assets, Node, events_of, income_markets};
use capstan_contracts::{
    income::{self, IIncome},
    jobs::{
        self, Fault,
        IJobs::{
            AuditRevealed, Claim, ClaimPaid, ClaimVoid, claimCountCall, claimOfCall, paramsCall,
            pickOfCall,
        },
        Phase,
    },
    machines::{self, IMachines},
};
use capstan_units::decimal;
use eyre::{OptionExt as _, Result, WrapErr as _, bail};
use serde::Deserialize;
use serde_json::json;

use crate::{args::CheatOptions, words::count, world::Cheat};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// By then every cheat has been found many times over, and a debt was settled; where it was not, that is told.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    key: Address,
    does: String,
}

#[derive(Deserialize)]
struct Label {
    address: Address,
    name: String,
}

pub(crate) fn run(options: &CheatOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            ended = cheat(options) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}

const fn how(options: &CheatOptions) -> Cheat {
    match options {
        _ if options.swap_model => Cheat::SwapModel,
        _ if options.truncate => Cheat::Truncate,
        _ if options.replay => Cheat::Replay,
        _ if options.honest => Cheat::None,
        _ => Cheat::GoDark,
    }
}

async fn cheat(options: &CheatOptions) -> Result<()> {
    let (node, how) = (Node::new(&options.ask.rpc)?, how(options));
    let from = node.view(jobs::ADDRESS, &claimCountCall {}).await?;
    let begun: Begun = node
        .read("capstan_cheat", json!([options.provider, how.word()]))
        .await
        .wrap_err("the node lets nobody cheat")?;
    if how == Cheat::None {
        return is_honest_again(options, &begun);
    }
    let mut told = Told::begin(node, options, &begun, from).await?;
    told.say(format!(
        "provider {} (machine {}) {} from now on; {} stand for its word",
        options.provider,
        told.machine_id,
        begun.does,
        told.amount(told.bond)
    ));
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        tokio::time::sleep(LOOK_EVERY).await;
        let is_settled = told.look().await?;
        // Who goes on selling makes claim after claim: the first that is void is the end of the tale.
        let is_over = match how {
            Cheat::GoDark => told.state().await? && is_settled,
            _ => told.is_void(),
        };
        if is_over {
            return told.end().await;
        }
    }
    told.end().await?;
    bail!("nothing was found within {} s", PATIENCE.as_secs())
}

/// There is nothing to wait for. What it did before is still found.
fn is_honest_again(options: &CheatOptions, begun: &Begun) -> Result<()> {
    if options.ask.json {
        let whole = json!({"key": begun.key, "does": begun.does});
        println!("{whole:#}");
        return Ok(());
    }
    println!(
        "provider {} {} from now on; what it claimed before is audited as it was",
        options.provider, begun.does
    );
    Ok(())
}

/// What is known of a claim, so that each step is told once.
#[derive(Debug, Default)]
struct Seen {
    phase: u8,
    shown: u32,
    said: usize,
}

/// What was seen, and told.
struct Told {
    node: Node,
    json: bool,
    names: BTreeMap<Address, String>,
    asset: Asset,
    machine_id: u64,
    bond: U256,
    next_claim: u64,
    open: BTreeMap<u64, Seen>,
    state: u8,
    case: u64,
    /// What was told of it.
    stage: String,
    borne: BTreeMap<String, String>,
    voided: Vec<ClaimVoid>,
    paid: Vec<ClaimPaid>,
    steps: Vec<String>,
}

impl Told {
    async fn begin(node: Node, options: &CheatOptions, begun: &Begun, from: u64) -> Result<Self> {
        let labels: Vec<Label> = node.read("capstan_labels", json!([])).await?;
        let found = IMachines::machineOfCall { key: begun.key };
        let machine_id = node.view(machines::ADDRESS, &found).await?.machineId;
        let machine = IMachines::machineCall {
            machineId: machine_id,
        };
        let machine = node.view(machines::ADDRESS, &machine).await?;
        let params = node.view(jobs::ADDRESS, &paramsCall {}).await?.current;
        let assets = Assets::of(&node).await?;
        let asset = assets.get(params.assetId);
        let asset = asset.ok_or_eyre("jobs are paid in an asset that is not listed")?;
        Ok(Self {
            json: options.ask.json,
            names: labels
                .into_iter()
                .map(|label| (label.address, label.name))
                .collect(),
            asset: asset.clone(),
            machine_id,
            bond: machine.bond,
            next_claim: from + 1,
            open: BTreeMap::new(),
            state: machine.state,
            case: 0,
            stage: String::new(),
            borne: BTreeMap::new(),
            voided: Vec::new(),
            paid: Vec::new(),
            steps: Vec::new(),
            node,
        })
    }

    fn say(&mut self, line: String) {
        if !self.json {
            println!("{line}");
        }
        self.steps.push(line);
    }

    fn amount(&self, units: U256) -> String {
        let text = decimal(units, self.asset.decimals);
        format!("{text} {}", self.asset.symbol)
    }

    const fn is_void(&self) -> bool {
        !self.voided.is_empty()
    }

    /// What is new since the last look; whether every claim that was made is over.
    async fn look(&mut self) -> Result<bool> {
        let last = self.node.view(jobs::ADDRESS, &claimCountCall {}).await?;
        for id in self.next_claim..=last {
            let claim = self.claim(id).await?;
            if claim.machineId == self.machine_id {
                self.open.insert(id, Seen::default());
                let line = format!(
                    "claim {id}: {} of epoch {} for {}; {} of the bond stand for it",
                    count(usize::try_from(claim.voucher.receipts)?, "receipt"),
                    claim.voucher.epoch,
                    self.amount(claim.voucher.cost),
                    self.amount(claim.slash)
                );
                self.say(line);
            }
        }
        self.next_claim = last + 1;
        let open: Vec<u64> = self.open.keys().copied().collect();
        for id in open {
            let claim = self.claim(id).await?;
            if self.look_at(id, &claim).await? {
                self.open.remove(&id);
            }
        }
        Ok(self.open.is_empty())
    }

    async fn claim(&self, id: u64) -> Result<Claim> {
        let call = claimOfCall { claimId: id };
        Ok(self.node.view(jobs::ADDRESS, &call).await?)
    }

    /// What is new of a claim; whether it is over.
    async fn look_at(&mut self, id: u64, claim: &Claim) -> Result<bool> {
        let mut seen = self.open.remove(&id).unwrap_or_default();
        let before = seen.phase;
        seen.phase = claim.phase;
        if before < Phase::Showing.number() && claim.phase >= Phase::Showing.number() {
            let line = match claim.picks.as_slice() {
                [] => format!(
                    "claim {id}: the hash of block {} draws no receipt",
                    claim.seedBlock
                ),
                picks => {
                    let picks: Vec<_> = picks.iter().map(ToString::to_string).collect();
                    format!(
                        "claim {id}: the hash of block {} draws receipt {}",
                        claim.seedBlock,
                        picks.join(", ")
                    )
                }
            };
            self.say(line);
        }
        let mut shown = 0;
        for pick in (0_u32..).take(claim.picks.len()) {
            let call = pickOfCall { claimId: id, pick };
            let picked = self.node.view(jobs::ADDRESS, &call).await?;
            shown += u32::from(!picked.receipt.is_zero());
        }
        if shown > seen.shown {
            self.say(format!(
                "claim {id}: {shown} of {} shown",
                claim.picks.len()
            ));
        }
        seen.shown = shown;
        let topic = Some(B256::from(U256::from(id)));
        let said = events_of::<AuditRevealed>(&self.node, jobs::ADDRESS, &[topic]).await?;
        for (_, said) in said.iter().skip(seen.said) {
            let place = usize::try_from(said.pick)?;
            let receipt = claim.picks.get(place).copied().unwrap_or_default();
            let line = format!(
                "claim {id}: {} says of receipt {receipt}: {}",
                self.who(said.auditor),
                verdict(said.verdict)
            );
            self.say(line);
        }
        seen.said = said.len();
        match claim.phase {
            phase if phase == Phase::Paid.number() => self.paid(id, topic).await?,
            phase if phase == Phase::Void.number() => self.voided(id, topic).await?,
            _ => {
                self.open.insert(id, seen);
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn paid(&mut self, id: u64, topic: Option<B256>) -> Result<()> {
        let paid = events_of::<ClaimPaid>(&self.node, jobs::ADDRESS, &[topic]).await?;
        for (_, paid) in paid {
            let line = format!(
                "claim {id}: paid {} and a fee of {}",
                self.amount(paid.amount),
                self.amount(paid.fee)
            );
            self.say(line);
            self.paid.push(paid);
        }
        Ok(())
    }

    async fn voided(&mut self, id: u64, topic: Option<B256>) -> Result<()> {
        let voided = events_of::<ClaimVoid>(&self.node, jobs::ADDRESS, &[topic]).await?;
        for (_, voided) in voided {
            let line = format!(
                "claim {id}: void, {}: {} go back to {}, and the bond loses {}",
                reason(voided.reason),
                self.amount(voided.refunded),
                self.who(voided.customer),
                self.amount(voided.slashed)
            );
            self.say(line);
            self.voided.push(voided);
        }
        Ok(())
    }

    /// What became of the machine itself; whether it is dark, and whatever follows for its debt is over.
    async fn state(&mut self) -> Result<bool> {
        let call = IMachines::machineCall {
            machineId: self.machine_id,
        };
        let machine = self.node.view(machines::ADDRESS, &call).await?;
        if machine.state != self.state {
            self.state = machine.state;
            let line = match machine.state {
                3 => "the machine is late: a beat is missing".to_owned(),
                4 => "the machine is dark: its customers go elsewhere, and it can claim nothing"
                    .to_owned(),
                number => format!("the machine's state is {number} now"),
            };
            self.say(line);
        }
        if machine.state != machines::State::Dark.number() {
            return Ok(false);
        }
        let call = IIncome::bookCall {
            machineId: self.machine_id,
        };
        // A machine without a book owes nothing.
        let Ok(book) = self.node.view(income::ADDRESS, &call).await else {
            return Ok(true);
        };
        if self.case == 0 {
            if book.principal.is_zero() {
                return Ok(true);
            }
            if book.caseId == 0 {
                return Ok(false);
            }
            self.case = book.caseId;
            let line = format!(
                "it owes {}: case {} is open, and all that it earns goes to its lenders",
                self.amount(book.owed),
                book.caseId
            );
            self.say(line);
        }
        self.follow_case().await
    }

    /// What is new of the case that is open; whether it is over.
    async fn follow_case(&mut self) -> Result<bool> {
        let (_, all) = income_markets(&self.node).await?;
        let mut cases = all.cases.into_iter();
        let Some(case) = cases.find(|case| case.case_id.to::<u64>() == self.case) else {
            return Ok(true);
        };
        let (unit, id) = (&case.asset.symbol, self.case);
        if case.stage != self.stage {
            let line = match case.closed_ms {
                Some(_) => format!("case {id}: {}; {} {unit} left", case.stage, case.left.text),
                None => format!("case {id}: {}", case.stage),
            };
            self.stage.clone_from(&case.stage);
            self.say(line);
        }
        for step in &case.steps {
            let (tier, paid) = (step.tier.clone(), step.amount.text.clone());
            let line = format!("case {id}: {paid} {unit} in all from {tier}");
            if self.borne.insert(tier, paid.clone()) != Some(paid) {
                self.say(line);
            }
        }
        // A title that nobody wants stays for sale; the debt is settled.
        Ok(case.closed_ms.is_some() || case.stage == "unsold")
    }

    fn who(&self, address: Address) -> String {
        let name = self.names.get(&address);
        name.cloned().unwrap_or_else(|| address.to_string())
    }

    /// What the bond lost, to customers whose claims were void and to lenders alike.
    async fn bond_lost(&self) -> Result<U256> {
        let call = IMachines::machineCall {
            machineId: self.machine_id,
        };
        let left = self.node.view(machines::ADDRESS, &call).await?.bond;
        Ok(self.bond.saturating_sub(left))
    }

    async fn end(&mut self) -> Result<()> {
        let sum = |all: &mut dyn Iterator<Item = U256>| all.fold(U256::ZERO, |sum, one| sum + one);
        let refunded = sum(&mut self.voided.iter().map(|one| one.refunded));
        let slashed = sum(&mut self.voided.iter().map(|one| one.slashed));
        let paid = sum(&mut self.paid.iter().map(|one| one.amount));
        let bond_lost = self.bond_lost().await?;
        if self.json {
            let whole = json!({
                "machineId": self.machine_id,
                "assetId": self.asset.id,
                "void": self.voided.iter().map(|one| json!({
                    "claimId": one.claimId, "reason": one.reason,
                    "refunded": one.refunded, "slashed": one.slashed,
                })).collect::<Vec<_>>(),
                "paid": paid, "refunded": refunded, "slashed": slashed, "bondLost": bond_lost,
                "steps": self.steps,
            });
            println!("{whole:#}");
            return Ok(());
        }
        println!();
        println!(
            "{} void, {} paid since it began: {} went back to customers, the bond lost {}, and it was paid {}",
            self.voided.len(),
            self.paid.len(),
            self.amount(refunded),
            self.amount(bond_lost),
            self.amount(paid)
        );
        Ok(())
    }
}

fn verdict(number: u8) -> &'static str {
    match number {
        0 => "right",
        number => reason(number),
    }
}

/// Why a claim is void.
fn reason(number: u8) -> &'static str {
    let found = Fault::ALL.into_iter().find(|one| one.number() == number);
    match found {
        Some(Fault::Wrong) => "wrong: the model of its class says something else",
        Some(Fault::CutShort) => "cut short",
        Some(Fault::Copied) => "copied from another request",
        Some(Fault::Withheld) => "withheld: the machine gave nothing to compute on",
        Some(Fault::NotShown) => "a receipt that was drawn was not shown",
        Some(Fault::OtherProgram) => "a receipt of another program",
        Some(Fault::OtherMachine) => "a receipt of another machine",
        Some(Fault::OtherPayer) => "a receipt for another key",
        Some(Fault::Failed) => "a receipt of work that failed",
        Some(Fault::OtherEpoch) => "a receipt of another epoch",
        Some(Fault::Overcharged) => "a receipt that costs too much",
        Some(Fault::Duplicate) => "a job that was claimed twice",
        None => "for a reason that this program does not know",
    }
}
