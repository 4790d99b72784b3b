/** How much more of an asset an account may owe, as it is counted when something is borrowed. */
import type { Report, Tradable } from '../node/shapes.ts';
import type { Usd } from '../units/quantity.ts';

/** A little is left beneath the limit: interest runs until the block. */
const LEFT_BPS = 9_990n;
const WHOLE_BPS = 10_000n;

/** The most of an asset that may still be borrowed, by the limit in dollars and by what there is to borrow; rounded down. */
export function mostToBorrow(
  report: Pick<Report, 'borrowable' | 'debt'> | null,
  { decimals }: Pick<Tradable, 'decimals'>,
  price: Usd | null,
  there: bigint,
): bigint {
  if (report === null || price === null || price.amount === 0n) return 0n;
  const room = report.borrowable.amount - report.debt.amount;
  if (room <= 0n) return 0n;
  const most = (room * LEFT_BPS * 10n ** BigInt(decimals)) / (price.amount * WHOLE_BPS);
  return most < there ? most : there;
}
