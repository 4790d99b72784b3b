/** Streams in words, and a stream of one's own from what somebody wrote. */
import type { Hex } from '../../../node/decode.ts';
import { parseDecimal, problemInWords } from '../../../units/decimal.ts';
import { readAmount, someWrong, told, type Counted } from '../../../units/quantity.ts';
import { lasting, moment } from '../../../units/time.ts';
import { NOBODY, readWhom, type WhomText } from '../whom.ts';

export interface Flow {
  readonly isSettled: boolean;
  readonly isStopped: boolean;
  readonly sinceMs: bigint;
  readonly cliffMs: bigint;
  readonly endMs: bigint;
  readonly rate: bigint;
  readonly periodMs: bigint;
}

const DAY_MS = 86_400_000n;

/** Whether and how it flows. */
export function flowWords(flow: Flow, of: Counted, nowMs: number): string {
  if (flow.isStopped) return 'stopped: what has flowed is its owner’s';
  if (flow.isSettled) return 'paid in as it falls due';
  const now = BigInt(nowMs);
  const perDay = flow.periodMs === 0n ? 0n : (flow.rate * DAY_MS) / flow.periodMs;
  const speed = `${told(of, perDay)} a day`;
  if (now < flow.cliffMs) return `${speed}, nothing before ${moment(Number(flow.cliffMs))}`;
  if (now < flow.sinceMs) return `${speed}, from ${moment(Number(flow.sinceMs))}`;
  if (now < flow.endMs) return `${speed}, ${lasting(Number(flow.endMs - now))} more`;
  return 'all of it has flowed';
}

const UNIT_MS = { min: 60_000, h: 3_600_000, day: 86_400_000 } as const;
export type LengthUnit = keyof typeof UNIT_MS;
/** As the contract has it: a hundred years. */
const LENGTH_MS_MAX = 100 * 365 * UNIT_MS.day;

export interface StreamText extends WhomText {
  readonly amount: string;
  readonly lasts: string;
  readonly cliff: string;
  readonly unit: LengthUnit;
  readonly isFinal: boolean;
}

export const USUAL: StreamText = { ...NOBODY, amount: '', lasts: '30', cliff: '0', unit: 'day', isFinal: false };

export interface StreamRead {
  readonly to: Hex | null;
  /** Which of that owner's accounts. */
  readonly index: number;
  readonly amount: bigint;
  readonly lastsMs: number;
  readonly cliffAfterMs: number;
  readonly wrong: Partial<Record<'amount' | 'to' | 'index' | 'lasts' | 'cliff', string>>;
  readonly isPossible: boolean;
}

export function readStream(text: StreamText, decimals: number, has: bigint): StreamRead {
  const whom = readWhom(text);
  const wrong: StreamRead['wrong'] = { ...whom.wrong };
  const length = (field: 'lasts' | 'cliff', least: number) => {
    const read = parseDecimal(text[field].trim(), 0);
    const most = Math.floor(LENGTH_MS_MAX / UNIT_MS[text.unit]);
    if (read.ok && read.amount >= BigInt(least) && read.amount <= BigInt(most)) {
      return Number(read.amount) * UNIT_MS[text.unit];
    }
    wrong[field] = read.ok ? `between ${least} and ${most}` : problemInWords(read.problem);
    return 0;
  };
  const amount = readAmount(text.amount, decimals, has);
  const amountWrong = someWrong(text.amount, amount, { of: has, where: 'the wallet has' });
  if (amountWrong !== null) wrong.amount = amountWrong;
  const lastsMs = length('lasts', 1);
  const cliffAfterMs = length('cliff', 0);
  if (wrong.cliff === undefined && wrong.lasts === undefined && cliffAfterMs > lastsMs) {
    wrong.cliff = 'not after its end';
  }
  const { to, index } = whom;
  const isPossible = to !== null && amount.ok && amount.amount > 0n && Object.keys(wrong).length === 0;
  return { to, index, amount: amount.ok ? amount.amount : 0n, lastsMs, cliffAfterMs, wrong, isPossible };
}
