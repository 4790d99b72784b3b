/** Who gets something, as somebody wrote it: an address, and which of its accounts. */
import { isAddress } from 'viem';
import type { Hex } from '../../node/decode.ts';
import { wholeNumber } from './words.ts';

export interface WhomText {
  readonly to: string;
  readonly index: string;
}

export const NOBODY: WhomText = { to: '', index: '0' };

/** An account's number is one byte on the chain. */
const INDEX_MAX = 255;

export interface WhomRead {
  readonly to: Hex | null;
  readonly index: number;
  readonly wrong: Partial<Record<keyof WhomText, string>>;
}

export function readWhom(text: WhomText): WhomRead {
  const address = text.to.trim();
  const to = isAddress(address) ? address : null;
  const index = wholeNumber(text.index, 0, INDEX_MAX);
  const isWrongTo = address !== '' && to === null;
  return {
    to,
    index: typeof index === 'number' ? index : 0,
    wrong: {
      ...(isWrongTo ? { to: 'an address has 0x and 40 digits' } : {}),
      ...(typeof index === 'string' ? { index } : {}),
    },
  };
}

/** `0x..`, and the number of the account where it is not the first. */
export function whomWords({ to, index }: { readonly to: string; readonly index: number }): string {
  return index === 0 ? to : `account ${index} of ${to}`;
}

/** The flag of the command line that names the account. */
export function whomFlag({ index }: { readonly index: number }): string {
  return index === 0 ? '' : ` --to-index ${index}`;
}
