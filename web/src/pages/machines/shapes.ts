/** Machines as `capstan_machines` tells them (RPC-38). */
import {
  anyCount,
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

const coin = object({ assetId: integer, symbol, decimals: integer, token: hex });

const readings = object({
  fromMs: count,
  toMs: count,
  count: anyCount,
  watts: integer,
  celsius: fixed('part'),
  utilisation: fixed('part'),
});

const challenge = object({
  number: count,
  class: integer,
  phase: string,
  dueMs: nullable(count),
  units: count,
  askedMs: count,
  answeredMs: nullable(count),
  perHour: count,
  reason: string,
  untilMs: nullable(count),
});

const machine: Decoder<Machine> = (raw, at) => {
  const unit = assetUnit(coin(record(raw, at).asset, `${at}.asset`).assetId);
  return object({ ...plain, bond: fixed(unit), bondMin: fixed(unit) })(raw, at);
};
const plain = {
  machineId: count,
  key: hex,
  holder: hex,
  kind: string,
  region: integer,
  uri: string,
  state: string,
  reason: string,
  sinceMs: count,
  asset: coin,
  registeredMs: count,
  lastBeatMs: count,
  darkFromMs: nullable(count),
  withdrawFromMs: nullable(count),
  lifeMs: count,
  darkMs: count,
  darkCount: anyCount,
  lastDarkFromMs: nullable(count),
  readings: nullable(readings),
  challenge: nullable(challenge),
};
type Plain = { [K in keyof typeof plain]: Decoded<(typeof plain)[K]> };
type Bond = Decoded<ReturnType<typeof fixed<`asset:${number}`>>>;
export type Machine = Plain & { readonly bond: Bond; readonly bondMin: Bond };

export const machinesPage = object({ timeMs: count, items: list(machine), cursor: nullable(count) });
export type MachinesPage = Decoded<typeof machinesPage>;
