/** What wallet and account have of a pool's coins, and what must be brought from the wallet. */
import { decodeAbiParameters } from 'viem';
import { act, ALL } from '../../act/batch.ts';
import { provide, stake } from '../../act/liquidity.ts';
import { spendable } from '../../act/plan.ts';
import { approvalOf } from '../../act/SignCall.tsx';
import type { Hex } from '../../node/decode.ts';
import type { AccountName, Action, Rpc } from '../../node/rpc.ts';
import type { AccountState, Market, Tradable } from '../../node/shapes.ts';
import { exactOf } from '../../units/quantity.ts';
import { leastOf } from './liquidity.ts';
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
  of: { readonly assets: readonly Pick<Tradable, 'assetId' | 'token'>[] },
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

/** What a wallet has of one asset, and what must be allowed before somebody takes it. */
export function useOne(owner: Hex, assets: readonly Tradable[], assetId: number) {
  const inside = assets.filter((asset) => asset.assetId === assetId);
  const wallet = useWalletOf(owner, inside);
  const market = inside[0];
  const has = wallet.data?.get(assetId) ?? 0n;
  const first = (spender: Hex, amount: bigint) =>
    market?.kind === 'foreign'
      ? approvalOf(
          market.token,
          spender,
          amount,
          `Allow it to take ${exactOf(market, amount)} ${market.symbol} from the wallet`,
        )
      : null;
  return { market, has, first };
}

/** Deposits of what the account's units lack. */
export function bring(
  coins: readonly { readonly assetId: number }[],
  most: readonly bigint[],
  has: (assetId: number) => Has,
): Action[] {
  return coins.flatMap((coin, index) => {
    const missing = (most[index] ?? 0n) - has(coin.assetId).units;
    return missing > 0n ? [act('deposit', coin.assetId, missing)] : [];
  });
}

/** What the last action of a batch answers, if all of it works. */
export async function lastAnswer(rpc: Rpc, account: AccountName, actions: readonly Action[]): Promise<Hex> {
  const told = await rpc.preview(account, actions);
  const last = told.results.at(-1);
  if (told.error || !last) throw new Error(told.error ? `${told.error.message} ${told.error.help}` : 'it would fail');
  return last.output;
}

/** Provides to a pool what the actions before bring, no worse than it would be now by so much, and stakes all shares. */
export async function provideAndStake(
  rpc: Rpc,
  account: AccountName,
  before: readonly Action[],
  to: { readonly poolId: number; readonly farmId: number; readonly most: readonly bigint[]; readonly roomBps: number },
): Promise<Action[]> {
  const { poolId, farmId, most, roomBps } = to;
  const output = await lastAnswer(rpc, account, [...before, provide(poolId, most, 0n)]);
  const [shares] = decodeAbiParameters([{ type: 'uint256' }], output);
  const [least = 0n] = leastOf([shares], roomBps);
  return [...before, provide(poolId, most, least), stake(farmId, ALL)];
}
