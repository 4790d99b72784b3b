/** Machines in words: states, reasons and kinds as `specs/machines.md` numbers them. */
import { decimal } from '../../units/decimal.ts';
import { lasting } from '../../units/time.ts';
import type { Tone } from '../../ui/index.ts';

interface StateWords {
  readonly tone: Tone;
  readonly words: string;
}

const STATES: readonly StateWords[] = [
  { tone: 'plain', words: 'unknown' },
  { tone: 'accent', words: 'on probation' },
  { tone: 'good', words: 'live' },
  { tone: 'warn', words: 'late' },
  { tone: 'bad', words: 'dark' },
  { tone: 'warn', words: 'leaving' },
  { tone: 'plain', words: 'gone' },
  { tone: 'bad', words: 'barred' },
];

export function stateWords(state: number): StateWords {
  return STATES[state] ?? { tone: 'plain', words: `state ${state}` };
}

const REASONS: readonly string[] = [
  '',
  'it is new and has not proven its life',
  'it missed a beat',
  'it was silent for longer than its grace',
  'its holder lets it leave',
  'its bond was taken out',
  'its bond is below the least',
  'it answered wrongly and proves itself anew',
  'it did not answer',
  'nobody has asked it yet',
  'what it proved is too old',
  'a part of its bond was taken',
];

/** Why a machine, or a capacity of nothing, is what it is; nothing where nothing has to be said. */
export function reasonWords(reason: number): string {
  return REASONS[reason] ?? `reason ${reason}`;
}

const KINDS: readonly string[] = ['of a kind that it does not say', 'GPU', 'CPU', 'sensor', 'vehicle', 'panel'];

/** Any number may be used; a few have names. */
export function kindWords(kind: number): string {
  return KINDS[kind] ?? `kind ${kind}`;
}

/** Freezing, in hundredths of a kelvin. */
const ZERO_CELSIUS_CENTIKELVIN = 27_315;

/** Tenths of a kelvin in degrees. */
export function celsiusWords(decikelvin: number): string {
  return `${decimal(BigInt(decikelvin * 10 - ZERO_CELSIUS_CENTIKELVIN), 2)} °C`;
}

/** The part of its time that a machine was seen, in hundredths of a percent; null before any has passed. */
export function seenBps(lifeMs: bigint, darkMs: bigint): number | null {
  const all = lifeMs + darkMs;
  return all === 0n ? null : Number((lifeMs * 10_000n) / all);
}

export interface Life {
  readonly lifeMs: bigint;
  readonly darkCount: number;
  readonly darkMs: bigint;
}

/** `2 d 3 h proven, dark once for 5 min`. */
export function lifeWords({ lifeMs, darkCount, darkMs }: Life): string {
  const proven = `${lasting(Number(lifeMs))} proven`;
  if (darkCount === 0) return `${proven}, never dark`;
  const times = darkCount === 1 ? 'once' : `${darkCount} times`;
  return `${proven}, dark ${times} for ${lasting(Number(darkMs))}`;
}
