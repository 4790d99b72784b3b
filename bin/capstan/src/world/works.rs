//! What machines of the prepared world find: a class of work, terms of short epochs, auditors, customers' escrow, and a market
//! that lends against income. Sums are of USDC.

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use capstan_client::{Call, Registering};
use capstan_compute::{
    audit::Ground,
    bundled::{class_of, words_class_of},
};
use capstan_contracts::{
    admin::{self, IAdmin},
    erc4626::IErc4626,
    income::{
        self,
        IIncome::{IncomeParams, openMarketCall},
        share,
    },
    jobs::{
        self,
        IJobs::{
            JobParams, KeyLimits, ServiceClass, depositCall, openClassCall, setKeyCall,
            setParamsCall,
        },
        LEVEL_ONE,
    },
    machines::{self, IMachines::Spec},
    token::IToken,
};
use capstan_units::AssetId;
use eyre::Result;

use super::{
    cast::{Cast, Provider},
    listed::{ASSETS, USDC, address_of, number},
    maker::Maker,
    program::Program,
};

/// What stands for a machine's word.
const BOND: u64 = 500;
/// What a customer brings in, and what his key may bind of it, in all and in an hour.
const ESCROW: u64 = 1_000;
const KEY_TOTAL: u64 = 1_000;
const KEY_PER_HOUR: u64 = 100;
/// What lenders put in, and what stands before them.
const LENT: u64 = 50_000;
const FIRST_LOSS: u64 = 10_000;
/// Prices of a million tokens, in millionths of a USDC. Where demand has raised them to their most they are still what a gateway
/// pays that was told of no prices, so that anybody's first purchase is served.
pub(super) const INPUT_PRICE: u64 = 2_500_000;
pub(super) const OUTPUT_PRICE: u64 = 10_000_000;
/// Between which parts of these they move with demand.
const LEVEL_MIN: u64 = LEVEL_ONE / 2;
pub(super) const LEVEL_MAX: u64 = 2 * LEVEL_ONE;
/// What a finding of an auditor is paid, in millionths of a USDC: three of them are paid out of the fee of one answer.
const AUDIT_PAY: u64 = 1;

/// How long vouchers grow.
pub(super) const EPOCH_MS: u64 = 10 * SECOND;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

impl Maker<'_> {
    /// Everything that machines need.
    pub(super) fn works(&mut self, cast: &Cast, program: &Program) -> Result<()> {
        self.fund(cast)?;
        self.terms(cast, program)?;
        self.loans(cast)?;
        self.customer(cast)?;
        self.mine()
    }

    fn fund(&mut self, cast: &Cast) -> Result<()> {
        let mut given = vec![
            (cast.customer.address(), ESCROW),
            (cast.lender.address(), LENT),
            (cast.backer.address(), FIRST_LOSS),
        ];
        let holders = cast.providers.iter();
        given.extend(holders.map(|one| (one.holder.address(), 2 * BOND)));
        for (to, whole) in given {
            let value = ASSETS[USDC].units(whole);
            self.call(address_of(USDC), &IToken::mintCall { to, value })?;
        }
        self.mine()
    }

    fn terms(&mut self, cast: &Cast, program: &Program) -> Result<()> {
        let params = JobParams {
            assetId: number(USDC),
            epochMs: EPOCH_MS,
            holdMs: HOUR,
            // Longer than what is called a stop of the chain: who starts it anew in between accuses nobody.
            showMs: 12 * SECOND,
            commitMs: 10 * SECOND,
            revealMs: 6 * SECOND,
            auditPpm: 500_000,
            detectPpm: 900_000,
            feeBps: 200,
            feeFlat: U256::ZERO,
            probationUnits: 10_000,
            quorum: 2,
            auditPay: U256::from(AUDIT_PAY),
        };
        self.call(jobs::ADDRESS, &setParamsCall { params })?;
        let card = program.engine.card();
        let class = |ground: Ground| ServiceClass {
            program: B256::from(card.sha256),
            quantisation: ground.hash(card.quantisation),
            inputPrice: U256::from(INPUT_PRICE),
            outputPrice: U256::from(OUTPUT_PRICE),
            levelMin: LEVEL_MIN,
            levelMax: LEVEL_MAX,
            stepBps: 200,
            targetBps: 5_000,
            inputsPerOutput: 4,
            isClosed: false,
        };
        let mut classes = vec![(class_of(&card.sha256), class(Ground::States))];
        if program.speaks {
            // For whoever has a model server of his own.
            classes.push((words_class_of(&card.sha256), class(Ground::Words)));
        }
        for (class_id, class) in classes {
            let open = openClassCall {
                classId: class_id,
                class,
            };
            self.call(jobs::ADDRESS, &open)?;
        }
        for auditor in &cast.auditors {
            for scope in [jobs::ADDRESS, machines::ADDRESS] {
                let grant = IAdmin::grantRoleCall {
                    scope,
                    // The same number in both rooms.
                    role: jobs::AUDIT,
                    holder: auditor.address(),
                    expiresMs: 0,
                };
                self.call(admin::ADDRESS, &grant)?;
            }
        }
        self.mine()
    }

    /// A market that lends against what machines earn, with lenders and a first loss.
    fn loans(&mut self, cast: &Cast) -> Result<()> {
        let units = |whole| ASSETS[USDC].units(whole);
        let params = IncomeParams {
            rateBps: 1_200,
            lateBps: 500,
            // One falls due within an hour of looking, and what a machine earns in an hour pays it.
            instalments: 120,
            periodS: 3_600,
            unpaidS: 3_600,
            windowDays: 7,
            verifiedDays: 1,
            customerAgeMs: HOUR,
            // One customer buys everything here.
            concentrationBps: 10_000,
            fractionBps: 5_000,
            escrowBps: 5_000,
            bondBps: 10_000,
            feeBps: 10_000,
            lifeDays: 1_460,
            kwhPriceMin: units(12) / U256::from(100),
            // The one answer before this day pays for no power. What a machine states or reports is taken off.
            wattsMin: 0,
            firstLossBps: 1_000,
            firstLossCutBps: 2_000,
            graceMs: MINUTE,
            auctionMs: 2 * MINUTE,
            auctionStartBps: 15_000,
            auctionFloorBps: 2_000,
            cap: units(1_000_000),
            loanMin: units(1),
        };
        let open = openMarketCall {
            assetId: number(USDC),
            params,
        };
        self.call(income::ADDRESS, &open)?;
        self.mine()?;
        let asset = AssetId::new(number(USDC));
        for (tranche, who, whole) in [(0, &cast.lender, LENT), (1, &cast.backer, FIRST_LOSS)] {
            let deposit = IErc4626::depositCall {
                assets: units(whole),
                receiver: who.address(),
            };
            let call = Call {
                to: share::address_of(asset, tranche),
                input: deposit.abi_encode().into(),
                ..Call::default()
            };
            self.send(who, &call)?;
        }
        self.mine()
    }

    pub(super) fn register(&mut self, provider: &Provider, program: &Program) -> Result<()> {
        let registering = Registering {
            key: &provider.key,
            holder: provider.holder.address(),
            spec: Spec {
                kind: 2,
                region: 0,
                hash: B256::from(program.engine.card().sha256),
                uri: format!("capstan dev, provider {}", provider.number),
            },
            bond: ASSETS[USDC].units(BOND),
            deadline_ms: u64::MAX,
        };
        let call = registering.call(self.chain_id())?;
        self.send(&provider.holder, &call)?;
        // One after the other: numbers are given in order.
        self.mine()
    }

    /// Escrow, and a key that may bind some of it.
    fn customer(&mut self, cast: &Cast) -> Result<()> {
        let units = |whole| ASSETS[USDC].units(whole);
        let deposit = depositCall {
            customer: cast.customer.address(),
            amount: units(ESCROW),
        };
        let key = setKeyCall {
            key: cast.spender.address(),
            limits: KeyLimits {
                total: units(KEY_TOTAL),
                perPeriod: units(KEY_PER_HOUR),
                periodMs: HOUR,
                untilMs: u64::MAX,
            },
        };
        for input in [deposit.abi_encode(), key.abi_encode()] {
            let call = Call {
                to: jobs::ADDRESS,
                input: input.into(),
                ..Call::default()
            };
            self.send(&cast.customer, &call)?;
        }
        Ok(())
    }
}
