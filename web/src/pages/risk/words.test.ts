import { describe, expect, test } from 'vitest';
import { usd } from '../../units/quantity.ts';
import type { Band, OracleState, Risk } from './shapes.ts';
import { bandTone, bandWords, debtWithin, drawnBands, loadBps, oracleWords } from './words.ts';

const DOLLAR = 10n ** 18n;

function band(fromBps: number, toBps: number | null, dollars: bigint, accountCount = 1): Band {
  return { fromBps, toBps, accountCount, debt: usd(dollars * DOLLAR), collateral: usd(2n * dollars * DOLLAR) };
}

function risk(unhealthy: Band, distance: Band[]): Risk {
  const largest = { oneBps: 0, fiveBps: 0, tenBps: 0 };
  return {
    blockNumber: 1,
    timeMs: 1,
    accountCount: 3,
    unvaluedCount: 0,
    isWhole: true,
    collateral: usd(0n),
    debt: usd(0n),
    largest,
    unhealthy,
    distance,
    assets: [],
  };
}

function oracle(usable: boolean, quorum: number, ages: (number | null)[]): OracleState {
  return {
    description: 'ETH / USD',
    round: 1,
    spot: usd(DOLLAR),
    smoothed: usd(DOLLAR),
    timeMs: 1,
    graceUntilMs: 0,
    usable,
    why: usable ? null : 'the feed is frozen',
    ageMs: 1_500,
    staleMs: 60_000,
    quorum,
    bandBps: 500,
    sources: ages.map((ageMs) => ({
      reporter: '0x01',
      isCounted: true,
      price: usd(DOLLAR),
      confidenceBps: 0,
      round: 1,
      ageMs,
      awayBps: 0,
    })),
  };
}

describe('bands', () => {
  test('say where they begin and end, and how near that is', () => {
    expect(bandWords(band(0, 500, 1n))).toBe('0 % to 5 %');
    expect(bandWords(band(7_500, null, 1n))).toBe('75 % and more');
    expect([0, 500, 1_000].map((from) => bandTone(band(from, from + 500, 1n)))).toEqual(['bad', 'warn', 'plain']);
  });

  test('the longest fills its line, and nobody below health one is no line', () => {
    const bands = [band(0, 500, 25n), band(500, null, 100n)];
    expect(drawnBands(risk(band(0, 0, 0n, 0), bands)).map((drawn) => drawn.share)).toEqual([0.25, 1]);
    const drawn = drawnBands(risk(band(0, 0, 200n, 1), bands));
    expect(drawn.map((one) => [one.words, one.share])).toEqual([
      ['below health 1', 1],
      ['0 % to 5 %', 0.125],
      ['5 % and more', 0.5],
    ]);
    expect(drawnBands(risk(band(0, 0, 0n, 0), [band(0, null, 0n, 0)]))[0]?.share).toBe(0);
  });

  test('debt within a fall counts whole bands alone', () => {
    const all = risk(band(0, 0, 5n), [band(0, 500, 10n), band(500, 1_000, 20n), band(1_000, null, 40n)]);
    expect([0, 500, 999, 1_000, 9_000].map((bps) => debtWithin(all, bps).amount / DOLLAR)).toEqual([
      5n,
      15n,
      15n,
      35n,
      35n,
    ]);
  });

  test('load is nothing without collateral', () => {
    expect(loadBps(usd(1n), usd(0n))).toBeNull();
    expect(loadBps(usd(1n), usd(3n))).toBe(3_333);
  });
});

describe('the oracle in words', () => {
  test.each([
    [true, 2, [0, 10, 20], 'good', '1 s old · 3 sources'],
    [true, 2, [0, 10], 'warn', '1 s old · 2 sources of 2 needed: none to spare'],
    [true, 2, [0, 70_000, null], 'warn', '1 s old · 1 source of 2 needed: too few'],
    [false, 1, [0], 'bad', 'the feed is frozen'],
  ] as const)('usable %s, quorum %i, ages %j', (usable, quorum, ages, tone, words) => {
    expect(oracleWords(oracle(usable, quorum, [...ages]))).toEqual({ tone, words });
  });
});
