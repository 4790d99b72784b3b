/** What wallet and account have of a pool's coins, and what must be brought from the wallet. */
import { act } from '../../act/batch.ts';
import { spendable } from '../../act/plan.ts';
import type { AccountName, Action } from '../../node/rpc.ts';
import type { AccountState, Market, Pool } from '../../node/shapes.ts';
import { useWalletOf } from './queries.ts';

export interface Has {
  /** Free on the account. */
  readonly units: bigint;
  /** That, and what may leave the wallet. */
  readonly all: bigint;
}

export function assetsOf(markets: readonly Market[]) {
  return (id: number) => {
    const market = markets.find((one) => one.assetId === id);
    return { symbol: market?.symbol ?? `asset ${id}`, decimals: market?.decimals ?? 18 };
  };
}

export function useHas(
  of: Pick<Pool, 'assets'>,
  markets: readonly Market[],
  account: AccountName | null,
  state: AccountState | undefined,
): (assetId: number) => Has {
  // The chain's own dollar is in pools and in no market.
  const inside = of.assets.map(
    (coin) => markets.find((market) => market.assetId === coin.assetId) ?? { ...coin, kind: 'native' },
  );
  const wallet = useWalletOf(account?.owner ?? null, inside);
  return (assetId) => {
    const market = inside.find((one) => one.assetId === assetId);
    const units = state?.holdings.find((row) => row.assetId === assetId)?.units.amount ?? 0n;
    const there = {
      assetId,
      isCoin: market?.kind === 'coin',
      wallet: wallet.data?.get(assetId) ?? 0n,
      units,
      supplied: 0n,
      owed: 0n,
    };
    return { units, all: units + spendable(there) };
  };
}

/** Deposits of what the account's units lack. */
export function bring(pool: Pool, most: readonly bigint[], has: (assetId: number) => Has): Action[] {
  return pool.assets.flatMap((coin, index) => {
    const missing = (most[index] ?? 0n) - has(coin.assetId).units;
    return missing > 0n ? [act('deposit', coin.assetId, missing)] : [];
  });
}
