/** What trading asks beyond markets and accounts: the way of a swap with its legs, and orders that stand. */
import {
  big,
  boolean,
  count,
  fixed,
  hex,
  integer,
  list,
  nullable,
  object,
  record,
  string,
  type Decoded,
  type Decoder,
} from '../../node/decode.ts';
import { coin, ofAsset } from '../../node/shapes.ts';
import { assetUnit } from '../../units/quantity.ts';

const leg = object({ poolId: integer, assetIn: integer, assetOut: integer, exactOut: boolean, amount: big });
export type Leg = Decoded<typeof leg>;

const path = object({
  partBps: integer,
  hops: list(
    object({
      poolId: integer,
      curve: string,
      feePips: integer,
      assetIn: integer,
      assetOut: integer,
    }),
  ),
});
export type Path = Decoded<typeof path>;

export const way = (from: number, to: number) =>
  object({
    paid: fixed(assetUnit(from)),
    received: fixed(assetUnit(to)),
    paidMax: fixed(assetUnit(from)),
    receivedMin: fixed(assetUnit(to)),
    price: nullable(fixed('price')),
    spotPrice: nullable(fixed('price')),
    priceImpactBps: integer,
    feePips: integer,
    route: string,
    paths: list(path),
    target: hex,
    spender: nullable(hex),
    legs: list(leg),
    deadlineMs: count,
    calldata: nullable(hex),
  });
export type Way = Decoded<ReturnType<typeof way>>;

const order = ofAssetPair((sell) =>
  object({
    id: count,
    kind: string,
    sell: coin,
    buy: coin,
    amount: nullable(fixed(sell)),
    left: nullable(fixed(sell)),
    limitBps: integer,
    repay: boolean,
    watch: nullable(coin),
    above: boolean,
    firesAt: nullable(fixed('usd')),
    count: integer,
    intervalS: nullable(integer),
    floor: nullable(fixed('health')),
    target: nullable(fixed('health')),
    nextMs: count,
    expiresMs: count,
    prepaid: fixed('asset:0'),
    failures: integer,
  }),
);
export type Order = Decoded<typeof order>;

function ofAssetPair<T>(shape: (sell: ReturnType<typeof assetUnit>) => Decoder<T>): Decoder<T> {
  return (raw, at) => {
    const sell = ofAsset((unit) => () => unit)(record(raw, at).sell, `${at}.sell`);
    return shape(sell)(raw, at);
  };
}

export const ordersPage = object({ items: list(order), cursor: nullable(count) });
