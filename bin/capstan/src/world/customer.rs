//! Who buys a little work every few seconds: binds units to each machine, asks it, checks its receipt, signs for it.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{B256, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall as _;
use capstan_client::{Call, Node, send};
use capstan_compute::{receipt::canonical_request, tab::channel_of, upstream::Object};
use capstan_contracts::{
    jobs::{
        self,
        IJobs::{Hold, Signature, channelOfCall, holdCall, offerOfCall},
    },
    machines::State,
};
use eyre::{Result, ensure};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

use super::{
    listed::{ASSETS, USDC},
    shop::Shop,
};

/// Between two purchases.
const EVERY: Duration = Duration::from_secs(2);
/// What is bound to a machine at a time, for how long, and when it is bound again.
const HELD: u64 = 25;
const HELD_LOW: u64 = 5;
const HELD_MS: u64 = 1_800_000;
const HELD_LOW_MS: u64 = 300_000;
/// Tokens of an answer.
const TOKENS: u64 = 24;
/// What is asked for.
const QUESTIONS: [&str; 6] = [
    "Name a river.",
    "What is a capstan?",
    "Count to five.",
    "Say something about the sea.",
    "What is the colour of copper?",
    "Why does a ship float?",
];

/// Who buys.
pub(super) struct Customer {
    pub(super) node: Node,
    pub(super) customer: PrivateKeySigner,
    pub(super) spender: PrivateKeySigner,
    pub(super) seed: u64,
}

impl Customer {
    /// Buys from one machine after the other, until it is dropped. A machine that does not serve is left out.
    pub(super) async fn run(self, shops: Vec<Arc<Shop>>) {
        let mut random = StdRng::seed_from_u64(self.seed ^ 0x0C05_7013);
        for shop in shops.iter().cycle() {
            tokio::time::sleep(EVERY).await;
            let question = QUESTIONS[random.random_range(0..QUESTIONS.len())];
            let seed: u32 = random.random();
            if let Err(error) = self.buy(shop, question, seed).await {
                tracing::debug!(%error, machine = shop.machine_id, "nothing was bought");
            }
        }
    }

    async fn buy(&self, shop: &Shop, question: &str, seed: u32) -> Result<()> {
        let offer = offerOfCall {
            machineId: shop.machine_id,
            classId: shop.class_id,
        };
        let offer = self.node.view(jobs::ADDRESS, &offer).await?;
        let serves = [State::Probation, State::Live, State::Late];
        if !offer.terms.isOpen || !serves.iter().any(|state| state.number() == offer.state) {
            return Ok(());
        }
        self.hold(shop).await?;
        let body = json!({
            "model": "any", "max_tokens": TOKENS, "seed": seed, "temperature": 1,
            "messages": [{"role": "user", "content": question}],
        });
        let body: Object = body.as_object().cloned().unwrap_or_default();
        let sold = shop.answer(&body).await?;
        let receipt = &sold.signed.receipt;
        sold.signed.verify()?;
        ensure!(
            receipt.input == keccak256(canonical_request(&body)),
            "a receipt of another request"
        );
        ensure!(
            receipt.program == shop.program,
            "a receipt of another model"
        );
        ensure!(
            receipt.outputUnits <= TOKENS,
            "more tokens than were asked for"
        );
        let cost = offer.inputPrice * U256::from(receipt.inputUnits)
            + offer.outputPrice * U256::from(receipt.outputUnits);
        let most = cost / U256::from(1_000_000) + U256::from(1);
        ensure!(
            U256::from(receipt.cost) <= most,
            "a receipt that costs more"
        );
        let word = shop.court.sign(&sold.voucher, &self.spender)?;
        shop.accept(sold, word);
        Ok(())
    }

    fn channel(&self, shop: &Shop) -> B256 {
        let (customer, key) = (self.customer.address(), self.spender.address());
        channel_of(customer, key, shop.machine_id, shop.class_id)
    }

    /// Binds units to a machine, where too few are bound or the end is near.
    async fn hold(&self, shop: &Shop) -> Result<()> {
        let call = channelOfCall {
            channel: self.channel(shop),
        };
        let now_ms = self.node.head_time_ms().await?;
        // There is none before the first hold.
        let bound = self.node.view(jobs::ADDRESS, &call).await.ok();
        let low = ASSETS[USDC].units(HELD_LOW);
        let is_enough = bound.as_ref().is_some_and(|channel| {
            channel.bound >= low && channel.untilMs > now_ms.saturating_add(HELD_LOW_MS)
        });
        if is_enough {
            return Ok(());
        }
        let hold = holdCall {
            terms: Hold {
                customer: self.customer.address(),
                key: self.spender.address(),
                machineId: shop.machine_id,
                classId: shop.class_id,
                sequence: now_ms,
                amount: ASSETS[USDC].units(HELD),
                untilMs: now_ms.saturating_add(HELD_MS),
            },
            signature: Signature {
                v: 0,
                r: B256::ZERO,
                s: B256::ZERO,
            },
        };
        let call = Call {
            to: jobs::ADDRESS,
            input: hold.abi_encode().into(),
            value_wei: U256::ZERO,
        };
        send(&self.node, &self.spender, &call).await?;
        Ok(())
    }
}
