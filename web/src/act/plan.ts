/**
 * From a wish to a batch: which verbs do what somebody wants, given what stands in the wallet and on the account. The same as
 * `capstan_client::plan` and `::lever`, which write the golden vectors.
 *
 * A wish takes from the account's free units first and from the wallet what is missing; what comes out goes to the wallet.
 */
import type { Hex } from 'viem';
import type { Action } from '../node/rpc.ts';
import { act, ALL, closeAll, mint, swap, withdraw, type Way } from './batch.ts';

/** What is left in a wallet when all of the gas coin is taken: 0.01, for later transactions. */
export const GAS_LEFT_WEI = 10_000_000_000_000_000n;
/** A debt grows until its block: so many parts of it, at least one unit, are brought on top. */
const GROWTH_DIVISOR = 10_000n;

/** What there is of an asset. Amounts in its smallest units. */
export interface There {
  readonly assetId: number;
  readonly isCoin: boolean;
  readonly wallet: bigint;
  readonly units: bigint;
  readonly supplied: bigint;
  readonly owed: bigint;
}

export type Wish = 'deposit' | 'supply' | 'redeem' | 'withdraw' | 'borrow' | 'repay' | 'mint';

/** Why a wish is no batch. */
export type PlanProblem =
  | { kind: 'zero' }
  | { kind: 'nothing'; why: string }
  | { kind: 'wallet lacks'; has: bigint; wanted: bigint }
  | { kind: 'account lacks'; missing: bigint };

export type Planned = { ok: true; actions: Action[]; takenFromWallet: bigint } | { ok: false; problem: PlanProblem };

/** How much may leave the wallet. */
export function spendable(there: There): bigint {
  if (!there.isCoin) return there.wallet;
  return there.wallet > GAS_LEFT_WEI ? there.wallet - GAS_LEFT_WEI : 0n;
}

/** What `max` and `%` are of, for a wish. */
export function largest(wish: Wish, there: There): bigint {
  switch (wish) {
    case 'deposit':
      return spendable(there);
    case 'supply':
      return there.units + spendable(there);
    case 'redeem':
      return there.supplied;
    case 'withdraw':
      return there.units + there.supplied;
    case 'repay':
      return there.owed;
    case 'borrow':
    case 'mint':
      return 0n;
  }
}

/** A new debt, of which nobody can have all. */
export function isNewDebt(wish: Wish): boolean {
  return wish === 'borrow' || wish === 'mint';
}

const NOTHING: Record<Wish, string> = {
  deposit: 'the wallet is empty',
  supply: 'wallet and account are empty',
  redeem: 'none of it is supplied',
  withdraw: 'the account holds none of it',
  repay: 'nothing of it is owed',
  borrow: '',
  mint: '',
};

const max = (one: bigint, other: bigint) => (one > other ? one : other);
const min = (one: bigint, other: bigint) => (one < other ? one : other);
const less = (one: bigint, other: bigint) => max(one - other, 0n);

/** `all`: the amount was `max`, and what that comes to is decided where it happens, since interest moves on. */
export function plan(wish: Wish, amount: bigint, all: boolean, there: There, to: Hex): Planned {
  const id = there.assetId;
  const actions: Action[] = [];
  const no = (problem: PlanProblem): Planned => ({ ok: false, problem });
  const deposit = (brought: bigint) => {
    if (brought > 0n) actions.push(act('deposit', id, brought));
    return brought;
  };
  const yes = (taken = 0n): Planned =>
    taken > there.wallet
      ? no({ kind: 'wallet lacks', has: there.wallet, wanted: taken })
      : { ok: true, actions, takenFromWallet: taken };
  if (!isNewDebt(wish) && largest(wish, there) === 0n && (all || wish === 'repay')) {
    return no({ kind: 'nothing', why: NOTHING[wish] });
  }
  if (amount === 0n) return no({ kind: 'zero' });
  switch (wish) {
    case 'deposit':
      return yes(deposit(amount));
    case 'supply': {
      const taken = deposit(less(amount, there.units));
      actions.push(act('supply', id, amount));
      return yes(taken);
    }
    case 'redeem': {
      if (!all && amount > there.supplied) return no({ kind: 'account lacks', missing: amount - there.supplied });
      actions.push(act('redeem', id, all ? ALL : amount));
      return yes();
    }
    case 'withdraw': {
      if (all) {
        if (there.supplied > 0n) actions.push(act('redeem', id, ALL));
        actions.push(withdraw(id, ALL, to));
        return yes();
      }
      const held = there.units + there.supplied;
      if (amount > held) return no({ kind: 'account lacks', missing: amount - held });
      const redeemed = less(amount, there.units);
      if (redeemed > 0n) actions.push(act('redeem', id, redeemed));
      actions.push(withdraw(id, amount, to));
      return yes();
    }
    case 'borrow':
      actions.push(act('borrow', id, amount), withdraw(id, amount, to));
      return yes();
    case 'mint':
      actions.push(mint(amount), withdraw(id, amount, to));
      return yes();
    case 'repay': {
      const paid = min(amount, there.owed);
      const isWhole = paid === there.owed;
      const growth = paid / GROWTH_DIVISOR + 1n;
      const wanted = paid + (isWhole ? growth : 0n);
      // The growth is brought if it is there; the debt itself must be.
      const least = less(paid, there.units);
      const brought = min(less(wanted, there.units), spendable(there));
      const taken = deposit(max(brought, least));
      actions.push(act('repay', id, isWhole ? ALL : paid));
      return yes(taken);
    }
  }
}

/** What must be bought to pay a whole debt that grows until its block. */
export function owedWithGrowth(owed: bigint): bigint {
  return owed === 0n ? 0n : owed + owed / GROWTH_DIVISOR + 1n;
}

/** Borrows what the way pays, swaps it, and supplies what was bought, with what stood there as units before. */
export function lever(way: Way): Action[] {
  const { assetIn, assetOut, paidMax } = way.bounds;
  return [act('borrow', assetIn, paidMax), swap(way), act('supply', assetOut, ALL)];
}

/**
 * Takes out of the market what the way may pay beyond free units, swaps it into what is owed, and repays. What the swap did
 * not need stays as units.
 */
export function unlever(long: There, against: There, way: Way, whole: boolean): Action[] {
  const actions: Action[] = [];
  const redeemed = min(less(way.bounds.paidMax, long.units), long.supplied);
  if (redeemed > 0n) actions.push(act('redeem', long.assetId, redeemed));
  actions.push(swap(way));
  actions.push(act('repay', against.assetId, whole ? ALL : against.units + way.bounds.receivedMin));
  return actions;
}

/**
 * Borrows what the way may pay, or mints it, swaps it into just what is owed of another asset, and repays that. What the swap
 * does not need stays as units.
 */
export function refinanceDebt(way: Way, whole: boolean, isMinted: boolean): Action[] {
  const { assetIn, assetOut, paidMax, receivedMin } = way.bounds;
  return [
    isMinted ? mint(paidMax) : act('borrow', assetIn, paidMax),
    swap(way),
    act('repay', assetOut, whole ? ALL : receivedMin),
  ];
}

/**
 * Swaps collateral into another, and lends what came if any of it was lent before; with it what stood there as units.
 * `whole`: nothing shall be left in the old market.
 */
export function refinanceCollateral(old: There, way: Way, whole: boolean): Action[] {
  const actions: Action[] = [];
  const { assetIn, assetOut, paidMax } = way.bounds;
  const redeemed = min(less(paidMax, old.units), old.supplied);
  const isAllOfIt = whole && old.supplied > 0n;
  if (isAllOfIt) actions.push(act('redeem', assetIn, ALL));
  else if (redeemed > 0n) actions.push(act('redeem', assetIn, redeemed));
  actions.push(swap(way));
  if (isAllOfIt || redeemed > 0n) actions.push(act('supply', assetOut, ALL));
  return actions;
}

/** What `closeBySwap` has to buy of a debt's asset beyond what the account holds of it. */
export function missingToClose(there: There): bigint {
  return less(owedWithGrowth(there.owed), there.units + there.supplied);
}

/** Every debt is paid: from what the account holds of its asset, then by selling `long`; `ways` has one for each that lacks. */
export function closeBySwap(long: There, owed: readonly { there: There; way: Way | null }[]): Action[] {
  const actions = [closeAll()];
  let held = long;
  for (const { there, way } of owed) {
    if (!way) continue;
    actions.push(...unlever(held, { ...there, units: 0n }, way, true));
    const redeemed = min(less(way.bounds.paidMax, held.units), held.supplied);
    held = {
      ...held,
      units: less(held.units + redeemed, way.bounds.paidMax),
      supplied: held.supplied - redeemed,
    };
  }
  return actions;
}
