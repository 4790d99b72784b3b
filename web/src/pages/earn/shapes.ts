/** What `capstan_farms` and `capstan_products` answer (RPC-28, RPC-29), read into types. */
import {
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
} from '../../node/decode.ts';
import { coin, coinFields, ofAsset } from '../../node/shapes.ts';
import { assetUnit, type AssetUnit, type Unit } from '../../units/quantity.ts';

const reward = ofAsset((unit) =>
  object({
    ...coinFields,
    left: fixed(unit),
    leftMs: count,
    perYear: fixed(unit),
    perYearValue: nullable(fixed('usd')),
  }),
);
export type Reward = Decoded<typeof reward>;

const farmWith = (unit: Unit) =>
  object({
    farmId: integer,
    kind: string,
    poolId: nullable(integer),
    asset: nullable(coin),
    staked: fixed(unit),
    stakedValue: nullable(fixed('usd')),
    isFed: boolean,
    boost: nullable(object({ ...coinFields, lift: fixed('part') })),
    rewards: list(reward),
    ratePerYear: nullable(fixed('part')),
    own: nullable(
      object({
        amount: fixed(unit),
        locked: nullable(fixed('shares')),
        lockedUntilMs: nullable(count),
        // Each is of the reward in the same place.
        due: list(fixed('shares')),
        value: nullable(fixed('usd')),
        perYearValue: nullable(fixed('usd')),
      }),
    ),
  });
const farm: Decoder<Farm> = (raw, at) => {
  const staked = nullable(coin)(record(raw, at).asset, `${at}.asset`);
  return farmWith(staked === null ? 'shares' : assetUnit(staked.assetId))(raw, at);
};
export type Farm = Decoded<ReturnType<typeof farmWith>>;
export const farmsPage = page(farm);

const productWith = (collateral: AssetUnit, debt: AssetUnit) =>
  object({
    id: integer,
    token: hex,
    symbol,
    name: string,
    kind: string,
    collateral: coin,
    debt: coin,
    baseAssetId: integer,
    target: fixed('part'),
    low: fixed('part'),
    high: fixed('part'),
    leverage: nullable(fixed('part')),
    limitBps: integer,
    feeBps: integer,
    cap: fixed('usd'),
    supply: fixed('shares'),
    held: fixed(collateral),
    owed: fixed(debt),
    equity: nullable(fixed('usd')),
    unitValue: nullable(fixed('usd')),
    reserve: fixed('asset:0'),
    nextMs: nullable(count),
    failures: integer,
  });
const product: Decoder<Product> = (raw, at) => {
  const fields = record(raw, at);
  const [collateral, debt] = [coin(fields.collateral, `${at}.collateral`), coin(fields.debt, `${at}.debt`)];
  return productWith(assetUnit(collateral.assetId), assetUnit(debt.assetId))(raw, at);
};
export type Product = Decoded<ReturnType<typeof productWith>>;
export const productsPage = page(product);
