import { expect, test } from 'vitest';
import { impactLoudness, pipsWords, routeLines } from './words.ts';

test.each([
  [0, '0 %'],
  [1, '0.01 %'],
  [500, '0.05 %'],
  [3_000, '0.30 %'],
  [10_000, '1 %'],
  [12_345, '1.24 %'],
])('%i millionths are %s', (pips, words) => {
  expect(pipsWords(pips)).toBe(words);
});

test('a way is told path by path', () => {
  const hop = (poolId: number, assetIn: number, assetOut: number) => ({
    poolId,
    curve: 'product',
    feePips: 3_000,
    assetIn,
    assetOut,
  });
  const way = {
    paths: [
      { partBps: 6_000, hops: [hop(1, 0, 1), hop(4, 1, 2)] },
      { partBps: 4_000, hops: [hop(2, 0, 2)] },
    ],
  };
  expect(routeLines(way, (id) => ['ETH', 'USDC', 'WBTC'][id] ?? '?')).toEqual([
    { part: '60 %', words: 'ETH → USDC by pool 1 (0.30 %) → WBTC by pool 4 (0.30 %)' },
    { part: '40 %', words: 'ETH → WBTC by pool 2 (0.30 %)' },
  ]);
});

test('a large impact is loud', () => {
  expect([0, 99, 100, 499, 500].map(impactLoudness)).toEqual(['plain', 'plain', 'warn', 'warn', 'bad']);
});
