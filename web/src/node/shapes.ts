/** What `capstan_*` answers, as `specs/rpc.md` says, read into types. Amounts know their asset. */
import { assetUnit, type AssetUnit } from '../units/quantity.ts';
import {
  anyCount,
  big,
  boolean,
  count,
  fixed,
  hex,
  integer,
  list,
  nullable,
  object,
  page,
  record,
  string,
  symbol,
  type Decoded,
  type Decoder,
} from './decode.ts';

/** An object whose amounts are of the asset that one of its fields names. */
export function ofAsset<T>(shape: (unit: AssetUnit) => Decoder<T>, field = 'assetId'): Decoder<T> {
  return (raw, at) => shape(assetUnit(integer(record(raw, at)[field], `${at}.${field}`)))(raw, at);
}

export const coinFields = { assetId: integer, symbol, token: hex, decimals: integer };
/** An asset as far as its amounts are told. */
export const coin = object(coinFields);
export type Coin = Decoded<typeof coin>;

export const wordedError = object({
  contract: string,
  name: string,
  signature: string,
  args: list(object({ name: string, type: string, value: string })),
  message: string,
  help: string,
});

const price = object({
  description: string,
  round: count,
  spot: fixed('usd'),
  smoothed: fixed('usd'),
  timeMs: count,
  graceUntilMs: count,
  usable: boolean,
  reason: integer,
  why: nullable(string),
});
export type PriceState = Decoded<typeof price>;

const params = ofAsset((unit) =>
  object({
    assetId: integer,
    supplyCap: fixed(unit),
    borrowCap: fixed(unit),
    reserveFactorBps: integer,
    rateModel: string,
    baseBps: integer,
    slope1Bps: integer,
    slope2Bps: integer,
    optimalBps: integer,
  }),
);
export type MarketParams = Decoded<typeof params>;

/** Parameters stand inside a market and are counted in its asset. */
const paramsIn =
  (assetId: number): Decoder<MarketParams> =>
  (raw, at) =>
    params({ ...record(raw, at), assetId }, at);

const market = ofAsset((unit) => {
  const assetId = Number(unit.slice('asset:'.length));
  return object({
    assetId: integer,
    symbol,
    token: hex,
    decimals: integer,
    kind: string,
    frozen: boolean,
    shareToken: hex,
    supplied: fixed(unit),
    borrowed: fixed(unit),
    cash: fixed(unit),
    reserve: fixed(unit),
    utilisation: fixed('part'),
    supplyRatePerYear: fixed('part'),
    borrowRatePerYear: fixed('part'),
    paused: object({ supply: boolean, redeem: boolean, borrow: boolean }),
    params: paramsIn(assetId),
    nextParams: nullable((raw, at) => ({
      fromMs: count(record(raw, at).fromMs, `${at}.fromMs`),
      params: paramsIn(assetId)(raw, at),
    })),
    price: nullable(price),
  });
});
export type Market = Decoded<typeof market>;
/** What can stand in a wallet and on an account; a market besides, or the chain's own dollar, which has none. */
export type Tradable = Pick<
  Market,
  'assetId' | 'symbol' | 'token' | 'decimals' | 'kind' | 'paused' | 'supplyRatePerYear' | 'borrowRatePerYear'
>;

export const marketsPage = object({ blockNumber: count, timeMs: count, items: list(market), cursor: nullable(count) });

const report = object({
  collateral: fixed('usd'),
  borrowable: fixed('usd'),
  debt: fixed('usd'),
  healthInitial: nullable(fixed('health')),
  healthMaintenance: nullable(fixed('health')),
  roomToFallBps: integer,
  costPerDay: fixed('usd'),
});
export type Report = Decoded<typeof report>;

const holding = ofAsset((unit) =>
  object({
    assetId: integer,
    symbol,
    token: hex,
    decimals: integer,
    units: fixed(unit),
    supplied: fixed(unit),
    owed: fixed(unit),
    supplyRatePerYear: nullable(fixed('part')),
    borrowRatePerYear: nullable(fixed('part')),
    earnsPerDay: fixed(unit),
    costsPerDay: fixed(unit),
    heldValue: nullable(fixed('usd')),
    owedValue: nullable(fixed('usd')),
    initialBps: nullable(integer),
    maintenanceBps: nullable(integer),
    liquidationPrice: nullable(fixed('usd')),
  }),
);
export type Holding = Decoded<typeof holding>;

const piece = object({
  kind: string,
  id: count,
  poolId: nullable(integer),
  amount: big,
  coins: list(ofAsset((unit) => object({ assetId: integer, symbol, amount: fixed(unit), putIn: fixed(unit) }))),
  value: fixed('usd'),
  fairValue: fixed('usd'),
  ifHeld: fixed('usd'),
  initialBps: integer,
  maintenanceBps: integer,
});
export type Piece = Decoded<typeof piece>;

const standing = object({
  report: nullable(report),
  error: nullable(wordedError),
  holdings: list(holding),
  pieces: nullable(list(piece)),
});
export type Standing = Decoded<typeof standing>;

const accountOnly = object({
  blockNumber: count,
  timeMs: count,
  owner: hex,
  index: integer,
  nonce: big,
  leverageMaxBps: integer,
  dailyLossMaxUsd: integer,
  coolingOffS: integer,
  day: nullable(object({ beganMs: count, endsMs: count, lost: fixed('usd'), coolingOff: boolean })),
  offer: nullable(object({ sinceMs: count, fullMs: count })),
});
export type AccountState = Decoded<typeof accountOnly> & Standing;
export const accountState: Decoder<AccountState> = (raw, at) => ({ ...accountOnly(raw, at), ...standing(raw, at) });

export const preview = object({
  blockNumber: count,
  timeMs: count,
  owner: hex,
  index: integer,
  before: standing,
  after: nullable(standing),
  results: list(object({ verb: integer, name: nullable(string), output: hex })),
  error: nullable(wordedError),
  revert: nullable(hex),
});
export type Preview = Decoded<typeof preview>;

const pool = object({
  poolId: integer,
  curve: string,
  feePips: integer,
  feeIsDynamic: boolean,
  protocolShareBps: integer,
  amplification: nullable(integer),
  assets: list(
    ofAsset((unit) => object({ assetId: integer, symbol, token: hex, decimals: integer, reserve: fixed(unit) })),
  ),
  prices: list(
    object({
      assetId: integer,
      spot: nullable(fixed('price')),
      spotBack: nullable(fixed('price')),
      mean: nullable(fixed('price')),
      meanBack: nullable(fixed('price')),
    }),
  ),
  totalShares: nullable(fixed('shares')),
  lpToken: nullable(hex),
  paused: boolean,
  range: nullable(object({ sqrtPriceX96: big, tick: integer, liquidity: big, tickSpacing: integer })),
});
export type Pool = Decoded<typeof pool>;
export const poolsPage = object({ blockNumber: count, timeMs: count, items: list(pool), cursor: nullable(count) });

/** Of a swap; the asset of an amount is known to whoever asked. */
export function quote(from: number, to: number) {
  return object({
    paid: fixed(assetUnit(from)),
    received: fixed(assetUnit(to)),
    paidMax: fixed(assetUnit(from)),
    receivedMin: fixed(assetUnit(to)),
    price: nullable(fixed('price')),
    spotPrice: nullable(fixed('price')),
    priceImpactBps: integer,
    feePips: integer,
    route: string,
    target: hex,
    spender: nullable(hex),
    calldata: nullable(hex),
  });
}
export type Quote = Decoded<ReturnType<typeof quote>>;

const liquidationFields = {
  id: count,
  blockNumber: count,
  timestamp: count,
  transactionHash: hex,
  owner: hex,
  index: integer,
  priceRound: count,
  healthBefore: fixed('health'),
  healthAfter: nullable(fixed('health')),
};
const liquidation = object(liquidationFields);
export type Liquidation = Decoded<typeof liquidation>;
export const liquidationsPage = page(liquidation);

const step: Decoder<{
  venue: string;
  debtAssetId: number;
  paid: ReturnType<ReturnType<typeof fixed<`asset:${number}`>>>;
  collateralAssetId: number;
  taken: ReturnType<ReturnType<typeof fixed<`asset:${number}`>>>;
  toReserve: ReturnType<ReturnType<typeof fixed<`asset:${number}`>>>;
  discountBps: number;
  buyer: `0x${string}`;
  buyerIndex: number;
}> = (raw, at) => {
  const ids = object({ debtAssetId: integer, collateralAssetId: integer })(raw, at);
  const [debt, collateral] = [assetUnit(ids.debtAssetId), assetUnit(ids.collateralAssetId)];
  return object({
    venue: string,
    debtAssetId: integer,
    paid: fixed(debt),
    collateralAssetId: integer,
    taken: fixed(collateral),
    toReserve: fixed(collateral),
    discountBps: integer,
    buyer: hex,
    buyerIndex: integer,
  })(raw, at);
};

export const explained = object({
  ...liquidationFields,
  steps: list(step),
  losses: list(ofAsset((unit) => object({ assetId: integer, tier: string, amount: fixed(unit) }))),
  compared: nullable(
    object({
      paidValue: fixed('usd'),
      takenValue: fixed('usd'),
      penalty: fixed('usd'),
      aave: object({
        closeFactorBps: integer,
        bonusBps: integer,
        paidValue: fixed('usd'),
        takenValue: fixed('usd'),
        penalty: fixed('usd'),
      }),
    }),
  ),
});
export type Explained = Decoded<typeof explained>;

/** Whether nothing was sold: what the account owed and had of one asset cancelled each other. */
export function isSetOff({ steps }: Pick<Explained, 'steps'>): boolean {
  return steps.length > 0 && steps.every((one) => one.venue === 'netting');
}

const accountEvent = object({
  blockNumber: count,
  timestamp: count,
  transactionHash: hex,
  logIndex: count,
  contract: string,
  event: string,
  args: list(object({ name: string, type: string, value: string })),
  about: string,
});
export type AccountEvent = Decoded<typeof accountEvent>;
export const accountEventsPage = page(accountEvent);

const priceItem = object({
  blockNumber: count,
  round: count,
  timeMs: count,
  spot: big,
  smoothed: big,
  decimals: integer,
});
export const priceHistoryPage = page(priceItem);

export const head = object({
  number: count,
  hash: hex,
  timestamp: anyCount,
  gasUsed: big,
  gasLimit: big,
  baseFeePerGas: nullable(big),
});
export type Head = Decoded<typeof head>;
