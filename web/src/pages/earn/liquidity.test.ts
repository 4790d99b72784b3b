import { describe, expect, test } from 'vitest';
import type { Market, Pool } from '../../node/shapes.ts';
import { assetUnit, quantity, usd } from '../../units/quantity.ts';
import { againstHolding, leastOf, poolPrice, poolWorth, provisionOf } from './liquidity.ts';

const WAD = 10n ** 18n;

function pool(reserves: readonly bigint[], shares: bigint | null): Pool {
  return {
    poolId: 1,
    curve: 'product',
    feePips: 3_000,
    feeIsDynamic: false,
    protocolShareBps: 0,
    amplification: null,
    assets: reserves.map((reserve, index) => ({
      assetId: index,
      symbol: `A${index}`,
      token: '0x00',
      decimals: 6,
      reserve: quantity(reserve, 6, assetUnit(index)),
    })),
    prices: [],
    totalShares: shares === null ? null : quantity(shares, 18, 'shares'),
    lpToken: null,
    paused: false,
    range: null,
  };
}

describe('what belongs to an amount', () => {
  test('the others go beside it by reserves, up, and shares down', () => {
    expect(provisionOf(pool([3n, 10n], 7n), 1n, 0)).toEqual({ amountsMax: [1n, 4n], sharesMin: 2n });
    expect(provisionOf(pool([1_000n, 2_000n, 500n], 10_000n), 100n, 0)).toEqual({
      amountsMax: [100n, 200n, 50n],
      sharesMin: 1_000n,
    });
  });

  test('room is left on both sides', () => {
    expect(provisionOf(pool([1_000n, 2_000n], 10_000n), 100n, 50)).toEqual({
      amountsMax: [100n, 201n],
      sharesMin: 995n,
    });
  });

  test('an empty pool, a pool of ranges and nothing have none', () => {
    expect(provisionOf(pool([0n, 0n], 7n), 1n, 0)).toBeNull();
    expect(provisionOf(pool([3n, 10n], null), 1n, 0)).toBeNull();
    expect(provisionOf(pool([3n, 10n], 7n), 0n, 0)).toBeNull();
  });
});

test('a pool is worth what it holds, or nobody knows', () => {
  const market = (assetId: number, dollars: bigint, usable: boolean) =>
    ({ assetId, price: { spot: usd(dollars * WAD), usable } }) as unknown as Market;
  const both = pool([2_000_000n, 3_000_000n], 1n);
  expect(poolWorth(both, [market(0, 10n, true), market(1, 1n, true)])?.amount).toBe(23n * WAD);
  expect(poolWorth(both, [market(0, 10n, true), market(1, 1n, false)])).toBeNull();
  expect(poolWorth(both, [market(0, 10n, true)])).toBeNull();
  // The chain's own dollar has a price and no market.
  const dollar = { assetId: 1, price: usd(WAD) };
  expect(poolWorth(both, [market(0, 10n, true)], dollar)?.amount).toBe(23n * WAD);
  expect(poolWorth(both, [market(0, 10n, true)], { ...dollar, price: null })).toBeNull();
});

test.each([
  [110n, 100n, 'good', 1_000],
  [95n, 100n, 'warn', 500],
  [100n, 100n, 'plain', 0],
  [5n, 0n, 'plain', 0],
] as const)('%i beside %i if held is %s', (value, ifHeld, tone, bps) => {
  const against = againstHolding({ value: usd(value * WAD), ifHeld: usd(ifHeld * WAD) });
  expect([against.tone, against.bps]).toEqual([tone, bps]);
});

test('least is cut off', () => {
  expect(leastOf([1_000n, 3n], 50)).toEqual([995n, 2n]);
});

test('the price of the dearer coin is told', () => {
  const price = (spot: bigint, spotBack: bigint) => {
    const of = (amount: bigint) => quantity(amount, 18, 'price');
    return {
      ...pool([1n, 1n], 1n),
      prices: [{ assetId: 1, spot: of(spot), spotBack: of(spotBack), mean: null, meanBack: null }],
    };
  };
  expect(poolPrice(price(1n, 4n))).toMatchObject({ of: { amount: 4n }, unit: 'A1', one: 'A0' });
  expect(poolPrice(price(4n, 1n))).toMatchObject({ of: { amount: 4n }, unit: 'A0', one: 'A1' });
  expect(poolPrice(pool([1n, 1n], 1n))).toBeNull();
});
