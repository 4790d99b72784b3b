import { describe, expect, test } from 'vitest';
import { usd } from '../../units/quantity.ts';
import { ALL, conditionWords, LASTS_DAYS, orderCommand, orderOf, stepsOf, whenWords, type Wish } from './order.ts';
import type { Order } from './shapes.ts';

const DOLLAR = 10n ** 18n;
const SPOT = usd(2_000n * DOLLAR);
const NOW = 1_000_000;

const wish: Wish = {
  kind: 'stop',
  watch: 0,
  sell: 0,
  buy: 1,
  amount: null,
  at: '1950',
  every: '1',
  everyUnit: 'h',
  times: '24',
  restore: '1.4',
  repay: true,
  limit: '2',
  days: '30',
};
const NAMES = { sell: 'eth', buy: 'usdc', watch: 'eth' };

describe('orders', () => {
  test('a stop sells all below its price and pays the debt', () => {
    const made = orderOf(wish, SPOT, NOW);
    expect(made).toMatchObject({
      ok: true,
      order: { kind: 1, above: false, amount: ALL, price: 1_950n * DOLLAR, repay: true, watchAssetId: 0, count: 1 },
    });
    if (made.ok) expect(made.order.expiresMs).toBe(BigInt(NOW + LASTS_DAYS * 86_400_000));
  });

  test('a target stands above, a trailing one has steps', () => {
    expect(orderOf({ ...wish, kind: 'profit', at: '2100.5' }, SPOT, NOW)).toMatchObject({
      ok: true,
      order: { above: true, price: 2_100_500_000_000_000_000_000n },
    });
    expect(orderOf({ ...wish, kind: 'trailing', at: '10 %' }, SPOT, NOW)).toMatchObject({
      ok: true,
      order: { kind: 2, distanceSteps: 10, price: 0n },
    });
  });

  test('steps are those of the command line', () => {
    // 64 log2(1 / (1 - x)) for a fall, 64 log2(1 + x) for a rise.
    expect([100, 1_000, 2_500, 5_000].map((bps) => stepsOf(bps, false))).toEqual([1, 10, 27, 64]);
    expect([100, 1_000, 2_500, 5_000].map((bps) => stepsOf(bps, true))).toEqual([1, 9, 21, 37]);
  });

  test('parts and health have their own fields', () => {
    expect(orderOf({ ...wish, kind: 'parts', amount: DOLLAR / 4n, at: '' }, SPOT, NOW)).toMatchObject({
      ok: true,
      order: { kind: 3, intervalS: 3_600, count: 24, price: 0n, watchAssetId: 0 },
    });
    const made = orderOf({ ...wish, kind: 'health', at: '1.2', times: '5' }, SPOT, NOW);
    expect(made).toMatchObject({ ok: true, order: { kind: 4, floorBps: 12_000, targetBps: 14_000, count: 5 } });
    if (made.ok)
      expect(conditionWords(made.order, 'ETH', null)).toMatch(/health of the account is 1.2 or less.*restores 1.4/);
  });

  test('an order says the step at which it fires, beside the price that was written', () => {
    const made = orderOf({ ...wish, kind: 'stop', at: '1950' }, SPOT, NOW);
    if (!made.ok) throw new Error(made.words);
    const step = usd((194_233n * DOLLAR) / 100n);
    expect(conditionWords(made.order, 'ETH', step)).toBe(
      'When ETH is at $1\u202f942.33 or less: the step behind $1\u202f950.00',
    );
    expect(conditionWords(made.order, 'ETH', usd(1_950n * DOLLAR))).toBe('When ETH is at $1\u202f950.00 or less');
  });

  test.each([
    [{ at: '2000' }, 'already'],
    [{ at: '2500' }, 'already'],
    [{ kind: 'profit', at: '1999' }, 'already'],
    [{ at: '' }, 'digits'],
    [{ at: '0' }, 'price'],
    [{ at: '1e3' }, 'digits'],
    [{ kind: 'trailing', at: '0.5' }, 'between'],
    [{ kind: 'trailing', at: '95' }, 'between'],
    [{ kind: 'trailing', at: 'x' }, 'digits'],
    [{ amount: 0n }, 'how much'],
    [{ buy: 0 }, 'another asset'],
    [{ kind: 'trailing', at: '1000000000000000000000' }, 'between'],
    [{ kind: 'parts', every: '0' }, 'between a minute'],
    [{ kind: 'parts', every: '9'.repeat(60) }, 'between a minute'],
    [{ kind: 'parts', every: '40', everyUnit: 'day' }, 'between a minute'],
    [{ kind: 'parts', times: '0' }, '1000 times'],
    [{ kind: 'parts', times: '1.5' }, 'digits behind the point'],
    [{ kind: 'health', at: '1' }, 'between 1.01'],
    [{ kind: 'health', at: '1.2', restore: '1.2' }, 'at least 1.21'],
    [{ limit: '51' }, '50 %'],
    [{ limit: 'x' }, 'digits'],
    [{ days: '365' }, '364 days'],
  ] as const)('case %# is refused in words', (part, words) => {
    const made = orderOf({ ...wish, ...part }, SPOT, NOW);
    expect(made.ok).toBe(false);
    if (!made.ok) expect(made.words).toContain(words);
  });

  test('the command line says the same', () => {
    const told = (part: Partial<Wish>) => orderCommand({ ...wish, ...part }, NAMES, 18);
    expect(told({})).toBe('trigger add max eth usdc --below 1950 --repay');
    expect(told({ kind: 'trailing', at: '10 %', repay: false, amount: (3n * DOLLAR) / 2n })).toBe(
      'trigger add 1.5 eth usdc --trail 10%',
    );
    expect(told({ kind: 'parts', repay: false, limit: '1', days: '7' })).toBe(
      'trigger add max eth usdc --every 1h --times 24 --limit 1% --lasts 7days',
    );
    expect(told({ kind: 'health', at: '1.2', times: '5' })).toBe(
      'trigger add max eth usdc --health 1.2 --restore 1.4 --times 5',
    );
    expect(orderCommand({ ...wish, watch: 2 }, { ...NAMES, watch: 'wbtc' }, 18)).toContain('--watch wbtc');
  });
});

test('an order that stands says when it fires', () => {
  const coin = { assetId: 0, symbol: 'ETH', token: '0x00' as const, decimals: 18 };
  const order: Order = {
    id: 1,
    kind: 'price',
    sell: coin,
    buy: coin,
    amount: null,
    left: null,
    limitBps: 100,
    repay: false,
    watch: coin,
    above: false,
    firesAt: SPOT,
    count: 1,
    intervalS: null,
    floor: null,
    target: null,
    nextMs: 0,
    expiresMs: 0,
    prepaid: { amount: 0n, decimals: 18, unit: 'asset:0' },
    failures: 0,
  };
  expect(whenWords(order)).toBe('ETH is at $2\u202f000.00 or less');
  expect(whenWords({ ...order, kind: 'slices', count: 3, intervalS: 3_600 })).toBe('every 1 h, 3 times more');
  expect(
    whenWords({ ...order, kind: 'health', floor: { amount: (11n * DOLLAR) / 10n, decimals: 18, unit: 'health' } }),
  ).toBe('health is 1.1 or less');
});
