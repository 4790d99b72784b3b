import { expect, test } from 'vitest';
import { find } from './find.ts';

const HASH = `0x${'ab'.repeat(32)}`;
const BLOCK = `0x${'cd'.repeat(32)}`;
const ADDRESS = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';

test.each([
  ['7', 'block/7'],
  [' 1 234_567 ', 'block/1234567'],
  ['#12', 'block/12'],
  ['007', 'block/7'],
  [HASH, `tx/${HASH}`],
  [HASH.toUpperCase().replace('0X', '0x'), `tx/${HASH}`],
  [BLOCK, `block/${BLOCK}`],
  [ADDRESS, `address/${ADDRESS}`],
  [ADDRESS.toLowerCase(), `address/${ADDRESS.toLowerCase()}`],
  ['Lending', 'contract/lending'],
])('%s leads somewhere', async (text, path) => {
  expect(await find(text, ['lending'], (hash) => Promise.resolve(hash === BLOCK))).toEqual({ ok: true, path });
});

test.each([
  '',
  '   ',
  '-1',
  '1.5',
  '0x',
  '0xzz',
  '9'.repeat(16),
  `${HASH}00`,
  ADDRESS.replace('C', 'c'),
  '<script>',
  'lendin',
])('%j leads nowhere, in words', async (text) => {
  const found = await find(text, ['lending'], () => Promise.resolve(false));
  expect(found.ok).toBe(false);
});
