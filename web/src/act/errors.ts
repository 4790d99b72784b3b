/** Whatever went wrong, in words: what happened, and what to do. */
import { BaseError, isHex, type Hex } from 'viem';
import { NodeGone, RpcError } from '../node/link.ts';
import type { Rpc } from '../node/rpc.ts';

export interface Said {
  readonly title: string;
  readonly words: string;
  readonly help?: string;
}

const REJECTED = 4001;

/** All causes of an error, itself first. */
function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  let next = error;
  while (next !== undefined && next !== null && !found.includes(next)) {
    found.push(next);
    next = (next as { cause?: unknown }).cause;
  }
  return found;
}

function revertOf(all: readonly unknown[]): Hex | null {
  for (const cause of all) {
    const { data } = cause as { data?: unknown };
    if (isHex(data) && data.length >= 10) return data;
    const inner = (data as { data?: unknown } | undefined)?.data;
    if (isHex(inner) && inner.length >= 10) return inner;
  }
  return null;
}

export async function sayError(error: unknown, rpc: Rpc): Promise<Said> {
  const all = causes(error);
  if (all.some((cause) => (cause as { code?: unknown }).code === REJECTED)) {
    return { title: 'You declined', words: 'The wallet did not sign, and nothing happened.' };
  }
  if (all.some((cause) => cause instanceof NodeGone)) {
    return {
      title: 'The node is gone',
      words: 'It did not answer. If a transaction was signed, the page looks for it when the node is back.',
      help: 'Nothing has to be done twice: wait until the node is back.',
    };
  }
  const revert = revertOf(all);
  if (revert) {
    const worded = await rpc.decodeError(revert).catch(() => null);
    if (worded) return { title: 'The chain refuses this', words: worded.message, help: worded.help };
  }
  const text = shortest(all);
  if (/insufficient funds|exceeds the balance/i.test(text)) {
    return {
      title: 'Not enough coins for gas',
      words: 'The wallet cannot pay for this transaction.',
      help: 'Send it some ETH; on a development chain, by the button in the wallet.',
    };
  }
  if (/nonce/i.test(text)) {
    return {
      title: 'Another tab was faster',
      words: 'This wallet has just sent another transaction.',
      help: 'Look at the account as it is now, and sign again if you still want to.',
    };
  }
  return { title: 'This did not work', words: text };
}

function shortest(all: readonly unknown[]): string {
  const node = all.find((cause) => cause instanceof RpcError);
  if (node) return node.message;
  for (const cause of all) if (cause instanceof BaseError) return cause.shortMessage;
  const first = all[0];
  return first instanceof Error ? (first.message.split('\n')[0] ?? first.message) : String(first);
}
