import { describe, expect, test } from 'vitest';
import { usd } from '../../units/quantity.ts';
import { debtUsdDown, leverageMax, leverageWords, ONE, roomBps, unitsDown, warning } from './margin.ts';

const DOLLAR = 10n ** 18n;

describe('how much to borrow', () => {
  test.each([
    [ONE, 0n],
    [150, 500n],
    [300, 2_000n],
    [1_000, 9_000n],
    [50, 0n],
  ])('leverage %i of a thousand dollars owes %i', (leverage, dollars) => {
    expect(debtUsdDown(usd(1_000n * DOLLAR), leverage).amount).toBe(dollars * DOLLAR);
  });

  test('a half is cut off, never added', () => {
    expect(debtUsdDown(usd(1n), 150).amount).toBe(0n);
    expect(unitsDown(usd(100n * DOLLAR), usd(3n * DOLLAR), 'asset:1', 6).amount).toBe(33_333_333n);
    expect(unitsDown(usd(DOLLAR), usd(0n), 'asset:1', 6).amount).toBe(0n);
  });
});

test.each([
  [0, ONE],
  [5_000, 199],
  [7_500, 391],
  [8_000, 484],
  [9_000, 925],
  [9_500, 1_000],
  [10_000, 1_000],
])('a part of %i bps allows leverage %i', (initialBps, most) => {
  expect(leverageMax(initialBps)).toBe(most);
});

test('room is told on both sides', () => {
  const price = usd(2_000n * DOLLAR);
  expect(roomBps(price, usd(1_500n * DOLLAR))).toBe(2_500);
  expect(roomBps(price, usd(2_500n * DOLLAR))).toBe(2_500);
  expect(roomBps(price, null)).toBeNull();
  expect(roomBps(usd(0n), usd(1n))).toBeNull();
});

test('what is near is said, what is far is not', () => {
  expect(warning(499, 0)?.tone).toBe('bad');
  expect(warning(1_000, 0)?.tone).toBe('warn');
  expect(warning(5_000, 0)).toBeNull();
  expect(warning(null, 300)?.words).toContain('loss');
});

test.each([
  [100, '1×'],
  [250, '2.5×'],
  [305, '3.05×'],
  [1_000, '10×'],
])('%i is %s', (leverage, words) => {
  expect(leverageWords(leverage)).toBe(words);
});
