import { expect, test } from 'vitest';
import {
  didWords,
  lookOf,
  pathOf,
  placeWords,
  rowAt,
  runsMilli,
  scheduleOf,
  touchesOf,
  touchWords,
  waitingCount,
  waitingFor,
} from './schedule.ts';
import type { Access, Place, Row } from './shapes.ts';

function row(index: number, core: number | null, startGas: bigint, gasUsed: bigint, waits: number[] = []): Row {
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
    lane: 0,
    core,
    startGas: core === null ? null : startGas,
    isCritical: false,
    waitsFor: waits.map((behind) => ({ index: behind, place: null })),
    accesses: null,
  };
}

const rows = [row(0, 0, 0n, 100n), row(1, 1, 0n, 40n), row(2, 1, 100n, 100n, [0]), row(3, 0, 100n, 50n, [0, 1])];

test('a block is drawn on the cores that it uses, until its last transaction ends', () => {
  const schedule = scheduleOf(rows);
  expect([schedule.cores, schedule.gas]).toEqual([2, 200n]);
  expect(pathOf(schedule, schedule.laid.slice(0, 2))).toBe('M0 0h499v12h-499zM0 16h199v12h-199z');
  expect(scheduleOf([])).toEqual({ laid: [], cores: 0, gas: 0n });
  expect(scheduleOf([row(0, null, 0n, 5n)]).laid).toEqual([]);
});

test('a point of the drawing is the transaction that runs there', () => {
  const schedule = scheduleOf(rows);
  expect(rowAt(schedule, 0.25, 0.1)?.index).toBe(0);
  expect(rowAt(schedule, 0.75, 0.9)?.index).toBe(2);
  expect(rowAt(schedule, 0.3, 0.9)).toBeNull();
});

test('thousands are one line each look', () => {
  const many = Array.from({ length: 5_000 }, (_, index) =>
    row(index, index % 16, BigInt(index >> 4) * 21_000n, 21_000n),
  );
  const schedule = scheduleOf(many);
  expect(schedule.cores).toBe(16);
  expect(pathOf(schedule, schedule.laid).match(/M/g)?.length).toBe(5_000);
});

test('who waits for whom', () => {
  expect(waitingFor(rows, 0).map((one) => one.index)).toEqual([2, 3]);
  expect(waitingCount(rows)).toBe(2);
});

test('a failed transaction looks failed, also on the critical path', () => {
  expect(lookOf({ ...rows[0], isCritical: true, isSuccess: false } as Row)).toBe('failed');
  expect(lookOf({ ...rows[0], isCritical: true } as Row)).toBe('critical');
  expect(lookOf({ ...rows[0], isSystem: true } as Row)).toBe('own');
});

test('runs for each transaction, in thousandths', () => {
  expect(runsMilli({ transactionCount: 0, runCount: 0 })).toBe(1_000);
  expect(runsMilli({ transactionCount: 300, runCount: 306 })).toBe(1_020);
});

test('what was changed stands before what was read', () => {
  const place = (contract: string | null, name: string | null): Place => ({
    address: '0xaa',
    contract,
    slot: name === null ? null : 1n,
    field: null,
    name,
    which: null,
  });
  const access = (at: number, kind: string): Access => ({ place: at, kind, value: null, nonce: null, code: null });
  const places = [place('oracle', 'feeds[0]'), place('ledger', 'balances[0]'), place(null, null)];
  const touches = touchesOf(
    { ...rows[0], accesses: [access(0, 'read'), access(1, 'delta'), access(2, 'write'), access(9, 'read')] } as Row,
    places,
  );
  expect(touches.map((one) => one.access.kind)).toEqual(['write', 'delta', 'read']);
  expect(touchWords(touches)).toBe('wrote 1, only added to 1 and only read 1');
  expect(touchWords([])).toBe('touched nothing');
  expect(touches.map((one) => placeWords(one.place))).toEqual(['coins, nonce and code', 'balances[0]', 'feeds[0]']);
  expect(placeWords({ ...place(null, 'x'), name: null, slot: 255n })).toBe('word 0xff');
  expect(placeWords({ ...place('token', null), which: 'USDC' })).toBe('coins, nonce and code (USDC)');
  expect(['read', 'write', 'delta', 'later'].map(didWords)).toEqual(['read', 'wrote', 'added to', 'later']);
});
