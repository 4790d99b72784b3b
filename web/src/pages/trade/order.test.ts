import { describe, expect, test } from 'vitest';
import { usd } from '../../units/quantity.ts';
import { ALL, LASTS_DAYS, orderCommand, orderOf, whenWords, type Wish } from './order.ts';
import type { Order } from './shapes.ts';

const DOLLAR = 10n ** 18n;
const SPOT = usd(2_000n * DOLLAR);
const NOW = 1_000_000;

const wish: Wish = { kind: 'stop', sell: 0, buy: 1, amount: null, at: '1950', repay: true, limitBps: 100 };

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
      order: { kind: 2, distanceSteps: 9, price: 0n },
    });
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
  ] as const)('case %# is refused in words', (part, words) => {
    const made = orderOf({ ...wish, ...part }, SPOT, NOW);
    expect(made.ok).toBe(false);
    if (!made.ok) expect(made.words).toContain(words);
  });

  test('the command line says the same', () => {
    expect(orderCommand(wish, 'eth', 'usdc', 18)).toBe('trigger add max eth usdc --below 1950 --repay');
    expect(
      orderCommand(
        { ...wish, kind: 'trailing', at: '10 %', repay: false, amount: (3n * DOLLAR) / 2n },
        'eth',
        'usdc',
        18,
      ),
    ).toBe('trigger add 1.5 eth usdc --trail 10%');
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
    floor: null,
    target: null,
    nextMs: 0,
    expiresMs: 0,
    prepaid: { amount: 0n, decimals: 18, unit: 'asset:0' },
    failures: 0,
  };
  expect(whenWords(order)).toBe('ETH is at 2\u202f000 USD or less');
  expect(whenWords({ ...order, kind: 'slices', count: 3 })).toBe('3 times more');
  expect(
    whenWords({ ...order, kind: 'health', floor: { amount: (11n * DOLLAR) / 10n, decimals: 18, unit: 'health' } }),
  ).toBe('health is 1.1 or less');
});
