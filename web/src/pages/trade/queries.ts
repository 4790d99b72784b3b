/** Questions of the trade page as hooks. */
import { keepPreviousData, skipToken, useQuery } from '@tanstack/react-query';
import { erc20Abi } from 'viem';
import type { There } from '../../act/plan.ts';
import { askWay } from '../../act/quote.ts';
import { addresses } from '../../generated/addresses.ts';
import { triggersAbi } from '../../generated/triggers.ts';
import { hex, type Hex } from '../../node/decode.ts';
import { publicClient } from '../../node/client.ts';
import { LIVE, useNode } from '../../node/node.tsx';
import type { AccountName, SwapAsked } from '../../node/rpc.ts';
import type { AccountState, Tradable } from '../../node/shapes.ts';
import { usd } from '../../units/quantity.ts';
import { ordersPage, way } from './shapes.ts';

/** What a wallet has of an asset. */
export function useWalletUnits(owner: Hex | null, market: Tradable | undefined) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['walletUnits', owner, market?.assetId],
    queryFn: async () => {
      if (market?.kind === 'coin') return BigInt(await rpc.read(hex, 'eth_getBalance', [owner, 'latest']));
      return publicClient(rpc.link).readContract({
        address: market?.token ?? '0x',
        abi: erc20Abi,
        functionName: 'balanceOf',
        args: [owner ?? '0x'],
      });
    },
    enabled: owner !== null && market !== undefined,
    meta: LIVE,
  });
}

/** What an exchange contract may take of a token of others. */
export function useAllowance(owner: Hex | null, token: Hex | null, spender: Hex | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['allowance', owner, token, spender],
    queryFn: () =>
      publicClient(rpc.link).readContract({
        address: token ?? '0x',
        abi: erc20Abi,
        functionName: 'allowance',
        args: [owner ?? '0x', spender ?? '0x'],
      }),
    enabled: owner !== null && token !== null && spender !== null,
    meta: LIVE,
  });
}

/** Keys are written as JSON, which has no bigint. */
function keyOf(asked: SwapAsked | null): (string | number | boolean)[] {
  if (asked === null) return [];
  return [asked.from, asked.to, asked.amount.toString(), asked.exactOut, asked.slippageBps, asked.receiver];
}

/** The best way found for a swap, with its legs and pools. */
export function useWay(asked: SwapAsked | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['way', ...keyOf(asked)],
    queryFn:
      asked === null || asked.amount === 0n
        ? skipToken
        : () => {
            const amount = `0x${asked.amount.toString(16)}`;
            return rpc.read(way(asked.from, asked.to), 'capstan_quote', [{ ...asked, amount }]);
          },
    placeholderData: keepPreviousData,
    meta: LIVE,
  });
}

/** The same as a leg of a batch, checked to be what was asked. */
export function useBatchWay(asked: SwapAsked | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['batchWay', ...keyOf(asked)],
    queryFn: asked === null || asked.amount === 0n ? skipToken : () => askWay(rpc, asked),
    placeholderData: keepPreviousData,
    meta: LIVE,
  });
}

export function useOrders(of: AccountName | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['orders', of],
    queryFn: () => rpc.read(ordersPage, 'capstan_triggers', [of, { limit: 100 }]),
    enabled: of !== null,
    meta: LIVE,
  });
}

/** The step of a price at which an order fires: the contract says it before anything is signed. */
export function useFiresAt(price: bigint | null, above: boolean) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['firesAt', price?.toString(), above],
    queryFn:
      price === null
        ? skipToken
        : async () =>
            usd(
              await publicClient(rpc.link).readContract({
                address: addresses.triggers,
                abi: triggersAbi,
                functionName: 'firesAt',
                args: [price, above],
              }),
            ),
    staleTime: Infinity,
  });
}

/** What an order must bring for the block's work, twice: what is left comes back. */
export function usePrepaid(kind: number, count: number) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['prepaid', kind, count],
    queryFn: async () => {
      const least = await publicClient(rpc.link).readContract({
        address: addresses.triggers,
        abi: triggersAbi,
        functionName: 'prepaidMin',
        args: [kind, count],
      });
      return least * 2n;
    },
    meta: LIVE,
  });
}

/** What there is of an asset, in wallet and account. */
export function thereOf(market: Tradable, wallet: bigint, account: AccountState | undefined): There {
  const row = account?.holdings.find((held) => held.assetId === market.assetId);
  return {
    assetId: market.assetId,
    isCoin: market.kind === 'coin',
    wallet,
    units: row?.units.amount ?? 0n,
    supplied: row?.supplied.amount ?? 0n,
    owed: row?.owed.amount ?? 0n,
  };
}
