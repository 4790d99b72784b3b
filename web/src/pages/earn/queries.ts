/** Questions of the earn page as hooks. */
import { skipToken, useQuery } from '@tanstack/react-query';
import { erc20Abi } from 'viem';
import { addresses } from '../../generated/addresses.ts';
import { exchangeAbi } from '../../generated/exchange.ts';
import { productsAbi } from '../../generated/products.ts';
import { productTokenAbi } from '../../generated/productToken.ts';
import { rangePositionAbi, rangePositionEvents } from '../../generated/rangePosition.ts';
import { hex, type Hex } from '../../node/decode.ts';
import { publicClient } from '../../node/client.ts';
import { LIVE, useNode } from '../../node/node.tsx';
import type { AccountName } from '../../node/rpc.ts';
import type { Pool, Tradable } from '../../node/shapes.ts';
import { farmsPage, productsPage, type Product } from './shapes.ts';

/** How often events of all blocks are searched again. */
export const SEARCH_MS = 5_000;

export function useFarms(of: AccountName | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['farms', of],
    queryFn: () => rpc.read(farmsPage, 'capstan_farms', [of, { limit: 100 }]),
    meta: LIVE,
  });
}

export function useProducts() {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['products'],
    queryFn: () => rpc.read(productsPage, 'capstan_products', [{ limit: 100 }]),
    meta: LIVE,
  });
}

/** What a wallet has of several assets, by number. */
export function useWalletOf(owner: Hex | null, markets: readonly Pick<Tradable, 'assetId' | 'token' | 'kind'>[]) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['walletOf', owner, markets.map((market) => market.assetId)],
    queryFn: async () => {
      const has = await Promise.all(
        markets.map(async (market) => {
          if (market.kind === 'coin') return BigInt(await rpc.read(hex, 'eth_getBalance', [owner, 'latest']));
          return publicClient(rpc.link).readContract({
            address: market.token,
            abi: erc20Abi,
            functionName: 'balanceOf',
            args: [owner ?? '0x'],
          });
        }),
      );
      return new Map(markets.map((market, index) => [market.assetId, has[index] ?? 0n]));
    },
    enabled: owner !== null && markets.length > 0,
    meta: LIVE,
  });
}

/** A position of concentrated liquidity as it is now. */
export function usePosition(positionId: number | null) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['position', positionId],
    queryFn:
      positionId === null
        ? skipToken
        : () =>
            publicClient(link).readContract({
              address: addresses.exchange,
              abi: exchangeAbi,
              functionName: 'range',
              args: [BigInt(positionId)],
            }),
    meta: LIVE,
  });
}

/** Liquidity of a wallet and what it would give: LP tokens of pools, and positions that came to it and are still its own. */
export function useInWallet(owner: Hex, pools: readonly Pool[]) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['inWallet', owner, pools.map((pool) => pool.poolId)],
    queryFn: async () => {
      const client = publicClient(link);
      const shares = pools.map(async (pool) => {
        const total = pool.totalShares?.amount ?? 0n;
        if (pool.lpToken === null || total === 0n) return [];
        const amount = await client.readContract({
          address: pool.lpToken,
          abi: erc20Abi,
          functionName: 'balanceOf',
          args: [owner],
        });
        if (amount === 0n) return [];
        const coins = pool.assets.map((coin) => ({ coin, amount: (coin.reserve.amount * amount) / total }));
        return [{ kind: 'shares' as const, id: pool.poolId, amount, coins }];
      });
      const came = await client.getContractEvents({
        address: addresses.rangePosition,
        abi: rangePositionEvents,
        eventName: 'Transfer',
        args: { to: owner },
        fromBlock: 0n,
        strict: true,
      });
      const positions = [...new Set(came.map((event) => event.args.tokenId))].map(async (id) => {
        const holder = await client
          .readContract({
            address: addresses.rangePosition,
            abi: rangePositionAbi,
            functionName: 'ownerOf',
            args: [id],
          })
          // One that was taken apart belongs to nobody.
          .catch(() => null);
        if (holder?.toLowerCase() !== owner.toLowerCase()) return [];
        const range = await client.readContract({
          address: addresses.exchange,
          abi: exchangeAbi,
          functionName: 'range',
          args: [id],
        });
        const coins = (pools.find((pool) => pool.poolId === range.poolId)?.assets ?? []).map((coin, at) => ({
          coin,
          amount: range.principal[at] ?? 0n,
        }));
        return [{ kind: 'range' as const, id: Number(id), amount: range.liquidity, coins }];
      });
      return (await Promise.all([...shares, ...positions])).flat();
    },
    enabled: pools.length > 0,
    refetchInterval: SEARCH_MS,
  });
}

/** A product's policy and phase, which the list leaves out. */
export function useProduct(id: number) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['product', id],
    queryFn: () =>
      publicClient(link).readContract({
        address: addresses.products,
        abi: productsAbi,
        functionName: 'productOf',
        args: [id],
      }),
    meta: LIVE,
  });
}

/** Units of a product that a wallet has, and what may be taken of its base asset. */
export function useProductUnits(product: Product, owner: Hex | null, base: Hex | undefined) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['productUnits', product.id, owner, base],
    queryFn: async () => {
      const client = publicClient(rpc.link);
      const [units, allowed] = await Promise.all([
        client.readContract({
          address: product.token,
          abi: erc20Abi,
          functionName: 'balanceOf',
          args: [owner ?? '0x'],
        }),
        client.readContract({
          address: base ?? '0x',
          abi: erc20Abi,
          functionName: 'allowance',
          args: [owner ?? '0x', product.token],
        }),
      ]);
      return { units, allowed };
    },
    enabled: owner !== null && base !== undefined,
    meta: LIVE,
  });
}

/** What a deposit makes, or units give, now. */
export function useProductPreview(product: Product, wish: 'buy' | 'redeem', amount: bigint) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['productPreview', product.id, wish, amount.toString()],
    queryFn: () =>
      publicClient(rpc.link).readContract({
        address: product.token,
        abi: productTokenAbi,
        functionName: wish === 'buy' ? 'previewDeposit' : 'previewRedeem',
        args: [amount],
      }),
    enabled: amount > 0n,
    retry: false,
    meta: LIVE,
  });
}
