/** Where a search leads. */
import { isAddress } from 'viem';

export type Found = { ok: true; path: string } | { ok: false; words: string };

/** A height, a hash, an address, or the name of a contract. `isBlock` says of a hash whether a block has it. */
export async function find(
  text: string,
  contracts: readonly string[],
  isBlock: (hash: `0x${string}`) => Promise<boolean>,
): Promise<Found> {
  const asked = text.trim();
  const height = asked.replaceAll(/[\s_,#]/g, '');
  if (/^[0-9]{1,15}$/.test(height)) return { ok: true, path: `block/${BigInt(height).toString()}` };
  if (/^0x[0-9a-fA-F]{64}$/.test(asked)) {
    const hash = asked.toLowerCase() as `0x${string}`;
    return { ok: true, path: (await isBlock(hash)) ? `block/${hash}` : `tx/${hash}` };
  }
  if (/^0x[0-9a-fA-F]{40}$/.test(asked)) {
    // A checksum that does not fit is a typing mistake that somebody would pay for.
    if (!isAddress(asked))
      return { ok: false, words: 'This address has a typing mistake: its capital letters do not fit.' };
    return { ok: true, path: `address/${asked}` };
  }
  const named = contracts.find((name) => name.toLowerCase() === asked.toLowerCase());
  if (named !== undefined) return { ok: true, path: `contract/${named}` };
  return { ok: false, words: 'Write a block number, a hash or an address of 0x…, or the name of a contract.' };
}
