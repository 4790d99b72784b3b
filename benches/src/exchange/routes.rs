//! How long `capstan_quote` takes over many pools: over HTTP on this machine, less a question that needs no work.

use std::time::Instant;

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, TxKind, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use capstan_chain::{Chain, ChainConfig, Genesis, Mining};
use capstan_contracts::{
    exchange::{ADDRESS as EXCHANGE, Curve, IExchange},
    ledger::{self, ILedger},
    token::{FACTORY_ADDRESS, IToken, ITokenFactory, KIND},
};
use capstan_evm::Tx;
use capstan_rpc::{RpcConfig, serve};
use eyre::{OptionExt, ensure};
use serde_json::{Value, json};

use crate::{
    report::{Table, median},
    world::ONE,
};

const FEES: [u32; 4] = [100, 500, 3_000, 10_000];

/// Where the pools are: pairs of so many assets.
struct Web {
    name: &'static str,
    assets: u32,
    pairs: Vec<[u32; 2]>,
    from: u32,
    to: u32,
}

fn webs() -> Vec<Web> {
    // A row of neighbours, and every asset beside every other.
    let row = (0..25).map(|one| [one, one + 1]).collect();
    let all = (0..8).flat_map(|one| (one + 1..8).map(move |other| [one, other]));
    vec![
        Web {
            name: "200 pools in a row of 26 assets, three swaps apart",
            assets: 26,
            pairs: row,
            from: 4,
            to: 7,
        },
        Web {
            name: "200 pools between all of 8 assets",
            assets: 8,
            pairs: all.collect(),
            from: 0,
            to: 7,
        },
    ]
}

/// A chain in memory and the one who makes all of it.
struct Maker {
    chain: Chain,
    signer: PrivateKeySigner,
    nonce: u64,
    waiting: Vec<Recovered<Tx>>,
}

impl Maker {
    fn open() -> eyre::Result<Self> {
        let chain = Chain::open(ChainConfig {
            mining: Mining::Manual,
            ..ChainConfig::dev(Genesis::dev(1, 0))
        })?;
        let account = Genesis::dev_accounts(1, 0);
        let account = account.first().ok_or_eyre("no account")?;
        Ok(Self {
            chain,
            signer: PrivateKeySigner::from_bytes(&account.key)?,
            nonce: 0,
            waiting: Vec::new(),
        })
    }

    fn send<C: SolCall>(&mut self, to: Address, call: &C) -> eyre::Result<()> {
        let tx = TxEip1559 {
            chain_id: capstan_chain::DEV_CHAIN_ID,
            nonce: self.nonce,
            gas_limit: 2_000_000,
            max_fee_per_gas: 10_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(to),
            input: call.abi_encode().into(),
            ..TxEip1559::default()
        };
        self.nonce += 1;
        let signature = self.signer.sign_hash_sync(&tx.signature_hash())?;
        let tx = Tx::Eip1559(tx.into_signed(signature));
        self.waiting
            .push(Recovered::new_unchecked(tx, self.signer.address()));
        if self.waiting.len() == 16 {
            self.mine()?;
        }
        Ok(())
    }

    /// A block of what waits, all of which must succeed.
    fn mine(&mut self) -> eyre::Result<()> {
        let count = self.waiting.len();
        for entered in self.chain.submit_many(std::mem::take(&mut self.waiting)) {
            entered?;
        }
        let dev = self.chain.dev().ok_or_eyre("no development chain")?;
        dev.mine(1, None)?;
        let block = self.chain.head();
        let done = block.receipts.iter().filter(|r| r.status()).count();
        ensure!(done == count, "{done} of {count} set-up transactions");
        Ok(())
    }

    fn lay(&mut self, web: &Web) -> eyre::Result<()> {
        let owner = self.signer.address();
        for number in 0..web.assets {
            let create = ITokenFactory::createTokenCall {
                name: "Bench".into(),
                symbol: format!("B{number}"),
                decimals: 18,
                owner,
                grantDelayMs: 0,
            };
            self.send(FACTORY_ADDRESS, &create)?;
        }
        self.mine()?;
        for number in 0..web.assets {
            let token = capstan_contracts::native(KIND, u64::from(number) + 1);
            let value = U256::from(10_000_000) * U256::from(ONE);
            self.send(token, &IToken::mintCall { to: owner, value })?;
            let limit = ILedger::OutflowLimit {
                windowS: 60,
                shareBps: 10_000,
                floor: U256::ZERO,
            };
            self.send(ledger::ADDRESS, &ILedger::listAssetCall { token, limit })?;
        }
        self.mine()?;
        let shapes = [(Curve::Product, 0), (Curve::Stable, 100)];
        let mut pools = 0;
        // One fee after the other, until there are two hundred.
        for (fee_pips, (curve, amplification)) in FEES
            .iter()
            .flat_map(|fee| shapes.map(|shape| (*fee, shape)))
        {
            for (place, pair) in (0_u64..).zip(&web.pairs) {
                if pools == 200 {
                    break;
                }
                pools += 1;
                // No two pools hold the same.
                let depth = U256::from(ONE) * U256::from(10_000 + 10 * pools + place);
                let create = IExchange::createPoolCall {
                    shape: IExchange::Shape {
                        curve: curve.number(),
                        feePips: fee_pips,
                        amplification,
                        assets: pair.to_vec(),
                    },
                    amounts: vec![depth; 2],
                    to: owner,
                    deadlineMs: u64::MAX,
                };
                self.send(EXCHANGE, &create)?;
            }
        }
        self.mine()
    }
}

/// Answers of a question over HTTP, and what each took.
async fn asked(
    client: &reqwest::Client,
    url: &str,
    method: &str,
    params: &Value,
) -> eyre::Result<(f64, Value)> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let start = Instant::now();
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .body(body);
    let text = request.send().await?.text().await?;
    let ns = start.elapsed().as_secs_f64() * 1e9;
    let answer: Value = serde_json::from_str(&text)?;
    ensure!(answer.get("error").is_none(), "{method}: {answer}");
    Ok((ns, answer["result"].clone()))
}

/// Prints the table.
pub(super) fn run(rounds: usize) -> eyre::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut table = Table::new(&["capstan_quote", "us", "a question without work us", "route"]);
    for web in webs() {
        let mut maker = Maker::open()?;
        maker.lay(&web)?;
        let chain = maker.chain.clone();
        let (quote, none, route) = runtime.block_on(async {
            let config = RpcConfig {
                listen: ([127, 0, 0, 1], 0).into(),
                ..RpcConfig::default()
            };
            let server = serve(config, chain).await?;
            let url = format!("http://{}", server.address());
            let client = reqwest::Client::new();
            let wanted = json!([{
                "from": web.from,
                "to": web.to,
                "amount": format!("{:#x}", 1_000 * ONE),
            }]);
            let (mut quotes, mut nones, mut route) = (Vec::new(), Vec::new(), String::new());
            for round in 0..=rounds {
                let (ns, answer) = asked(&client, &url, "capstan_quote", &wanted).await?;
                let (idle, _) = asked(&client, &url, "eth_chainId", &json!([])).await?;
                if round > 0 {
                    quotes.push(ns);
                    nones.push(idle);
                }
                route = answer["route"].as_str().unwrap_or_default().to_owned();
            }
            eyre::Ok((median(&mut quotes), median(&mut nones), route))
        })?;
        table.row(vec![
            web.name.into(),
            format!("{:.0}", (quote - none) / 1e3),
            format!("{:.0}", none / 1e3),
            route,
        ]);
    }
    table.print();
    println!();
    Ok(())
}
