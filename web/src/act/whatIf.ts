/**
 * What the account contract would say at other prices: its own view is asked, on a state in which the oracle's feed has them.
 * Nothing is computed here, so nothing can differ from what the chain would do.
 */
import { decodeFunctionResult, encodeFunctionData, type Hex } from 'viem';
import { accountAbi } from '../generated/account.ts';
import { addresses } from '../generated/addresses.ts';
import { hex } from '../node/decode.ts';
import type { AccountName, Rpc } from '../node/rpc.ts';
import { quantity, usd, type Health, type Usd } from '../units/quantity.ts';

const PRICE_BITS = 112n;
const PRICE_MASK = (1n << PRICE_BITS) - 1n;
/** `feeds` is field 3 of the oracle, with two words per asset (`specs/layouts.md`). */
const FEEDS_TAG = 3n;

/** Where the oracle keeps a feed: spot and smoothed in the first word, the last price that came in the second. */
export function feedSlots(assetId: number): readonly [Hex, Hex] {
  const first = (FEEDS_TAG << 40n) | (BigInt(assetId) << 8n);
  return [word(first), word(first + 1n)];
}

function word(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, '0')}`;
}

/** The words of a feed with another price in them. */
export function withPrice(words: readonly [bigint, bigint], price: bigint): readonly [bigint, bigint] {
  const [first, second] = words;
  const kept = first & ~(PRICE_MASK | (PRICE_MASK << PRICE_BITS));
  return [kept | price | (price << PRICE_BITS), (second & ~PRICE_MASK) | price];
}

export interface WhatIf {
  readonly collateral: Usd;
  readonly debt: Usd;
  /** Null without debt; liquidated below one. */
  readonly health: Health | null;
  readonly roomToFallBps: number;
}

/** The account's report as it would be with these prices. */
export async function whatIf(rpc: Rpc, of: AccountName, prices: ReadonlyMap<number, bigint>): Promise<WhatIf> {
  const stateDiff: Record<Hex, Hex> = {};
  for (const [assetId, price] of prices) {
    const slots = feedSlots(assetId);
    const words = await Promise.all(
      slots.map(async (slot) => BigInt(await rpc.read(hex, 'eth_getStorageAt', [addresses.oracle, slot, 'latest']))),
    );
    const changed = withPrice([words[0] ?? 0n, words[1] ?? 0n], price & PRICE_MASK);
    stateDiff[slots[0]] = word(changed[0]);
    stateDiff[slots[1]] = word(changed[1]);
  }
  const data = encodeFunctionData({ abi: accountAbi, functionName: 'reportOf', args: [of] });
  const call = { to: addresses.account, data };
  const output = await rpc.read(hex, 'eth_call', [call, 'latest', { [addresses.oracle]: { stateDiff } }]);
  const report = decodeFunctionResult({ abi: accountAbi, functionName: 'reportOf', data: output });
  return {
    collateral: usd(report.collateral),
    debt: usd(report.debt),
    health: report.healthMaintenance > 1n << 200n ? null : quantity(report.healthMaintenance, 18, 'health'),
    roomToFallBps: report.roomToFallBps,
  };
}
