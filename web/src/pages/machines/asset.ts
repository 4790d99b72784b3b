/** The asset that a machine earns in, and what a wallet has of it. */
import { approvalOf } from '../../act/SignCall.tsx';
import type { Hex } from '../../node/decode.ts';
import { useMarkets, useWalletBalance } from '../../node/queries.ts';
import type { Market } from '../../node/shapes.ts';
import {
  amountOf,
  exactOf,
  shownUsd,
  shownUsdFine,
  usd,
  worthDown,
  type Counted,
  type Usd,
} from '../../units/quantity.ts';

export interface Asset extends Counted {
  /** Null for one that has no market: then no price is known, and nothing is brought from a wallet. */
  readonly market: Market | null;
}

/** An asset by its number; what the markets do not know is told by its number, without digits behind the point. */
export function useAssets(): (assetId: number) => Asset {
  const markets = useMarkets();
  return (assetId) => {
    const market = markets.data?.find((one) => one.assetId === assetId) ?? null;
    return {
      assetId,
      symbol: market?.symbol ?? `asset ${assetId}`,
      decimals: market?.decimals ?? 18,
      market,
    };
  };
}

/** What so much is worth at the oracle's price; null where that may not be used. */
export function worthOf(asset: Asset, amount: bigint): Usd | null {
  const price = asset.market?.price;
  if (!price?.usable) return null;
  const worth = worthDown(amountOf(asset, amount < 0n ? -amount : amount), price.spot);
  return usd(amount < 0n ? -worth.amount : worth.amount);
}

/** Cents from a dollar on; what is less is told from its neighbours. */
export function shownWorth(worth: Usd): string {
  const isSmall = (worth.amount < 0n ? -worth.amount : worth.amount) < 10n ** BigInt(worth.decimals);
  return isSmall ? shownUsdFine(worth) : shownUsd(worth);
}

/** What so much is worth, for eyes. */
export function dollarsOf(asset: Asset, amount: bigint): string | null {
  const worth = worthOf(asset, amount);
  return worth === null ? null : shownWorth(worth);
}

/** What a wallet has of an asset, and what must be allowed before a contract takes it. */
export function useSource(owner: Hex | null, asset: Asset) {
  const balance = useWalletBalance(asset.market ?? undefined, owner);
  const first = (spender: Hex, amount: bigint) =>
    asset.market?.kind === 'foreign'
      ? approvalOf(
          asset.market.token,
          spender,
          amount,
          `Allow it to take ${exactOf(asset, amount)} ${asset.symbol} from the wallet`,
        )
      : null;
  return { has: balance.data ?? 0n, first };
}
