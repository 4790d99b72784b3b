import { describe, expect, test } from 'vitest';
import { allPrices, placeOf, priceAt, priceText, rangeProvision, readEnds, rootAt, takes } from './ranges.ts';

const Q96 = 1n << 96n;

/** Apart by at most one part of 10^15. */
function near(one: bigint, other: bigint) {
  const apart = one > other ? one - other : other - one;
  expect(apart * 10n ** 15n).toBeLessThan(other);
}

describe('ticks', () => {
  test('roots are those of the curve', () => {
    expect(rootAt(0)).toBe(Q96);
    // sqrt(1.0001)^20000 and back make one.
    near((rootAt(20_000) * rootAt(-20_000)) / Q96, Q96);
    // The ends of all prices, which every pool of this curve has.
    near(rootAt(887_272), 1461446703485210103287273052203988822378723970342n);
    near(rootAt(1), (Q96 * 1_000_049_998_750_062_496_094n) / 10n ** 21n);
  });

  test('prices become the next ticks outside of them', () => {
    expect(readEnds('0.94', '0.96', [18, 18], 10)).toEqual({ ok: true, ends: { lower: -620, upper: -400 } });
    // Six digits less in the second coin: a price of 3,000 is 3e-9 in smallest units.
    const read = readEnds('2500', '3500', [18, 6], 60);
    expect(read.ok).toBe(true);
    if (read.ok) {
      expect(priceAt(read.ends.lower, 18, 6)).toBeLessThanOrEqual(2_500);
      expect(priceAt(read.ends.lower, 18, 6)).toBeGreaterThan(2_480);
      expect(priceAt(read.ends.upper, 18, 6)).toBeGreaterThanOrEqual(3_500);
      expect(Math.abs(read.ends.lower % 60)).toBe(0);
    }
    expect(allPrices(200)).toEqual({ lower: -887_200, upper: 887_200 });
  });

  test.each([
    ['0', '1', 'from', 'above nothing'],
    ['x', '1', 'from', 'digits'],
    ['1', '1e3', 'to', 'digits'],
    ['1', '-2', 'to', 'digits'],
    ['2', '1', 'to', 'above the lower'],
    ['1', '1', 'to', 'above the lower'],
    ['1', '9'.repeat(90), 'to', 'larger'],
  ] as const)('from %s to %s is refused', (from, to, field, words) => {
    const read = readEnds(from, to, [18, 18], 10);
    expect(read).toMatchObject({ ok: false, field });
    if (!read.ok) expect(read.words).toContain(words);
  });
});

test.each([
  [3_000, '3000'],
  [0.951234567, '0.951234'],
  [0.000_016_666_666, '0.0000166666'],
  [1e30, '1' + '0'.repeat(30)],
  [0, '0'],
  [NaN, '0'],
])('the price %d is written %s', (price, text) => {
  const written = priceText(price);
  expect(price === 1e30 ? written.length : written).toBe(price === 1e30 ? text.length : text);
});

describe('both coins', () => {
  const ends = { lower: -1_000, upper: 1_000 };
  const amount = 10n ** 18n;

  test('in the middle as much of each, and never more than was named', () => {
    const made = rangeProvision(Q96, ends, 0, amount, 50);
    expect(made).not.toBeNull();
    if (!made) return;
    near(made.needed[0], amount);
    near(made.needed[1], amount);
    expect(made.needed[0]).toBeLessThanOrEqual(amount);
    expect(made.most[0]).toBe(amount);
    expect(made.most[1]).toBeGreaterThan(made.needed[1]);
    expect(made.liquidityMin).toBe((made.liquidity * 9_950n) / 10_000n);
    // From the other side it is the same liquidity.
    near(rangeProvision(Q96, ends, 1, made.needed[1], 50)?.liquidity ?? 0n, made.liquidity);
  });

  test('beyond its ends a range takes one coin alone', () => {
    const [above, below] = [rootAt(2_000), rootAt(-2_000)];
    expect(takes(above, ends)).toEqual([false, true]);
    expect(takes(below, ends)).toEqual([true, false]);
    expect(rangeProvision(above, ends, 0, amount, 50)).toBeNull();
    expect(rangeProvision(above, ends, 1, amount, 50)?.needed[0]).toBe(0n);
    expect(rangeProvision(below, ends, 1, amount, 50)).toBeNull();
    expect(rangeProvision(below, ends, 0, amount, 50)?.needed[1]).toBe(0n);
    expect(rangeProvision(Q96, ends, 0, 0n, 50)).toBeNull();
  });

  test('the present price stands between the ends', () => {
    expect([-1_000, 0, 500, 9_999].map((tick) => placeOf(tick, ends))).toEqual([0, 0.5, 0.75, 1]);
  });
});
