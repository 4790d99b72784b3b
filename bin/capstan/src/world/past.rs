//! A day before anybody looks: the first machine has sold some work, was paid for it and has beaten ever since, and borrows
//! against what it earned, so that a newcomer finds a machine that carries a debt.
//!
//! ```text
//!   26 h ago      24 h 55 min ago                        2 min ago          now
//!   ├ customer ───┼ register, answer ► claim ► paid ─────┼ short beats ─────┤ escrow, loan
//!                 └ beats once in half a day, and proves then what it can do, until the terms of a world that is looked
//!                   at for minutes begin
//! ```
//! All of it is ordinary transactions in blocks of that time. The answers are the model's own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{B256, Signature, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolValue as _};
use capstan_agents::provider::commitment;
use capstan_client::{
    Call, borrow_on_income, job_claim, job_hold, job_offer, job_show, machine_answer, machine_beat,
    machine_draw,
};
use capstan_compute::{
    audit::Evidence,
    bundled::{Bundled, class_of, output},
    receipt::{Machine, Outcome, Receipt, canonical_request},
    tab::{Court, Tally, channel_of},
    upstream::{Aside, Ask, AskBounds, Kind},
};
use capstan_contracts::{
    jobs::{
        self,
        IJobs::{ClaimDrawn, ClaimPaid, Claimed, Hold, OfferTerms},
    },
    machines::{
        self,
        IMachines::{
            ChallengeAsked, ChallengeDrawn, ChallengeSettled, askCall, commitAuditCall,
            revealAuditCall, settleCall,
        },
    },
};
use eyre::{OptionExt as _, Result, ensure};
use serde_json::json;

use super::{
    cast::{Cast, Provider},
    crook::Made,
    listed::{ASSETS, USDC},
    maker::{BEAT_EVERY_S, Maker, PHASE_S},
    program::Program,
    works::{EPOCH_MS, OUTPUT_PRICE},
};
use crate::compute::in_contract;

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;
/// When a world with machines begins, before it is looked at.
pub(super) const BEGAN_S: u64 = 26 * HOUR_S;
/// When the machine sells: its customer is known for longer than the market of loans asks, and the day is over by now.
const SOLD_S: u64 = 24 * HOUR_S + 55 * MINUTE_S;
/// Later than that by so much it answers, claims, and is live. On probation a machine may claim before it has proven what it
/// can; what is paid while it is live counts.
const ANSWERED_S: u64 = 100;
const CLAIMED_S: u64 = 112;
const LIVE_S: u64 = 122;
/// When short beats begin; they were announced a day before.
const SHORT_S: u64 = 2 * MINUTE_S + 30;
/// A beat half-way between.
const HALF_S: u64 = 12 * HOUR_S;
/// Between short beats.
const BEAT_S: u64 = 10;
/// What is asked, and how many tokens long the answer may be.
const QUESTION: &str = "Why does a ship float?";
const TOKENS: u64 = 24;
/// What is bound to the machine for that answer, and today, in whole units; and until when.
const HELD_THEN: u64 = 1;
const HELD_NOW: u64 = 12;
const HELD_MS: u64 = 3_000_000;
/// Units of the challenge that it passes.
const PROVEN_UNITS: u64 = 32;
/// One step of its auditors, and a moment: where blocks are made fast several fall into one millisecond, and a block that is exactly a
/// step later is still in it.
const PROOF_PHASE: Duration = Duration::from_secs(PHASE_S + 1);
/// What it borrows: less than half of the escrow, which is what that carries.
const BORROWED: u64 = 5;

fn to_machines(call: &impl SolCall) -> Call {
    Call {
        to: machines::ADDRESS,
        input: call.abi_encode().into(),
        value_wei: U256::ZERO,
    }
}

/// Counts back from when the world is made.
#[derive(Clone, Copy)]
pub(super) struct Ago {
    now_s: u64,
}

impl Ago {
    pub(super) fn of_this_moment() -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let now_s = now.as_secs();
        Ok(Self {
            // Epochs begin at whole multiples of their length.
            now_s: now_s - now_s % (EPOCH_MS / 1_000),
        })
    }

    const fn at(self, ago_s: u64) -> u64 {
        self.now_s.saturating_sub(ago_s)
    }
}

impl Maker<'_> {
    /// Blocks are of so many seconds ago from here on.
    pub(super) fn go_back(&self, ago: Ago, ago_s: u64) -> Result<()> {
        self.dev()?.set_time(ago.at(ago_s))?;
        Ok(())
    }

    /// What the first machine did between its coming and now.
    pub(super) fn past(&mut self, ago: Ago, cast: &Cast, program: &Program) -> Result<()> {
        let first = cast.providers.first().ok_or_eyre("nobody sells")?;
        self.go_back(ago, SOLD_S)?;
        self.register(first, program)?;
        self.sold(ago, cast, first, program)?;
        // A day before they count.
        self.go_back(ago, SHORT_S + 24 * HOUR_S)?;
        self.machines(BEAT_EVERY_S)?;
        for ago_s in [HALF_S, SHORT_S + 1] {
            self.go_back(ago, ago_s)?;
            self.beat(first)?;
            if ago_s == HALF_S {
                self.proven(cast, first, program)?;
            }
        }
        let mut ago_s = SHORT_S - BEAT_S;
        while ago_s > 0 {
            self.go_back(ago, ago_s)?;
            self.beat(first)?;
            ago_s = ago_s.saturating_sub(BEAT_S);
        }
        self.dev()?.reset_time()?;
        self.beat(first)
    }

    /// Customers bind more than ever before, and the machine borrows against that.
    pub(super) fn funded(&mut self, cast: &Cast, program: &Program) -> Result<()> {
        let first = cast.providers.first().ok_or_eyre("nobody sells")?;
        self.hold(cast, program, HELD_NOW)?;
        self.mine()?;
        let amount = ASSETS[USDC].units(BORROWED);
        self.send(&first.holder, &borrow_on_income(0, amount))?;
        self.mine()
    }

    fn pass(&self, time: Duration) -> Result<()> {
        self.dev()?.increase_time(time)?;
        Ok(())
    }

    fn beat(&mut self, provider: &Provider) -> Result<()> {
        self.send(&provider.key, &machine_beat(0))?;
        self.mine()
    }

    /// A challenge, which counts for a day: without one a machine that is live may sell nothing. It is as fast as it is here.
    fn proven(&mut self, cast: &Cast, provider: &Provider, program: &Program) -> Result<()> {
        let auditor = cast.auditors.first().ok_or_eyre("nobody audits")?;
        let ask = askCall {
            machineId: 0,
            class: class_of(&program.engine.card().sha256),
            units: PROVEN_UNITS,
            withinMs: 1_000,
        };
        self.send(auditor, &to_machines(&ask))?;
        self.mine()?;
        let asked: ChallengeAsked = self.heard().ok_or_eyre("nothing was asked")?;
        // The hash of the second block after it is the seed.
        self.dev()?.mine(2, None)?;
        self.send(&provider.key, &machine_draw(0))?;
        self.mine()?;
        let drawn: ChallengeDrawn = self.heard().ok_or_eyre("nothing was drawn")?;
        let output = output(&program.engine, drawn.seed, PROVEN_UNITS, &|| true)?;
        let output = output.ok_or_eyre("the engine answers nothing")?;
        let answer = commitment(asked.number, 0, output);
        self.send(&provider.key, &machine_answer(0, answer))?;
        self.mine()?;
        let salt = keccak256("a challenge of a development world");
        let said = (asked.number, auditor.address(), output, salt).abi_encode();
        let commit = commitAuditCall {
            machineId: 0,
            commitment: keccak256(said),
        };
        self.send(auditor, &to_machines(&commit))?;
        self.mine()?;
        self.pass(PROOF_PHASE)?;
        let reveal = revealAuditCall {
            machineId: 0,
            output,
            salt,
        };
        self.send(auditor, &to_machines(&reveal))?;
        self.mine()?;
        self.pass(PROOF_PHASE)?;
        self.send(auditor, &to_machines(&settleCall { machineId: 0 }))?;
        self.mine()?;
        let settled: ChallengeSettled = self.heard().ok_or_eyre("nothing was settled")?;
        ensure!(settled.perHour > 0, "the first machine proved nothing");
        Ok(())
    }

    fn hold(&mut self, cast: &Cast, program: &Program, whole: u64) -> Result<()> {
        let now_ms = self.head_ms();
        let hold = job_hold(Hold {
            customer: cast.customer.address(),
            key: cast.spender.address(),
            machineId: 0,
            classId: class_of(&program.engine.card().sha256),
            sequence: now_ms,
            amount: ASSETS[USDC].units(whole),
            untilMs: now_ms.saturating_add(HELD_MS),
        });
        self.send(&cast.spender, &hold)
    }

    /// An answer, its claim, and its pay.
    fn sold(
        &mut self,
        ago: Ago,
        cast: &Cast,
        provider: &Provider,
        program: &Program,
    ) -> Result<()> {
        self.go_back(ago, SOLD_S - ANSWERED_S)?;
        let class_id = class_of(&program.engine.card().sha256);
        let offer = job_offer(OfferTerms {
            machineId: 0,
            classId: class_id,
            inputFloor: U256::ZERO,
            outputFloor: U256::ZERO,
            isOpen: true,
            sequence: self.head_ms(),
            endpoint: "http://127.0.0.1:1".to_owned(),
        });
        self.send(&provider.key, &offer)?;
        self.hold(cast, program, HELD_THEN)?;
        self.mine()?;
        let receipt = self.receipt(cast, provider, program)?;
        let (customer, key) = (cast.customer.address(), cast.spender.address());
        let channel = channel_of(customer, key, 0, class_id);
        let epoch = self.head_ms() / EPOCH_MS;
        let mut tally = Tally::new(channel, epoch);
        ensure!(tally.push(&receipt), "one receipt is too many");
        let voucher = tally.voucher().cloned().ok_or_eyre("nothing is owed")?;
        let court = Court {
            chain_id: self.chain_id(),
            contract: jobs::ADDRESS,
        };
        let word = |by: &PrivateKeySigner| -> Result<Signature> { Ok(court.sign(&voucher, by)?) };
        let claim = job_claim(
            in_contract::voucher(&voucher),
            in_contract::signature(&word(&cast.spender)?),
            in_contract::signature(&word(&provider.key)?),
        );
        // In the epoch after it.
        self.go_back(ago, SOLD_S - CLAIMED_S)?;
        self.send(&provider.holder, &claim)?;
        self.mine()?;
        let claimed: Claimed = self.heard().ok_or_eyre("nothing was claimed")?;
        self.go_back(ago, SOLD_S - LIVE_S)?;
        self.beat(provider)?;
        self.settled(provider, &claimed, &receipt, &tally)
    }

    /// Shows the receipt if it is drawn, and waits until the block has paid.
    fn settled(
        &mut self,
        provider: &Provider,
        claimed: &Claimed,
        receipt: &Receipt,
        tally: &Tally,
    ) -> Result<()> {
        // Drawn, shown, looked at and paid within a minute.
        for _ in 0..60 {
            self.pass(Duration::from_secs(1))?;
            self.dev()?.mine(1, None)?;
            let drawn: Option<ClaimDrawn> = self.heard();
            if drawn.is_some_and(|drawn| !drawn.picks.is_empty()) {
                let shown = in_contract::receipt(receipt.clone());
                let show = job_show(claimed.claimId, 0, shown, tally.proof(0));
                self.send(&provider.holder, &show)?;
                self.mine()?;
            }
            let paid: Option<ClaimPaid> = self.heard();
            if paid.is_some() {
                return Ok(());
            }
        }
        eyre::bail!("the first machine was not paid")
    }

    fn receipt(&self, cast: &Cast, provider: &Provider, program: &Program) -> Result<Receipt> {
        let body = json!({
            "model": "any", "max_tokens": TOKENS, "seed": 1, "temperature": 1,
            "messages": [{"role": "user", "content": QUESTION}],
        });
        let body = body.as_object().cloned().unwrap_or_default();
        let ask = Ask {
            kind: Kind::Chat,
            model: program.name.to_owned(),
            body: body.clone(),
            aside: Aside::default(),
            bounds: AskBounds::default(),
        };
        let engine = Bundled::new(program.name, program.engine.clone(), 1);
        let made = std::thread::scope(|scope| {
            let answer = || crate::block_on(async { Ok(Made::by(&engine, &ask).await?) });
            // Where this runs there may be a runtime already, which does not wait for another.
            scope.spawn(answer).join()
        });
        let made = made.map_err(|_| eyre::eyre!("the engine panicked"))??;
        let answer = made.answer();
        let claim = answer.claim.ok_or_eyre("the engine counts nothing")?;
        let evidence = Evidence {
            request: canonical_request(&body),
            work: made.work,
        };
        let cost =
            U256::from(OUTPUT_PRICE) * U256::from(claim.output_tokens) / U256::from(1_000_000);
        let receipt = Receipt {
            job: keccak256("the first job of a development world"),
            program: B256::from(program.engine.card().sha256),
            input: keccak256(&evidence.request),
            output: answer.hash(),
            parents: Vec::new(),
            payer: cast.spender.address().into_word(),
            machine: provider.key.address(),
            startedMs: self.head_ms(),
            firstMs: 0,
            tookMs: 0,
            inputUnits: claim.input_tokens,
            outputUnits: claim.output_tokens,
            cost: cost.saturating_to(),
            energyMj: 0,
            outcome: Outcome::Whole.number(),
            notes: B256::ZERO,
        };
        let notes = json!({ "model": program.name, "kind": "chat", "evidence": evidence.hash() });
        let notes = notes.as_object().cloned().unwrap_or_default();
        let signed = Machine::of(provider.key.clone()).sign(receipt, notes)?;
        Ok(signed.receipt)
    }
}
