/** Keys, receipts and claims in words, and use over time in numbers. */
import type { Tone } from '../../ui/index.ts';
import { parseDecimal, problemInWords } from '../../units/decimal.ts';
import { usd, USD_DECIMALS, type Usd } from '../../units/quantity.ts';
import type { Wanted } from './door.ts';
import type { GatewayKey, GatewayReceipt } from './shapes.ts';

export function keyState(key: GatewayKey, nowMs: number): { readonly tone: Tone; readonly words: string } {
  if (key.revoked_ms !== null) return { tone: 'plain', words: 'revoked' };
  const { total, day, expires_ms: ends } = key.limits;
  if (ends !== null && ends <= nowMs) return { tone: 'plain', words: 'ended' };
  if (total !== null && key.spent.amount + key.reserved.amount >= total.amount) return { tone: 'bad', words: 'spent' };
  if (day !== null && key.spent_today.amount >= day.amount) return { tone: 'warn', words: 'spent today' };
  return { tone: 'good', words: 'works' };
}

const OUTCOMES: readonly (readonly [string, Tone])[] = [
  ['whole', 'good'],
  ['client left', 'plain'],
  ['server failed', 'bad'],
  ['limit reached', 'warn'],
  ['gateway stopped', 'bad'],
];

export function outcomeWords(outcome: number): { readonly words: string; readonly tone: Tone } {
  const [words, tone] = OUTCOMES[outcome] ?? [`outcome ${outcome}`, 'plain' as const];
  return { words, tone };
}

/** The two lines of environment that any client of OpenAI's API reads. */
export function environment(origin: string, secret: string): string {
  return `export OPENAI_BASE_URL=${origin}/v1\nexport OPENAI_API_KEY=${secret}`;
}

export interface KeyText {
  readonly name: string;
  readonly total: string;
  readonly day: string;
  readonly parallel: string;
  readonly days: string;
  readonly own: boolean;
}

const DAY_MS = 86_400_000;
const DAYS_MAX = 36_500;

/** What somebody wrote of a key that he wants, and what is wrong with it. An empty field is no bound. */
export function readKey(
  text: KeyText,
  nowMs: number,
): { wanted: Wanted | null; wrong: Partial<Record<keyof KeyText, string>> } {
  const wrong: Partial<Record<keyof KeyText, string>> = {};
  const dollars = (field: 'total' | 'day') => {
    const written = text[field].trim().replace(/^\$/, '');
    if (written === '') return null;
    const read = parseDecimal(written, USD_DECIMALS);
    if (!read.ok) wrong[field] = problemInWords(read.problem);
    else if (read.amount === 0n) wrong[field] = 'such a key could spend nothing';
    return `${written.replaceAll('_', '')}usd`;
  };
  const whole = (field: 'parallel' | 'days', most: number) => {
    const written = text[field].trim();
    if (written === '') return null;
    if (!/^[0-9]{1,7}$/.test(written) || Number(written) < 1 || Number(written) > most) {
      wrong[field] = `a whole number from 1 to ${most}`;
    }
    return Number(written);
  };
  const name = text.name.trim();
  if (name === '') wrong.name = 'give it a name, so that it can be found';
  const total = dollars('total');
  const day = dollars('day');
  const parallel = whole('parallel', 10_000);
  const days = whole('days', DAYS_MAX);
  const limits = { total, day, parallel, expires_ms: days === null ? null : nowMs + days * DAY_MS, own: text.own };
  return { wanted: Object.keys(wrong).length === 0 ? { name, limits } : null, wrong };
}

export interface Used {
  /** Seconds since 1970, as the chart's axis wants them; the oldest first. */
  readonly atS: readonly number[];
  /** Charged until then, in smallest units of the dollar. */
  readonly spent: readonly bigint[];
  readonly tokens: readonly number[];
}

/**
 * What an answer cost. A receipt of what was sold to the network counts units of the asset that jobs are paid in, a dollar too,
 * and says how many digits it has.
 */
export function costOf({ receipt, notes }: Pick<GatewayReceipt, 'receipt' | 'notes'>): Usd {
  const digits = Math.min(notes.cost_decimals ?? USD_DECIMALS, USD_DECIMALS);
  return usd(receipt.cost.amount * 10n ** BigInt(USD_DECIMALS - digits));
}

/** What the newest answers came to, one after the other. */
export function usedOver(receipts: readonly GatewayReceipt[]): Used {
  const sorted = [...receipts].sort((a, b) => a.receipt.startedMs - b.receipt.startedMs);
  let spent = 0n;
  let tokens = 0;
  const rows = sorted.map((one) => {
    const { receipt } = one;
    spent += costOf(one).amount;
    tokens += receipt.inputUnits + receipt.outputUnits;
    return { atS: (receipt.startedMs + receipt.tookMs) / 1_000, spent, tokens };
  });
  return {
    atS: rows.map((row) => row.atS),
    spent: rows.map((row) => row.spent),
    tokens: rows.map((row) => row.tokens),
  };
}

const PHASES: readonly { readonly words: string; readonly tone: Tone }[] = [
  { words: 'none', tone: 'plain' },
  { words: 'waits for its draw', tone: 'accent' },
  { words: 'picked receipts are shown', tone: 'accent' },
  { words: 'auditors commit', tone: 'accent' },
  { words: 'auditors show', tone: 'accent' },
  { words: 'the next block settles it', tone: 'accent' },
  { words: 'paid', tone: 'good' },
  { words: 'refunded', tone: 'bad' },
];

/** Where a claim stands: numbers of specs/jobs.md. */
export function phaseWords(phase: number): { readonly words: string; readonly tone: Tone } {
  return PHASES[phase] ?? { words: `phase ${phase}`, tone: 'plain' };
}

const REFUNDS: readonly string[] = [
  '',
  'auditors found the work wrong',
  'auditors found an answer cut short',
  'auditors found an answer copied',
  'the machine kept back what auditors need',
  'the machine did not show a picked receipt',
  'a receipt names another program',
  'a receipt names another machine',
  'a receipt names another payer',
  'a receipt is of work that failed',
  'a receipt is of another time',
  'a receipt asks more than the price',
  'a job was claimed twice',
];

/** Why everything of a claim went back to its customer. */
export function refundWords(reason: number): string {
  return REFUNDS[reason] ?? `reason ${reason}`;
}
