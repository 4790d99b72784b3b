/** A block on so many cores, as its record projects it: where each transaction stands in the drawing, and which one stands where. */
import { drawnShare } from '../../units/drawn.ts';
import type { Access, Place, Row } from './shapes.ts';

/** Units of the drawing across; it is stretched to the width that there is. */
export const WIDTH = 1_000;
export const ROW = 16;
const BAR = 12;
/** Between a transaction and the next on its core, where there is room for it. */
const GAP = 1;
const LEAST = 0.6;

/** A row whose place on a core is known. */
export interface Laid extends Row {
  readonly core: number;
  readonly startGas: bigint;
}

export type Look = 'usual' | 'own' | 'failed' | 'critical';

export interface Schedule {
  readonly laid: readonly Laid[];
  /** Cores that have something to do. */
  readonly cores: number;
  /** When the last transaction ends. */
  readonly gas: bigint;
}

function isLaid(row: Row): row is Laid {
  return row.core !== null && row.startGas !== null;
}

export function scheduleOf(rows: readonly Row[]): Schedule {
  const laid = rows.filter(isLaid);
  const cores = laid.reduce((most, row) => Math.max(most, row.core + 1), 0);
  const gas = laid.reduce((last, row) => (row.startGas + row.gasUsed > last ? row.startGas + row.gasUsed : last), 0n);
  return { laid, cores, gas };
}

export function lookOf(row: Row): Look {
  if (!row.isSuccess) return 'failed';
  if (row.isCritical === true) return 'critical';
  return row.isSystem ? 'own' : 'usual';
}

const fine = (value: number) => Math.round(value * 100) / 100;

/** One line for a set of transactions, however many: a drawing of thousands has as many elements as one of two. */
export function pathOf(schedule: Schedule, rows: readonly Laid[]): string {
  return rows
    .map((row) => {
      const left = drawnShare(row.startGas, schedule.gas) * WIDTH;
      const right = drawnShare(row.startGas + row.gasUsed, schedule.gas) * WIDTH;
      const width = Math.max(LEAST, right - left > 4 * GAP ? right - left - GAP : right - left);
      return `M${fine(left)} ${row.core * ROW}h${fine(width)}v${BAR}h${-fine(width)}z`;
    })
    .join('');
}

/** The transaction at a point: shares of the drawing's width and height. */
export function rowAt(schedule: Schedule, across: number, down: number): Laid | null {
  const core = Math.floor(down * schedule.cores);
  const gas = (schedule.gas * BigInt(Math.round(across * 1_000_000))) / 1_000_000n;
  const found = schedule.laid.find(
    (row) => row.core === core && row.startGas <= gas && gas < row.startGas + row.gasUsed,
  );
  return found ?? null;
}

/** Who waits for a transaction. */
export function waitingFor(rows: readonly Row[], index: number): Row[] {
  return rows.filter((row) => row.waitsFor?.some((wait) => wait.index === index));
}

/** How many of a block wait for another of it. */
export function waitingCount(rows: readonly Row[]): number {
  return rows.filter((row) => (row.waitsFor?.length ?? 0) > 0).length;
}

/** How often something ran for each time that it had to, in thousandths. */
export function runsMilli(runs: { readonly transactionCount: number; readonly runCount: number }): number {
  return runs.transactionCount === 0 ? 1_000 : Math.round((runs.runCount * 1_000) / runs.transactionCount);
}

export interface Touch {
  readonly place: Place;
  readonly access: Access;
}

const KINDS = ['write', 'delta', 'read'];

/** What a transaction touched: what it changed first, and of each contract together. */
export function touchesOf(row: Row, places: readonly Place[]): Touch[] {
  const touches = (row.accesses ?? []).flatMap((access) => {
    const place = places[access.place];
    return place === undefined ? [] : [{ place, access }];
  });
  const owner = ({ place }: Touch) => `${place.contract === null ? '~' : ''}${place.contract ?? place.address}`;
  return touches.sort(
    (a, b) => KINDS.indexOf(a.access.kind) - KINDS.indexOf(b.access.kind) || (owner(a) < owner(b) ? -1 : 1),
  );
}

/** `wrote 12, added to 9 and read 34`. */
export function touchWords(touches: readonly Touch[]): string {
  const counted = (kind: string) => touches.filter(({ access }) => access.kind === kind).length;
  const parts = [
    ['wrote', counted('write')],
    ['only added to', counted('delta')],
    ['only read', counted('read')],
  ] as const;
  const words = parts.filter(([, many]) => many > 0).map(([verb, many]) => `${verb} ${many}`);
  if (words.length === 0) return 'touched nothing';
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} and ${last}`;
}

/** What was done to a place, in a word. */
export function didWords(kind: string): string {
  return { read: 'read', write: 'wrote', delta: 'added to' }[kind] ?? kind;
}

/** `reserves[1].{low, high} (ETH/USDC)`, or what an account has beside its words. */
export function placeWords(place: Place): string {
  const words = wordWords(place);
  return place.which === null ? words : `${words} (${place.which})`;
}

function wordWords(place: Place): string {
  if (place.slot === null) return 'coins, nonce and code';
  return place.name ?? `word 0x${place.slot.toString(16)}`;
}
