/**
 * Concentrated liquidity: prices and ticks, and what of both coins belongs to an amount of one. With `s` the root of the price
 * of the first coin in the second (smallest units), `l` and `u` those of the ends, and `L` the liquidity:
 *
 * ```text
 *   coin 0   L (1/s - 1/u)        s between l and u; below l it is l, and coin 1 is none
 *   coin 1   L (s - l)                               above u it is u, and coin 0 is none
 *   a tick t ends at the root  sqrt(1.0001)^t
 * ```
 * Roots are integers of 96 binary digits behind the point, as the contract has them. Floats only choose the tick, as the
 * command line does.
 */
import type { Two } from '../../act/liquidity.ts';
import { decimalDown, parseDecimal, problemInWords } from '../../units/decimal.ts';

const TICK_MAX = 887_272;
const BASE = 1.0001;
const BPS = 10_000n;
/** Binary digits while roots are multiplied, and of the result. */
const FINE = 128n;
const ROOT = 96n;
const PRICE_DECIMALS = 18;

function rootDown(of: bigint): bigint {
  if (of < 2n) return of;
  let guess = 1n << BigInt(Math.ceil(of.toString(2).length / 2));
  for (;;) {
    const next = (guess + of / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** `sqrt(1.0001)` with `FINE` binary digits. */
const STEP = rootDown((10_001n << (2n * FINE)) / 10_000n);

/** The root of the price at a tick, times 2^96. */
export function rootAt(tick: number): bigint {
  let power = 1n << FINE;
  let factor = STEP;
  for (let left = Math.abs(tick); left > 0; left >>= 1) {
    if (left & 1) power = (power * factor) >> FINE;
    factor = (factor * factor) >> FINE;
  }
  const fine = tick < 0 ? (1n << (2n * FINE)) / power : power;
  return fine >> (FINE - ROOT);
}

export interface Ends {
  readonly lower: number;
  readonly upper: number;
}

/** The widest range that a pool allows. */
export function allPrices(spacing: number): Ends {
  const most = Math.floor(TICK_MAX / spacing) * spacing;
  return { lower: -most, upper: most };
}

/** The tick at a price of one whole first coin in whole second ones. */
function tickOf(price: number, decimals0: number, decimals1: number): number {
  return Math.log(price * 10 ** (decimals1 - decimals0)) / Math.log(BASE);
}

/** The price at a tick, for eyes. */
export function priceAt(tick: number, decimals0: number, decimals1: number): number {
  return BASE ** tick * 10 ** (decimals0 - decimals1);
}

export type EndsRead = { ok: true; ends: Ends } | { ok: false; field: 'from' | 'to'; words: string };

function readPrice(text: string): number | string {
  const read = parseDecimal(text.trim(), PRICE_DECIMALS);
  if (!read.ok) return problemInWords(read.problem);
  return read.amount === 0n ? 'a price is above nothing' : Number(read.amount) / 10 ** PRICE_DECIMALS;
}

/** The ticks just outside of two prices: `lp add --from --to` takes the same ones. */
export function readEnds(from: string, to: string, coins: Two32, spacing: number): EndsRead {
  const prices = [readPrice(from), readPrice(to)] as const;
  if (typeof prices[0] === 'string') return { ok: false, field: 'from', words: prices[0] };
  if (typeof prices[1] === 'string') return { ok: false, field: 'to', words: prices[1] };
  const { upper: most } = allPrices(spacing);
  const clamp = (tick: number) => Math.min(most, Math.max(-most, tick));
  const lower = clamp(Math.floor(tickOf(prices[0], ...coins) / spacing) * spacing);
  const upper = clamp(Math.ceil(tickOf(prices[1], ...coins) / spacing) * spacing);
  if (prices[0] >= prices[1] || lower >= upper)
    return { ok: false, field: 'to', words: 'it must be above the lower price' };
  return { ok: true, ends: { lower, upper } };
}

/** Decimals of both coins. */
export type Two32 = readonly [number, number];

export interface RangeProvision {
  readonly liquidity: bigint;
  readonly liquidityMin: bigint;
  /** What it takes of each coin as the pool stands, rounded up. */
  readonly needed: Two;
  /** With room for what the pool moves until the block; of the coin that was named just that. */
  readonly most: Two;
}

const divUp = (a: bigint, b: bigint) => (a + b - 1n) / b;

/** Which coins a range takes where its pool stands. */
export function takes(root: bigint, ends: Ends): readonly [boolean, boolean] {
  return [root < rootAt(ends.upper), root > rootAt(ends.lower)];
}

/** So much of one coin, and what goes beside it; null where the range takes none of that coin now. */
export function rangeProvision(
  root: bigint,
  ends: Ends,
  coin: 0 | 1,
  amount: bigint,
  roomBps: number,
): RangeProvision | null {
  const [low, high] = [rootAt(ends.lower), rootAt(ends.upper)];
  const at = root < low ? low : root > high ? high : root;
  if (amount <= 0n || !takes(root, ends)[coin]) return null;
  const liquidity = coin === 0 ? (((amount * at) >> ROOT) * high) / (high - at) : (amount << ROOT) / (at - low);
  if (liquidity === 0n) return null;
  const needed: Two = [divUp((liquidity * (high - at)) << ROOT, high * at), divUp(liquidity * (at - low), 1n << ROOT)];
  const room = BigInt(roomBps);
  const roomy = (of: bigint) => divUp(of * (BPS + room), BPS);
  const most: Two = coin === 0 ? [amount, roomy(needed[1])] : [roomy(needed[0]), amount];
  return { liquidity, liquidityMin: (liquidity * (BPS - room)) / BPS, needed, most };
}

/** Where the present price stands between the ends, from 0 to 1, by ticks. */
export function placeOf(tick: number, ends: Ends): number {
  return Math.min(1, Math.max(0, (tick - ends.lower) / (ends.upper - ends.lower)));
}

/** Digits that tell a price from its neighbours, without an exponent. */
export function priceText(price: number): string {
  if (!Number.isFinite(price) || price <= 0) return '0';
  const places = Math.max(0, Math.min(PRICE_DECIMALS, 6 - Math.ceil(Math.log10(price))));
  return decimalDown(BigInt(Math.round(price * 10 ** PRICE_DECIMALS)), PRICE_DECIMALS, places);
}
