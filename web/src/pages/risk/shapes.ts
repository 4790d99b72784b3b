/** What `capstan_risk` answers (RPC-33): sums and shares, and no account. */
import {
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
  symbol,
  type Decoded,
  type Decoder,
} from '../../node/decode.ts';
import { assetUnit } from '../../units/quantity.ts';

const largest = object({ oneBps: integer, fiveBps: integer, tenBps: integer });

const band = object({
  fromBps: integer,
  toBps: nullable(integer),
  accountCount: count,
  debt: fixed('usd'),
  collateral: fixed('usd'),
});
export type Band = Decoded<typeof band>;

const source = object({
  reporter: hex,
  isCounted: boolean,
  price: nullable(fixed('usd')),
  confidenceBps: integer,
  round: count,
  ageMs: nullable(count),
  awayBps: nullable(integer),
});

const oracle = object({
  description: string,
  round: count,
  spot: fixed('usd'),
  smoothed: fixed('usd'),
  timeMs: count,
  graceUntilMs: count,
  usable: boolean,
  why: nullable(string),
  ageMs: nullable(count),
  staleMs: count,
  quorum: integer,
  bandBps: integer,
  sources: list(source),
});
export type OracleState = Decoded<typeof oracle>;

const asset: Decoder<AssetRisk> = (raw, at) =>
  assetOf(assetUnit(integer(record(raw, at).assetId, `${at}.assetId`)))(raw, at);
const assetOf = (unit: `asset:${number}`) =>
  object({
    assetId: integer,
    symbol,
    decimals: integer,
    backing: fixed('usd'),
    owed: fixed('usd'),
    backingLargest: largest,
    owedLargest: largest,
    reserve: nullable(fixed(unit)),
    backstop: nullable(object({ assets: fixed(unit), cap: fixed(unit), lotCount: count, shareToken: hex })),
    oracle: nullable(oracle),
  });
export type AssetRisk = Decoded<ReturnType<typeof assetOf>>;

export const risk = object({
  blockNumber: count,
  timeMs: count,
  accountCount: count,
  unvaluedCount: count,
  isWhole: boolean,
  collateral: fixed('usd'),
  debt: fixed('usd'),
  largest,
  unhealthy: band,
  distance: list(band),
  assets: list(asset),
});
export type Risk = Decoded<typeof risk>;
