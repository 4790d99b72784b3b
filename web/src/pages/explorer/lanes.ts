/** A block as lanes: what wrote nothing in common could run side by side. */
import { drawnShare } from '../../units/drawn.ts';
import type { Row } from './shapes.ts';

export interface Lane {
  readonly number: number;
  readonly gas: bigint;
  /** The part of the longest lane that each transaction fills. */
  readonly parts: readonly { readonly row: Row; readonly share: number }[];
}

/** Lanes by length, the longest first. */
export function lanesOf(rows: readonly Row[]): Lane[] {
  const byLane = new Map<number, Row[]>();
  for (const row of rows) byLane.set(row.lane, [...(byLane.get(row.lane) ?? []), row]);
  const sums = [...byLane].map(([number, inside]) => ({
    number,
    inside,
    gas: inside.reduce((sum, row) => sum + row.gasUsed, 0n),
  }));
  sums.sort((a, b) => (a.gas === b.gas ? a.number - b.number : a.gas > b.gas ? -1 : 1));
  const longest = sums[0]?.gas ?? 0n;
  return sums.map(({ number, inside, gas }) => ({
    number,
    gas,
    parts: inside.map((row) => ({ row, share: drawnShare(row.gasUsed, longest) })),
  }));
}

/** How much of the block's gas its longest lane is, in hundredths of a percent: the least time that any number of cores needs. */
export function longestBps(rows: readonly Row[]): number {
  const all = rows.reduce((sum, row) => sum + row.gasUsed, 0n);
  const longest = lanesOf(rows)[0]?.gas ?? 0n;
  return all === 0n ? 0 : Number((longest * 10_000n) / all);
}
