import { expect, test } from 'vitest';
import { quantity } from '../../units/quantity.ts';
import {
  ageWords,
  kindWords,
  lastFailure,
  lifeWords,
  provenWords,
  reasonWords,
  saidBy,
  saidWords,
  seenBps,
  stateWords,
  voidWords,
} from './words.ts';

test('states and reasons are those of the node, and a later one is told as it is', () => {
  expect(
    ['probation', 'live', 'late', 'dark', 'leaving', 'gone', 'barred'].map((one) => stateWords(one).words),
  ).toEqual(['on probation', 'live', 'late', 'dark', 'leaving', 'gone', 'barred']);
  expect(stateWords('asleep')).toEqual({ tone: 'plain', words: 'asleep' });
  expect(reasonWords('none')).toBe('');
  expect(reasonWords('grace over')).toContain('grace');
  expect(reasonWords('later')).toBe('later');
  expect(['gpu', 'panel', '77'].map(kindWords)).toEqual(['GPU', 'panel', 'kind 77']);
});

test('what was proven counts until a moment, and nothing does not', () => {
  expect(provenWords(null)).toBe('nobody has asked it yet');
  expect(provenWords({ perHour: 900, reason: 'none', untilMs: 1_000 })).toMatch(/^900 units an hour until /);
  expect(provenWords({ perHour: 0, reason: 'grace over', untilMs: 1_000 })).toBe(
    'nothing: it was silent for longer than its grace',
  );
});

test('life is told with its gaps', () => {
  const day = 86_400_000;
  expect(lifeWords({ lifeMs: 2 * day, darkCount: 0, darkMs: 0 })).toBe('2 d proven, never dark');
  expect(lifeWords({ lifeMs: day, darkCount: 1, darkMs: 300_000 })).toBe('1 d proven, dark once for 5 min');
  expect(lifeWords({ lifeMs: day, darkCount: 3, darkMs: day })).toBe('1 d proven, dark 3 times for 1 d');
  expect(seenBps(0, 0)).toBeNull();
  expect(seenBps(3, 1)).toBe(7_500);
});

test('the newest failure is told, wherever it was seen', () => {
  const well = { state: 'live', sinceMs: 5, lastDarkFromMs: null, challenge: null };
  const voided = { lastReason: 3, lastVoidMs: 70n };
  expect(lastFailure(well, null)).toBeNull();
  expect(lastFailure(well, { lastReason: 0, lastVoidMs: 0n })).toBeNull();
  expect(lastFailure({ ...well, lastDarkFromMs: 60 }, null)?.words).toContain('for a while');
  expect(lastFailure({ ...well, lastDarkFromMs: 60 }, voided)).toEqual({
    atMs: 70,
    words: 'a claim was void: an answer was copied',
  });
  expect(lastFailure({ ...well, state: 'dark', sinceMs: 90, lastDarkFromMs: 60 }, voided)?.words).toContain('still is');
  const unanswered = { phase: 'unanswered', askedMs: 100, answeredMs: null };
  expect(lastFailure({ ...well, challenge: unanswered }, voided)?.words).toContain('did not answer');
  expect(lastFailure({ ...well, challenge: { ...unanswered, phase: 'passed' } }, null)).toBeNull();
  expect([1, 12, 99].map(voidWords)).toEqual(['the work was wrong', 'it claimed a job twice', 'reason 99']);
});

test('what readings do not say is unknown, and never nothing', () => {
  const part = (amount: bigint) => quantity(amount, 4, 'part');
  const words = (watts: number, celsius: bigint, busy: bigint) =>
    saidWords(saidBy({ watts, celsius: quantity(celsius, 2, 'part'), utilisation: part(busy) }), 1).map(
      ([, text]) => text,
    );
  expect(words(412, 6_505n, 8_750n)).toEqual(['87.5 %', '65.1 °C', '412 W']);
  expect(words(0, 0n, 8_750n)).toEqual(['87.5 %', 'unknown', 'unknown']);
  // An idle machine that says its power is not busy; one that says nothing is not known to be.
  expect(words(60, 0n, 0n)).toEqual(['0 %', 'unknown', '60 W']);
  expect(words(0, 0n, 0n)).toEqual(['unknown', 'unknown', 'unknown']);
  expect(saidWords(saidBy(null), 1).map(([, text]) => text)).toEqual(['unknown', 'unknown', 'unknown']);
});

test('readings are of their time', () => {
  const MIN = 60_000;
  const at = { toMs: 10 * MIN };
  expect(ageWords(null, 11 * MIN)).toBe('it has sent no readings');
  expect(ageWords(at, 11 * MIN)).toBe('as it said 1 min ago');
  expect(ageWords(at, 26 * MIN)).toBe('old: it said so 16 min ago');
});
