import { expect, test } from 'vitest';
import { soldAtMost } from './sale.ts';
import {
  add,
  lessDownToZero,
  quantity,
  shown,
  shownAmount,
  shownBps,
  shownHealth,
  shownPercent,
  shownUsd,
  usd,
  worthDown,
} from '../units/quantity.ts';

const WAD = 10n ** 18n;

test('units do not mix', () => {
  const eth = quantity(5n, 18, 'asset:0');
  const usdc = quantity(5n, 6, 'asset:1');
  // @ts-expect-error two assets have no sum
  expect(() => add(eth, usdc)).toThrow('not counted in the same unit');
  expect(add(eth, eth).amount).toBe(10n);
  expect(lessDownToZero(eth, quantity(9n, 18, 'asset:0')).amount).toBe(0n);
});

test('digits are cut, never rounded, and grouped for eyes', () => {
  expect(shownUsd(usd(1_234_567_899_999_999_999_999_999n))).toBe('1\u202f234\u202f567.89');
  expect(shownHealth(quantity(1_659_999_999_999_999_999n, 18, 'health'))).toBe('1.659');
  expect(shownHealth(null)).toBe('no debt');
  expect(shownAmount(quantity(1_999_999n, 6, 'asset:1'))).toBe('1.999999');
  expect(shownPercent(quantity(43_219n * 10n ** 22n, 27, 'part'))).toBe('43.21 %');
  expect(shown(usd(-WAD / 2n), 2)).toBe('-0.5');
  expect([0, 5, 750, 10_000].map(shownBps)).toEqual(['0 %', '0.05 %', '7.50 %', '100 %']);
});

test('worth rounds down', () => {
  const price = usd(3_000n * WAD + 1n);
  expect(worthDown(quantity(10n ** 18n - 1n, 18, 'asset:0'), price).amount).toBe(2_999_999_999_999_999_997_000n);
});

test('what is sold at most restores the target', () => {
  const [debt, factor, discount] = [usd(15_000n * WAD), 8_300, 500];
  const health = quantity((9n * WAD) / 10n, 18, 'health');
  const sold = soldAtMost(debt, health, factor, discount)?.amount ?? 0n;
  const counted = (debt.amount * health.amount) / WAD;
  const after = (amount: bigint) =>
    ((counted - (amount * BigInt(factor)) / 10_000n) * WAD) /
    (debt.amount - (amount * BigInt(10_000 - discount)) / 10_000n);
  const target = (105n * WAD) / 100n;
  expect(after(sold)).toBeGreaterThanOrEqual(target - 10n);
  expect(after(sold - WAD)).toBeLessThan(target);
  expect(soldAtMost(debt, quantity(2n * WAD, 18, 'health'), factor, discount)?.amount).toBe(0n);
  expect(soldAtMost(debt, health, 9_990, 500)).toBe(null);
});
