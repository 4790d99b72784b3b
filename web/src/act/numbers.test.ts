import { expect, test } from 'vitest';
import { soldAtMost } from './sale.ts';
import {
  add,
  quantity,
  shown,
  shownAmount,
  shownSum,
  shownBps,
  shownDown,
  shownHealth,
  shownPercent,
  shownPrice,
  shownUsd,
  shownUsdFine,
  shownUp,
  shownUsdWhole,
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
});

/** CLI-6, CLI-21: the numbers of the terminal's own test. */
test.each([
  [1_659_999_999_889_333_333n, '1.66'],
  [1_659_400_000_000_000_000n, '1.659'],
  [1_010_500_000_000_000_000n, '1.011'],
  [1_009_900_000_000_000_000n, '1.009'],
  [1_000_000_000_000_000_000n, '1'],
  [999_999_999_999_999_999n, '0.999'],
])('health %i is rounded unless it is near its end: %s', (amount, text) => {
  expect(shownHealth(quantity(amount, 18, 'health'))).toBe(text);
});

test('parts are the nearest digit, bounds the safe one', () => {
  expect(shownHealth(null)).toBe('no debt');
  const part = (bpsOfBps: bigint) => shownPercent(quantity(bpsOfBps * 10n ** 22n, 27, 'part'));
  expect([part(43_214n), part(43_215n), part(43_219n)]).toEqual(['43.21 %', '43.22 %', '43.22 %']);
  expect(shown(usd(-WAD / 2n), 2)).toBe('-0.5');
  const eth = (amount: bigint) => quantity(amount, 18, 'asset:0');
  expect([shownDown(eth(WAD - 1n), 6), shownUp(eth(WAD - 1n), 6)]).toEqual(['0.999999', '1']);
  expect([shownDown(eth(WAD), 6), shownUp(eth(WAD), 6), shownUp(eth(WAD + 1n), 6)]).toEqual(['1', '1', '1.000001']);
  expect(shownUp(quantity(1_999n, 2, 'asset:1'), 6)).toBe('19.99');
  expect([0, 5, 750, 10_000].map(shownBps)).toEqual(['0 %', '0.05 %', '7.50 %', '100 %']);
});

test.each([
  // What was written as 2 and came back from a market as a unit less.
  [1_999_999n, 6, '2'],
  [15_000_000_001n, 6, '15\u202f000'],
  [75_499_999n, 6, '75.5'],
  [75_499_998n, 6, '75.5'],
  // Digits that somebody wrote stay.
  [75_499_997n, 6, '75.499997'],
  [123_456n, 6, '0.123456'],
  [123_459n, 6, '0.123459'],
  [1n, 6, '0.000001'],
  [0n, 6, '0'],
  [1_999_999_999_999_999_999n, 18, '2'],
  [1_234_567_500_000_000_000n, 18, '1.234568'],
  [1n, 18, '<0.000001'],
  [500_000_000_000n, 18, '0.000001'],
  [499_999_999_999n, 18, '<0.000001'],
  [199_999_999n, 8, '2'],
  [199n, 2, '1.99'],
  [7n, 0, '7'],
  [10n ** 58n, 18, `10${'\u202f000'.repeat(13)}`],
] as const)('%i of %i decimals reads %s', (amount, decimals, text) => {
  expect(shownAmount(quantity(amount, decimals, 'asset:1'))).toBe(text);
});

test('sums that are compared end with two digits from a thousand on', () => {
  const sum = (amount: bigint) => shownSum(quantity(amount, 6, 'asset:1'));
  expect(sum(5_289_759_393_845n)).toBe('5\u202f289\u202f759.39');
  expect(sum(1_000_000_000n)).toBe('1\u202f000');
  expect(sum(999_123_456n)).toBe('999.123456');
});

test('dollars have their sign before them, and end alike', () => {
  const cents = (amount: bigint) => usd((amount * WAD) / 100n);
  expect(shownUsd(cents(123_456_790n))).toBe('$1\u202f234\u202f567.90');
  expect(shownUsd(usd(5_999_999_999_999_999_999_999n))).toBe('$6\u202f000.00');
  expect([0n, 50n, -50n].map((amount) => shownUsd(cents(amount)))).toEqual(['$0.00', '$0.50', '-$0.50']);
  expect(shownUsd(usd(1n))).toBe('<$0.01');
  expect(shownUsdFine(usd(1_465_753_424_657_534_246n))).toBe('$1.465753');
  expect(shownUsdWhole(cents(123_456_789n))).toBe('$1\u202f234\u202f568');
  expect(shownPrice(cents(300_000n))).toBe('$3\u202f000.00');
  expect(shownPrice(usd(60_009_091_234_567_890_123_456n))).toBe('$60\u202f009.09');
  expect(shownPrice(usd(99_999_812_345_678_901_234n))).toBe('$99.9998');
  expect(shownPrice(usd(999_812_345_678_901_234n))).toBe('$0.9998');
  expect(shownPrice(usd(12_345_678_901_234n))).toBe('$0.00001235');
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
