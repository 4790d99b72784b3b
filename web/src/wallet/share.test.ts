import { expect, test } from 'vitest';
import type { Market } from '../node/shapes.ts';
import { usd } from '../units/quantity.ts';
import { share } from './share.ts';

const WAD = 10n ** 18n;
const token = (dollars: bigint, decimals: number) =>
  ({ assetId: 1, symbol: 'T', decimals, price: { spot: usd(dollars * WAD) } }) as unknown as Market;

test('the hundredth visitor gets what the first one got', () => {
  const supply = 10n ** 15n;
  let purse = 5_000_000n * 10n ** 6n;
  const given = [];
  for (let visitor = 0; visitor < 100; visitor += 1) {
    const { amount } = share(token(1n, 6), supply, 0n, purse);
    purse -= amount;
    given.push(amount);
  }
  expect(new Set(given)).toEqual(new Set([10_000n * 10n ** 6n]));
});

test.each([
  ['nothing yet', 0n, 10n ** 6n, 10_000n, false],
  ['half of it', 5_000n, 10n ** 6n, 5_000n, false],
  ['all of it', 10_000n, 10n ** 6n, 0n, false],
  ['more than that', 99_999n, 10n ** 6n, 0n, false],
  ['nothing, from a purse with too little', 0n, 9_999n, 0n, true],
  ['all, from an empty purse', 10_000n, 0n, 0n, false],
] as const)('who has %s', (_, has, purse, amount, isDry) => {
  expect(share(token(1n, 0), 10n ** 9n, has, purse)).toMatchObject({ amount, isDry });
});

test('a rare token is shared by its supply, and one without a price is not given', () => {
  expect(share(token(8n, 18), 400_000n * WAD, 0n, 10_000n * WAD).amount).toBe(200n * WAD);
  const unpriced = { ...token(1n, 18), price: null };
  expect(share(unpriced, 400_000n * WAD, 0n, 10_000n * WAD)).toMatchObject({ amount: 0n, isDry: false });
});

test('coins: a hundred, and the giver keeps what it needs for gas', () => {
  expect(share(token(3_000n, 18), null, 0n, 10_000n * WAD).amount).toBe(100n * WAD);
  expect(share(token(3_000n, 18), null, 0n, 100n * WAD)).toMatchObject({ amount: 0n, isDry: true });
});
