/** Numbers for pixels: lengths of bars and points of curves. Nothing that is shown as text or signed comes from here. */
import type { Quantity } from './quantity.ts';

export function drawn(of: Quantity): number {
  return Number(of.amount) / 10 ** of.decimals;
}

/** How much of a whole, between zero and one. */
export function drawnShare(part: bigint, whole: bigint): number {
  if (whole <= 0n) return 0;
  return Math.min(1, Math.max(0, Number((part * 10_000n) / whole) / 10_000));
}
