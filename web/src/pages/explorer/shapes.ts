/** What the explorer asks: blocks and transactions in words (RPC-34), records (RPC-35), contracts. */
import type { Abi, AbiFunction } from 'viem';
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
  record as fields,
  ShapeError,
  string,
  type Decoded,
  type Decoder,
} from '../../node/decode.ts';

export const arg = object({ name: string, type: string, value: string, text: nullable(string) });
export type Arg = Decoded<typeof arg>;

const told = object({
  contract: string,
  name: string,
  signature: string,
  title: string,
  about: string,
  args: list(arg),
});
export type Told = Decoded<typeof told>;

const event = object({
  address: hex,
  contract: nullable(string),
  name: nullable(string),
  isGuessed: boolean,
  signature: nullable(string),
  about: nullable(string),
  args: list(arg),
});
export type EventTold = Decoded<typeof event>;

export const transaction = object({
  hash: hex,
  from: hex,
  to: nullable(hex),
  toName: nullable(string),
  nonce: count,
  value: fixed('asset:0'),
  isSystem: boolean,
  title: string,
  call: nullable(told),
  parts: list(told),
  partCount: integer,
  done: nullable(
    object({
      blockNumber: count,
      timeMs: count,
      index: count,
      isSuccess: boolean,
      gasUsed: big,
      fee: fixed('asset:0'),
      created: nullable(hex),
      events: list(event),
      eventCount: count,
    }),
  ),
});
export type Transaction = Decoded<typeof transaction>;

const row = object({
  index: count,
  hash: hex,
  from: hex,
  to: nullable(hex),
  toName: nullable(string),
  isSystem: boolean,
  isSuccess: boolean,
  title: string,
  gasUsed: big,
  eventCount: count,
  writtenCount: count,
  lane: count,
  // Where the block could be run again (RPC-40); null elsewhere, and from nodes that do not.
  core: nullable(integer),
  startGas: nullable(big),
  isCritical: nullable(boolean),
  waitsFor: nullable(list(object({ index: integer, place: nullable(integer) }))),
  accesses: nullable(
    list(
      object({
        place: integer,
        kind: string,
        value: nullable(big),
        nonce: nullable(big),
        code: nullable(hex),
      }),
    ),
  ),
});
export type Row = Decoded<typeof row>;
export type Access = NonNullable<Row['accesses']>[number];

/** A word of a contract, or an account itself where no slot is named. */
const placeFields = {
  address: hex,
  contract: nullable(string),
  slot: nullable(big),
  field: nullable(string),
  name: nullable(string),
  which: nullable(string),
};
const place = object(placeFields);
export type Place = Decoded<typeof place>;
/** How many read, wrote, only added to a place, and how often somebody waited there. */
const touches = { readCount: count, writeCount: count, deltaCount: count, waitCount: count };

const projection = list(object({ cores: integer, produceMilli: integer, verifyMilli: integer }));
export type Projection = Decoded<typeof projection>;

const touched = object({
  sidecar: hex,
  placeCount: count,
  touchCount: count,
  criticalGas: big,
  largestGas: big,
  criticalPath: list(integer),
  parallelismMilli: integer,
  projected: projection,
  scheduleCores: integer,
  places: list(object({ number: integer, ...placeFields })),
  hot: list(object({ place: integer, ...touches })),
  runs: nullable(object({ transactionCount: count, runCount: count, inVainCount: count })),
  nextTransaction: nullable(integer),
});
export type Touched = Decoded<typeof touched>;

export const record = object({
  blockNumber: count,
  hash: hex,
  timeMs: count,
  gasUsed: big,
  gasLimit: big,
  userGasUsed: big,
  accessListBytes: count,
  accountCount: count,
  writtenCount: count,
  readCount: count,
  laneCount: count,
  transactions: list(row),
  record: nullable(touched),
  hot: list(object({ ...placeFields, writerCount: count })),
});
export type BlockRecord = Decoded<typeof record>;

export const contention = object({
  from: count,
  to: count,
  next: nullable(count),
  blockCount: count,
  transactionCount: count,
  gasUsed: big,
  criticalGas: big,
  parallelismMilli: integer,
  projected: projection,
  runs: nullable(object({ blockCount: count, transactionCount: count, runCount: count, inVainCount: count })),
  hot: list(object({ ...placeFields, blockCount: count, ...touches })),
  fields: list(object({ contract: string, field: string, wordCount: count, blockCount: count, ...touches })),
  blocks: list(
    object({
      blockNumber: count,
      hash: hex,
      transactionCount: count,
      gasUsed: big,
      criticalGas: big,
      parallelismMilli: integer,
      hottest: nullable(place),
    }),
  ),
});
export type Contention = Decoded<typeof contention>;

export const blockLine = object({
  number: count,
  hash: hex,
  timestamp: anyCount,
  gasUsed: big,
  gasLimit: big,
  baseFeePerGas: nullable(big),
  transactions: list(hex),
});
export type BlockLine = Decoded<typeof blockLine>;

export const historyPage = page(object({ blockNumber: count, transactionIndex: count, transactionHash: hex }));

const abi: Decoder<Abi> = (raw, at) => {
  if (!Array.isArray(raw)) throw new ShapeError(at, 'ABI', raw);
  for (const [index, item] of raw.entries()) string(fields(item, `${at}[${index}]`).type, `${at}[${index}].type`);
  return raw as Abi;
};

export const contract = object({
  name: string,
  about: string,
  address: nullable(hex),
  kindPrefix: nullable(string),
  abi,
});
export type Contract = Decoded<typeof contract>;
export const contracts = list(contract);

export function functionsOf(of: Contract): { reads: AbiFunction[]; writes: AbiFunction[] } {
  const functions = of.abi.filter((item): item is AbiFunction => item.type === 'function');
  const isRead = (one: AbiFunction) => one.stateMutability === 'view' || one.stateMutability === 'pure';
  return { reads: functions.filter(isRead), writes: functions.filter((one) => !isRead(one)) };
}
