/** Fixed terms in words, and what of them follows by itself. */
import { lasting } from '../../../units/time.ts';
import { shownBps } from '../../../units/quantity.ts';
import type { Tone } from '../../../ui/index.ts';

/** As the contract counts ways to pay back. */
export const AMORTISATIONS = [
  'equal parts of the principal',
  'equal payments (annuity)',
  'all of it at the end',
] as const;

export interface Schedule {
  readonly instalments: number;
  readonly periodS: number;
  readonly amortisation: number;
}

/** `12 payments, one every 30 d: equal payments (annuity)`. */
export function scheduleWords({ instalments, periodS, amortisation }: Schedule): string {
  const every = lasting(periodS * 1_000);
  const how = AMORTISATIONS[amortisation] ?? 'in another way';
  return instalments === 1 ? `one payment after ${every}` : `${instalments} payments, one every ${every}: ${how}`;
}

export interface Penalties {
  readonly graceS: number;
  readonly lateBps: number;
  readonly earlyFeeBps: number;
  readonly defaultS: number;
}

/** What it costs to be late or early. */
export function penaltyWords({ graceS, lateBps, earlyFeeBps, defaultS }: Penalties): string[] {
  const grace = graceS === 0 ? 'at once' : `after ${lasting(graceS * 1_000)} of grace`;
  return [
    lateBps === 0
      ? 'Nothing is added to what is late'
      : `What is late costs ${shownBps(lateBps)} a year more, ${grace}`,
    `In default ${lasting(defaultS * 1_000)} after a payment fell due: then the block sells collateral for it`,
    earlyFeeBps === 0
      ? 'It may be paid early without a fee'
      : `Paid early it costs ${shownBps(earlyFeeBps)} of what is paid early`,
  ];
}

export interface LoanState {
  readonly inDefault: boolean;
  readonly overdue: bigint;
  readonly due: bigint;
}

export function standingWords({ inDefault, overdue, due }: LoanState): { tone: Tone; words: string } {
  if (inDefault) return { tone: 'bad', words: 'in default' };
  if (overdue > 0n) return { tone: 'warn', words: 'late' };
  if (due > 0n) return { tone: 'warn', words: 'due now' };
  return { tone: 'good', words: 'on schedule' };
}

const BPS = 10_000n;
/** Interest until the block: so many parts of a debt, at least one unit, are brought on top. */
const GROWTH_DIVISOR = 10_000n;

/** What ends a loan: all that is owed, and the fee for what is early of it. */
export function endingUp(loan: { readonly owed: bigint; readonly balance: bigint }, earlyFeeBps: number): bigint {
  return loan.owed + (loan.balance * BigInt(earlyFeeBps) + BPS - 1n) / BPS;
}

/** That, with what grows until the block: what must be there to end it. */
export function bringToEnd(ending: bigint): bigint {
  return ending === 0n ? 0n : ending + ending / GROWTH_DIVISOR + 1n;
}
