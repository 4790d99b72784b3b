//! Steps that are no batches: prices, operators, pauses, ramps, parameters, offers, streams, requests, stakes, limits.

use alloy_primitives::{Address, U256};
use capstan_units::{AccountId, AssetId, Assets, PoolId};

use super::{
    super::*, ASSETS, DAY_MS, FIRST, FOREIGN, HOUR_MS, LENT, MAKER, PEOPLE, POOLS, Run, USD_ASSET,
    WALLETS, act::Act, book::whole,
};
use crate::{
    backstop::{self, IBackstop},
    dollar::{
        self,
        IDollar::{DollarParams, cancelRedemptionCall, requestRedemptionCall, setParamsCall},
    },
    exchange::{
        self, Bounds,
        IExchange::{pausePoolCall, poolCall, unpausePoolCall},
        Leg, Size,
    },
    lending::{
        self,
        ILending::{pauseCall, unpauseCall},
    },
    streams::{self, IStreams},
    term::{
        self,
        ITerm::{OfferTerms, cancelOfferCall, offerCall},
    },
    testkit::stream::Stream,
};

/// Most streams and offers that stand at once.
const STREAMS: usize = 16;
const OFFERS: usize = 8;

fn small(value: u128) -> u64 {
    u64::try_from(value).expect("small")
}

impl Run {
    fn narrow(&mut self, most: u128) -> u32 {
        u32::try_from(self.dice.below(most)).expect("small")
    }

    /// So many dollars of an asset, as units.
    pub(super) fn worth(&self, asset: u32, dollars: u128) -> U256 {
        let price = self
            .model
            .quotes
            .get(&asset)
            .map_or(USD, |quote| quote.latest);
        n(dollars) * whole(asset) * n(USD) / n(price.max(1))
    }

    /// A price falls or rises; what is far from where it began comes back.
    pub(super) fn move_price(&mut self) {
        let asset = self.dice.of(&ASSETS);
        let first = FIRST[usize::try_from(asset).expect("small")] * USD;
        let before = self.scene.spot(asset);
        if before < first / 64 {
            self.forget_crash(asset, first);
            return;
        }
        let percent = match self.dice.below(5) {
            _ if before < first / 8 => 150 + self.dice.below(45),
            _ if before > first * 8 => 50,
            0 => 5 + self.dice.below(50),
            _ => 60 + self.dice.below(90),
        };
        self.scene.report_prices(&[(asset, before * percent / 100)]);
    }

    /// Whatever somebody who owes holds falls: by a part, so that he is on offer, or to next to nothing, so that others bear
    /// what he owes. Reporters say so until they are believed.
    pub(super) fn crash(&mut self) {
        let model = &self.model;
        let owes = |who: &AccountId| {
            let mut rows = model.rows(*who).into_iter();
            rows.any(|(asset, _)| !model.owed(*who, asset).is_zero())
        };
        let debtors: Vec<AccountId> = PEOPLE.into_iter().filter(owes).collect();
        if debtors.is_empty() {
            return;
        }
        let who = self.dice.of(&debtors);
        let parts = self.dice.of(&[1_000_000, 1_000_000, 1_000_000, 3, 2]);
        let rows = self.model.rows(who);
        let held = rows.into_iter().map(|(asset, _)| asset);
        let held: Vec<u32> = held
            .filter(|asset| self.model.owed(who, *asset).is_zero())
            .collect();
        // What he owes has a price too, or nobody would judge him.
        let mut prices = Vec::new();
        for asset in ASSETS {
            let spot = self.scene.spot(asset);
            let falls = held.contains(&asset);
            prices.push((asset, if falls { spot / parts + 1 } else { spot }));
        }
        self.insist(&prices);
        self.called = vec![who];
        self.note("crash");
    }

    /// The same report until the oracle believes it, however far the prices are from where they were.
    fn insist(&mut self, prices: &[(u32, u128)]) {
        for _ in 0..3 {
            self.scene.report_prices(prices);
        }
    }

    /// An hour later the price is where it began, which reporters say until they are believed.
    fn forget_crash(&mut self, asset: u32, first: u128) {
        self.scene.world.wait_ms(HOUR_MS);
        self.insist(&[(asset, first)]);
    }

    /// All reporters speak of all assets, so that prices are usable again; after a long silence, sometimes.
    pub(super) fn refresh_prices(&mut self) {
        if self.dice.below(8) == 0 {
            self.scene.world.wait_ms(30 * DAY_MS);
        }
        let prices = ASSETS.map(|asset| (asset, self.scene.spot(asset)));
        self.scene.report_prices(&prices);
    }

    /// An operator comes or goes, a market or the dollar pauses or goes on, factors and parameters change.
    pub(super) fn govern(&mut self) {
        match self.dice.below(6) {
            0 | 1 => self.appoint(),
            2 | 3 => self.pause(),
            4 => self.ramp(),
            _ => self.set_dollar(),
        }
    }

    fn appoint(&mut self) {
        let account = self.dice.of(&PEOPLE);
        let operator = self.dice.of(&[ALICE, BOB, CAROL, FOREIGN, FOREIGN]);
        let until_ms = self.model.now_ms + small(self.dice.below(3)) * DAY_MS;
        let appoint = setOperatorCall {
            index: account.index,
            operator,
            untilMs: until_ms,
        };
        self.scene.world.ok(account.owner, ADDRESS, &appoint);
        self.model.operators.insert((account, operator), until_ms);
    }

    fn pause(&mut self) {
        let (asset, verbs) = (self.dice.of(&LENT), 1 + self.narrow(7));
        let verbs = u8::try_from(verbs).expect("small");
        if self.dice.below(4) == 0 {
            self.pause_dollar();
            return;
        }
        let market = self.model.markets.get_mut(&asset).expect("listed");
        if market.paused == 0 && self.dice.below(5) == 0 {
            market.paused |= verbs;
            let pause = pauseCall {
                assetId: asset,
                verbs,
            };
            self.scene.world.ok(OWNER, lending::ADDRESS, &pause);
        } else {
            market.paused = 0;
            let unpause = unpauseCall {
                assetId: asset,
                verbs: 7,
            };
            self.scene.world.ok(OWNER, lending::ADDRESS, &unpause);
        }
    }

    fn pause_dollar(&mut self) {
        let verbs = self.dice.of(&[1, 4, 5]);
        if self.model.usd.paused == 0 && self.dice.below(4) == 0 {
            self.model.usd.paused = verbs;
            let pause = dollar::IDollar::pauseCall { verbs };
            self.scene.world.ok(OWNER, dollar::ADDRESS, &pause);
        } else {
            self.model.usd.paused = 0;
            let unpause = dollar::IDollar::unpauseCall { verbs: 7 };
            self.scene.world.ok(OWNER, dollar::ADDRESS, &unpause);
        }
    }

    /// How much an asset counts moves, a day later and slowly.
    fn ramp(&mut self) {
        let asset = self.dice.of(&ASSETS);
        let mut said = self.model.terms[&asset].said.clone();
        let first = u16::try_from(3_000 + self.narrow(5_000)).expect("small");
        if self.dice.below(4) != 0 {
            said.initialBps = first;
            said.maintenanceBps = first + 700;
        }
        if self.dice.below(16) == 0 {
            said.discountMaxBps -= 1;
        }
        let ramp_ms = self.dice.of(&[DAY_MS, 7 * DAY_MS, 7 * DAY_MS, 9 * DAY_MS]);
        let set = setCollateralCall {
            assetId: asset,
            collateral: said.clone(),
            rampMs: ramp_ms,
        };
        self.call("ramp", OWNER, ADDRESS, &set, |model| {
            let now_ms = model.now_ms;
            let counting = model.terms.get_mut(&asset).expect("listed");
            counting.set(asset, said, ramp_ms, now_ms)?;
            Ok(setCollateralReturn {})
        });
    }

    fn set_dollar(&mut self) {
        let present = self.model.usd.params.clone();
        let params = match self.dice.below(3) {
            0 => DollarParams {
                ceiling: present.ceiling * n(9) / n(10),
                ..present
            },
            _ => DollarParams {
                stabilityBps: self.narrow(3_000),
                redemptionFeeBps: u16::try_from(self.narrow(200)).expect("small"),
                ceiling: n(60_000 + self.dice.below(120_000)) * n(USD),
                headroom: n(10_000 + self.dice.below(50_000)) * n(USD),
                ..present
            },
        };
        let set = setParamsCall {
            params: params.clone(),
        };
        self.scene.world.ok(OWNER, dollar::ADDRESS, &set);
        let now_ms = self.model.now_ms;
        self.model.usd.set(params, now_ms);
        self.note("set dollar");
    }

    /// Somebody's wallet offers loans. Where enough offers stand, one is taken back: one that expired, if there is any.
    pub(super) fn lend_at_terms(&mut self) {
        if self.model.loans.offers.len() >= OFFERS {
            self.take_offer_back();
            return;
        }
        let who = self.dice.of(&WALLETS);
        let asset = self.dice.of(&[ETH, USDC, USDC, DAI, RISKY, USD_ASSET]);
        let dollars = 50 + self.dice.below(8_000);
        let most = self.model.wallet(asset, who);
        let units = self.worth(asset, dollars).min(most);
        if units < n(ONE) {
            return;
        }
        let period_s = self.dice.of(&[3_600, 86_400, 604_800, 2_592_000]);
        let lasts = self.dice.of(&[DAY_MS, 30 * DAY_MS, 3_000 * DAY_MS]);
        let terms = OfferTerms {
            assetId: asset,
            rateBps: self.narrow(5_001),
            instalments: u16::try_from(1 + self.narrow(14)).expect("small"),
            periodS: period_s,
            amortisation: u8::try_from(self.narrow(3)).expect("small"),
            graceS: self.narrow(period_s.into()),
            lateBps: self.narrow(10_001),
            earlyFeeBps: u16::try_from(self.narrow(501)).expect("small"),
            defaultS: period_s + self.narrow(1_000_000),
            least: units.min(n(20 * ONE)),
            expiresMs: self.model.now_ms + lasts,
        };
        let index = self.dice.of(&[0, 1, 7]);
        let offer = offerCall {
            terms: terms.clone(),
            amount: units,
            index,
        };
        self.call("offer", who, term::ADDRESS, &offer, |model| {
            Ok(model.offer(who, index, terms, units)?.to())
        });
    }

    fn take_offer_back(&mut self) {
        let offers = &self.model.loans.offers;
        let ids = |fits: &dyn Fn(u64) -> bool| -> Vec<u64> {
            let fitting = offers.iter().filter(|(_, one)| fits(one.terms.expiresMs));
            fitting.map(|(id, _)| *id).collect()
        };
        let (expired, all) = (ids(&|ms| ms <= self.model.now_ms), ids(&|_| true));
        let id = match self.dice.below(16) {
            0 => self.model.loans.offered + 1,
            _ if expired.is_empty() => self.dice.of(&all),
            _ => self.dice.of(&expired),
        };
        let offer = self.model.loans.offers.get(&id);
        let lender = offer.map_or(ALICE, |offer| offer.lender.owner);
        let stranger = self.dice.of(&WALLETS);
        let who = self.dice.of(&[lender, lender, lender, stranger]);
        let cancel = cancelOfferCall { id };
        self.call("cancelOffer", who, term::ADDRESS, &cancel, |model| {
            model.cancel_offer(who, id)
        });
    }

    /// A stream opens, stops, or pays out.
    pub(super) fn stream_step(&mut self) {
        let count = self.model.streams.all.len();
        if count < STREAMS && self.dice.below(3) == 0 || count == 0 {
            self.open_stream();
            return;
        }
        let id = self.any_stream(|_| true);
        let stream = self.model.streams.all.get(&id);
        let (owner, payer) = stream.map_or((ALICE, ALICE), |(_, one)| {
            (one.owner.owner, one.payer.owner)
        });
        let who = self.dice.of(&WALLETS);
        match self.dice.below(8) {
            0 => {
                let by = self.dice.of(&[payer, payer, payer, who]);
                let cancel = IStreams::cancelCall { streamId: id };
                self.call("cancel", by, streams::ADDRESS, &cancel, |model| {
                    model.cancel_stream(by, id)
                });
            }
            1 => {
                let by = self.dice.of(&[owner, owner, who]);
                let collect = IStreams::collectCall { streamId: id };
                self.call("take", by, streams::ADDRESS, &collect, |model| {
                    model.collect_to_wallet(by, id)
                });
            }
            _ => {
                let collect = collectCall { streamId: id };
                self.call("bring", who, ADDRESS, &collect, |model| {
                    model.collect_for_anyone(id)
                });
            }
        }
    }

    fn open_stream(&mut self) {
        let (who, owner) = (self.dice.of(&WALLETS), self.dice.of(&PEOPLE));
        let asset = self.dice.of(&[ETH, USDC, USDC, DAI, RISKY, USD_ASSET]);
        let dollars = 20 + self.dice.below(3_000);
        let most = self.model.wallet(asset, who);
        let units = self.worth(asset, dollars).min(most);
        if units.is_zero() {
            return;
        }
        let start_ms = self.model.now_ms + small(self.dice.below(2)) * HOUR_MS;
        let lasts = [HOUR_MS, DAY_MS, 10 * DAY_MS, 60 * DAY_MS];
        let lasts_ms = self.dice.of(&lasts) + small(self.dice.below(1_000));
        let cliff_ms = start_ms + lasts_ms / 10 * small(self.dice.below(3));
        let amount = units.to::<u128>();
        let is_final = self.dice.below(4) == 0;
        let stream = Stream {
            owner,
            payer: AccountId::new(who, 0),
            assigned: None,
            is_final,
            is_stopped: false,
            rate: amount,
            period: lasts_ms.into(),
            start_ms,
            cliff_ms,
            at_ms: self.model.now_ms,
            scaled: 0,
            paid: amount,
            collected: 0,
        };
        let open = IStreams::openCall {
            assetId: asset,
            owner: owner.owner,
            ownerIndex: owner.index,
            amount: units,
            startMs: start_ms,
            cliffMs: cliff_ms,
            endMs: start_ms + lasts_ms,
            isFinal: is_final,
        };
        self.call("open", who, streams::ADDRESS, &open, |model| {
            Ok(model.open_stream(asset, stream)?.to())
        });
    }

    /// Dollars are queued for redemption, or taken back.
    pub(super) fn request_step(&mut self) {
        let who = self.dice.of(&WALLETS);
        if self.dice.below(6) == 0 {
            let queue = &self.model.usd.queue;
            let first = queue.front().map_or(1, |request| request.id);
            let id = first + small(self.dice.below(3));
            let cancel = cancelRedemptionCall { id };
            self.call("recall", who, dollar::ADDRESS, &cancel, |model| {
                model.cancel_request(who, id)
            });
            return;
        }
        let have = self.model.wallet(USD_ASSET, who).to::<u128>();
        let amount = n(self.dice.amount(have / 2));
        let index = self.dice.of(&[0, 1, 9]);
        let request = requestRedemptionCall { amount, index };
        self.call("request", who, dollar::ADDRESS, &request, |model| {
            let account = AccountId::new(who, index);
            Ok(model.request(account, amount)?.to())
        });
    }

    /// A reward flows to a stake, or somebody buys its goods.
    pub(super) fn stake_step(&mut self) {
        let on_sale: Vec<(u32, u32)> = self
            .model
            .stakes
            .lots
            .iter()
            .filter(|(_, lot)| !lot.goods.is_zero())
            .map(|(key, _)| *key)
            .collect();
        let who = self.dice.of(&WALLETS);
        if on_sale.is_empty() || self.dice.below(3) == 0 {
            let asset = self.dice.of(&ASSETS);
            let dollars = 1 + self.dice.below(3_000);
            let units = self
                .worth(asset, dollars)
                .min(self.model.wallet(asset, who));
            let pay = IBackstop::payInCall {
                assetId: asset,
                amount: units,
            };
            self.call("reward", who, backstop::ADDRESS, &pay, |model| {
                model.reward(who, asset, units)
            });
            return;
        }
        let (asset, goods_asset) = self.dice.of(&on_sale);
        let is_usable = |asset| self.model.quotes[asset].sell.is_some();
        if ![asset, goods_asset].iter().all(is_usable) {
            return;
        }
        let goods = self.model.stakes.lots[&(asset, goods_asset)].goods;
        let most = self.dice.of(&[goods, goods, goods / n(2) + n(1)]);
        let buy = IBackstop::buyGoodsCall {
            assetId: asset,
            goodsAssetId: goods_asset,
            amount: most,
            maxPay: U256::MAX,
        };
        self.call("buy", who, backstop::ADDRESS, &buy, |model| {
            let (goods, paid) = model.buy_goods(who, asset, goods_asset, most)?;
            Ok(IBackstop::buyGoodsReturn { goods, paid })
        });
    }

    /// An owner limits himself, or wants to be free again.
    pub(super) fn limit_step(&mut self) {
        let account = self.dice.of(&PEOPLE);
        let limits = OwnLimits {
            leverageMaxBps: self.dice.of(&[0, 0, 15_000, 40_000]),
            dailyLossMaxUsd: self.dice.of(&[0, 50, 500, 3_000]),
            coolingOffS: self.dice.of(&[0, 3_600, 172_800, 9_000_000]),
        };
        let set = setLimitsCall {
            index: account.index,
            limits: limits.clone(),
        };
        self.call("limit", account.owner, ADDRESS, &set, |model| {
            model.set_limits(account, &limits)?;
            Ok(setLimitsReturn {})
        });
    }

    /// Somebody pays into an account that may be another's.
    pub(super) fn deposit_to(&mut self) {
        let (who, account): (Address, _) = (self.dice.of(&WALLETS), self.dice.of(&PEOPLE));
        let (asset, dollars) = (self.dice.of(&ASSETS), self.dice.below(800));
        let units = self.worth(asset, dollars);
        let pay = depositToCall {
            account: reference(account),
            assetId: asset,
            amount: units,
        };
        self.call("depositTo", who, ADDRESS, &pay, |model| {
            model.deposit_to(who, account, asset, units)
        });
    }

    /// Somebody whom no account here belongs to swaps in a pool: what it is made of changes, what it counts does not.
    pub(super) fn swap(&mut self) {
        let id = self.dice.of(&POOLS);
        let pool = &self.model.pools[&id];
        let mut coins = pool.coins;
        if self.dice.below(2) == 0 {
            coins.reverse();
        }
        let most = self.model.free(coins[0], MAKER).to::<u128>();
        let place = usize::from(coins[0] != self.model.pools[&id].coins[0]);
        let likely = self.model.pools[&id].reserves[place].to::<u128>() / 3;
        let units = (1 + self.dice.below(likely.max(1))).min(most);
        self.open_pools(true);
        let swapped = swap_in_pool(&mut self.scene, id, coins, units);
        self.open_pools(false);
        self.note(if swapped { "swap" } else { "swap refused" });
        self.read_pool(id);
    }

    /// What others did in a pool: its reserves, and what stands with whoever trades there.
    fn read_pool(&mut self, id: u32) {
        let seen = poolCall { poolId: id };
        let seen = self.scene.world.view(exchange::ADDRESS, &seen);
        let pool = self.model.pools.get_mut(&id).expect("there");
        pool.reserves = [seen.reserves[0], seen.reserves[1]];
        for coin in pool.coins {
            for who in [MAKER, exchange::VAULT] {
                let cx = &mut self.scene.world.store.frame(ADDRESS, ADDRESS);
                let free = ledger::free(cx, AssetId::new(coin), who).expect("reads");
                self.model.set_free(coin, who, free.to_u256());
            }
        }
    }

    /// Pools are open while a batch runs, and shut when the block looks.
    pub(super) fn open_pools(&mut self, is_open: bool) {
        for pool in POOLS {
            if is_open {
                let call = unpausePoolCall { poolId: pool };
                self.scene.world.ok(OWNER, exchange::ADDRESS, &call);
            } else {
                let call = pausePoolCall { poolId: pool };
                self.scene.world.ok(OWNER, exchange::ADDRESS, &call);
            }
        }
    }

    /// Two accounts with opposite wants: each holds what the other owes, and what else both hold falls to a tenth.
    pub(super) fn oppose(&mut self) {
        let [one, other] = {
            let one = self.dice.of(&PEOPLE);
            let other = self.dice.of(&PEOPLE);
            [one, other]
        };
        let (here, there) = self
            .dice
            .of(&[(ETH, USDC), (ETH, DAI), (USDC, ETH), (DAI, USDC)]);
        if one == other {
            return;
        }
        self.lean(one, here, there);
        self.lean(other, there, here);
        let fallen = self.scene.spot(RISKY) / 10 + 1;
        self.insist(&[(RISKY, fallen)]);
        self.called = vec![one, other];
        self.note("oppose");
    }

    /// Holds one asset and something risky, and owes another as far as that goes.
    fn lean(&mut self, on: AccountId, held: u32, owed: u32) {
        let who = on.owner;
        let goods = [
            (held, self.worth(held, 4_000)),
            (RISKY, self.worth(RISKY, 3_000)),
        ];
        let acts: Vec<Act> = goods
            .into_iter()
            .map(|(asset, units)| Act::Deposit(asset, units.min(self.model.wallet(asset, who))))
            .collect();
        self.play(who, on, &acts);
        let room = self.worth(owed, 1) * self.model.room(on) / n(USD);
        let cash = self.model.free(owed, lending::CASH);
        let units = room.min(cash) * n(97) / n(100);
        let acts = [Act::Borrow(owed, units), Act::Withdraw(owed, units, who)];
        self.play(who, on, &acts);
    }
}

/// Answers whether the pool took it.
fn swap_in_pool(scene: &mut Scene, id: u32, [from, to]: [u32; 2], units: u128) -> bool {
    let leg = Leg {
        pool: PoolId::new(id),
        asset_in: AssetId::new(from),
        asset_out: AssetId::new(to),
        size: Size::In(Assets::new(units).expect("small")),
    };
    let bounds = Bounds {
        paid_max: Assets::MAX,
        asset_in: leg.asset_in,
        asset_out: leg.asset_out,
        received_min: Assets::ZERO,
    };
    let swapped = scene.world.inside(ADDRESS, CAROL, |cx| {
        exchange::swap(cx, MAKER, MAKER, &[leg], bounds)
    });
    swapped.is_ok()
}
