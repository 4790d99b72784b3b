/**
 * An integer of smallest units that knows what it counts: dollars cannot be added to a health, nor one asset to another.
 * There is no floating-point number in here; `drawn.ts` makes one for pixels alone.
 */
import {
  decimal,
  decimalDown,
  decimalNear,
  nearest,
  parseDecimal,
  problemInWords,
  type DecimalProblem,
} from './decimal.ts';

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

/** What is wrong with an amount that somebody wrote; null while nothing is written. `has`: what there is of it, and where. */
export function amountWrong(text: string, read: AmountRead, has?: { readonly of: bigint; readonly where: string }) {
  if (text.trim() === '') return null;
  if (!read.ok) return read.problem === 'part' ? 'at most 100 %' : problemInWords(read.problem);
  if (has === undefined) return null;
  return read.amount > has.of ? `${has.where} less` : null;
}

/** The same where nothing may be written that does nothing. */
export function someWrong(text: string, read: AmountRead, has?: { readonly of: bigint; readonly where: string }) {
  return (
    amountWrong(text, read, has) ?? (read.ok && read.amount === 0n && text.trim() !== '' ? 'the amount is zero' : null)
  );
}

/** An asset, as far as its amounts are told. */
export interface Counted {
  readonly assetId: number;
  readonly symbol: string;
  readonly decimals: number;
}

export function amountOf(of: Counted, amount: bigint): Amount {
  return quantity(amount, of.decimals, assetUnit(of.assetId));
}

/** `75.5 USDC`, for eyes. */
export function told(of: Counted, amount: bigint): string {
  return `${shownAmount(amountOf(of, amount))} ${of.symbol}`;
}

/** Every digit, for commands. */
export function exactOf(of: Counted, amount: bigint): string {
  return exact(amountOf(of, amount));
}

/** Digits in groups of three, for eyes: a narrow space, which `readAmount` reads back. */
function grouped(text: string): string {
  const [whole = '', part] = text.split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f');
  return part === undefined ? groups : `${groups}.${part}`;
}

/** A count, as gas, in groups for eyes. */
export function shownCount(count: bigint | number): string {
  return grouped(count.toString());
}

/** How many digits people see behind the point, at most. */
export const PLACES = { amount: 6, usd: 2, price: 4, usdFine: 6, health: 3 } as const;
/** Digits that tell one small price from another. */
const PRICE_DIGITS = 4;
const DIGITS_OF_A_HUNDRED = 3;
/** Units that two roundings of a contract may take: 2 that came back as 1.999999 reads 2. */
const ROUNDED_AWAY = 2n;

/** The nearest number with so many digits. */
export function shown(of: Quantity, places: number): string {
  return grouped(decimalNear(of.amount, of.decimals, places));
}

/** A bound that holds at least: cut off, so that nobody is promised more. */
export function shownDown(of: Quantity, places: number): string {
  return grouped(decimalDown(of.amount, of.decimals, places));
}

/** A bound that holds at most: the next digit up, so that nobody is promised less. */
export function shownUp(of: Quantity, places: number): string {
  const step = 10n ** BigInt(Math.max(0, of.decimals - places));
  return shownDown({ ...of, amount: ((of.amount + step - 1n) / step) * step }, places);
}

/**
 * An amount for eyes: the nearest number of six digits, and where a rounding took or gave a smallest unit or two of an asset
 * with few digits, the number that was written. Whatever is signed says every digit (`exact`).
 */
export function shownAmount(of: Amount): string {
  const { amount, decimals } = of;
  const places = Math.min(PLACES.amount, decimals);
  const plain = nearest(amount, decimals - (places - 2));
  const apart = plain > amount ? plain - amount : amount - plain;
  if (places > 2 && plain > 0n && apart <= ROUNDED_AWAY) return grouped(decimal(plain, decimals));
  return atLeast(amount, decimals, places);
}

/** From here on parts of a hundredth are noise to whoever compares. */
const VERY_MANY = 1_000n;

/** A sum that is compared, as of all in a market: with two digits behind the point from a thousand on. */
export function shownSum(of: Amount): string {
  return of.amount >= VERY_MANY * 10n ** BigInt(of.decimals) ? shown(of, PLACES.usd) : shownAmount(of);
}

/** The nearest number; what is there and would read as nothing is said to be less than the last digit. */
function atLeast(amount: bigint, decimals: number, places: number): string {
  const text = decimalNear(amount, decimals, places);
  return text === '0' && amount > 0n ? `<${decimal(1n, places)}` : grouped(text);
}

/** Between two and `places` digits behind the point, so that numbers under each other end alike. */
function dollars(of: Usd, places: number): string {
  if (of.amount < 0n) return `-${dollars({ ...of, amount: -of.amount }, places)}`;
  const text = decimalNear(of.amount, of.decimals, places);
  if (text === '0' && of.amount > 0n) return `<$${decimal(1n, places)}`;
  const [whole = '', part = ''] = text.split('.');
  return `$${grouped(`${whole}.${part.padEnd(PLACES.usd, '0')}`)}`;
}

/** `$1 234.50`, to the nearest cent. */
export function shownUsd(of: Usd): string {
  return dollars(of, PLACES.usd);
}

/** Small costs, as those of a day. */
export function shownUsdFine(of: Usd): string {
  return dollars(of, PLACES.usdFine);
}

/** Whole dollars, where there are very many. */
export function shownUsdWhole(of: Usd): string {
  return `$${grouped(decimalNear(of.amount, of.decimals, 0))}`;
}

/** A price in dollars: cents from a hundred dollars on, and below so many digits that it is told from its neighbours. */
export function shownPrice(of: Usd): string {
  const digits = of.amount.toString().length - of.decimals;
  if (digits >= DIGITS_OF_A_HUNDRED) return shownUsd(of);
  return dollars(of, Math.max(PLACES.price, Math.min(of.decimals, PRICE_DIGITS - digits)));
}

/** Rounded where its end is far away, and cut where it is near: what is told as 1 is not below. The same as the terminal's. */
export function shownHealth(of: Health | null): string {
  if (of === null) return 'no debt';
  const whole = 10n ** BigInt(of.decimals);
  const isFar = of.amount >= whole + whole / 100n;
  return isFar ? shown(of, PLACES.health) : shownDown(of, PLACES.health);
}

/** A part as a percentage, to the nearest of two digits behind the point. */
export function shownPercent(of: Part): string {
  return `${shown({ ...of, decimals: of.decimals - 2 }, 2)} %`;
}

/** Hundredths of a percent, as `capstan` prints them. */
export function shownBps(bps: number): string {
  const part = bps % 100;
  const whole = Math.floor(bps / 100);
  return part === 0 ? `${whole} %` : `${whole}.${part.toString().padStart(2, '0')} %`;
}

/** So many times, from thousandths: `14.49×`. */
export function shownTimes(milli: number): string {
  return `${decimalNear(BigInt(milli), 3, 2)}×`;
}
