/** How much of an asset a visitor gets: the same for the first and the hundredth, and nobody more than once. */
import type { Market } from '../node/shapes.ts';
import { assetUnit, quantity, shownAmount } from '../units/quantity.ts';

const COINS_WEI = 100n * 10n ** 18n;
/** Of each token about so many dollars, */
const TOKEN_WORTH_USD_WAD = 10_000n * 10n ** 18n;
/** and of a rare one this part of all there is, so that it lasts for many. */
const SUPPLY_PARTS = 2_000n;
/** What gives keeps so much for its own gas. */
const KEPT_WEI = 10n ** 18n;

export interface Share {
  readonly symbol: string;
  readonly amount: bigint;
  readonly words: string;
  /** Nobody has a whole share left. */
  readonly isDry: boolean;
}

/** `supply` is null for coins; `has` is what the visitor has already, `purse` what the giver has. */
export function share(
  market: Pick<Market, 'assetId' | 'symbol' | 'decimals' | 'price'>,
  supply: bigint | null,
  has: bigint,
  purse: bigint,
): Share {
  const whole = wholeShare(market, supply);
  const lacks = whole > has ? whole - has : 0n;
  const there = supply === null ? (purse > KEPT_WEI ? purse - KEPT_WEI : 0n) : purse;
  const isDry = lacks > 0n && there < lacks;
  const amount = isDry ? 0n : lacks;
  const words = `${shownAmount(quantity(amount, market.decimals, assetUnit(market.assetId)))} ${market.symbol}`;
  return { symbol: market.symbol, amount, words, isDry };
}

function wholeShare({ decimals, price }: Pick<Market, 'decimals' | 'price'>, supply: bigint | null): bigint {
  if (supply === null) return COINS_WEI;
  if (!price || price.spot.amount === 0n) return 0n;
  const worth = (TOKEN_WORTH_USD_WAD * 10n ** BigInt(decimals)) / price.spot.amount;
  const part = supply / SUPPLY_PARTS;
  return worth < part ? worth : part;
}
