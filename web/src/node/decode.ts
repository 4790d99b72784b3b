/** Reads what the node answers into types, and refuses what has another shape: nothing unchecked goes on from here. */
import { quantity, type Quantity, type Unit } from '../units/quantity.ts';

export type Decoder<T> = (raw: unknown, at: string) => T;
export type Decoded<D> = D extends Decoder<infer T> ? T : never;
export type Hex = `0x${string}`;

/** The node answered something that this page does not know. */
export class ShapeError extends Error {
  override name = 'ShapeError';
  constructor(at: string, expected: string, raw: unknown) {
    super(
      `the node's answer has no ${expected} at ${at}: ${raw === undefined ? 'nothing' : JSON.stringify(raw).slice(0, 80)}`,
    );
  }
}

export const string: Decoder<string> = (raw, at) => {
  if (typeof raw !== 'string') throw new ShapeError(at, 'text', raw);
  return raw;
};

/** Letters of a symbol that are shown. */
const SYMBOL_MAX = 12;
/** Marks that nobody sees, or that turn what follows around. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\s]+/gu;

/** A token calls itself what it likes: here it is one word, of few letters, in one direction. */
export const symbol: Decoder<string> = (raw, at) => {
  const word = string(raw, at).replace(UNSEEN, ' ').trim();
  const letters = Array.from(word);
  if (letters.length === 0) return '?';
  return letters.length <= SYMBOL_MAX ? word : `${letters.slice(0, SYMBOL_MAX - 1).join('')}…`;
};

export const boolean: Decoder<boolean> = (raw, at) => {
  if (typeof raw !== 'boolean') throw new ShapeError(at, 'yes or no', raw);
  return raw;
};

/** A small number as JSON writes it. */
export const integer: Decoder<number> = (raw, at) => {
  if (typeof raw !== 'number' || !Number.isSafeInteger(raw)) throw new ShapeError(at, 'whole number', raw);
  return raw;
};

/** A hex quantity of any size. */
export const big: Decoder<bigint> = (raw, at) => {
  if (typeof raw !== 'string' || !/^0x[0-9a-fA-F]+$/.test(raw)) throw new ShapeError(at, 'hex quantity', raw);
  return BigInt(raw);
};

/** A hex quantity that is a height, a time or a count. */
export const count: Decoder<number> = (raw, at) => {
  const value = big(raw, at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ShapeError(at, 'count', raw);
  return Number(value);
};

/** A count, written either way. */
export const anyCount: Decoder<number> = (raw, at) => (typeof raw === 'number' ? integer(raw, at) : count(raw, at));

export const hex: Decoder<Hex> = (raw, at) => {
  if (typeof raw !== 'string' || !/^0x[0-9a-fA-F]*$/.test(raw)) throw new ShapeError(at, 'bytes', raw);
  return raw as Hex;
};

export function nullable<T>(inner: Decoder<T>): Decoder<T | null> {
  return (raw, at) => (raw === null || raw === undefined ? null : inner(raw, at));
}

export function list<T>(inner: Decoder<T>): Decoder<T[]> {
  return (raw, at) => {
    if (!Array.isArray(raw)) throw new ShapeError(at, 'list', raw);
    return raw.map((item, index) => inner(item, `${at}[${index}]`));
  };
}

export function object<S extends Record<string, Decoder<unknown>>>(
  shape: S,
): Decoder<{ [K in keyof S]: Decoded<S[K]> }> {
  return (raw, at) => {
    const fields = record(raw, at);
    const read = Object.entries(shape).map(([name, inner]) => [name, inner(fields[name], `${at}.${name}`)] as const);
    return Object.fromEntries(read) as { [K in keyof S]: Decoded<S[K]> };
  };
}

export function record(raw: unknown, at: string): Record<string, unknown> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new ShapeError(at, 'object', raw);
  return raw as Record<string, unknown>;
}

/** `{amount, decimals, text}`, counted in a unit. */
export function fixed<U extends Unit>(unit: U): Decoder<Quantity<U>> {
  return (raw, at) => {
    const fields = record(raw, at);
    return quantity(big(fields.amount, `${at}.amount`), integer(fields.decimals, `${at}.decimals`), unit);
  };
}

/** A page of a list. */
export function page<T>(inner: Decoder<T>) {
  return object({ items: list(inner), cursor: nullable(count) });
}
