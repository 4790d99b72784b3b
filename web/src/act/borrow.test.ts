import { expect, test } from 'vitest';
import { usd } from '../units/quantity.ts';
import { mostToBorrow } from './borrow.ts';

const WAD = 10n ** 18n;
const report = (borrowable: bigint, debt: bigint) => ({ borrowable: usd(borrowable * WAD), debt: usd(debt * WAD) });
const ETH = { decimals: 18 };
const PRICE = usd(3_000n * WAD);
const PLENTY = 1_000n * WAD;

test('what may be borrowed is what the limit leaves, a little beneath it', () => {
  expect(mostToBorrow(report(4_250n, 1_250n), ETH, PRICE, PLENTY)).toBe((999n * WAD) / 1_000n);
  expect(mostToBorrow(report(4_250n, 1_250n), { decimals: 6 }, usd(WAD), PLENTY)).toBe(2_997_000_000n);
});

test('no more than there is, and nothing at the limit or where no price is known', () => {
  expect(mostToBorrow(report(4_250n, 1_250n), ETH, PRICE, 7n)).toBe(7n);
  expect(mostToBorrow(report(4_250n, 4_251n), ETH, PRICE, PLENTY)).toBe(0n);
  expect(mostToBorrow(report(4_250n, 0n), ETH, null, PLENTY)).toBe(0n);
  expect(mostToBorrow(null, ETH, PRICE, PLENTY)).toBe(0n);
});
