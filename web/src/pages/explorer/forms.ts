/** Arguments of contracts as people write them, and answers as people read them. */
import { isAddress, type AbiParameter } from 'viem';

export type Read = { ok: true; value: unknown } | { ok: false; words: string };

const no = (words: string): Read => ({ ok: false, words });
const yes = (value: unknown): Read => ({ ok: true, value });
/** More text than any call carries. */
const TEXT_MAX = 200_000;

/** Reads one argument: numbers as digits or hex, lists and structs as JSON whose numbers may be text. */
export function readArgument(of: AbiParameter, text: string): Read {
  if (text.length > TEXT_MAX) return no('it is too long');
  const plain = text.trim();
  if (isNested(of)) {
    let raw: unknown;
    try {
      raw = JSON.parse(quoteNumbers(plain));
    } catch {
      return no(`write JSON, as ${example(of)}`);
    }
    return readValue(of, raw);
  }
  return readValue(of, of.type === 'string' ? text : plain);
}

function isNested(of: AbiParameter): boolean {
  return of.type.endsWith(']') || of.type === 'tuple';
}

/** Numbers of JSON are floats in JavaScript: digits that stand alone become text before they are read. */
function quoteNumbers(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|-?\b\d+\b/g, (found) => (found.startsWith('"') ? found : `"${found}"`));
}

function readValue(of: AbiParameter, raw: unknown): Read {
  const listed = /^(.*)\[(\d*)\]$/.exec(of.type);
  if (listed) return readList({ ...of, type: listed[1] ?? '' }, listed[2] ?? '', raw, of);
  if (of.type === 'tuple') return readTuple(of, raw);
  if (of.type === 'bool') {
    if (raw === true || raw === 'true') return yes(true);
    if (raw === false || raw === 'false') return yes(false);
    return no('write true or false');
  }
  if (typeof raw !== 'string') return no(`write ${example(of)}`);
  if (of.type === 'string') return yes(raw);
  if (of.type === 'address') {
    return isAddress(raw) ? yes(raw) : no('write an address: 0x and 40 digits; check its capital letters');
  }
  if (of.type.startsWith('bytes')) return readBytes(of.type, raw);
  return readInteger(of.type, raw);
}

function readBytes(type: string, raw: string): Read {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(raw)) return no('write bytes: 0x and two digits for each');
  const size = type.slice('bytes'.length);
  const length = (raw.length - 2) / 2;
  if (size !== '' && Number(size) !== length) return no(`it has ${length} bytes, and ${size} are wanted`);
  return yes(raw);
}

function readInteger(type: string, raw: string): Read {
  const found = /^(u?)int(\d*)$/.exec(type);
  if (!found) return no(`this page does not know the type ${type}`);
  const isUnsigned = found[1] === 'u';
  if (isUnsigned && /^max$/i.test(raw)) return yes((1n << BigInt(found[2] === '' ? 256 : Number(found[2]))) - 1n);
  const digits = raw.replaceAll(/[_\s\u202f]/g, '');
  if (!/^-?\d{1,80}$/.test(digits) && !/^0x[0-9a-fA-F]{1,64}$/.test(digits))
    return no('write a whole number: digits, or 0x and hex');
  const value = BigInt(digits);
  const bits = BigInt(found[2] === '' ? 256 : Number(found[2]));
  const [least, most] = isUnsigned ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
  if (value < least || value > most) return no(`it does not fit ${type}: ${least} to ${most}`);
  // What fits a JavaScript number is one in viem's types.
  return yes(bits <= 48n ? Number(value) : value);
}

function readList(of: AbiParameter, size: string, raw: unknown, whole: AbiParameter): Read {
  if (!Array.isArray(raw)) return no(`write a list, as ${example(whole)}`);
  if (size !== '' && raw.length !== Number(size)) return no(`the list has ${raw.length} items, and ${size} are wanted`);
  const values: unknown[] = [];
  for (const [index, item] of raw.entries()) {
    const read = readValue(of, item);
    if (!read.ok) return no(`item ${index}: ${read.words}`);
    values.push(read.value);
  }
  return yes(values);
}

function components(of: AbiParameter): readonly AbiParameter[] {
  return 'components' in of ? of.components : [];
}

function readTuple(of: AbiParameter, raw: unknown): Read {
  const parts = components(of);
  if (typeof raw !== 'object' || raw === null) return no(`write a struct, as ${example(of)}`);
  const values: Record<string, unknown> = {};
  for (const [index, part] of parts.entries()) {
    const name = part.name ?? String(index);
    const item = Array.isArray(raw) ? (raw[index] as unknown) : (raw as Record<string, unknown>)[name];
    if (item === undefined) return no(`${name} is missing`);
    const read = readValue(part, item);
    if (!read.ok) return no(`${name}: ${read.words}`);
    values[name] = read.value;
  }
  return yes(values);
}

/** What an argument may look like. */
export function example(of: AbiParameter): string {
  const listed = /^(.*)\[\d*\]$/.exec(of.type);
  if (listed) return `[${example({ ...of, type: listed[1] ?? '' })}]`;
  if (of.type === 'tuple') {
    const parts = components(of).map((part, index) => `"${part.name ?? index}": ${example(part)}`);
    return `{${parts.join(', ')}}`;
  }
  if (of.type === 'bool') return 'true';
  if (of.type === 'address') return '"0x…"';
  if (of.type.startsWith('bytes')) return '"0x"';
  return of.type === 'string' ? '"text"' : '0';
}

/** An answer as text: structs by name, whole numbers with all digits. */
export function showValue(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'number') return value.toString();
  if (typeof value === 'string') return value;
  if (value === undefined) return 'nothing';
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner), 2);
}
