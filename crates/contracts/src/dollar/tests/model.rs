//! Random steps beside a model of plain integers, which predicts every answer, every error with its numbers, and every
//! balance (DOL-1, DOL-2, DOL-3, DOL-4, DOL-6, DOL-7, DOL-8, DOL-9, DOL-10, DOL-11, DOL-14).

use std::collections::{BTreeMap, VecDeque};

use capstan_units::Ray;

use super::{
    super::book::STATE,
    redemption::request,
    swaps::{into, out, pegged},
    *,
};
use crate::{
    erc20::IErc20::{ERC20InsufficientBalance, transferCall},
    testkit::{dice::Dice, steps},
};

/// Steps of one world.
const PLAY: u32 = 8_000;
/// Steps between looks at the whole world.
const SWEEP: u32 = 500;
const PEOPLE: [AccountId; 3] = [ALICES, BOBS, CAROLS];
const UNIT: u128 = 1_000_000_000_000;

fn ray() -> U256 {
    Ray::ONE.to_u256()
}

fn down(a: U256, b: U256, c: U256) -> U256 {
    a * b / c
}

fn up(a: U256, b: U256, c: U256) -> U256 {
    (a * b).div_ceil(c)
}

fn half_up(a: U256, b: U256, c: U256) -> U256 {
    (a * b + c / n(2)) / c
}

type Book<K> = BTreeMap<K, U256>;

fn of<K: Ord>(book: &Book<K>, who: K) -> U256 {
    book.get(&who).copied().unwrap_or_default()
}

fn no<R>(error: &impl SolError) -> Result<R, Halt> {
    Err(Halt::revert(error))
}

/// A headroom: what is used of it, and since when that was so.
#[derive(Clone, Copy, Default)]
struct Room {
    used: U256,
    at_ms: u64,
}

impl Room {
    fn drain(&mut self, size: U256, refill_s: u32, now_ms: u64) {
        let (ms, refill) = (
            U256::from(now_ms - self.at_ms),
            U256::from(refill_s) * n(1_000),
        );
        self.used = self.used.saturating_sub(down(size, ms, refill));
        self.at_ms = now_ms;
    }

    fn take(&mut self, size: U256, refill_s: u32, amount: U256) -> Result<(), Halt> {
        let left = size.saturating_sub(self.used);
        if amount <= left {
            self.used += amount;
            return Ok(());
        }
        let resets_ms = if amount > size {
            u64::MAX
        } else {
            let over = self.used + amount - size;
            self.at_ms + up(over, U256::from(refill_s) * n(1_000), size).to::<u64>()
        };
        no(&DollarHeadroom {
            amount,
            left,
            resetsMs: resets_ms,
        })
    }
}

/// The dollar as integers.
#[derive(Clone)]
struct Model {
    id: u32,
    peg: u32,
    goods: u32,
    params: DollarParams,
    peg_params: PegParams,
    index: U256,
    at_ms: u64,
    debts: Book<AccountId>,
    room: Room,
    free: Book<AccountId>,
    wallets: Book<Address>,
    supply: U256,
    surplus: U256,
    hole: U256,
    savings_index: U256,
    pot: U256,
    shares: Book<Address>,
    /// Reserve of the foreign dollar, its wallets, its headroom and price.
    reserve: U256,
    foreign: Book<Address>,
    peg_room: Room,
    price: U256,
    /// Goods of accounts, and their price.
    things: Book<AccountId>,
    thing_price: U256,
    queue: VecDeque<(u64, Address, U256)>,
    made: u64,
}

impl Model {
    fn total(&self) -> U256 {
        self.debts.values().sum()
    }

    fn owed(&self, who: AccountId) -> U256 {
        up(of(&self.debts, who), self.index, ray())
    }

    fn growth(bps: u32, ms: u64) -> U256 {
        let rate = U256::from(bps) * n(10).pow(n(23));
        let x = rate * U256::from(ms) / U256::from(MS_PER_YEAR);
        ray() + x + half_up(x, x / n(2) + half_up(x, x / n(6), ray()), ray())
    }

    fn accrue(&mut self, now_ms: u64) {
        let ms = now_ms - self.at_ms;
        if ms == 0 {
            return;
        }
        let (before, total) = (self.index, self.total());
        if !total.is_zero() {
            self.index = up(Self::growth(self.params.stabilityBps, ms), before, ray());
        }
        let income = down(total, self.index - before, ray());
        let filled = income.min(self.hole);
        self.hole -= filled;
        self.surplus += income - filled;
        self.supply += income - filled;
        let shares: U256 = self.shares.values().sum();
        if !shares.is_zero() && self.hole.is_zero() {
            let wanted = down(
                Self::growth(self.params.savingsBps, ms),
                self.savings_index,
                ray(),
            );
            let needed = up(wanted, shares, ray()).saturating_sub(self.pot);
            let paid = needed.min(self.surplus.saturating_sub(self.params.surplusFloor));
            self.pot += paid;
            self.surplus -= paid;
            self.savings_index = if paid == needed {
                wanted
            } else {
                down(self.pot, ray(), shares)
                    .min(wanted)
                    .max(self.savings_index)
            };
        }
        self.at_ms = now_ms;
    }

    fn earn(&mut self, fee: U256) {
        let filled = fee.min(self.hole);
        self.hole -= filled;
        self.supply -= filled;
        self.surplus += fee - filled;
    }

    fn drain(&mut self, now_ms: u64) {
        self.room
            .drain(self.params.headroom, self.params.refillS, now_ms);
    }

    fn lower(&mut self, who: AccountId, amount: U256, now_ms: u64) -> Result<U256, Halt> {
        let (all, owed) = (of(&self.debts, who), self.owed(who));
        if all.is_zero() {
            return self.no_debt(who, n(1));
        }
        let (paid, burned) = if amount >= owed {
            (owed, all)
        } else {
            (amount, down(amount, ray(), self.index))
        };
        if burned.is_zero() {
            return no(&DollarTooSmall {
                amount,
                least: self.index.div_ceil(ray()),
            });
        }
        *self.debts.entry(who).or_default() -= burned;
        self.drain(now_ms);
        self.room.used = self.room.used.saturating_sub(paid);
        Ok(paid)
    }

    fn no_debt<R>(&self, who: AccountId, need: U256) -> Result<R, Halt> {
        no(&DollarInsufficientDebt {
            owner: who.owner,
            index: who.index,
            have: of(&self.debts, who),
            need,
        })
    }

    fn mint(&mut self, who: AccountId, amount: U256, now_ms: u64) -> Result<U256, Halt> {
        let shares = up(amount, ray(), self.index);
        let cap = down(self.params.ceiling, ray(), self.index);
        if self.total() + shares > cap {
            return no(&DollarCeiling {
                debt: up(self.total(), self.index, ray()),
                amount,
                ceiling: self.params.ceiling,
            });
        }
        self.drain(now_ms);
        let (size, refill_s) = (self.params.headroom, self.params.refillS);
        self.room.take(size, refill_s, amount)?;
        *self.debts.entry(who).or_default() += shares;
        *self.free.entry(who).or_default() += amount;
        self.supply += amount;
        Ok(shares)
    }

    fn repay(
        &mut self,
        payer: AccountId,
        who: AccountId,
        amount: U256,
        now_ms: u64,
    ) -> Result<U256, Halt> {
        let paid = self.lower(who, amount, now_ms)?;
        let have = of(&self.free, payer);
        if have < paid {
            return no(&ILedger::LedgerInsufficient {
                owner: payer.owner,
                index: payer.index,
                assetId: self.id,
                have,
                need: paid,
            });
        }
        *self.free.entry(payer).or_default() -= paid;
        self.supply -= paid;
        Ok(paid)
    }

    fn write_off(&mut self, who: AccountId) -> Result<U256, Halt> {
        let owed = self.owed(who);
        if self.debts.remove(&who).unwrap_or_default().is_zero() {
            return self.no_debt(who, n(1));
        }
        let borne = owed.min(self.surplus);
        self.surplus -= borne;
        self.supply -= borne;
        self.hole += owed - borne;
        Ok(borne)
    }

    fn pay(&mut self, who: Address, amount: U256) -> Result<(), Halt> {
        let balance = of(&self.wallets, who);
        if balance < amount {
            return no(&ERC20InsufficientBalance {
                sender: who,
                balance,
                needed: amount,
            });
        }
        *self.wallets.entry(who).or_default() -= amount;
        Ok(())
    }

    fn swap_in(&mut self, who: Address, amount: U256, now_ms: u64) -> Result<U256, Halt> {
        let least = up(
            n(USD),
            n(10_000 - u128::from(self.peg_params.toleranceBps)),
            n(10_000),
        );
        if self.price < least {
            return no(&DollarOffPeg {
                assetId: self.peg,
                price: self.price,
                least,
            });
        }
        if amount.is_zero() {
            return no(&ILedger::LedgerZeroAmount {});
        }
        let balance = of(&self.foreign, who);
        if balance < amount {
            return no(&ERC20InsufficientBalance {
                sender: who,
                balance,
                needed: amount,
            });
        }
        let par = amount * n(UNIT);
        let fee = up(par, U256::from(self.peg_params.feeInBps), n(10_000));
        let held = self.reserve * n(UNIT);
        if held + par > self.peg_params.cap {
            return no(&DollarPegCap {
                assetId: self.peg,
                held,
                amount: par,
                cap: self.peg_params.cap,
            });
        }
        let (size, refill_s) = (self.peg_params.headroom, self.peg_params.refillS);
        self.peg_room.drain(size, refill_s, now_ms);
        self.peg_room.take(size, refill_s, par)?;
        *self.foreign.entry(who).or_default() -= amount;
        self.reserve += amount;
        *self.wallets.entry(who).or_default() += par - fee;
        self.supply += par;
        self.earn(fee);
        Ok(par - fee)
    }

    fn swap_out(&mut self, who: Address, usd: U256, now_ms: u64) -> Result<U256, Halt> {
        if usd.is_zero() {
            return no(&DollarZeroAmount {});
        }
        let fee = up(usd, U256::from(self.peg_params.feeOutBps), n(10_000));
        let amount = (usd - fee) / n(UNIT);
        if amount.is_zero() {
            return no(&DollarTooSmall {
                amount: usd,
                least: n(UNIT) + fee,
            });
        }
        self.pay(who, usd)?;
        if self.reserve < amount {
            return no(&DollarPegReserve {
                assetId: self.peg,
                held: self.reserve,
                wanted: amount,
            });
        }
        self.supply -= usd - fee;
        self.earn(fee);
        self.reserve -= amount;
        let (size, refill_s) = (self.peg_params.headroom, self.peg_params.refillS);
        self.peg_room.drain(size, refill_s, now_ms);
        self.peg_room.used = self.peg_room.used.saturating_sub(usd - fee);
        *self.foreign.entry(who).or_default() += amount;
        Ok(amount)
    }

    fn dust<R>(&self, amount: U256) -> Result<R, Halt> {
        no(&DollarTooSmall {
            amount,
            least: self.savings_index.div_ceil(ray()),
        })
    }

    fn deposit(&mut self, who: Address, amount: U256) -> Result<U256, Halt> {
        let shares = down(amount, ray(), self.savings_index);
        if shares.is_zero() {
            return self.dust(amount);
        }
        self.pay(who, amount)?;
        self.pot += amount;
        *self.shares.entry(who).or_default() += shares;
        Ok(shares)
    }

    fn redeem(&mut self, who: Address, shares: U256) -> Result<U256, Halt> {
        let amount = down(shares, self.savings_index, ray());
        if amount.is_zero() {
            return self.dust(amount);
        }
        let balance = of(&self.shares, who);
        if balance < shares {
            return no(&ERC20InsufficientBalance {
                sender: who,
                balance,
                needed: shares,
            });
        }
        *self.shares.entry(who).or_default() -= shares;
        self.pot -= amount;
        *self.wallets.entry(who).or_default() += amount;
        Ok(amount)
    }

    fn request(&mut self, who: Address, amount: U256) -> Result<U256, Halt> {
        let least = self.params.redemptionMin;
        if amount < least {
            return no(&DollarRequestTooSmall { amount, least });
        }
        self.pay(who, amount)?;
        self.made += 1;
        self.queue.push_back((self.made, who, amount));
        Ok(U256::from(self.made))
    }

    fn at(&self, id: u64) -> Result<usize, Halt> {
        let at = self.queue.iter().position(|request| request.0 == id);
        at.map_or_else(|| no(&DollarNoRequest { id }), Ok)
    }

    fn cancel(&mut self, who: Address, id: u64) -> Result<U256, Halt> {
        let at = self.at(id)?;
        let (_, owner, left) = self.queue[at];
        if owner != who {
            return no(&DollarNotRequester { id, owner });
        }
        self.queue.remove(at);
        *self.wallets.entry(who).or_default() += left;
        Ok(left)
    }

    fn fulfil(
        &mut self,
        id: u64,
        debtor: AccountId,
        amount: U256,
        now_ms: u64,
    ) -> Result<U256, Halt> {
        let (at, first) = (self.at(id)?, self.queue[0].0);
        if at != 0 {
            return no(&DollarNotFirst { id, first });
        }
        let (_, owner, left) = self.queue[0];
        if of(&self.debts, debtor).is_zero() {
            return self.no_debt(debtor, n(1));
        }
        let burned = amount.min(left).min(self.owed(debtor));
        let fee = up(burned, U256::from(self.params.redemptionFeeBps), n(10_000));
        let goods = down(burned - fee, n(USD), self.thing_price);
        if goods.is_zero() {
            return no(&DollarTooSmall {
                amount: burned,
                least: self.params.redemptionMin,
            });
        }
        self.lower(debtor, burned, now_ms)?;
        self.supply -= burned;
        let have = of(&self.things, debtor);
        if have < goods {
            return no(&ILedger::LedgerInsufficient {
                owner: debtor.owner,
                index: debtor.index,
                assetId: self.goods,
                have,
                need: goods,
            });
        }
        *self.things.entry(debtor).or_default() -= goods;
        *self.things.entry(AccountId::new(owner, 9)).or_default() += goods;
        let left = left - burned;
        if left >= self.params.redemptionMin {
            self.queue[0].2 = left;
        } else {
            self.queue.pop_front();
            *self.wallets.entry(owner).or_default() += left;
        }
        Ok(goods)
    }
}

/// One step.
#[derive(Clone, Copy)]
struct Step {
    verb: &'static str,
    who: AccountId,
    other: AccountId,
    units: U256,
    id: u64,
}

fn happen(scene: &mut Scene, peg: AssetId, goods: AssetId, step: &Step) -> Result<U256, Halt> {
    let Step {
        verb,
        who,
        other,
        units,
        id,
    } = *step;
    let small = units.to::<u128>();
    let (usd, wallet) = (scene.id, who.owner);
    let store = &mut scene.world.store;
    store.next_transaction(u64::MAX);
    let answer = |bytes: alloy_primitives::Bytes| U256::from_be_slice(&bytes);
    let mut call = |target: Address, input: Vec<u8>| {
        let contract = crate::resolve(target).expect("native");
        store.attempt(|store| contract.run(&mut store.frame(target, wallet), &input))
    };
    match verb {
        "swap in" => return call(ADDRESS, into(peg, small).abi_encode()).map(answer),
        "swap out" => return call(ADDRESS, out(peg, small).abi_encode()).map(answer),
        "deposit" => {
            let deposit = IErc4626::depositCall {
                assets: units,
                receiver: wallet,
            };
            return call(saved::ADDRESS, deposit.abi_encode()).map(answer);
        }
        "redeem" => {
            let redeem = IErc4626::redeemCall {
                shares: units,
                receiver: wallet,
                owner: wallet,
            };
            return call(saved::ADDRESS, redeem.abi_encode()).map(answer);
        }
        "request" => return call(ADDRESS, request(small).abi_encode()).map(answer),
        "cancel" => return call(ADDRESS, cancelRedemptionCall { id }.abi_encode()).map(answer),
        _ => {}
    }
    let amount = a(small);
    store.attempt(|store| {
        let cx = &mut store.frame(ROOM, ROOM);
        Ok(match verb {
            "mint" => dollar::mint(cx, who, amount)?.to_u256(),
            "repay" => dollar::repay(cx, other, who, amount)?.to_u256(),
            "write off" => dollar::write_off(cx, who)?.reserve.to_u256(),
            "fulfil" => dollar::fulfil(cx, id, who, goods, amount)?.goods.to_u256(),
            "push" => {
                ledger::push(cx, usd, who, who.owner, amount)?;
                units
            }
            "move" => {
                dollar::move_debt(cx, who, other, DebtShares::new(small)?)?;
                units
            }
            _ => {
                ledger::shift(cx, usd, who, other, amount)?;
                units
            }
        })
    })
}

fn predict(model: &mut Model, now_ms: u64, step: &Step) -> Result<U256, Halt> {
    let Step {
        verb,
        who,
        other,
        units,
        id,
    } = *step;
    let mut next = model.clone();
    if matches!(verb, "mint" | "repay" | "fulfil") && units.is_zero() {
        return no(&DollarZeroAmount {});
    }
    if !matches!(verb, "push" | "shift" | "cancel") {
        next.accrue(now_ms);
    }
    let before = next.clone();
    let short = |model: &Model| {
        no(&ILedger::LedgerInsufficient {
            owner: who.owner,
            index: who.index,
            assetId: model.id,
            have: of(&model.free, who),
            need: units,
        })
    };
    let answer = match verb {
        "mint" => next.mint(who, units, now_ms),
        "repay" => next.repay(other, who, units, now_ms),
        "write off" => next.write_off(who),
        "swap in" => next.swap_in(who.owner, units, now_ms),
        "swap out" => next.swap_out(who.owner, units, now_ms),
        "deposit" => next.deposit(who.owner, units),
        "redeem" => next.redeem(who.owner, units),
        "request" => next.request(who.owner, units),
        "cancel" => next.cancel(who.owner, id),
        "fulfil" => next.fulfil(id, who, units, now_ms),
        "move" if of(&next.debts, who) < units => next.no_debt(who, units),
        "move" => {
            *next.debts.entry(who).or_default() -= units;
            *next.debts.entry(other).or_default() += units;
            Ok(units)
        }
        "push" if units.is_zero() => no(&ILedger::LedgerZeroAmount {}),
        "push" | "shift" if of(&next.free, who) < units => short(&next),
        "push" => {
            *next.free.entry(who).or_default() -= units;
            *next.wallets.entry(who.owner).or_default() += units;
            Ok(units)
        }
        _ => {
            *next.free.entry(who).or_default() -= units;
            *next.free.entry(other).or_default() += units;
            Ok(units)
        }
    }?;
    assert_eq!(next.index, before.index, "DOL-3: {verb} moved the index");
    assert_eq!(next.savings_index, before.savings_index, "DOL-7: {verb}");
    let debt = up(next.total(), next.index, ray());
    let backing = debt + next.reserve * n(UNIT) + next.hole;
    assert!(next.supply <= backing, "DOL-1: {verb}");
    if verb != "write off" {
        assert!(next.hole <= before.hole, "DOL-6: {verb}");
    }
    *model = next;
    Ok(answer)
}

fn compare(scene: &mut Scene, model: &Model, peg: AssetId, goods: AssetId, step: u32) {
    scene.world.store.next_transaction(u64::MAX);
    let (usd, id) = (scene.usd, scene.id);
    let cx = &mut scene.world.store.frame(ADDRESS, ADDRESS);
    let book = STATE.book.load(cx).expect("reads");
    let pairs = [
        (book.borrow_index.to_u256(), model.index),
        (book.savings_index.to_u256(), model.savings_index),
        (book.savings.to_u256(), model.pot),
        (book.surplus.to_u256(), model.surplus),
        (book.hole.to_u256(), model.hole),
        (super::super::supply(cx).expect("reads"), model.supply),
        (
            STATE.reserves.at(peg).load(cx).expect("reads").to_u256(),
            model.reserve,
        ),
    ];
    for (at, (chain, model)) in pairs.into_iter().enumerate() {
        assert_eq!(chain, model, "step {step}, figure {at}");
    }
    for who in PEOPLE {
        let debts = STATE.debts.at(who).load(cx).expect("reads").to_u256();
        assert_eq!(debts, of(&model.debts, who), "step {step}, debt of {who}");
        let free = ledger::free(cx, id, who).expect("reads").to_u256();
        assert_eq!(free, of(&model.free, who), "step {step}, units of {who}");
        for who in [who, AccountId::new(who.owner, 9)] {
            let things = ledger::free(cx, goods, who).expect("reads").to_u256();
            assert_eq!(
                things,
                of(&model.things, who),
                "step {step}, goods of {who}"
            );
        }
        let wallet = token::balance_of(&mut cx.enter(usd), who.owner).expect("reads");
        assert_eq!(wallet, of(&model.wallets, who.owner), "step {step}, wallet");
    }
    let waiting = dollar::next_requests(cx, 1_000).expect("reads");
    let waiting = waiting
        .iter()
        .map(|one| (one.id, one.account.owner, one.left.to_u256()));
    assert!(
        waiting.eq(model.queue.iter().copied()),
        "step {step}, queue"
    );
}

fn begin() -> (Scene, AssetId, AssetId, Model) {
    let peg_params = PegParams {
        headroom: n(200_000 * USD),
        cap: n(300_000 * USD),
        ..peg_params()
    };
    let (mut scene, token, peg) = pegged(peg_params.clone());
    let (_, goods) = scene.asset(18, 2_000 * USD);
    let tight = DollarParams {
        ceiling: n(2_000_000 * USD),
        headroom: n(400_000 * USD),
        ..params()
    };
    scene.world.ok(
        OWNER,
        ADDRESS,
        &setParamsCall {
            params: tight.clone(),
        },
    );
    let rich = 1_000_000 * USD;
    let model = Model {
        id: scene.id.get(),
        peg: peg.get(),
        goods: goods.get(),
        params: tight,
        peg_params,
        index: ray(),
        at_ms: scene.world.store.block_mut().time_ms,
        debts: Book::new(),
        room: Room::default(),
        free: Book::new(),
        wallets: Book::new(),
        supply: n(0),
        surplus: n(0),
        hole: n(0),
        savings_index: ray(),
        pot: n(0),
        shares: Book::new(),
        reserve: n(0),
        foreign: PEOPLE
            .iter()
            .map(|who| (who.owner, scene.world.balance(token, who.owner)))
            .collect(),
        peg_room: Room::default(),
        price: n(USD),
        things: PEOPLE.iter().map(|who| (*who, n(rich))).collect(),
        thing_price: n(2_000 * USD),
        queue: VecDeque::new(),
        made: 0,
    };
    (scene, peg, goods, model)
}

fn roll(dice: &mut Dice, model: &Model) -> Step {
    let verb = dice.of(&[
        "mint",
        "mint",
        "mint",
        "repay",
        "repay",
        "push",
        "push",
        "shift",
        "move",
        "write off",
        "swap in",
        "swap in",
        "swap out",
        "swap out",
        "deposit",
        "deposit",
        "redeem",
        "request",
        "request",
        "cancel",
        "fulfil",
        "fulfil",
        "fulfil",
    ]);
    let (who, other) = (dice.of(&PEOPLE), dice.of(&PEOPLE));
    let most = match verb {
        "mint" => n(100_000 * USD),
        "repay" => model.owed(who),
        "push" | "shift" => of(&model.free, who),
        "move" => of(&model.debts, who),
        "swap in" => n(50_000_000_000),
        "redeem" => of(&model.shares, who.owner),
        "fulfil" => n(20_000 * USD),
        "write off" | "cancel" => n(0),
        _ => of(&model.wallets, who.owner) / n(3),
    };
    let first = model.queue.front().map_or(1, |request| request.0);
    let id = match dice.below(8) {
        0 => first + 1,
        1 => model.made + 1,
        _ if verb == "cancel" => {
            let at = dice.below(1 + u128::try_from(model.queue.len()).expect("small"));
            let at = usize::try_from(at).expect("small");
            model.queue.get(at).map_or(first, |request| request.0)
        }
        _ => first,
    };
    Step {
        verb,
        who,
        other,
        units: n(dice.amount(most.to::<u128>())),
        id,
    }
}

fn play(dice: &mut Dice, steps: u32, counts: &mut BTreeMap<(&'static str, bool), u32>) {
    let (mut scene, peg, goods, mut model) = begin();
    scene.world.sweep_every = SWEEP;
    for step in 0..steps {
        match dice.below(12) {
            0..=2 => {
                let ms = dice.of(&[1, 250, 60_000, 3_600_000, 86_400_000, 864_000_000]);
                scene.world.wait_ms(ms);
                let price = if dice.below(6) == 0 {
                    USD / 100 * 97
                } else {
                    USD
                };
                let thing = 1_500 * USD + dice.below(1_500) * USD;
                scene.say(&[(peg, price), (goods, thing)]);
                (model.price, model.thing_price) = (n(price), n(thing));
            }
            3 if dice.below(20) == 0 => {
                // DOL-14: dollars given to any address of the protocol are no one's.
                let to = dice.of(&[ADDRESS, saved::ADDRESS, ledger::ADDRESS]);
                let have = of(&model.wallets, ALICE);
                let value = have / n(50);
                let give = transferCall { to, value };
                scene.world.ok(ALICE, scene.usd, &give);
                *model.wallets.entry(ALICE).or_default() -= value;
            }
            _ => {}
        }
        let mut chosen = roll(dice, &model);
        // Losses are rare and small, or nothing is left to play with.
        let is_large = model.owed(chosen.who) > n(20_000 * USD);
        if chosen.verb == "write off" && is_large && dice.below(10) != 0 {
            chosen.verb = "repay";
        }
        let now_ms = scene.world.store.block_mut().time_ms;
        let happened = happen(&mut scene, peg, goods, &chosen);
        let expected = predict(&mut model, now_ms, &chosen);
        let Step {
            verb, who, units, ..
        } = chosen;
        *counts.entry((verb, expected.is_ok())).or_default() += 1;
        let said = |answer: &Result<U256, Halt>| match answer {
            Ok(units) => format!("{units}"),
            Err(halt) => words(halt),
        };
        assert!(
            happened == expected,
            "step {step}, {verb} {units} by {who}: {} instead of {}",
            said(&happened),
            said(&expected)
        );
        compare(&mut scene, &model, peg, goods, step);
        if step % SWEEP == 0 {
            crate::invariant::check_all(&scene.world.store).expect("every invariant holds");
        }
    }
    crate::invariant::check_all(&scene.world.store).expect("every invariant holds");
}

#[test]
fn random_steps_agree_with_a_model() {
    const NAME: &str = "dollar::tests::model";
    let (mut dice, steps) = steps::begin(NAME);
    let mut counts = BTreeMap::new();
    steps::in_plays(steps, PLAY, |steps| play(&mut dice, steps, &mut counts));
    println!("{counts:?}");
    if !steps::is_whole(NAME, steps) {
        return;
    }
    for (kind, count) in &counts {
        assert!(*count > 20, "only {count} of {kind:?}");
    }
    assert!(counts.len() >= 24, "{counts:?}");
}
