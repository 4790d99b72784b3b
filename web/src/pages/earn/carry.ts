/** Liquidity between wallet and account, as it is: LP tokens of a pool, or a position. No unit of a coin moves. */
import type { Proposal } from '../../act/Act.tsx';
import { ALL } from '../../act/batch.ts';
import { depositPiece, withdrawPiece } from '../../act/liquidity.ts';
import { command, inTurn } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { decimal } from '../../units/decimal.ts';

const SHARE_DECIMALS = 18;

export interface Load {
  readonly kind: 'shares' | 'range';
  /** Of the pool, or the position. */
  readonly id: number;
  readonly amount: bigint;
  /** Whose wallet and account. */
  readonly owner: Hex;
}

/** Every digit, as the command line takes them. */
function exactShares(amount: bigint): string {
  return decimal(amount, SHARE_DECIMALS);
}

/** `in`: to the account, where it backs debts. `out`: to the wallet. */
export function carry(way: 'in' | 'out', { kind, id, amount, owner }: Load): Proposal {
  const what = kind === 'range' ? `position ${id}` : `shares of pool ${id}`;
  const part = kind === 'range' ? ' --position' : ` ${amount === ALL ? 'max' : exactShares(amount)}`;
  return way === 'in'
    ? {
        title: `bring ${what} to the account`,
        actions: [depositPiece(kind, id, amount)],
        command: command(`lp deposit ${id}${part}`),
        notes: ['It goes on earning, and counts as collateral if its coins do.'],
      }
    : {
        title: `take ${what} to the wallet`,
        actions: [withdrawPiece(kind, id, amount, owner)],
        command: command(`lp withdraw ${id}${part}`),
        notes: ['It goes on earning. In the wallet it backs no debt.'],
      };
}

/**
 * What takes liquidity of an account apart: the command line does so in the wallet, so it goes there first, its coins go back as
 * units of the account, and what is left of a position goes back too. Liquidity of a position is counted in its smallest units.
 */
export function removeCommand({
  kind,
  id,
  amount,
  whole,
  index,
}: {
  readonly kind: Load['kind'];
  readonly id: number;
  readonly amount: bigint;
  readonly whole: boolean;
  readonly index: number;
}): string {
  if (kind === 'shares') {
    const part = exactShares(amount);
    return inTurn(command(`lp withdraw ${id} ${part}`), command(`lp remove ${id} ${part} --to-units ${index}`));
  }
  const out = command(`lp withdraw ${id} --position`);
  const taken = command(`lp remove ${id} ${whole ? 'max' : amount} --position --to-units ${index}`);
  return whole ? inTurn(out, taken) : inTurn(out, taken, command(`lp deposit ${id} --position`));
}
