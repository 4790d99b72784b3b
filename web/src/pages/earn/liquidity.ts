/** Liquidity in numbers: what belongs to an amount, what a pool is worth, and what holding would have been. */
import type { Market, Piece, Pool } from '../../node/shapes.ts';
import { add, quantity, usd, worthDown, type Quantity, type Usd } from '../../units/quantity.ts';

const BPS = 10_000n;

export interface Provision {
  /** Most of each coin that is taken, in the pool's order. */
  readonly amountsMax: readonly bigint[];
  readonly sharesMin: bigint;
}

/**
 * What goes beside so much of a pool's first coin, as its reserves stand, rounded up; and the shares for it, rounded down.
 * Both leave room for what the pool moves until the block.
 */
export function provisionOf(pool: Pool, first: bigint, roomBps: number): Provision | null {
  const lead = pool.assets[0];
  const total = pool.totalShares;
  if (lead === undefined || total === null || lead.reserve.amount === 0n || first === 0n) return null;
  const room = BigInt(roomBps);
  const amountsMax = pool.assets.map(({ reserve }, index) => {
    if (index === 0) return first;
    const beside = (first * reserve.amount + lead.reserve.amount - 1n) / lead.reserve.amount;
    return (beside * (BPS + room) + BPS - 1n) / BPS;
  });
  const shares = (first * total.amount) / lead.reserve.amount;
  return { amountsMax, sharesMin: (shares * (BPS - room)) / BPS };
}

/** What a pool holds, at the oracle's prices; null where one of its coins has none that may be used. `dollar`: the chain's own, which has no market. */
export function poolWorth(
  pool: Pool,
  markets: readonly Market[],
  dollar: { readonly assetId: number; readonly price: Usd | null } | null = null,
): Usd | null {
  let sum = usd(0n);
  for (const coin of pool.assets) {
    const told = markets.find((market) => market.assetId === coin.assetId)?.price;
    const price = told?.usable ? told.spot : coin.assetId === dollar?.assetId ? dollar.price : null;
    if (price === null) return null;
    sum = add(sum, worthDown(coin.reserve, price));
  }
  return sum;
}

export interface PoolPrice {
  readonly of: Quantity<'price'>;
  readonly unit: string;
  readonly one: string;
}

/** The price between a pool's first two coins, of the dearer one. */
export function poolPrice(pool: Pool): PoolPrice | null {
  const [first, second] = pool.assets;
  const price = pool.prices[0];
  if (!first || !second || !price?.spot || !price.spotBack) return null;
  return price.spotBack.amount >= price.spot.amount
    ? { of: price.spotBack, unit: second.symbol, one: first.symbol }
    : { of: price.spot, unit: first.symbol, one: second.symbol };
}

export interface Against {
  readonly tone: 'good' | 'warn' | 'plain';
  /** Without a sign. */
  readonly difference: Usd;
  readonly bps: number;
  readonly words: string;
}

/** What liquidity gives beside what holding its coins would have. */
export function againstHolding(piece: Pick<Piece, 'value' | 'ifHeld'>): Against {
  const { value, ifHeld } = piece;
  const ahead = value.amount >= ifHeld.amount;
  const amount = ahead ? value.amount - ifHeld.amount : ifHeld.amount - value.amount;
  const bps = ifHeld.amount === 0n ? 0 : Number((amount * BPS) / ifHeld.amount);
  const difference = quantity(amount, value.decimals, 'usd');
  if (bps === 0) return { tone: 'plain', difference, bps, words: 'as if held' };
  return ahead
    ? { tone: 'good', difference, bps, words: 'ahead of holding: fees made more than the price cost' }
    : { tone: 'warn', difference, bps, words: 'behind holding: the price went further than fees made up for' };
}

/** Least that comes out, with room for what moves until the block. */
export function leastOf(amounts: readonly bigint[], roomBps: number): bigint[] {
  return amounts.map((amount) => (amount * (BPS - BigInt(roomBps))) / BPS);
}
