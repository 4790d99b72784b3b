/**
 * Numbers as people write them: digits with a point, to and from integers of so many decimals. Nothing is rounded on the
 * way in; on the way out, only where the name says so. The same as `capstan_units::decimal`, which writes `golden.json`.
 */

export type DecimalProblem =
  { kind: 'not digits' } | { kind: 'too fine'; digits: number; decimals: number } | { kind: 'too large' };

export type Parsed = { ok: true; amount: bigint } | { ok: false; problem: DecimalProblem };

const WORD_MAX = (1n << 256n) - 1n;
/** More digits than any word has: refused before they are turned into a number. */
const TEXT_MAX = 400;
const SHAPE = /^([0-9][0-9_]*)(?:\.([0-9_]*))?$/;

/** Reads `75.5` as 75_500_000n where there are six decimals. */
export function parseDecimal(text: string, decimals: number): Parsed {
  const no = (problem: DecimalProblem): Parsed => ({ ok: false, problem });
  if (text.length > TEXT_MAX) return no({ kind: 'too large' });
  const found = SHAPE.exec(text);
  if (!found || !/[0-9]$/.test(text)) return no({ kind: 'not digits' });
  const whole = (found[1] ?? '').replaceAll('_', '');
  const fine = (found[2] ?? '').replaceAll('_', '').replace(/0+$/, '');
  if (fine.length > decimals) return no({ kind: 'too fine', digits: fine.length, decimals });
  const amount = BigInt(whole + fine.padEnd(decimals, '0'));
  return amount > WORD_MAX ? no({ kind: 'too large' }) : { ok: true, amount };
}

/** What is wrong, and how to write it. */
export function problemInWords(problem: DecimalProblem): string {
  switch (problem.kind) {
    case 'not digits':
      return 'write digits with at most one point, as 75.5 or 1_000';
    case 'too fine':
      return `it has ${problem.digits} digits behind the point, and only ${problem.decimals} are counted`;
    case 'too large':
      return 'it is larger than any number here';
  }
}

/** Every digit that there is: `75.5` for 75_500_000n of six decimals. */
export function decimal(amount: bigint, decimals: number): string {
  return decimalDown(amount, decimals, decimals);
}

/** The nearest number with so many digits behind the point; half of the last one goes away from zero. */
export function decimalNear(amount: bigint, decimals: number, places: number): string {
  if (amount < 0n) return `-${decimalNear(-amount, decimals, places)}`;
  return decimalDown(nearest(amount, decimals - places), decimals, places);
}

/** The nearest multiple of `10^digits`. */
export function nearest(amount: bigint, digits: number): bigint {
  if (digits <= 0) return amount;
  const step = 10n ** BigInt(digits);
  return ((amount + step / 2n) / step) * step;
}

/** At most `places` digits behind the point; what is behind them is cut off. */
export function decimalDown(amount: bigint, decimals: number, places: number): string {
  if (amount < 0n) return `-${decimalDown(-amount, decimals, places)}`;
  const text = amount.toString().padStart(decimals + 1, '0');
  const point = text.length - decimals;
  const part = text.slice(point, point + places).replace(/0+$/, '');
  return part === '' ? text.slice(0, point) : `${text.slice(0, point)}.${part}`;
}
