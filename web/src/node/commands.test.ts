import { expect, test } from 'vitest';
import { signedBy } from './commands.ts';

const OWNER = '0x1111111111111111111111111111111111111111';

test.each([
  ['capstan account borrow 15000 usdc', 0, `capstan account borrow 15000 usdc --wallet ${OWNER}`],
  [
    'capstan trigger add max eth usdc --below 1950',
    2,
    `capstan trigger add max eth usdc --below 1950 --index 2 --wallet ${OWNER}`,
  ],
  ['capstan account supply 1 eth --index 3', 3, `capstan account supply 1 eth --index 3 --wallet ${OWNER}`],
  // What stands in a wallet is of no account.
  ['capstan swap 1 eth usdc', 2, `capstan swap 1 eth usdc --wallet ${OWNER}`],
  [
    'capstan lp add 0 "2 eth" && capstan lp deposit 0',
    1,
    `capstan lp add 0 "2 eth" --wallet ${OWNER} && capstan lp deposit 0 --index 1 --wallet ${OWNER}`,
  ],
  ['cast send 0x01 0x02', 1, 'cast send 0x01 0x02'],
])('%s of account %i says whose it is', (words, index, whole) => {
  expect(signedBy({ owner: OWNER, index }, words)).toBe(whole);
});

test('a development account is named by its number, and nobody by nothing', () => {
  const second = { owner: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' };
  expect(signedBy(second, 'capstan account close')).toBe('capstan account close --dev-account 1');
  expect(signedBy(null, 'capstan account close')).toBe('capstan account close');
  expect(signedBy(second, 'capstan account close --dev-account 1')).toBe('capstan account close --dev-account 1');
});
