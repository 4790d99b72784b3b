/**
 * A margin position as one batch: borrow, swap all of it, lend what was bought. Long of what is bought, short of what is
 * owed.
 *
 * ```text
 *   own capital C (dollars), leverage L:   exposure L·C,   debt (L - 1)·C
 * ```
 *
 * The numbers here only choose how much to borrow; what it makes of the account is asked of the node before it is signed.
 */
import { quantity, shownBps, type Amount, type AssetUnit, type Usd } from '../../units/quantity.ts';

/** Leverage in hundredths: 2.5 is 250. A slider moves through whole numbers. */
export const ONE = 100;
const BPS = 10_000n;

/** Dollars of debt for so much leverage, rounded down. */
export function debtUsdDown(own: Usd, leverage: number): Usd {
  return { ...own, amount: (own.amount * BigInt(Math.max(0, leverage - ONE))) / BigInt(ONE) };
}

/** Units of an asset for so many dollars, rounded down. */
export function unitsDown<U extends AssetUnit>(worth: Usd, price: Usd, unit: U, decimals: number): Amount<U> {
  const amount = price.amount === 0n ? 0n : (worth.amount * 10n ** BigInt(decimals)) / price.amount;
  return quantity(amount, decimals, unit);
}

/**
 * The most leverage that opens above health one. Collateral counts by `initialBps`, and the swap may cost 1 % of what it
 * swaps: debt D buys 0.99 D beside the own capital of one, so D = i / (1 - 0.99 i).
 */
export function leverageMax(initialBps: number): number {
  const debt = Math.floor((ONE * 100 * initialBps) / (1_000_000 - 99 * initialBps));
  return Math.min(10 * ONE, ONE + debt);
}

/** How far the price of what is held may fall before liquidation, in hundredths of a percent; null where it is no matter. */
export function roomBps(price: Usd, liquidation: Usd | null): number | null {
  if (liquidation === null || liquidation.amount === 0n || price.amount === 0n) return null;
  const gap = liquidation.amount > price.amount ? liquidation.amount - price.amount : price.amount - liquidation.amount;
  return Number((gap * BPS) / price.amount);
}

export interface Warning {
  readonly tone: 'bad' | 'warn';
  readonly title: string;
  readonly words: string;
}

/** What to say before somebody signs, by how little has to happen. */
export function warning(room: number | null, impactBps: number): Warning | null {
  const title = `Liquidation is ${shownBps(room ?? 0)} away`;
  if (room !== null && room < 500) {
    return {
      tone: 'bad',
      title,
      words: 'A move that small happens within hours. The block would sell much of this position, with a penalty.',
    };
  }
  if (room !== null && room < 1_500) {
    return {
      tone: 'warn',
      title,
      words: 'A bad day is enough. An order that sells earlier costs less than a liquidation.',
    };
  }
  if (impactBps >= 300) {
    return {
      tone: 'warn',
      title: 'A dear swap',
      words: `It moves the price by ${shownBps(impactBps)} itself: you begin with that loss.`,
    };
  }
  return null;
}

/** `2.5×`. */
export function leverageWords(leverage: number): string {
  const part = (leverage % ONE).toString().padStart(2, '0').replace(/0+$/, '');
  return `${Math.floor(leverage / ONE)}${part === '' ? '' : `.${part}`}×`;
}
