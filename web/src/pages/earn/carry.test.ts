import { beforeAll, expect, test, vi } from 'vitest';
import { removeCommand } from './carry.ts';

beforeAll(() => {
  vi.stubGlobal('location', { port: '8545', hostname: '127.0.0.1', origin: 'http://127.0.0.1:8545' });
});

const E = 10n ** 18n;

test('shares go to the wallet, and their coins back to the account', () => {
  expect(removeCommand({ kind: 'shares', id: 4, amount: E / 2n, whole: false, index: 2 })).toBe(
    'capstan lp withdraw 4 0.5 && capstan lp remove 4 0.5 --to-units 2',
  );
});

test('what is left of a position goes back to the account', () => {
  expect(removeCommand({ kind: 'range', id: 7, amount: 12n, whole: false, index: 0 })).toBe(
    'capstan lp withdraw 7 --position && capstan lp remove 7 12 --position --to-units 0 && capstan lp deposit 7 --position',
  );
  expect(removeCommand({ kind: 'range', id: 7, amount: 12n, whole: true, index: 0 })).toBe(
    'capstan lp withdraw 7 --position && capstan lp remove 7 max --position --to-units 0',
  );
});
