/** How much of a collateral the block sells at most, when one is sold for one debt. */
import { usd, type Health, type Usd } from '../units/quantity.ts';

const WHOLE = 10_000n;
/** Health that a liquidation restores: 1.05. */
const TARGET_BPS = 10_500n;
const WAD = 10n ** 18n;

/**
 * With `A` what collateral counts, `D` the debt, `f` the factor and `d` the largest discount, selling a worth of `v` pays
 * `v (1 - d)` of the debt and takes `f v` from `A`. Health is the target `T` when `A - f v = T (D - v (1 - d))`.
 *
 * ```text
 *   v = (T D - A) / (T (1 - d) - f)
 * ```
 * A smaller discount sells less. Null where no sale restores the target: then all of it goes.
 */
export function soldAtMost(debt: Usd, health: Health, factorBps: number, discountBps: number): Usd | null {
  const counted = (debt.amount * health.amount) / WAD;
  const lacks = debt.amount * TARGET_BPS - counted * WHOLE;
  const lifts = (TARGET_BPS * (WHOLE - BigInt(discountBps))) / WHOLE - BigInt(factorBps);
  if (lifts <= 0n) return null;
  return usd(lacks <= 0n ? 0n : (lacks + lifts - 1n) / lifts);
}
