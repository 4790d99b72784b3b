/** Numbers for pixels: lengths of bars and points of curves. Nothing that is shown as text or signed comes from here. */
import { shownPrice, shownUsdFine, usd, type Quantity } from './quantity.ts';

export function drawn(of: Quantity): number {
  return Number(of.amount) / 10 ** of.decimals;
}

/** How much of a whole, between zero and one. */
export function drawnShare(part: bigint, whole: bigint): number {
  if (whole <= 0n) return 0;
  return Math.min(1, Math.max(0, Number((part * 10_000n) / whole) / 10_000));
}

const CENT = 0.01;

/** A point of a curve of dollars, as its axis says it: in parts of a cent where the next one, `step` away, would read the same. */
export function drawnUsd(value: number, step = 1): string {
  const dollars = usd(BigInt(Math.round(Math.max(0, value) * 1e6)) * 10n ** 12n);
  return step > 0 && step < CENT ? shownUsdFine(dollars) : shownPrice(dollars);
}
