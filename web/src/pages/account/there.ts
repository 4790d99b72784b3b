/** What there is of an asset, for plans; and what is wrong with an amount, in words. */
import { useWalletBalance } from '../../node/queries.ts';
import type { AccountState, Tradable } from '../../node/shapes.ts';
import type { PlanProblem, There } from '../../act/plan.ts';
import { assetUnit, quantity, shownAmount } from '../../units/quantity.ts';

export function thereOf(market: Tradable, state: AccountState, wallet: bigint): There {
  const held = state.holdings.find((row) => row.assetId === market.assetId);
  return {
    assetId: market.assetId,
    isCoin: market.kind === 'coin',
    wallet,
    units: held?.units.amount ?? 0n,
    supplied: held?.supplied.amount ?? 0n,
    owed: held?.owed.amount ?? 0n,
  };
}

export function useThere(market: Tradable | undefined, state: AccountState): There | null {
  const balance = useWalletBalance(market, state.owner);
  return market && balance.data !== undefined ? thereOf(market, state, balance.data) : null;
}

export function planWrong(problem: PlanProblem, market: Tradable): string {
  const of = (amount: bigint) =>
    `${shownAmount(quantity(amount, market.decimals, assetUnit(market.assetId)))} ${market.symbol}`;
  switch (problem.kind) {
    case 'zero':
      return 'the amount is zero';
    case 'nothing':
      return problem.why;
    case 'wallet lacks':
      return `the wallet has ${of(problem.has)}, and ${of(problem.wanted)} would leave it`;
    case 'account lacks':
      return `the account lacks ${of(problem.missing)}: write max for all that it holds`;
  }
}
