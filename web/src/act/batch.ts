/** The verbs of a batch, encoded as `specs/account.md` has them, and read back into words: what is shown is what is signed. */
import { decodeAbiParameters, encodeAbiParameters, encodeFunctionData, type Hex } from 'viem';
import { accountAbi } from '../generated/account.ts';
import { addresses } from '../generated/addresses.ts';
import type { AccountName, Action } from '../node/rpc.ts';
import { assetUnit, PLACES, quantity, shown, shownAmount, shownDown, shownUp, usd } from '../units/quantity.ts';
import { agreementInWords } from './agreements.ts';
import { liquidityInWords } from './liquidity.ts';

/** Permanent numbers. */
export const VERB = {
  deposit: 1,
  withdraw: 2,
  supply: 3,
  redeem: 4,
  borrow: 5,
  repay: 6,
  transfer: 7,
  closeAll: 9,
  mint: 11,
  burn: 12,
  swap: 20,
} as const;

/** All there is. */
export const ALL = (1n << 256n) - 1n;

const ASSET_AMOUNT = [{ type: 'uint32' }, { type: 'uint256' }] as const;
const WITHDRAWAL = [{ type: 'uint32' }, { type: 'uint256' }, { type: 'address' }] as const;
const OTHER_ACCOUNT = [{ type: 'uint32' }, { type: 'uint256' }, { type: 'address' }, { type: 'uint8' }] as const;
const DOLLARS = [{ type: 'uint256' }] as const;
const SWAP = [
  {
    type: 'tuple',
    components: [
      {
        name: 'legs',
        type: 'tuple[]',
        components: [
          { name: 'poolId', type: 'uint32' },
          { name: 'assetIn', type: 'uint32' },
          { name: 'assetOut', type: 'uint32' },
          { name: 'exactOut', type: 'bool' },
          { name: 'amount', type: 'uint256' },
        ],
      },
      {
        name: 'bounds',
        type: 'tuple',
        components: [
          { name: 'assetIn', type: 'uint32' },
          { name: 'paidMax', type: 'uint256' },
          { name: 'assetOut', type: 'uint32' },
          { name: 'receivedMin', type: 'uint256' },
        ],
      },
      { name: 'deadlineMs', type: 'uint64' },
    ],
  },
] as const;

export interface Leg {
  readonly poolId: number;
  readonly assetIn: number;
  readonly assetOut: number;
  readonly exactOut: boolean;
  readonly amount: bigint;
}

export interface Bounds {
  readonly assetIn: number;
  readonly paidMax: bigint;
  readonly assetOut: number;
  readonly receivedMin: bigint;
}

/** A way through the pools, what it may cost and bring, and until when. */
export interface Way {
  readonly legs: readonly Leg[];
  readonly bounds: Bounds;
  readonly deadlineMs: bigint;
}

type OfOneAsset = 'deposit' | 'supply' | 'redeem' | 'borrow' | 'repay';

export function act(verb: OfOneAsset, assetId: number, amount: bigint): Action {
  return { verb: VERB[verb], args: encodeAbiParameters(ASSET_AMOUNT, [assetId, amount]) };
}

export function withdraw(assetId: number, amount: bigint, to: Hex): Action {
  return { verb: VERB.withdraw, args: encodeAbiParameters(WITHDRAWAL, [assetId, amount, to]) };
}

export function mint(amount: bigint): Action {
  return { verb: VERB.mint, args: encodeAbiParameters(DOLLARS, [amount]) };
}

/** Units to another account. */
export function transfer(assetId: number, amount: bigint, to: AccountName): Action {
  return { verb: VERB.transfer, args: encodeAbiParameters(OTHER_ACCOUNT, [assetId, amount, to.owner, to.index]) };
}

export function closeAll(): Action {
  return { verb: VERB.closeAll, args: '0x' };
}

export function swap(way: Way): Action {
  const args = encodeAbiParameters(SWAP, [
    { legs: way.legs.map((leg) => ({ ...leg })), bounds: { ...way.bounds }, deadlineMs: way.deadlineMs },
  ]);
  return { verb: VERB.swap, args };
}

export interface Call {
  readonly to: Hex;
  readonly data: Hex;
  readonly valueWei: bigint;
}

/** The transaction that runs a batch. */
export function executeCall(account: AccountName, actions: readonly Action[]): Call {
  const data = encodeFunctionData({
    abi: accountAbi,
    functionName: 'execute',
    args: [{ owner: account.owner, index: account.index }, actions.map((action) => ({ ...action }))],
  });
  return { to: addresses.account, data, valueWei: 0n };
}

/** How an asset is called and counted. */
export interface AssetWords {
  readonly symbol: string;
  readonly decimals: number;
}

/** Of the chain's own dollar, which has 18 decimals. */
function dollars(amount: bigint): string {
  return amount === ALL ? 'all usd' : `${shown(usd(amount), PLACES.amount)} usd`;
}

/** What an action says, read from its bytes. */
export function inWords(action: Action, asset: (id: number) => AssetWords, owner: Hex): string {
  const of = (id: number, amount: bigint) => {
    const { symbol, decimals } = asset(id);
    return amount === ALL ? `all ${symbol}` : `${shownAmount(quantity(amount, decimals, assetUnit(id)))} ${symbol}`;
  };
  const one = () => {
    const [id, amount] = decodeAbiParameters(ASSET_AMOUNT, action.args);
    return of(id, amount);
  };
  switch (action.verb) {
    case VERB.deposit:
      return `Bring ${one()} from the wallet to the account`;
    case VERB.supply:
      return `Supply ${one()} to its market`;
    case VERB.redeem:
      return `Take ${one()} out of its market`;
    case VERB.borrow:
      return `Borrow ${one()}`;
    case VERB.repay:
      return `Repay ${one()}`;
    case VERB.withdraw: {
      const [id, amount, to] = decodeAbiParameters(WITHDRAWAL, action.args);
      const whose = to.toLowerCase() === owner.toLowerCase() ? 'your wallet' : to;
      return `Send ${of(id, amount)} to ${whose}`;
    }
    case VERB.closeAll:
      return 'Repay each debt from units and supply of its own asset';
    case VERB.transfer: {
      const [id, amount, to, index] = decodeAbiParameters(OTHER_ACCOUNT, action.args);
      const whose = to.toLowerCase() === owner.toLowerCase() ? `your account ${index}` : `account ${index} of ${to}`;
      return `Move ${of(id, amount)} to ${whose}`;
    }
    case VERB.mint:
      return `Mint ${dollars(decodeAbiParameters(DOLLARS, action.args)[0])}`;
    case VERB.burn:
      return `Pay back ${dollars(decodeAbiParameters(DOLLARS, action.args)[0])} of what was minted`;
    case VERB.swap: {
      const [{ bounds, legs }] = decodeAbiParameters(SWAP, action.args);
      const pools = legs.length === 1 ? 'one pool' : `${legs.length} pools`;
      const [paid, received] = [asset(bounds.assetIn), asset(bounds.assetOut)];
      const most = shownUp(quantity(bounds.paidMax, paid.decimals, assetUnit(bounds.assetIn)), PLACES.amount);
      const least = shownDown(
        quantity(bounds.receivedMin, received.decimals, assetUnit(bounds.assetOut)),
        PLACES.amount,
      );
      return `Swap at most ${most} ${paid.symbol} for at least ${least} ${received.symbol}, by ${pools}`;
    }
    default:
      return liquidityInWords(action, owner) ?? agreementInWords(action) ?? `Verb ${action.verb} with ${action.args}`;
  }
}
