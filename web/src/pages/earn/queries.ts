/** Questions of the earn page as hooks. */
import { skipToken, useQuery } from '@tanstack/react-query';
import { erc20Abi } from 'viem';
import { addresses } from '../../generated/addresses.ts';
import { exchangeAbi } from '../../generated/exchange.ts';
import { productTokenAbi } from '../../generated/productToken.ts';
import { hex, type Hex } from '../../node/decode.ts';
import { publicClient } from '../../node/client.ts';
import { LIVE, useNode } from '../../node/node.tsx';
import type { AccountName } from '../../node/rpc.ts';
import type { Tradable } from '../../node/shapes.ts';
import { farmsPage, productsPage, type Product } from './shapes.ts';

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
