import { expect, test } from 'vitest';
import { lanesOf, longestBps } from './lanes.ts';
import type { Row } from './shapes.ts';

function row(index: number, lane: number, gasUsed: bigint): Row {
  return {
    index,
    hash: '0x00',
    from: '0x00',
    to: null,
    toName: null,
    isSystem: false,
    isSuccess: true,
    title: `transaction ${index}`,
    gasUsed,
    eventCount: 0,
    writtenCount: 1,
    lane,
    core: null,
    startGas: null,
    isCritical: null,
    waitsFor: null,
    accesses: null,
  };
}

test('the longest lane comes first and fills its line', () => {
  const lanes = lanesOf([row(0, 0, 10n), row(1, 1, 30n), row(2, 1, 10n), row(3, 2, 10n)]);
  expect(lanes.map((lane) => lane.number)).toEqual([1, 0, 2]);
  expect(lanes[0]?.parts.map((part) => part.share)).toEqual([0.75, 0.25]);
  expect(lanes[1]?.parts.map((part) => part.row.index)).toEqual([0]);
});

test('the longest lane is a part of all gas', () => {
  expect(longestBps([])).toBe(0);
  expect(longestBps([row(0, 0, 0n)])).toBe(0);
  expect(longestBps([row(0, 0, 10n), row(1, 1, 30n)])).toBe(7_500);
});
