/** Verbs of a batch about liquidity and farms, encoded as `specs/account.md` has them, and read back into words. */
import { decodeAbiParameters, encodeAbiParameters, type Hex } from 'viem';
import type { AccountName, Action } from '../node/rpc.ts';

/** Permanent numbers. */
export const LIQUIDITY_VERB = {
  provide: 21,
  remove: 22,
  openRange: 23,
  growRange: 24,
  shrinkRange: 25,
  movePiece: 26,
  stake: 27,
  unstake: 28,
  claim: 29,
  depositPiece: 30,
  withdrawPiece: 31,
} as const;

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
const OPENING = [
  { type: 'uint32' },
  { type: 'int32' },
  { type: 'int32' },
  { type: 'uint256[2]' },
  { type: 'uint128' },
] as const;
const GROWTH = [{ type: 'uint64' }, { type: 'uint256[2]' }, { type: 'uint128' }] as const;
const SHRINKING = [{ type: 'uint64' }, { type: 'uint128' }, { type: 'uint256[2]' }] as const;
const PIECE_TO = [
  { type: 'uint8' },
  { type: 'uint64' },
  { type: 'uint256' },
  { type: 'address' },
  { type: 'uint8' },
] as const;
const PIECE_IN = [{ type: 'uint8' }, { type: 'uint64' }, { type: 'uint256' }] as const;
const PIECE_OUT = [...PIECE_IN, { type: 'address' }] as const;
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

/** Of both coins of a pool of ranges, in its order. */
export type Two = readonly [bigint, bigint];

/** All liquidity of a position. */
export const ALL_LIQUIDITY = (1n << 128n) - 1n;

/** A new position between two ticks. */
export function openRange(poolId: number, lower: number, upper: number, most: Two, liquidityMin: bigint): Action {
  return {
    verb: LIQUIDITY_VERB.openRange,
    args: encodeAbiParameters(OPENING, [poolId, lower, upper, most, liquidityMin]),
  };
}

export function growRange(positionId: number, most: Two, liquidityMin: bigint): Action {
  return {
    verb: LIQUIDITY_VERB.growRange,
    args: encodeAbiParameters(GROWTH, [BigInt(positionId), most, liquidityMin]),
  };
}

/** Liquidity out of a position, and all its fees; nothing of it takes the fees alone. */
export function shrinkRange(positionId: number, liquidity: bigint, least: Two): Action {
  return {
    verb: LIQUIDITY_VERB.shrinkRange,
    args: encodeAbiParameters(SHRINKING, [BigInt(positionId), liquidity, least]),
  };
}

/** What `movePiece` calls each kind. */
const PIECE_KIND = { shares: 0, range: 1, stake: 2 } as const;
export type PieceKind = keyof typeof PIECE_KIND;

export function isPieceKind(kind: string): kind is PieceKind {
  return Object.hasOwn(PIECE_KIND, kind);
}

/** What a piece is called beside its number. */
const PIECE_WORDS = ['shares of pool', 'position', 'stake in farm'] as const;

function pieceWords(kind: number, id: bigint, amount: bigint): string {
  const part = kind === PIECE_KIND.shares ? (amount === ALL ? 'all ' : 'a part of the ') : '';
  return `${part}${PIECE_WORDS[kind] ?? 'piece'} ${id}`;
}

/** Liquidity, whole, to another account. */
export function movePiece(kind: PieceKind, id: number, to: AccountName): Action {
  const args = encodeAbiParameters(PIECE_TO, [PIECE_KIND[kind], BigInt(id), ALL, to.owner, to.index]);
  return { verb: LIQUIDITY_VERB.movePiece, args };
}

/** Liquidity of the wallet, as it is, onto the account: shares of a pool (`shares`), or a position whole (`range`). */
export function depositPiece(kind: PieceKind, id: number, amount: bigint): Action {
  return {
    verb: LIQUIDITY_VERB.depositPiece,
    args: encodeAbiParameters(PIECE_IN, [PIECE_KIND[kind], BigInt(id), amount]),
  };
}

/** The same from the account to a wallet. */
export function withdrawPiece(kind: PieceKind, id: number, amount: bigint, to: Hex): Action {
  return {
    verb: LIQUIDITY_VERB.withdrawPiece,
    args: encodeAbiParameters(PIECE_OUT, [PIECE_KIND[kind], BigInt(id), amount, to]),
  };
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
export function liquidityInWords(action: Action, owner: Hex): string | null {
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
    case LIQUIDITY_VERB.openRange: {
      const [poolId, lower, upper] = decodeAbiParameters(OPENING, action.args);
      return `Open a position in pool ${poolId}, from tick ${lower} to tick ${upper}, which stays on the account`;
    }
    case LIQUIDITY_VERB.growRange: {
      const [positionId] = decodeAbiParameters(GROWTH, action.args);
      return `Add them to position ${positionId}`;
    }
    case LIQUIDITY_VERB.shrinkRange: {
      const [positionId, liquidity] = decodeAbiParameters(SHRINKING, action.args);
      if (liquidity === 0n) return `Take the fees of position ${positionId}`;
      const part = liquidity === ALL_LIQUIDITY ? 'all of position' : 'a part of position';
      return `Take ${part} ${positionId} apart, into its coins, with its fees`;
    }
    case LIQUIDITY_VERB.movePiece: {
      const [kind, id, , owner, index] = decodeAbiParameters(PIECE_TO, action.args);
      return `Move ${pieceWords(kind, id, ALL)} to account ${index} of ${owner}`;
    }
    case LIQUIDITY_VERB.depositPiece: {
      const [kind, id, amount] = decodeAbiParameters(PIECE_IN, action.args);
      return `Bring ${pieceWords(kind, id, amount)} from the wallet to the account`;
    }
    case LIQUIDITY_VERB.withdrawPiece: {
      const [kind, id, amount, to] = decodeAbiParameters(PIECE_OUT, action.args);
      const whose = to.toLowerCase() === owner.toLowerCase() ? 'your wallet' : to;
      return `Send ${pieceWords(kind, id, amount)} to ${whose}, as it is`;
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
