/** What Aave v3's rule takes from the same account: half of the debt, or all of it below health 0.95, and a bonus on it. */
import { usd, type Health, type Usd } from '../../units/quantity.ts';

/** The bonus of its market for ether. */
const BONUS_BPS = 500;
const WHOLE_DEBT_BELOW_WAD = 950_000_000_000_000_000n;

export interface OtherRule {
  readonly wholeDebt: boolean;
  readonly repaid: Usd;
  readonly bonusBps: number;
  readonly penalty: Usd;
}

export function otherRule(debt: Usd, healthBefore: Health): OtherRule {
  const wholeDebt = healthBefore.amount < WHOLE_DEBT_BELOW_WAD;
  const repaid = wholeDebt ? debt.amount : debt.amount / 2n;
  return { wholeDebt, repaid: usd(repaid), bonusBps: BONUS_BPS, penalty: usd((repaid * BigInt(BONUS_BPS)) / 10_000n) };
}
