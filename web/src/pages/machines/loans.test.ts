import { expect, test } from 'vitest';
import {
  boundWords,
  caseReason,
  caseSteps,
  coverage,
  knownNetPerHour,
  laterWords,
  missingDays,
  netPerHourDown,
  partBps,
  perPeriod,
  reasonCounts,
  stageWords,
  tranchesBps,
} from './loans.ts';
import type { Case } from './queries.ts';

const E = 10n ** 18n;
const market = {
  idle: 60n * E,
  lent: 40n * E,
  lenders: 90n * E,
  firstLoss: 10n * E,
  uncovered: 4n * E,
  largest: 10n * E,
};

test('a day of net is so much an hour, cut', () => {
  expect(netPerHourDown(48n)).toBe(2n);
  expect(netPerHourDown(47n)).toBe(1n);
});

test('net an hour is unknown while no day is verified', () => {
  expect(knownNetPerHour({ verifiedDays: 0, netPerDay: 0n })).toBeNull();
  expect(knownNetPerHour(null)).toBeNull();
  expect(knownNetPerHour({ verifiedDays: 1, netPerDay: 48n })).toBe(2n);
});

test('what can be borrowed later says after how many days, and how many are missing', () => {
  expect(laterWords({ verifiedDays: 11, neededDays: 30 })).toEqual({
    name: 'After 30 verified days at this use',
    missing: '19 days to go',
  });
  expect(laterWords({ verifiedDays: 1, neededDays: 1 })).toEqual({
    name: 'After a verified day at this use',
    missing: null,
  });
});

test('cases are counted by what opened them, the commonest first', () => {
  expect(reasonCounts([{ reason: 1 }, { reason: 2 }, { reason: 2 }])).toBe(
    '3 cases: 2 since the machine went dark, 1 since an instalment stayed unpaid for too long.',
  );
});

test('periods in words', () => {
  expect([86_400_000, 3_600_000, 30 * 86_400_000].map(perPeriod)).toEqual(['a day', 'an hour', 'every 30 d']);
});

test('what binds an offer, and how many days are missing', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(boundWords).filter((words) => words.startsWith('limit'))).toEqual([]);
  expect(boundWords(9)).toBe('limit 9');
  expect(missingDays({ verifiedDays: 4, neededDays: 30 })).toBe(26);
  expect(missingDays({ verifiedDays: 31, neededDays: 30 })).toBe(0);
});

test('tranches share the interest of what is lent', () => {
  // 40 lent at 12 % are 4.8 a year; a fifth of it is the first loss's 10, the rest is the lenders' 90.
  expect(tranchesBps(market, { rateBps: 1_200, firstLossCutBps: 2_000 })).toEqual({ lenders: 426, firstLoss: 960 });
  expect(tranchesBps({ ...market, lenders: 0n, firstLoss: 0n }, { rateBps: 1_200, firstLossCutBps: 0 })).toEqual({
    lenders: 0,
    firstLoss: 0,
  });
});

test('bonds stand for a part of what is lent, the first loss behind them', () => {
  expect(coverage(market)).toEqual({ bonds: 9_000, firstLoss: 2_500 });
  expect(coverage({ ...market, lent: 0n, uncovered: 0n })).toEqual({ bonds: 0, firstLoss: 0 });
  expect(partBps(market.largest, market.lent)).toBe(2_500);
});

const opened: Case = {
  caseId: 1n,
  machineId: 3n,
  assetId: 0,
  reason: 2,
  stage: 1,
  openedMs: 100n,
  untilMs: 200n,
  closedMs: 0n,
  holder: '0x00',
  buyer: '0x0b',
  owed: 12n,
  principal: 10n,
  paid: 0n,
  left: 10n,
  fromIncome: 2n,
  fromRepayment: 0n,
  fromTitle: 0n,
  fromBond: 0n,
  fromFirstLoss: 0n,
  fromLenders: 0n,
  recovered: 0n,
  toHolder: 0n,
};
const tell = { amount: (units: bigint) => `${units} u`, moment: (ms: bigint) => `at ${ms}` };
const text = (node: unknown) => (typeof node === 'string' ? node : '');
const told = (one: Case) =>
  caseSteps(one, tell).map((step) =>
    `${step.isDone === false ? '? ' : ''}${text(step.title)} ${text(step.amount)}`.trim(),
  );

test('a case that was just opened says what comes next', () => {
  expect(told(opened)).toEqual([
    'Opened 12 u',
    'The whole stream pays the debt 2 u',
    '? The title goes to auction',
    '? The bond pays what is still owed',
    '? The first loss bears what is left',
    '? Lenders bear the rest',
  ]);
});

test('a cured case ends there', () => {
  expect(told({ ...opened, stage: 4, closedMs: 150n })).toEqual([
    'Opened 12 u',
    'The whole stream pays the debt 2 u',
    'Cured',
  ]);
});

test('a title that nobody bought: bond, first loss, lenders, and what came back', () => {
  const lost = { ...opened, stage: 3, fromBond: 3n, fromFirstLoss: 4n, fromLenders: 0n, recovered: 1n };
  expect(told(lost)).toEqual([
    'Opened 12 u',
    'The whole stream pays the debt 2 u',
    'Nobody bought the title',
    'The bond pays what is still owed 3 u',
    'The first loss bears what is left 4 u',
    'Lenders bear the rest',
    'Came back later 1 u',
  ]);
  expect(caseSteps(lost, tell).some((step) => step.isDone === false)).toBe(false);
});

test('a sold title says to whom', () => {
  const steps = caseSteps({ ...opened, stage: 5, fromTitle: 9n, toHolder: 1n, closedMs: 300n }, tell);
  expect(steps.find((step) => step.title === 'The title was sold')?.words).toContain('0x0b');
  expect(steps.at(-1)?.title).toBe('Closed');
});

test('reasons and stages are those of the contract', () => {
  expect([1, 2, 3, 4].map(caseReason).filter((words) => words.startsWith('reason'))).toEqual([]);
  expect(caseReason(9)).toBe('reason 9');
  expect([1, 2, 3, 4, 5].map((stage) => stageWords(stage).tone)).toEqual(['warn', 'bad', 'bad', 'good', 'plain']);
  expect(stageWords(9).words).toBe('stage 9');
});
