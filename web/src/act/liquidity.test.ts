import { expect, test } from 'vitest';
import { claim, liquidityInWords, provide, remove, stake, unstake } from './liquidity.ts';

const ALL = (1n << 256n) - 1n;
const word = (value: bigint) => value.toString(16).padStart(64, '0');

test('verbs are encoded as the contract reads them', () => {
  // A struct with lists stands behind its offset, one of whole words does not.
  expect(provide(3, [1n, 2n], 9n)).toEqual({
    verb: 21,
    args: `0x${[32n, 3n, 96n, 9n, 2n, 1n, 2n].map(word).join('')}`,
  });
  expect(stake(1, 5n)).toEqual({ verb: 27, args: `0x${word(1n)}${word(5n)}` });
  expect(claim(7)).toEqual({ verb: 29, args: `0x${word(7n)}` });
});

test.each([
  [provide(3, [1n], 1n), 'Provide them to pool 3, for shares that stay on the account'],
  [remove(3, ALL, [0n]), 'Take all of your shares of pool 3 apart, into its coins'],
  [remove(3, 5n, [0n]), 'Take a part of your shares of pool 3 apart, into its coins'],
  [stake(0, ALL), 'Stake all of what is there in farm 0'],
  [unstake(2, 5n), 'Take a part of the stake out of farm 2'],
  [claim(2), 'Claim what farm 2 owes you'],
])('verb $verb is told', (action, words) => {
  expect(liquidityInWords(action)).toBe(words);
});

test('other verbs are for others to tell', () => {
  expect(liquidityInWords({ verb: 1, args: '0x' })).toBeNull();
});
