/** Verbs of a batch about fixed terms and streams, encoded as `specs/account.md` has them, and read back into words. */
import { decodeAbiParameters, encodeAbiParameters } from 'viem';
import type { Action } from '../node/rpc.ts';

/** Permanent numbers. */
export const AGREEMENT_VERB = {
  takeLoan: 13,
  repayLoan: 14,
  assign: 15,
  collect: 18,
} as const;

const LOAN = [{ type: 'uint64' }, { type: 'uint256' }] as const;
const STREAM = [{ type: 'uint64' }] as const;
const ALL = (1n << 256n) - 1n;

/** So much of an offer, as a debt of the account; it comes as units. */
export function takeLoan(offerId: bigint, amount: bigint): Action {
  return { verb: AGREEMENT_VERB.takeLoan, args: encodeAbiParameters(LOAN, [offerId, amount]) };
}

/** Units on a loan; the largest number ends it. */
export function repayLoan(loanId: bigint, amount: bigint): Action {
  return { verb: AGREEMENT_VERB.repayLoan, args: encodeAbiParameters(LOAN, [loanId, amount]) };
}

/** A stream pays the account's debt in its asset from now on. */
export function assign(streamId: bigint): Action {
  return { verb: AGREEMENT_VERB.assign, args: encodeAbiParameters(STREAM, [streamId]) };
}

/** What a stream owes the account: its debt first, then units. */
export function collect(streamId: bigint): Action {
  return { verb: AGREEMENT_VERB.collect, args: encodeAbiParameters(STREAM, [streamId]) };
}

/** What such an action says, read from its bytes; nothing for other verbs. */
export function agreementInWords(action: Action): string | null {
  switch (action.verb) {
    case AGREEMENT_VERB.takeLoan: {
      const [id] = decodeAbiParameters(LOAN, action.args);
      return `Take a loan by offer ${id}, on the terms shown here`;
    }
    case AGREEMENT_VERB.repayLoan: {
      const [id, amount] = decodeAbiParameters(LOAN, action.args);
      return amount === ALL ? `Pay all that ends loan ${id}` : `Pay on loan ${id}: late fees first, then what is due`;
    }
    case AGREEMENT_VERB.assign: {
      const [id] = decodeAbiParameters(STREAM, action.args);
      return `Let stream ${id} pay this account’s debt in its asset, until nothing is owed`;
    }
    case AGREEMENT_VERB.collect: {
      const [id] = decodeAbiParameters(STREAM, action.args);
      return `Collect what stream ${id} owes this account`;
    }
    default:
      return null;
  }
}
