import { expect, test } from 'vitest';
import { lasting, wholeSeconds } from './time.ts';

test('ages are whole seconds', () => {
  expect(wholeSeconds('the price is 5m 4s 828ms old')).toBe('the price is 5m 4s old');
  expect(wholeSeconds('it is 828ms old, and 2s 1ms behind')).toBe('it is 828ms old, and 2s behind');
});

test('the two largest units of a length of time', () => {
  expect([0, 61_000, 7_500_000].map(lasting)).toEqual(['0 s', '1 min 1 s', '2 h 5 min']);
});
