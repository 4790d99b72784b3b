/**
 * An integer of smallest units that knows what it counts: dollars cannot be added to a health, nor one asset to another.
 * There is no floating-point number in here; `drawn.ts` makes one for pixels alone.
 */
import { decimal, decimalDown, parseDecimal, type DecimalProblem } from './decimal.ts';

export type AssetUnit = `asset:${number}`;
/** `usd`: dollars. `health`: adjusted collateral per debt. `part`: a share of a whole, or a rate per year. `price`: of one asset in another. `shares`: of a pool. */
export type Unit = AssetUnit | 'usd' | 'health' | 'part' | 'price' | 'shares';

export interface Quantity<U extends Unit = Unit> {
  readonly amount: bigint;
  readonly decimals: number;
  readonly unit: U;
}

export type Usd = Quantity<'usd'>;
export type Health = Quantity<'health'>;
export type Part = Quantity<'part'>;
/** Of an asset; the number is which. */
export type Amount<Asset extends AssetUnit = AssetUnit> = Quantity<Asset>;

export const USD_DECIMALS = 18;

export function quantity<U extends Unit>(amount: bigint, decimals: number, unit: U): Quantity<U> {
  return { amount, decimals, unit };
}

export function usd(amount: bigint): Usd {
  return quantity(amount, USD_DECIMALS, 'usd');
}

export function assetUnit(assetId: number): AssetUnit {
  return `asset:${assetId}`;
}

function sameUnit(one: Quantity, other: Quantity): void {
  if (one.unit !== other.unit || one.decimals !== other.decimals) {
    throw new TypeError(`${one.unit} and ${other.unit} are not counted in the same unit`);
  }
}

export function add<U extends Unit>(one: Quantity<U>, other: Quantity<NoInfer<U>>): Quantity<U> {
  sameUnit(one, other);
  return { ...one, amount: one.amount + other.amount };
}

/** Zero where more is taken than there is. */
export function lessDownToZero<U extends Unit>(one: Quantity<U>, other: Quantity<NoInfer<U>>): Quantity<U> {
  sameUnit(one, other);
  return { ...one, amount: one.amount > other.amount ? one.amount - other.amount : 0n };
}

export function isZero(of: Quantity): boolean {
  return of.amount === 0n;
}

export function mulDivDown(a: bigint, b: bigint, divisor: bigint): bigint {
  return (a * b) / divisor;
}

/** What so much of an asset is worth at a price in dollars per whole one. */
export function worthDown(amount: Amount, price: Usd): Usd {
  return usd(mulDivDown(amount.amount, price.amount, 10n ** BigInt(amount.decimals)));
}

/** Every digit. */
export function exact(of: Quantity): string {
  return decimal(of.amount, of.decimals);
}

export type AmountRead = { ok: true; amount: bigint; all: boolean } | { ok: false; problem: DecimalProblem | 'part' };

/** Reads `75.5`, `10%` of what there is, or `max`, as the command line does. */
export function readAmount(text: string, decimals: number, thereIs: bigint): AmountRead {
  const plain = text.replaceAll('\u202f', '').trim();
  if (/^(max|all)$/i.test(plain)) return { ok: true, amount: thereIs, all: true };
  if (!plain.endsWith('%')) {
    const parsed = parseDecimal(plain, decimals);
    return parsed.ok ? { ok: true, amount: parsed.amount, all: false } : parsed;
  }
  const bps = parseDecimal(plain.slice(0, -1).trimEnd(), 2);
  if (!bps.ok) return bps;
  if (bps.amount > 10_000n) return { ok: false, problem: 'part' };
  return { ok: true, amount: mulDivDown(thereIs, bps.amount, 10_000n), all: false };
}

/** Digits in groups of three, for eyes: a narrow space, which `readAmount` reads back. */
function grouped(text: string): string {
  const [whole = '', part] = text.split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f');
  return part === undefined ? groups : `${groups}.${part}`;
}

/** How many digits people see: what `capstan` prints. */
export const PLACES = { amount: 6, usd: 2, price: 4, usdFine: 6, health: 3 } as const;

export function shown(of: Quantity, places: number): string {
  return grouped(decimalDown(of.amount, of.decimals, places));
}

export function shownAmount(of: Amount): string {
  return shown(of, PLACES.amount);
}

export function shownUsd(of: Usd): string {
  return shown(of, PLACES.usd);
}

/** A price in dollars, as `capstan market list` prints it. */
export function shownPrice(of: Usd): string {
  return shown(of, PLACES.price);
}

export function shownHealth(of: Health | null): string {
  return of === null ? 'no debt' : shown(of, PLACES.health);
}

/** A part as a percentage with two digits behind the point, cut off. */
export function shownPercent(of: Part): string {
  return `${shown({ ...of, decimals: of.decimals - 2 }, 2)} %`;
}

/** Hundredths of a percent, as `capstan` prints them. */
export function shownBps(bps: number): string {
  const part = bps % 100;
  const whole = Math.floor(bps / 100);
  return part === 0 ? `${whole} %` : `${whole}.${part.toString().padStart(2, '0')} %`;
}
