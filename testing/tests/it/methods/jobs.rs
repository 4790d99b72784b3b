//! Work that machines sell, and what it carries, on a running node: against the contracts' own views.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use capstan_client::{Registering, machine_beat};
use capstan_contracts::{
    erc4626::IErc4626,
    income::{self, IIncome},
    jobs::{
        self, ADDRESS,
        IJobs::{
            Hold, JobParams, KeyLimits, OfferTerms, ServiceClass, Signature, Voucher,
            channelIdCall, claimCall, customerOfCall, depositCall, epochCall, holdCall, offerCall,
            offerOfCall, openClassCall, setKeyCall, setParamsCall,
        },
    },
    machines::{self, IMachines},
};
use serde_json::{Value, json};

use super::{
    credit::{node_with_markets, view},
    node::{Node, Send},
};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// On probation a machine sells a little that it has not proven; what it is paid counts once it is over.
const PROBATION_MS: u64 = 5 * MINUTE_MS;
const COIN: u64 = 1_000_000_000_000_000_000;
/// What a job costs: a hundred units.
const COST: u64 = COIN / 10_000;
const CLASS: u32 = 7;
/// Who is the owner of all scopes, of the machine, the customer, the machine's key, and the lenders. The machine's key is
/// the customer's spending key as well: whoever says both words himself signs none.
const OWNER: usize = 0;
const HOLDER: usize = 1;
const CUSTOMER: usize = 2;
const KEY: usize = 3;
const LENDERS: usize = 4;
const FIRST_LOSS: usize = 5;
const NOBODY: Signature = Signature {
    v: 0,
    r: B256::ZERO,
    s: B256::ZERO,
};

struct Scene {
    node: Node,
}

impl Scene {
    /// Nothing is sold yet.
    async fn quiet() -> Self {
        let scene = Self {
            node: node_with_markets().await,
        };
        let params = IMachines::MachineParams {
            assetId: 0,
            bondMin: U256::from(COIN),
            unbondMs: HOUR_MS,
            intervalMs: DAY_MS,
            graceMs: HOUR_MS,
            probationMs: PROBATION_MS,
            lateMs: MINUTE_MS,
            gapMs: MINUTE_MS,
            answerMs: MINUTE_MS,
            commitMs: MINUTE_MS,
            revealMs: MINUTE_MS,
            capacityAgeMs: HOUR_MS,
            slashBps: 1_000,
            quorum: 1,
        };
        let set = IMachines::setParamsCall { params };
        scene.does(OWNER, machines::ADDRESS, &set).await;
        let node = &scene.node;
        let chain_id = node.chain.rules().chain_id;
        let registering = Registering {
            key: &node.signers[KEY],
            holder: node.address(HOLDER),
            spec: IMachines::Spec::default(),
            bond: U256::from(2 * COIN),
            deadline_ms: u64::MAX,
        };
        let call = registering.call(chain_id).expect("signed");
        scene.sends(HOLDER, call.to, call.input.to_vec()).await;
        scene
    }

    /// A machine that offers a class, and a customer who has a coin and a key.
    async fn selling() -> Self {
        let scene = Self::quiet().await;
        let params = JobParams {
            assetId: 0,
            epochMs: MINUTE_MS,
            holdMs: DAY_MS,
            showMs: 1_000,
            commitMs: 1_000,
            revealMs: 1_000,
            auditPpm: 100,
            detectPpm: 1_000_000,
            feeBps: 100,
            feeFlat: U256::ZERO,
            probationUnits: 1_000,
            quorum: 1,
            auditPay: U256::ZERO,
        };
        scene.does(OWNER, ADDRESS, &setParamsCall { params }).await;
        let class = ServiceClass {
            program: B256::repeat_byte(7),
            quantisation: B256::right_padding_from(b"Q4_1"),
            inputPrice: U256::ZERO,
            outputPrice: U256::from(COIN),
            levelMin: jobs::LEVEL_ONE,
            levelMax: jobs::LEVEL_ONE,
            stepBps: 100,
            targetBps: 5_000,
            inputsPerOutput: 1,
            isClosed: false,
        };
        let open = openClassCall {
            classId: CLASS,
            class,
        };
        scene.does(OWNER, ADDRESS, &open).await;
        let offer = offerCall {
            terms: OfferTerms {
                classId: CLASS,
                isOpen: true,
                sequence: 1,
                endpoint: "http://127.0.0.1:9/v1".into(),
                ..OfferTerms::default()
            },
            signature: NOBODY,
        };
        scene.does(KEY, ADDRESS, &offer).await;
        let deposit = depositCall {
            customer: scene.node.address(CUSTOMER),
            amount: U256::from(COIN),
        };
        scene.does(CUSTOMER, ADDRESS, &deposit).await;
        let limits = KeyLimits {
            total: U256::from(COIN / 2),
            perPeriod: U256::from(COIN / 10),
            periodMs: DAY_MS,
            untilMs: u64::MAX,
        };
        let key = scene.node.address(KEY);
        scene
            .does(CUSTOMER, ADDRESS, &setKeyCall { key, limits })
            .await;
        scene
    }

    async fn sends(&self, who: usize, to: Address, input: Vec<u8>) {
        self.node
            .send(Send::to(who, to).input(input).gas(3_000_000));
        let block = self.node.mine().await;
        assert!(
            block.receipts.iter().all(|receipt| receipt.status()),
            "{:?}",
            block.receipts
        );
    }

    async fn does(&self, who: usize, to: Address, call: &impl SolCall) {
        self.sends(who, to, call.abi_encode()).await;
    }

    /// So much time passes, and a block is made.
    async fn wait(&self, ms: u64) {
        let seconds = ms.div_ceil(1_000);
        self.node.ok("evm_increaseTime", json!([seconds])).await;
        self.node.mine().await;
    }

    fn now_ms(&self) -> u64 {
        self.node.chain.head().time_ms()
    }

    /// The customer binds ten times what a job costs, and the machine claims one that nobody will be asked to show.
    async fn sell(&self, receipts: u32) {
        let (customer, key) = (self.node.address(CUSTOMER), self.node.address(KEY));
        let hold = holdCall {
            terms: Hold {
                customer,
                key,
                machineId: 0,
                classId: CLASS,
                sequence: self.now_ms(),
                amount: U256::from(10 * COST),
                untilMs: self.now_ms() + HOUR_MS,
            },
            signature: NOBODY,
        };
        self.does(KEY, ADDRESS, &hold).await;
        let epoch = view(&self.node, ADDRESS, &epochCall {}).await.number;
        let ask = channelIdCall {
            customer,
            key,
            machineId: 0,
            classId: CLASS,
        };
        let channel = view(&self.node, ADDRESS, &ask).await;
        self.wait(MINUTE_MS).await;
        let claim = claimCall {
            voucher: Voucher {
                channel,
                epoch,
                cost: U256::from(COST),
                largest: U256::from(COST),
                inputUnits: 0,
                outputUnits: 100,
                receipts,
                root: B256::repeat_byte(9),
            },
            byKey: NOBODY,
            byMachine: NOBODY,
        };
        self.does(KEY, ADDRESS, &claim).await;
    }

    async fn jobs(&self, asked: Value) -> Value {
        self.node.ok("capstan_jobs", asked).await
    }

    async fn income(&self, asked: Value) -> Value {
        self.node.ok("capstan_income", asked).await
    }

    async fn beat(&self) {
        let beat = machine_beat(0);
        self.sends(KEY, beat.to, beat.input.to_vec()).await;
    }

    /// A market of machine loans, with a coin in each tranche.
    async fn open_market(&self) {
        let open = IIncome::openMarketCall {
            assetId: 0,
            params: income_params(),
        };
        self.does(OWNER, income::ADDRESS, &open).await;
        let ask = IIncome::marketCall { assetId: 0 };
        let market = view(&self.node, income::ADDRESS, &ask).await;
        for (who, share) in [
            (LENDERS, market.lenderShare),
            (FIRST_LOSS, market.firstLossShare),
        ] {
            let deposit = IErc4626::depositCall {
                assets: U256::from(COIN),
                receiver: self.node.address(who),
            };
            self.does(who, share, &deposit).await;
        }
    }
}

fn income_params() -> IIncome::IncomeParams {
    IIncome::IncomeParams {
        rateBps: 1_000,
        lateBps: 2_000,
        instalments: 6,
        periodS: 86_400,
        unpaidS: 2 * 86_400,
        windowDays: 7,
        verifiedDays: 1,
        customerAgeMs: 0,
        concentrationBps: 10_000,
        fractionBps: 10_000,
        escrowBps: 0,
        bondBps: 10_000,
        feeBps: 10_000,
        lifeDays: 1_460,
        kwhPriceMin: U256::ZERO,
        wattsMin: 350,
        firstLossBps: 1_000,
        firstLossCutBps: 2_000,
        graceMs: DAY_MS,
        auctionMs: DAY_MS,
        auctionStartBps: 15_000,
        auctionFloorBps: 1_000,
        cap: U256::from(1_000) * U256::from(COIN),
        loanMin: U256::from(1),
    }
}

fn amount(value: &Value) -> U256 {
    serde_json::from_value(value["amount"].clone()).expect("an amount")
}

/// RPC-42: nothing is sold, and that is an answer.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_nobody_sells_are_none() {
    let scene = Scene::quiet().await;
    let answer = scene.jobs(json!([])).await;
    assert_eq!(answer["classes"], json!([]));
    assert!(answer["asset"].is_null() && answer["epoch"].is_null());
}

/// RPC-42
#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_what_the_contract_says() {
    let scene = Scene::selling().await;
    let class = &scene.jobs(json!([])).await["classes"][0];
    assert_eq!(
        (&class["classId"], &class["quantisation"]),
        (&json!(CLASS), &json!("Q4_1"))
    );
    assert_eq!(
        (&class["outputPrice"]["text"], &class["levelMax"]["text"]),
        (&json!("1"), &json!("1"))
    );
    let offers = scene.jobs(json!([{"class": CLASS}])).await;
    let offer = &offers["offers"][0];
    let ask = offerOfCall {
        machineId: 0,
        classId: CLASS,
    };
    let is = view(&scene.node, ADDRESS, &ask).await;
    assert_eq!(amount(&offer["outputPrice"]), is.outputPrice);
    assert_eq!(amount(&offer["bond"]), is.bond);
    assert_eq!(
        (&offer["state"], &offer["isOpen"], &offer["endpoint"]),
        (
            &json!("probation"),
            &json!(true),
            &json!("http://127.0.0.1:9/v1")
        )
    );
    // A claim is waiting, and the block pays it.
    scene.sell(1).await;
    let of_machine = json!([{"machine": "0x0"}]);
    let waiting = scene.jobs(of_machine.clone()).await;
    assert_eq!(waiting["claims"][0]["phase"], "waiting");
    for _ in 0..6 {
        scene.wait(2_000).await;
    }
    let paid = scene.jobs(of_machine).await;
    let claim = &paid["claims"][0];
    assert_eq!(
        (&claim["phase"], &claim["reason"]),
        (&json!("paid"), &json!("none"))
    );
    assert_eq!(amount(&claim["cost"]), U256::from(COST));
    assert_eq!(paid["machine"]["claimsPaid"], "0x1");
    assert_eq!(
        amount(&paid["machine"]["earned"]),
        U256::from(COST - COST / 100)
    );
    // The customer: balance, key, channel, and the same claim.
    let who = scene.node.address(CUSTOMER);
    let told = scene.jobs(json!([{"customer": who}])).await;
    let is = view(&scene.node, ADDRESS, &customerOfCall { customer: who }).await;
    for (name, is) in [
        ("free", is.free),
        ("bound", is.bound),
        ("claimed", is.claimed),
        ("paid", is.paid),
    ] {
        assert_eq!(amount(&told["customer"][name]), is, "{name}");
    }
    let key = &told["customer"]["keys"][0];
    assert_eq!(key["total"]["text"], "0.5");
    assert_eq!(amount(&key["left"]), U256::from(COIN / 10 - 10 * COST));
    assert_eq!(told["customer"]["channels"][0]["machineId"], "0x0");
    assert_eq!(told["claims"], paid["claims"]);
    assert!(told["cursor"].is_null());
    let nobody = scene
        .jobs(json!([{"customer": Address::repeat_byte(9)}]))
        .await;
    assert_eq!(nobody["claims"], json!([]));
}

/// RPC-42
#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_are_asked_for_wrongly_are_refused() {
    let scene = Scene::selling().await;
    for wrong in [
        json!([{"class": CLASS, "machine": "0x0"}]),
        json!([{"colour": 1}]),
        json!([null, {"limit": 0}]),
    ] {
        assert_eq!(scene.node.fault("capstan_jobs", wrong).await.code, -32602);
    }
    let unknown = scene
        .node
        .fault("capstan_jobs", json!([{"class": 99}]))
        .await;
    assert!(unknown.message.contains("99"), "{}", unknown.message);
}

/// RPC-43: from the first job to a title that nobody buys, as the contract says at each step.
#[tokio::test(flavor = "multi_thread")]
async fn income_is_what_the_contract_says() {
    let scene = Scene::selling().await;
    let none = scene.income(json!([])).await;
    assert_eq!((&none["markets"], &none["cases"]), (&json!([]), &json!([])));
    scene.open_market().await;
    let of_machine = json!([{"machine": "0x0"}]);
    let before = scene.income(of_machine.clone()).await;
    assert!(before["machine"].is_null(), "it has earned nothing");
    scene.sell(1).await;
    scene.wait(PROBATION_MS).await;
    scene.beat().await;
    for _ in 0..6 {
        scene.wait(2_000).await;
    }
    let book = &scene.income(of_machine.clone()).await["machine"];
    assert_eq!(amount(&book["earned"]), U256::from(COST - COST / 100));
    assert_eq!(amount(&book["earned"]), amount(&book["toHolder"]));
    assert_eq!(book["offer"]["bound"], "too few verified days");
    assert_eq!(amount(&book["escrow"]), U256::from(9 * COST));
    assert!(book["case"].is_null() && book["titlePrice"].is_null());
    scene.wait(DAY_MS).await;
    scene.beat().await;
    let book = &scene.income(of_machine.clone()).await["machine"];
    let ask = IIncome::offerCall { machineId: 0 };
    let is = view(&scene.node, income::ADDRESS, &ask).await;
    assert!(is.today > U256::ZERO);
    assert_eq!(amount(&book["offer"]["today"]), is.today);
    assert_eq!(amount(&book["offer"]["later"]), is.later);
    assert_eq!(book["offer"]["bound"], "income");
    assert_eq!(book["days"].as_array().map(Vec::len), Some(1));
    // What can be borrowed falls with every second of the machine's life, so all of it is none in the next block.
    let lent = is.today * U256::from(99) / U256::from(100);
    let borrow = IIncome::borrowCall {
        machineId: 0,
        amount: lent,
    };
    scene.does(HOLDER, income::ADDRESS, &borrow).await;
    let book = &scene.income(of_machine.clone()).await["machine"];
    assert_eq!(amount(&book["principal"]), lent);
    assert_eq!(book["loans"].as_array().map(Vec::len), Some(1));
    assert!(!book["loans"][0]["nextPayment"].is_null() && !book["nextMs"].is_null());
    let market = &scene.income(json!([])).await["markets"][0];
    assert_eq!(amount(&market["lent"]), lent);
    assert_eq!(
        (&market["largestMachine"], &market["concentration"]["text"]),
        (&json!("0x0"), &json!("1"))
    );
    assert!(market["coverage"].is_null(), "its bond covers it");
    assert_eq!(market["ratePerYear"]["text"], "0.1");
    // It goes dark, and the block does the rest.
    scene.wait(DAY_MS + HOUR_MS + 1_000).await;
    let book = &scene.income(of_machine.clone()).await["machine"];
    let case = &book["case"];
    assert_eq!(
        (&case["reason"], &case["stage"]),
        (&json!("dark"), &json!("redirected"))
    );
    scene.wait(DAY_MS).await;
    let book = &scene.income(of_machine.clone()).await["machine"];
    assert_eq!(book["case"]["stage"], "auction");
    assert!(amount(&book["titlePrice"]) > amount(&book["owed"]));
    scene.wait(DAY_MS).await;
    let told = scene.income(json!([])).await;
    let case = &told["cases"][0];
    assert_eq!(case["stage"], "unsold");
    assert_eq!(case["steps"][0]["tier"], "bond");
    assert_eq!(told["markets"][0]["defaults"], 1);
    assert_eq!(amount(&told["markets"][0]["lostLenders"]), U256::ZERO);
    assert!(told["cursor"].is_null());
    for wrong in [json!([{"market": 1}]), json!([null, {"limit": 0}])] {
        assert_eq!(scene.node.fault("capstan_income", wrong).await.code, -32602);
    }
    let unknown = scene
        .node
        .fault("capstan_income", json!([{"machine": "0x9"}]));
    assert!(unknown.await.message.contains('9'));
}
