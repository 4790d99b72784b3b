import { expect, test } from 'vitest';
import { agreementInWords, assign, collect, repayLoan, takeLoan } from './agreements.ts';
import { inWords } from './batch.ts';

const ALL = (1n << 256n) - 1n;
const word = (value: bigint) => value.toString(16).padStart(64, '0');
const me = '0x0707070707070707070707070707070707070707';

test('verbs are encoded as the contract reads them', () => {
  expect(takeLoan(7n, 5n)).toEqual({ verb: 13, args: `0x${word(7n)}${word(5n)}` });
  expect(repayLoan(7n, ALL)).toEqual({ verb: 14, args: `0x${word(7n)}${'f'.repeat(64)}` });
  expect(assign(3n)).toEqual({ verb: 15, args: `0x${word(3n)}` });
  expect(collect(3n)).toEqual({ verb: 18, args: `0x${word(3n)}` });
});

test.each([
  [takeLoan(7n, 5n), 'Take a loan by offer 7, on the terms shown here'],
  [repayLoan(2n, ALL), 'Pay all that ends loan 2'],
  [repayLoan(2n, 1n), 'Pay on loan 2: late fees first, then what is due'],
  [assign(3n), 'Let stream 3 pay this account’s debt in its asset, until nothing is owed'],
  [collect(0n), 'Collect what stream 0 owes this account'],
])('verb $verb is told', (action, words) => {
  expect(agreementInWords(action)).toBe(words);
  // Where all verbs are told, these are too.
  expect(inWords(action, () => ({ symbol: 'X', decimals: 0 }), me)).toBe(words);
});

test('other verbs are for others to tell', () => {
  expect(agreementInWords({ verb: 1, args: '0x' })).toBeNull();
});
