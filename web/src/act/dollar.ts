/** The chain's own dollar: who may mint it, how much, and what that costs. */
import { useQuery } from '@tanstack/react-query';
import { addresses } from '../generated/addresses.ts';
import { dollarAbi } from '../generated/dollar.ts';
import { oracleAbi } from '../generated/oracle.ts';
import { publicClient } from '../node/client.ts';
import { LIVE, useNode } from '../node/node.tsx';
import type { Tradable } from '../node/shapes.ts';
import { amountOf, quantity, usd, type Amount, type Part, type Usd } from '../units/quantity.ts';

/** A set of stopped verbs: 1 is minting. */
const PAUSED_MINT = 1;
const BPS_DECIMALS = 4;
const SYMBOL = 'usd';
const DECIMALS = 18;

export interface Dollar {
  readonly assetId: number;
  /** As it stands beside markets in a form. */
  readonly asset: Tradable;
  /** What all may still mint, in its smallest units. */
  readonly mintable: bigint;
  readonly mintPaused: boolean;
  readonly ratePerYear: Part;
  /** What all owe of it. */
  readonly owed: Amount;
  /** As the oracle knows it; null where it may not be used. */
  readonly price: Usd | null;
}

/** Null on a chain whose owner did not open one. */
export function useDollar() {
  const { link } = useNode();
  return useQuery({
    queryKey: ['dollar'],
    queryFn: async (): Promise<Dollar | null> => {
      const contract = { address: addresses.dollar, abi: dollarAbi } as const;
      const client = publicClient(link);
      const state = await client.readContract({ ...contract, functionName: 'dollar' }).catch(() => null);
      if (state === null) return null;
      const [[params], price] = await Promise.all([
        client.readContract({ ...contract, functionName: 'paramsOf' }),
        client
          .readContract({ address: addresses.oracle, abi: oracleAbi, functionName: 'priceOf', args: [state.assetId] })
          .then(([spot]) => usd(spot))
          .catch(() => null),
      ]);
      const ratePerYear = quantity(BigInt(params.stabilityBps), BPS_DECIMALS, 'part');
      return {
        assetId: state.assetId,
        asset: {
          assetId: state.assetId,
          symbol: SYMBOL,
          token: state.token,
          decimals: DECIMALS,
          kind: 'native',
          paused: { supply: true, redeem: false, borrow: true },
          supplyRatePerYear: quantity(0n, BPS_DECIMALS, 'part'),
          borrowRatePerYear: ratePerYear,
        },
        mintable: state.mintable,
        mintPaused: (state.paused & PAUSED_MINT) !== 0,
        ratePerYear,
        owed: amountOf({ assetId: state.assetId, symbol: SYMBOL, decimals: DECIMALS }, state.debt),
        price,
      };
    },
    meta: LIVE,
  });
}

/** Markets, and the dollar behind them where it has none of its own. */
export function withDollar(markets: readonly Tradable[], dollar: Dollar | null | undefined): Tradable[] {
  const isThere = !dollar || markets.some((market) => market.assetId === dollar.assetId);
  return isThere ? [...markets] : [...markets, dollar.asset];
}
