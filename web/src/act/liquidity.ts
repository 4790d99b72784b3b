/** Verbs of a batch about liquidity and farms, encoded as `specs/account.md` has them, and read back into words. */
import { decodeAbiParameters, encodeAbiParameters } from 'viem';
import type { Action } from '../node/rpc.ts';

/** Permanent numbers. */
export const LIQUIDITY_VERB = { provide: 21, remove: 22, stake: 27, unstake: 28, claim: 29 } as const;

const ALL = (1n << 256n) - 1n;
const PROVISION = [
  {
    type: 'tuple',
    components: [
      { name: 'poolId', type: 'uint32' },
      { name: 'amountsMax', type: 'uint256[]' },
      { name: 'sharesMin', type: 'uint256' },
    ],
  },
] as const;
const REMOVAL = [
  {
    type: 'tuple',
    components: [
      { name: 'poolId', type: 'uint32' },
      { name: 'shares', type: 'uint256' },
      { name: 'amountsMin', type: 'uint256[]' },
    ],
  },
] as const;
const FARM_AMOUNT = [{ type: 'uint32' }, { type: 'uint256' }] as const;
const FARM = [{ type: 'uint32' }] as const;

/** At most so much of each coin of a pool, in its order, for at least so many shares. */
export function provide(poolId: number, amountsMax: readonly bigint[], sharesMin: bigint): Action {
  return { verb: LIQUIDITY_VERB.provide, args: encodeAbiParameters(PROVISION, [{ poolId, amountsMax, sharesMin }]) };
}

/** Shares of a pool, for at least so much of each coin. */
export function remove(poolId: number, shares: bigint, amountsMin: readonly bigint[]): Action {
  return { verb: LIQUIDITY_VERB.remove, args: encodeAbiParameters(REMOVAL, [{ poolId, shares, amountsMin }]) };
}

export function stake(farmId: number, amount: bigint): Action {
  return { verb: LIQUIDITY_VERB.stake, args: encodeAbiParameters(FARM_AMOUNT, [farmId, amount]) };
}

export function unstake(farmId: number, amount: bigint): Action {
  return { verb: LIQUIDITY_VERB.unstake, args: encodeAbiParameters(FARM_AMOUNT, [farmId, amount]) };
}

export function claim(farmId: number): Action {
  return { verb: LIQUIDITY_VERB.claim, args: encodeAbiParameters(FARM, [farmId]) };
}

/** What such an action says, read from its bytes; nothing for other verbs. */
export function liquidityInWords(action: Action): string | null {
  const much = (amount: bigint, of: string) => (amount === ALL ? `all of ${of}` : `a part of ${of}`);
  switch (action.verb) {
    case LIQUIDITY_VERB.provide: {
      const [{ poolId }] = decodeAbiParameters(PROVISION, action.args);
      return `Provide them to pool ${poolId}, for shares that stay on the account`;
    }
    case LIQUIDITY_VERB.remove: {
      const [{ poolId, shares }] = decodeAbiParameters(REMOVAL, action.args);
      return `Take ${much(shares, `your shares of pool ${poolId}`)} apart, into its coins`;
    }
    case LIQUIDITY_VERB.stake: {
      const [farmId, amount] = decodeAbiParameters(FARM_AMOUNT, action.args);
      return `Stake ${much(amount, 'what is there')} in farm ${farmId}`;
    }
    case LIQUIDITY_VERB.unstake: {
      const [farmId, amount] = decodeAbiParameters(FARM_AMOUNT, action.args);
      return `Take ${much(amount, 'the stake')} out of farm ${farmId}`;
    }
    case LIQUIDITY_VERB.claim: {
      const [farmId] = decodeAbiParameters(FARM, action.args);
      return `Claim what farm ${farmId} owes you`;
    }
    default:
      return null;
  }
}
