/**
 * Transactions that were signed and whose end is not known yet. They outlive a node that goes away and a page that is loaded
 * anew: each is looked for until the chain has it, or says that it never will.
 */
import { hex, nullable, object, type Hex } from '../node/decode.ts';
import type { NodeAccess } from '../node/node.tsx';
import { toast } from '../ui/toasts.ts';

const PLACE = 'capstan.pending';

export interface PendingTransaction {
  readonly hash: Hex;
  readonly words: string;
}

export type Ending = 'done' | 'failed';

function stored(): PendingTransaction[] {
  try {
    const raw: unknown = JSON.parse(sessionStorage.getItem(PLACE) ?? '[]');
    return Array.isArray(raw) ? (raw as PendingTransaction[]) : [];
  } catch {
    return [];
  }
}

function store(list: readonly PendingTransaction[]): void {
  sessionStorage.setItem(PLACE, JSON.stringify(list));
}

const receipt = nullable(object({ status: hex }));

/** Waits until the chain has a transaction, through losses of the node. */
export async function ending(node: NodeAccess, sent: PendingTransaction): Promise<Ending> {
  store([...stored().filter((known) => known.hash !== sent.hash), sent]);
  const done = (how: Ending): Ending => {
    store(stored().filter((known) => known.hash !== sent.hash));
    return how;
  };
  for (;;) {
    const found = await node.rpc.read(receipt, 'eth_getTransactionReceipt', [sent.hash]).catch(() => null);
    if (found) return done(BigInt(found.status) === 1n ? 'done' : 'failed');
    await nextHead(node);
  }
}

/** The next block, or a second: whatever comes first. */
function nextHead(node: NodeAccess): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(go, 1_000);
    const stop = node.heads.onHead(go);
  });
}

/** Looks again for what an earlier life of this page signed. */
export function resume(node: NodeAccess): void {
  for (const sent of stored()) {
    void ending(node, sent).then((how) => toast(how === 'done' ? `Done: ${sent.words}` : `Failed: ${sent.words}`));
  }
}
