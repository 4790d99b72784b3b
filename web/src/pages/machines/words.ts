/** Machines in words: states and reasons as `capstan_machines` names them, kinds, life, and what went wrong last. */
import { shown, shownCount, shownPercent, type Part } from '../../units/quantity.ts';
import { ago, lasting, moment } from '../../units/time.ts';
import type { Tone } from '../../ui/index.ts';

export const UNKNOWN = 'unknown';

interface StateWords {
  readonly tone: Tone;
  readonly words: string;
}

const STATES: Record<string, StateWords> = {
  probation: { tone: 'accent', words: 'on probation' },
  live: { tone: 'good', words: 'live' },
  late: { tone: 'warn', words: 'late' },
  dark: { tone: 'bad', words: 'dark' },
  leaving: { tone: 'warn', words: 'leaving' },
  gone: { tone: 'plain', words: 'gone' },
  barred: { tone: 'bad', words: 'barred' },
};

export function stateWords(state: string): StateWords {
  return STATES[state] ?? { tone: 'plain', words: state };
}

const REASONS: Record<string, string> = {
  none: '',
  new: 'it is new and has not proven its life',
  'beat missed': 'it missed a beat',
  'grace over': 'it was silent for longer than its grace',
  'holder left': 'its holder lets it leave',
  'bond taken': 'its bond was taken out',
  'bond short': 'its bond is below the least',
  'wrong answer': 'it answered wrongly and proves itself anew',
  'no answer': 'it did not answer',
  'never proven': 'nobody has asked it yet',
  'too old': 'what it proved is too old',
  slashed: 'a part of its bond was taken',
};

/** Why a machine, or a capacity of nothing, is what it is; nothing where nothing has to be said. */
export function reasonWords(reason: string): string {
  return REASONS[reason] ?? reason;
}

const KINDS: Record<string, string> = {
  unsaid: 'of a kind that it does not say',
  gpu: 'GPU',
  cpu: 'CPU',
};

/** Any number may be used; a few have names. */
export function kindWords(kind: string): string {
  return KINDS[kind] ?? (/^[0-9]+$/.test(kind) ? `kind ${kind}` : kind);
}

/** The part of its time that a machine was seen, in hundredths of a percent; null before any has passed. */
export function seenBps(lifeMs: number, darkMs: number): number | null {
  const all = BigInt(lifeMs) + BigInt(darkMs);
  return all === 0n ? null : Number((BigInt(lifeMs) * 10_000n) / all);
}

export interface Life {
  readonly lifeMs: number;
  readonly darkCount: number;
  readonly darkMs: number;
}

/** `2 d 3 h proven, dark once for 5 min`. */
export function lifeWords({ lifeMs, darkCount, darkMs }: Life): string {
  const proven = `${lasting(lifeMs)} proven`;
  if (darkCount === 0) return `${proven}, never dark`;
  const times = darkCount === 1 ? 'once' : `${darkCount} times`;
  return `${proven}, dark ${times} for ${lasting(darkMs)}`;
}

/** So long a reading may be taken for what is now; machines send one every few minutes at most. */
const FRESH_MS = 15 * 60_000;

export function areFresh(readings: { readonly toMs: number }, nowMs: number): boolean {
  return nowMs - readings.toMs <= FRESH_MS;
}

/** How old readings are, and whether they say anything of now. */
export function ageWords(readings: { readonly toMs: number } | null, nowMs: number): string {
  if (readings === null) return 'it has sent no readings';
  const when = ago(nowMs, readings.toMs);
  return areFresh(readings, nowMs) ? `as it said ${when}` : `old: it said so ${when}`;
}

interface Readings {
  readonly watts: number;
  readonly celsius: Part;
  readonly utilisation: Part;
}

export interface Said {
  readonly busy: Part | null;
  readonly celsius: Part | null;
  readonly watts: number | null;
}

/**
 * What readings say. On chain zero watts and zero kelvin are "unknown", and machines do not freeze; where both are unknown, a use
 * of nothing was not measured either.
 */
export function saidBy(readings: Readings | null): Said {
  if (readings === null) return { busy: null, celsius: null, watts: null };
  const watts = readings.watts === 0 ? null : readings.watts;
  const celsius = readings.celsius.amount === 0n ? null : readings.celsius;
  const isMeasured = readings.utilisation.amount > 0n || watts !== null || celsius !== null;
  return { busy: isMeasured ? readings.utilisation : null, celsius, watts };
}

/** The same for eyes: what is unknown says so, and is never nothing. */
export function saidWords(said: Said, degrees: number): readonly (readonly [string, string])[] {
  return [
    ['Busy', said.busy === null ? UNKNOWN : shownPercent(said.busy)],
    ['Temperature', said.celsius === null ? UNKNOWN : `${shown(said.celsius, degrees)} °C`],
    ['Power', said.watts === null ? UNKNOWN : `${said.watts} W`],
  ];
}

interface Proven {
  readonly perHour: number;
  readonly reason: string;
  readonly untilMs?: number | null;
}

/** What its last challenge proved. */
export function provenWords(challenge: Proven | null): string {
  if (challenge === null) return 'nobody has asked it yet';
  // What is nothing ends at no time.
  if (challenge.perHour === 0) return `nothing: ${reasonWords(challenge.reason)}`;
  const until = challenge.untilMs ? ` until ${moment(challenge.untilMs)}` : '';
  return `${shownCount(challenge.perHour)} units an hour${until}`;
}

/** Why a claim was void: numbers of specs/jobs.md. */
const VOIDED: readonly string[] = [
  'nothing was wrong',
  'the work was wrong',
  'an answer was cut short',
  'an answer was copied',
  'it kept back what auditors need',
  'it did not show what was audited',
  'a receipt names another program',
  'a receipt names another machine',
  'a receipt names another payer',
  'it asked to be paid for what failed',
  'the work was of another time',
  'it asked for more than the price',
  'it claimed a job twice',
];

export function voidWords(reason: number): string {
  return VOIDED[reason] ?? `reason ${reason}`;
}

export interface Failure {
  readonly atMs: number;
  readonly words: string;
}

interface Failing {
  readonly state: string;
  readonly sinceMs: number;
  readonly lastDarkFromMs: number | null;
  readonly challenge: { readonly phase: string; readonly askedMs: number; readonly answeredMs: number | null } | null;
}

/** The newest thing that went wrong with a machine; null where nothing ever did. */
export function lastFailure(
  machine: Failing,
  work: { readonly lastReason: number; readonly lastVoidMs: bigint } | null,
): Failure | null {
  const found: Failure[] = [];
  if (machine.state === 'dark') found.push({ atMs: machine.sinceMs, words: 'it went dark and still is' });
  if (machine.state === 'barred') found.push({ atMs: machine.sinceMs, words: 'its bond fell below the least' });
  if (machine.lastDarkFromMs !== null) found.push({ atMs: machine.lastDarkFromMs, words: 'it went dark for a while' });
  const { challenge } = machine;
  if (challenge?.phase === 'wrong' || challenge?.phase === 'unanswered') {
    const words = challenge.phase === 'wrong' ? 'it answered a challenge wrongly' : 'it did not answer a challenge';
    found.push({ atMs: challenge.answeredMs ?? challenge.askedMs, words });
  }
  if (work !== null && work.lastVoidMs > 0n) {
    found.push({ atMs: Number(work.lastVoidMs), words: `a claim was void: ${voidWords(work.lastReason)}` });
  }
  return found.reduce<Failure | null>((last, one) => (last === null || one.atMs > last.atMs ? one : last), null);
}
