/** What a gateway answers its owner (specs/gateway.md), read into types. Its dollars are text with a unit: `0.25usd`. */
import {
  boolean,
  hex,
  integer,
  list,
  nullable,
  object,
  ShapeError,
  string,
  type Decoded,
  type Decoder,
} from '../../node/decode.ts';
import { parseDecimal } from '../../units/decimal.ts';
import { usd, USD_DECIMALS, type Usd } from '../../units/quantity.ts';

/** `0.25usd`. */
export const dollars: Decoder<Usd> = (raw, at) => {
  const read = typeof raw === 'string' && raw.endsWith('usd') ? parseDecimal(raw.slice(0, -3), USD_DECIMALS) : null;
  if (!read?.ok) throw new ShapeError(at, 'dollars', raw);
  return usd(read.amount);
};

/** Smallest units in decimal digits, as receipts have them. */
const units: Decoder<Usd> = (raw, at) => {
  const text = typeof raw === 'number' ? String(raw) : raw;
  if (typeof text !== 'string' || !/^[0-9]{1,39}$/.test(text)) throw new ShapeError(at, 'smallest units', raw);
  return usd(BigInt(text));
};

const key = object({
  id: string,
  name: string,
  limits: object({
    total: nullable(dollars),
    day: nullable(dollars),
    parallel: nullable(integer),
    expires_ms: nullable(integer),
    own: boolean,
  }),
  created_ms: integer,
  revoked_ms: nullable(integer),
  spent: dollars,
  spent_today: dollars,
  reserved: dollars,
  requests: integer,
  input_tokens: integer,
  output_tokens: integer,
});
export type GatewayKey = Decoded<typeof key>;

const receipt = object({
  id: hex,
  receipt: object({
    job: hex,
    program: hex,
    input: hex,
    output: hex,
    machine: hex,
    payer: hex,
    startedMs: integer,
    firstMs: integer,
    tookMs: integer,
    inputUnits: integer,
    outputUnits: integer,
    cost: units,
    energyMj: integer,
    outcome: integer,
  }),
  notes: object({
    model: nullable(string),
    quantisation: nullable(string),
    kind: nullable(string),
    upstream: nullable(string),
    usage: nullable(string),
    failure: nullable(string),
    cost_decimals: nullable(integer),
  }),
});
export type GatewayReceipt = Decoded<typeof receipt>;

export const overview = object({
  machine: hex,
  upstreams: list(
    object({
      name: string,
      is_well: boolean,
      busy: integer,
      parallel: integer,
      models: nullable(list(object({ id: string, quantisation: nullable(string) }))),
      last_fault: nullable(string),
    }),
  ),
  at_work: integer,
  waiting: integer,
  pace: object({ is_paused: boolean, own_at_work: integer, is_stopped: boolean }),
  keys: list(key),
  receipts: list(receipt),
  failures: list(object({ at_ms: integer, key: string, model: string, code: string, message: string })),
});
export type Overview = Decoded<typeof overview>;

export const newKey = object({ secret: string, id: string });
const refusal = object({ error: object({ message: string, code: nullable(string) }) });
export function refusalWords(raw: unknown): string | null {
  try {
    return refusal(raw, 'error').error.message;
  } catch {
    return null;
  }
}
