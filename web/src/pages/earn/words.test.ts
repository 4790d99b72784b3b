import { expect, test } from 'vitest';
import { assetUnit, quantity, usd } from '../../units/quantity.ts';
import type { Farm, Product, Reward } from './shapes.ts';
import { feeWords, productWords, rateWords, rewardWords } from './words.ts';

const WAD = 10n ** 18n;

test.each([
  [3_000, '0.3 %'],
  [500, '0.05 %'],
  [1, '0.0001 %'],
  [10_000, '1 %'],
  [0, '0 %'],
])('a fee of %i millionths is %s', (pips, words) => {
  expect(feeWords(pips)).toBe(words);
});

function reward(left: bigint): Reward {
  return {
    assetId: 0,
    symbol: 'ETH',
    token: '0x00',
    decimals: 18,
    left: quantity(left, 18, assetUnit(0)),
    leftMs: 86_400_000,
    perYear: quantity((125n * WAD) / 10n, 18, assetUnit(0)),
    perYearValue: null,
  };
}

function farm(part: Partial<Farm>): Farm {
  return {
    farmId: 0,
    kind: 'units',
    poolId: null,
    asset: null,
    staked: quantity(1n, 18, assetUnit(0)),
    stakedValue: usd(0n),
    isFed: false,
    boost: null,
    rewards: [reward(1n)],
    ratePerYear: quantity(WAD / 8n, 18, 'part'),
    own: null,
    ...part,
  };
}

test('a rate is told, or why there is none', () => {
  expect(rateWords(farm({}))).toBe('12.5 % a year');
  expect(rateWords(farm({ rewards: [reward(0n)] }))).toBe('nothing flows now');
  expect(rateWords(farm({ ratePerYear: null }))).toBe('a price is missing');
  expect(rateWords(farm({ ratePerYear: null, staked: quantity(0n, 18, assetUnit(0)) }))).toBe('nobody stakes yet');
});

test('a reward says how long it flows', () => {
  expect(rewardWords(reward(1n))).toBe('12.5 ETH a year, 1 d more');
  expect(rewardWords(reward(0n))).toBe('no more ETH');
});

test.each([
  ['long', '3× long ETH against USDC'],
  ['short', '3× short USDC against ETH'],
  ['loop', 'ETH lent and USDC borrowed, at health 3'],
])('a product of kind %s is told', (kind, words) => {
  const coin = (symbol: string) => ({ assetId: 0, symbol, token: '0x00' as const, decimals: 18 });
  const product = {
    kind,
    target: quantity(30_000n, 4, 'part'),
    collateral: coin('ETH'),
    debt: coin('USDC'),
  } as unknown as Product;
  expect(productWords(product)).toBe(words);
});
