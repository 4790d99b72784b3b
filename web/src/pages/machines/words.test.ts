import { expect, test } from 'vitest';
import { celsiusWords, kindWords, lifeWords, reasonWords, seenBps, stateWords } from './words.ts';

test('states and reasons are those of the contract, and a later one is told by its number', () => {
  expect([1, 2, 3, 4, 5, 6, 7].map((state) => stateWords(state).words)).toEqual([
    'on probation',
    'live',
    'late',
    'dark',
    'leaving',
    'gone',
    'barred',
  ]);
  expect(stateWords(99).words).toBe('state 99');
  expect(reasonWords(0)).toBe('');
  expect(reasonWords(3)).toContain('grace');
  expect(reasonWords(99)).toBe('reason 99');
  expect([1, 5, 77].map(kindWords)).toEqual(['GPU', 'panel', 'kind 77']);
});

test('temperatures are told in degrees', () => {
  expect(celsiusWords(3_382)).toBe('65.05 °C');
  expect(celsiusWords(2_631)).toBe('-10.05 °C');
});

test('life is told with its gaps', () => {
  const day = 86_400_000n;
  expect(lifeWords({ lifeMs: 2n * day, darkCount: 0, darkMs: 0n })).toBe('2 d proven, never dark');
  expect(lifeWords({ lifeMs: day, darkCount: 1, darkMs: 300_000n })).toBe('1 d proven, dark once for 5 min');
  expect(lifeWords({ lifeMs: day, darkCount: 3, darkMs: day })).toBe('1 d proven, dark 3 times for 1 d');
  expect(seenBps(0n, 0n)).toBeNull();
  expect(seenBps(3n, 1n)).toBe(7_500);
});
