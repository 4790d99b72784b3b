import { expect, test } from 'vitest';
import { NOBODY, readWhom, whomFlag, whomWords } from './whom.ts';

const to = '0x0707070707070707070707070707070707070707';

test('an address and one of its accounts', () => {
  expect(readWhom({ to: ` ${to} `, index: '3' })).toEqual({ to, index: 3, wrong: {} });
  expect(readWhom(NOBODY)).toEqual({ to: null, index: 0, wrong: {} });
});

test.each([
  [{ to: '0x12', index: '0' }, 'to', '40 digits'],
  // A digit of the checksum is wrong.
  [{ to: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267', index: '0' }, 'to', '40 digits'],
  [{ to, index: '256' }, 'index', 'between 0 and 255'],
  [{ to, index: '-1' }, 'index', 'digits'],
  [{ to, index: '' }, 'index', 'digits'],
] as const)('%o is refused', (text, field, words) => {
  expect(readWhom(text).wrong[field]).toContain(words);
});

test('the first account needs no number', () => {
  expect([whomWords({ to, index: 0 }), whomFlag({ index: 0 })]).toEqual([to, '']);
  expect([whomWords({ to, index: 2 }), whomFlag({ index: 2 })]).toEqual([`account 2 of ${to}`, ' --to-index 2']);
});
