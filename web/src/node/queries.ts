/** Questions as hooks. Each answer stays on the screen while a newer one is on its way. */
import { erc20Abi } from 'viem';
import { keepPreviousData, skipToken, useQueries, useQuery } from '@tanstack/react-query';
import { count, hex, type Hex } from './decode.ts';
import { publicClient } from './client.ts';
import { LIVE, useNode } from './node.tsx';
import type { AccountName, Action } from './rpc.ts';
import { isSetOff, type Tradable } from './shapes.ts';

export function useMarkets() {
  const { rpc } = useNode();
  return useQuery({ queryKey: ['markets'], queryFn: rpc.markets, meta: LIVE });
}

export function usePools() {
  const { rpc } = useNode();
  return useQuery({ queryKey: ['pools'], queryFn: rpc.pools, meta: LIVE });
}

export function useAccount(of: AccountName | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['account', of?.owner.toLowerCase(), of?.index],
    queryFn: of ? () => rpc.account(of) : skipToken,
    meta: LIVE,
  });
}

export function usePreview(of: AccountName | null, actions: readonly Action[] | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['preview', of, actions],
    queryFn: of && actions && actions.length > 0 ? () => rpc.preview(of, actions) : skipToken,
    placeholderData: keepPreviousData,
    meta: LIVE,
  });
}

export function useLiquidations(of: AccountName | null) {
  const { rpc } = useNode();
  return useQuery({ queryKey: ['liquidations', of], queryFn: () => rpc.liquidations(of, { limit: 20 }), meta: LIVE });
}

export function useExplained(id: number | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['explained', id],
    queryFn: id === null ? skipToken : () => rpc.explainLiquidation(id),
    staleTime: Infinity,
  });
}

/** Which of several liquidations only set a debt off; those that were not told yet are not among them. */
export function useSetOffs(ids: readonly number[]): ReadonlySet<number> {
  const { rpc } = useNode();
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: ['explained', id],
      queryFn: () => rpc.explainLiquidation(id),
      staleTime: Infinity,
    })),
    combine: (all) => new Set(all.flatMap(({ data }) => (data && isSetOff(data) ? [data.id] : []))),
  });
}

export function useAccountEvents(of: AccountName | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['accountEvents', of],
    queryFn: of ? () => rpc.accountEvents(of, { limit: 25 }) : skipToken,
    meta: LIVE,
  });
}

export function usePriceHistory(assetId: number) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['priceHistory', assetId],
    queryFn: () => rpc.priceHistory(assetId, { limit: 300 }),
    meta: LIVE,
  });
}

export function useCoinBalance(of: Hex | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['coin', of],
    queryFn: async () => BigInt(await rpc.read(hex, 'eth_getBalance', [of, 'latest'])),
    enabled: of !== null,
    meta: LIVE,
  });
}

/** Whether this is a development chain: it has unlocked accounts and everybody's methods. */
export function useIsDev() {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['isDev'],
    queryFn: async () => (await rpc.read((raw) => (Array.isArray(raw) ? raw : []) as Hex[], 'eth_accounts')).length > 0,
    staleTime: Infinity,
  });
}

export function useBlockTransactionCount(hash: Hex | undefined) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['transactionCount', hash],
    queryFn: () => rpc.read(count, 'eth_getBlockTransactionCountByHash', [hash]),
    enabled: hash !== undefined,
    staleTime: Infinity,
  });
}

/** What a wallet has of an asset. */
export function useWalletBalance(market: Tradable | undefined, owner: Hex | null) {
  const { rpc, link } = useNode();
  return useQuery({
    queryKey: ['balance', market?.token, owner],
    queryFn:
      market && owner
        ? async () =>
            market.kind === 'coin'
              ? BigInt(await rpc.read(hex, 'eth_getBalance', [owner, 'latest']))
              : publicClient(link).readContract({
                  address: market.token,
                  abi: erc20Abi,
                  functionName: 'balanceOf',
                  args: [owner],
                })
        : skipToken,
    meta: LIVE,
  });
}
