import { describe, expect, test } from 'vitest';
import { readOffer, USUAL, type OfferText } from './offer.ts';
import { bringToEnd, endingUp, penaltyWords, scheduleWords, standingWords } from './words.ts';

const DAY_S = 86_400;
const asset = { assetId: 1, decimals: 6 };

test.each([
  [{ instalments: 12, periodS: 30 * DAY_S, amortisation: 1 }, '12 payments, one every 30 d: equal payments (annuity)'],
  [{ instalments: 1, periodS: 3_600, amortisation: 2 }, 'one payment after 1 h'],
  [{ instalments: 2, periodS: DAY_S, amortisation: 9 }, '2 payments, one every 1 d: in another way'],
])('a schedule is told', (schedule, words) => {
  expect(scheduleWords(schedule)).toBe(words);
});

test('penalties are told, and so is that there are none', () => {
  const none = { graceS: 0, lateBps: 0, earlyFeeBps: 0, defaultS: DAY_S };
  expect(penaltyWords(none)[0]).toBe('Nothing is added to what is late');
  expect(penaltyWords(none)[2]).toBe('It may be paid early without a fee');
  expect(penaltyWords({ ...none, graceS: DAY_S, lateBps: 1_200, earlyFeeBps: 50 })).toEqual([
    'What is late costs 12 % a year more, after 1 d of grace',
    'In default 1 d after a payment fell due: then the block sells collateral for it',
    'Paid early it costs 0.50 % of what is paid early',
  ]);
});

test.each([
  [{ inDefault: true, overdue: 1n, due: 1n }, 'in default'],
  [{ inDefault: false, overdue: 1n, due: 1n }, 'late'],
  [{ inDefault: false, overdue: 0n, due: 1n }, 'due now'],
  [{ inDefault: false, overdue: 0n, due: 0n }, 'on schedule'],
])('how a loan stands', (loan, words) => {
  expect(standingWords(loan).words).toBe(words);
});

test('what ends a loan has its early fee, rounded up, and room for interest', () => {
  expect(endingUp({ owed: 1_000n, balance: 999n }, 50)).toBe(1_005n);
  expect(endingUp({ owed: 1_000n, balance: 0n }, 50)).toBe(1_000n);
  expect(bringToEnd(0n)).toBe(0n);
  expect(bringToEnd(20_000n)).toBe(20_003n);
});

describe('an offer', () => {
  const read = (text: Partial<OfferText>) =>
    readOffer({ ...USUAL, amount: '100', ...text }, asset, 500_000_000n, 1_000);

  test('is what was written', () => {
    const offer = read({ rate: '6.25', least: '10', every: '12', everyUnit: 'h', grace: '0', fails: '2', early: '1' });
    expect(offer).toMatchObject({ isPossible: true, amount: 100_000_000n, wrong: {} });
    expect(offer.terms).toEqual({
      assetId: 1,
      rateBps: 625,
      instalments: 12,
      periodS: 12 * 3_600,
      amortisation: 1,
      graceS: 0,
      lateBps: 1_200,
      earlyFeeBps: 100,
      defaultS: 2 * DAY_S,
      least: 10_000_000n,
      expiresMs: BigInt(1_000 + 30 * DAY_S * 1_000),
    });
    expect(read({ least: '' }).terms.least).toBe(1n);
  });

  test.each([
    [{ amount: '501' }, 'amount', 'the wallet has less'],
    [{ amount: '0' }, 'amount', 'the amount is zero'],
    [{ amount: '<script>' }, 'amount', 'write digits'],
    [{ least: '101' }, 'least', 'the offer has less'],
    [{ rate: '100.01' }, 'rate', 'at most 100 %'],
    [{ rate: '-1' }, 'rate', 'write digits'],
    [{ rate: '1.234' }, 'rate', 'digits behind the point'],
    [{ early: '10.01' }, 'early', 'at most 10 %'],
    [{ instalments: '121' }, 'instalments', 'between 1 and 120'],
    [{ instalments: '0' }, 'instalments', 'between 1 and 120'],
    [{ instalments: '1.5' }, 'instalments', 'digits'],
    [{ every: '366' }, 'every', 'between 1 and 365'],
    [{ every: '0' }, 'every', 'between 1 and 365'],
    [{ every: '9'.repeat(80) }, 'every', 'larger'],
    [{ grace: '30' }, 'grace', 'shorter than'],
    [{ grace: '29', fails: '28' }, 'fails', 'not before'],
    [{ fails: '366' }, 'fails', 'between 0 and 365'],
    [{ lasts: '0' }, 'lasts', 'between 1 and 365'],
  ] as const)('%o is refused', (text, field, words) => {
    const offer = read(text);
    expect(offer.isPossible).toBe(false);
    expect(offer.wrong[field]).toContain(words);
  });

  test('without an amount nothing is wrong yet, and nothing is possible', () => {
    expect(read({ amount: '' })).toMatchObject({ isPossible: false, wrong: {} });
  });
});
