import { expect, test } from 'vitest';
import {
  ALL_LIQUIDITY,
  claim,
  depositPiece,
  growRange,
  liquidityInWords,
  movePiece,
  openRange,
  provide,
  remove,
  shrinkRange,
  stake,
  unstake,
  withdrawPiece,
} from './liquidity.ts';

const me = '0x0707070707070707070707070707070707070707';
const ALL = (1n << 256n) - 1n;
const word = (value: bigint) => value.toString(16).padStart(64, '0');

test('verbs are encoded as the contract reads them', () => {
  // A struct with lists stands behind its offset, one of whole words does not.
  expect(provide(3, [1n, 2n], 9n)).toEqual({
    verb: 21,
    args: `0x${[32n, 3n, 96n, 9n, 2n, 1n, 2n].map(word).join('')}`,
  });
  expect(stake(1, 5n)).toEqual({ verb: 27, args: `0x${word(1n)}${word(5n)}` });
  const minus = (1n << 256n) - 60n;
  expect(openRange(4, -60, 120, [1n, 2n], 9n)).toEqual({
    verb: 23,
    args: `0x${[4n, minus, 120n, 1n, 2n, 9n].map(word).join('')}`,
  });
  expect(depositPiece('range', 4, ALL)).toEqual({ verb: 30, args: `0x${word(1n)}${word(4n)}${'f'.repeat(64)}` });
  expect(withdrawPiece('shares', 4, 9n, me)).toEqual({
    verb: 31,
    args: `0x${[0n, 4n, 9n, BigInt(me)].map(word).join('')}`,
  });
  expect(claim(7)).toEqual({ verb: 29, args: `0x${word(7n)}` });
});

test.each([
  [provide(3, [1n], 1n), 'Provide them to pool 3, for shares that stay on the account'],
  [remove(3, ALL, [0n]), 'Take all of your shares of pool 3 apart, into its coins'],
  [remove(3, 5n, [0n]), 'Take a part of your shares of pool 3 apart, into its coins'],
  [stake(0, ALL), 'Stake all of what is there in farm 0'],
  [unstake(2, 5n), 'Take a part of the stake out of farm 2'],
  [
    openRange(4, -60, 120, [1n, 2n], 9n),
    'Open a position in pool 4, from tick -60 to tick 120, which stays on the account',
  ],
  [growRange(5, [1n, 2n], 9n), 'Add them to position 5'],
  [shrinkRange(5, 0n, [0n, 0n]), 'Take the fees of position 5'],
  [shrinkRange(5, ALL_LIQUIDITY, [0n, 0n]), 'Take all of position 5 apart, into its coins, with its fees'],
  [
    movePiece('stake', 3, { owner: '0x0707070707070707070707070707070707070707', index: 2 }),
    'Move stake in farm 3 to account 2 of 0x0707070707070707070707070707070707070707',
  ],
  [claim(2), 'Claim what farm 2 owes you'],
  [depositPiece('shares', 3, ALL), 'Bring all shares of pool 3 from the wallet to the account'],
  [depositPiece('shares', 3, 5n), 'Bring a part of the shares of pool 3 from the wallet to the account'],
  [depositPiece('range', 4, ALL), 'Bring position 4 from the wallet to the account'],
  [withdrawPiece('range', 4, ALL, me), 'Send position 4 to your wallet, as it is'],
  [
    withdrawPiece('shares', 3, 5n, '0x0808080808080808080808080808080808080808'),
    'Send a part of the shares of pool 3 to 0x0808080808080808080808080808080808080808, as it is',
  ],
])('verb $verb is told', (action, words) => {
  expect(liquidityInWords(action, me)).toBe(words);
});

test('other verbs are for others to tell', () => {
  expect(liquidityInWords({ verb: 1, args: '0x' }, me)).toBeNull();
});
