/** Orders that the block executes, from what somebody writes to what is signed, and back into words. */
import { decimal, parseDecimal, problemInWords } from '../../units/decimal.ts';
import { exact, shownBps, shownHealth, shownPrice, shownUsd, USD_DECIMALS, type Usd } from '../../units/quantity.ts';
import { lasting } from '../../units/time.ts';
import type { Order } from './shapes.ts';

export type OrderKind = 'stop' | 'profit' | 'trailing' | 'trailingUp' | 'parts' | 'health';

/** The contract's numbers of kinds. */
export const KIND_NUMBER: Record<OrderKind, number> = {
  stop: 1,
  profit: 1,
  trailing: 2,
  trailingUp: 2,
  parts: 3,
  health: 4,
};

/** The largest number is all there is when it fires. */
export const ALL = (1n << 256n) - 1n;
/** Steps of a trailing order in one doubling of the price. */
const STEPS_PER_DOUBLING = 64;
const STEPS_MAX = 64;
const HEALTH_DECIMALS = 4;
const DAY_MS = 86_400_000;
const TIMES_MAX = 1_000n;
/** Longest time between two parts: 31 days. */
const INTERVAL_S_MAX = 31 * 86_400;
/** How long an order stands, unless somebody says otherwise. */
export const LASTS_DAYS = 30;
const LASTS_DAYS_MAX = 365;
const LIMIT_BPS_MAX = 5_000;
/** What a sale may cost beside oracle prices, unless somebody says otherwise. */
export const LIMIT_PERCENT = '2';

/** Lengths of time between parts, as `--every` has them. */
export const EVERY_UNITS = { min: 60, h: 3_600, day: 86_400 } as const;
export type EveryUnit = keyof typeof EVERY_UNITS;

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

/** What somebody wrote into the form. */
export interface Wish {
  readonly kind: OrderKind;
  readonly watch: number;
  readonly sell: number;
  readonly buy: number;
  /** Units to sell; all there is if null. */
  readonly amount: bigint | null;
  /** A price in dollars, a distance in percent, or a health. */
  readonly at: string;
  /** Of parts: so many of a unit of time between them. */
  readonly every: string;
  readonly everyUnit: EveryUnit;
  /** Of parts and of health: how many times. */
  readonly times: string;
  /** The health that is restored. */
  readonly restore: string;
  readonly repay: boolean;
  readonly limit: string;
  readonly days: string;
}

/** Which field a complaint is about. */
export type Field = 'at' | 'every' | 'times' | 'restore' | 'amount' | 'buy' | 'limit' | 'days';
export type Made = { ok: true; order: OrderStruct } | { ok: false; field: Field; words: string };

class Wrong extends Error {
  constructor(
    readonly field: Field,
    words: string,
  ) {
    super(words);
  }
}

function digits(field: Field, text: string, decimals: number): bigint {
  const read = parseDecimal(text.replace(/%$/, '').trim(), decimals);
  if (!read.ok) throw new Wrong(field, problemInWords(read.problem));
  return read.amount;
}

/** The distance in steps that comes nearest to a part of the price, as `capstan trigger add --trail` counts it. */
export function stepsOf(bps: number, above: boolean): number {
  const part = bps / 10_000;
  const ratio = above ? 1 + part : 1 / (1 - part);
  return Math.round(Math.log2(ratio) * STEPS_PER_DOUBLING);
}

type Condition = Pick<
  OrderStruct,
  'above' | 'price' | 'distanceSteps' | 'intervalS' | 'count' | 'floorBps' | 'targetBps'
>;
const NO_CONDITION: Condition = {
  above: false,
  price: 0n,
  distanceSteps: 0,
  intervalS: 0,
  count: 1,
  floorBps: 0,
  targetBps: 0,
};

function atPrice(wish: Wish, spot: Usd): Condition {
  const above = wish.kind === 'profit';
  const price = digits('at', wish.at, USD_DECIMALS);
  if (price === 0n) throw new Wrong('at', 'say at which price');
  const isThere = above ? price <= spot.amount : price >= spot.amount;
  if (isThere) {
    throw new Wrong(
      'at',
      `the price is ${shownUsd(spot)} already: sell at once, or choose a ${above ? 'higher' : 'lower'} one`,
    );
  }
  return { ...NO_CONDITION, above, price };
}

function trailing(wish: Wish): Condition {
  const above = wish.kind === 'trailingUp';
  const bps = digits('at', wish.at, 2);
  const steps = bps < 10_000n ? stepsOf(Number(bps), above) : 0;
  if (steps < 1 || steps > STEPS_MAX) throw new Wrong('at', 'a distance between 1 % and 50 %');
  return { ...NO_CONDITION, above, distanceSteps: steps };
}

function timesOf(wish: Wish): number {
  const times = digits('times', wish.times, 0);
  if (times === 0n || times > TIMES_MAX) throw new Wrong('times', 'between 1 and 1000 times');
  return Number(times);
}

function inParts(wish: Wish): Condition {
  const every = digits('every', wish.every, 0);
  const seconds = every > BigInt(INTERVAL_S_MAX) ? Infinity : Number(every) * EVERY_UNITS[wish.everyUnit];
  if (seconds === 0 || seconds > INTERVAL_S_MAX) throw new Wrong('every', 'between a minute and 31 days');
  return { ...NO_CONDITION, intervalS: seconds, count: timesOf(wish) };
}

function byHealth(wish: Wish): Condition {
  const floor = digits('at', wish.at, HEALTH_DECIMALS);
  if (floor < 10_100n || floor > 100_000n) throw new Wrong('at', 'a health between 1.01 and 10');
  const target = digits('restore', wish.restore, HEALTH_DECIMALS);
  if (target < floor + 100n || target > 200_000n) {
    throw new Wrong('restore', `at least ${decimal(floor + 100n, HEALTH_DECIMALS)}, at most 20`);
  }
  return { ...NO_CONDITION, floorBps: Number(floor), targetBps: Number(target), count: timesOf(wish) };
}

/** An order, or why there is none. `spot` is the price now of what is watched: a stop stands below it, a target above. */
export function orderOf(wish: Wish, spot: Usd, nowMs: number): Made {
  try {
    if (wish.sell === wish.buy) throw new Wrong('buy', 'choose another asset to buy');
    if (wish.amount === 0n) throw new Wrong('amount', 'say how much to sell');
    const limit = digits('limit', wish.limit, 2);
    if (limit > BigInt(LIMIT_BPS_MAX)) throw new Wrong('limit', 'at most 50 %');
    const days = digits('days', wish.days, 0);
    if (days === 0n || days >= BigInt(LASTS_DAYS_MAX)) throw new Wrong('days', 'between 1 and 364 days');
    const condition = {
      stop: () => atPrice(wish, spot),
      profit: () => atPrice(wish, spot),
      trailing: () => trailing(wish),
      trailingUp: () => trailing(wish),
      parts: () => inParts(wish),
      health: () => byHealth(wish),
    }[wish.kind]();
    const order = {
      ...condition,
      kind: KIND_NUMBER[wish.kind],
      sellAssetId: wish.sell,
      buyAssetId: wish.buy,
      amount: wish.amount ?? ALL,
      limitBps: Number(limit),
      repay: wish.repay,
      watchAssetId: watches(wish.kind) ? wish.watch : wish.sell,
      expiresMs: BigInt(nowMs) + days * BigInt(DAY_MS),
    };
    return { ok: true, order };
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, field: error.field, words: error.message };
    throw error;
  }
}

/** Whether an order of this kind waits for a price. */
export function watches(kind: OrderKind): boolean {
  return kind !== 'parts' && kind !== 'health';
}

/** The same at a terminal. */
export function orderCommand(
  wish: Wish,
  names: { readonly sell: string; readonly buy: string; readonly watch: string },
  decimals: number,
): string {
  const amount = wish.amount === null ? 'max' : exact({ amount: wish.amount, decimals, unit: 'asset:0' });
  const percent = (text: string) => `${text.replace(/%$/, '').trim()}%`;
  const when = {
    stop: `--below ${wish.at.trim()}`,
    profit: `--above ${wish.at.trim()}`,
    trailing: `--trail ${percent(wish.at)}`,
    trailingUp: `--trail-up ${percent(wish.at)}`,
    parts: `--every ${wish.every.trim()}${wish.everyUnit} --times ${wish.times.trim()}`,
    health: `--health ${wish.at.trim()} --restore ${wish.restore.trim()} --times ${wish.times.trim()}`,
  }[wish.kind];
  const rest = [
    watches(wish.kind) && wish.watch !== wish.sell ? ` --watch ${names.watch}` : '',
    wish.repay && wish.kind !== 'health' ? ' --repay' : '',
    percent(wish.limit) === `${LIMIT_PERCENT}%` ? '' : ` --limit ${percent(wish.limit)}`,
    wish.days.trim() === String(LASTS_DAYS) ? '' : ` --lasts ${wish.days.trim()}days`,
  ];
  return `trigger add ${amount} ${names.sell} ${names.buy} ${when}${rest.join('')}`;
}

/** When an order that is about to be signed would fire, read from what is signed. `firesAt`: the step of its price. */
export function conditionWords(order: OrderStruct, watched: string, firesAt: Usd | null): string {
  const health = (bps: number) => decimal(BigInt(bps), HEALTH_DECIMALS);
  switch (order.kind) {
    case 1: {
      const asked = { amount: order.price, decimals: USD_DECIMALS, unit: 'usd' } as const;
      const side = order.above ? 'or more' : 'or less';
      return firesAt === null || firesAt.amount === asked.amount
        ? `When ${watched} is at ${shownPrice(asked)} ${side}`
        : `When ${watched} is at ${shownPrice(firesAt)} ${side}: the step behind ${shownPrice(asked)}`;
    }
    case 2:
      return `When ${watched} is ${order.distanceSteps} steps of 1.1 % ${order.above ? 'above the lowest' : 'below the best'} price seen from now on`;
    case 3:
      return `Every ${lasting(order.intervalS * 1_000)}, ${order.count} times, the first at once`;
    default:
      return `When health of the account is ${health(order.floorBps)} or less: sells what restores ${health(order.targetBps)}, at most ${order.count} times`;
  }
}

/** When an order fires, in words. */
export function whenWords(order: Order): string {
  const watched = order.watch?.symbol ?? order.sell.symbol;
  switch (order.kind) {
    case 'price':
    case 'trailing': {
      const side = order.above ? 'or more' : 'or less';
      const at = order.firesAt === null ? 'a price' : `${shownUsd(order.firesAt)} ${side}`;
      return `${watched} is at ${at}${order.kind === 'trailing' ? ', which follows it' : ''}`;
    }
    case 'slices': {
      const every = order.intervalS === null ? '' : `every ${lasting(order.intervalS * 1_000)}, `;
      return `${every}${order.count === 1 ? 'once more' : `${order.count} times more`}`;
    }
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
