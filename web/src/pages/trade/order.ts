/** Orders that the block executes, from what somebody writes to what is signed, and back into words. */
import { parseDecimal, problemInWords } from '../../units/decimal.ts';
import { exact, shownBps, shownHealth, shownUsd, USD_DECIMALS, type Usd } from '../../units/quantity.ts';
import type { Order } from './shapes.ts';

export type OrderKind = 'stop' | 'profit' | 'trailing';

/** The largest number is all there is when it fires. */
export const ALL = (1n << 256n) - 1n;
/** A step of a trailing order is about 1.1 %. */
const STEP_BPS = 110;
const DAY_MS = 86_400_000;
/** How long an order stands. */
export const LASTS_DAYS = 30;

/** `ITriggers.Order`. */
export interface OrderStruct {
  readonly kind: number;
  readonly sellAssetId: number;
  readonly buyAssetId: number;
  readonly amount: bigint;
  readonly limitBps: number;
  readonly repay: boolean;
  readonly watchAssetId: number;
  readonly above: boolean;
  readonly price: bigint;
  readonly distanceSteps: number;
  readonly intervalS: number;
  readonly count: number;
  readonly floorBps: number;
  readonly targetBps: number;
  readonly expiresMs: bigint;
}

export interface Wish {
  readonly kind: OrderKind;
  readonly sell: number;
  readonly buy: number;
  /** Units to sell; all there is if null. */
  readonly amount: bigint | null;
  /** A price in dollars, or a distance in percent. */
  readonly at: string;
  readonly repay: boolean;
  readonly limitBps: number;
}

export type Made = { ok: true; order: OrderStruct } | { ok: false; words: string };

/** An order, or why there is none. `spot` is the price now: a stop stands below it, a target above. */
export function orderOf(wish: Wish, spot: Usd, nowMs: number): Made {
  const no = (words: string): Made => ({ ok: false, words });
  if (wish.sell === wish.buy) return no('choose another asset to buy');
  if (wish.amount === 0n) return no('say how much to sell');
  const order = {
    sellAssetId: wish.sell,
    buyAssetId: wish.buy,
    amount: wish.amount ?? ALL,
    limitBps: wish.limitBps,
    repay: wish.repay,
    watchAssetId: wish.sell,
    intervalS: 0,
    count: 1,
    floorBps: 0,
    targetBps: 0,
    expiresMs: BigInt(nowMs + LASTS_DAYS * DAY_MS),
  };
  if (wish.kind === 'trailing') {
    const percent = parseDecimal(wish.at.replace(/%$/, '').trim(), 2);
    if (!percent.ok) return no(problemInWords(percent.problem));
    const bps = Number(percent.amount);
    if (bps < STEP_BPS || bps > 9_000) return no('a distance between 1.1 % and 90 %');
    return {
      ok: true,
      order: { ...order, kind: 2, above: false, price: 0n, distanceSteps: Math.round(bps / STEP_BPS) },
    };
  }
  const price = parseDecimal(wish.at.trim(), USD_DECIMALS);
  if (!price.ok) return no(problemInWords(price.problem));
  if (price.amount === 0n) return no('say at which price');
  const above = wish.kind === 'profit';
  if (above && price.amount <= spot.amount)
    return no(`the price is ${shownUsd(spot)} already: sell at once, or choose a higher one`);
  if (!above && price.amount >= spot.amount)
    return no(`the price is ${shownUsd(spot)} already: sell at once, or choose a lower one`);
  return { ok: true, order: { ...order, kind: 1, above, price: price.amount, distanceSteps: 0 } };
}

/** The same at a terminal. */
export function orderCommand(wish: Wish, sell: string, buy: string, decimals: number): string {
  const amount = wish.amount === null ? 'max' : exact({ amount: wish.amount, decimals, unit: 'asset:0' });
  const when = {
    stop: `--below ${wish.at}`,
    profit: `--above ${wish.at}`,
    trailing: `--trail ${wish.at.replace(/%$/, '').trim()}%`,
  }[wish.kind];
  return `trigger add ${amount} ${sell} ${buy} ${when}${wish.repay ? ' --repay' : ''}`;
}

/** When an order fires, in words. */
export function whenWords(order: Order): string {
  const watched = order.watch?.symbol ?? order.sell.symbol;
  switch (order.kind) {
    case 'price':
    case 'trailing': {
      const side = order.above ? 'or more' : 'or less';
      const at = order.firesAt === null ? 'a price' : `${shownUsd(order.firesAt)} USD ${side}`;
      return `${watched} is at ${at}${order.kind === 'trailing' ? ', which follows it' : ''}`;
    }
    case 'slices':
      return order.count === 1 ? 'once more' : `${order.count} times more`;
    case 'health':
      return `health is ${order.floor === null ? 'low' : `${shownHealth(order.floor)} or less`}`;
    default:
      return order.kind;
  }
}

/** How much below oracle prices a sale may stay. */
export function limitWords(order: Order): string {
  return `at most ${shownBps(order.limitBps)} below the oracle`;
}
