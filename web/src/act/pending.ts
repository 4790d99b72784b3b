/**
 * Transactions that were signed and whose end is not known yet. They outlive a node that goes away and a page that is loaded
 * anew: each is looked for until the chain has it, or says that it never will.
 */
import { hex, nullable, object, type Hex } from '../node/decode.ts';
import { RpcError } from '../node/link.ts';
import type { NodeAccess } from '../node/node.tsx';
import { toast } from '../ui/toasts.ts';

const PLACE = 'capstan.pending';

export interface PendingTransaction {
  readonly hash: Hex;
  readonly words: string;
  /** Its signed bytes, once the node has told them: a node that forgets what waited is given them again. */
  readonly raw?: Hex | undefined;
}

/** `lost`: the node knows nothing of it, and it cannot be given to it again. */
export type Ending = 'done' | 'failed' | 'lost';

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
const known = nullable(object({ hash: hex }));
const bytes = nullable(hex);

/** A node that is asked too early does not know yet what it was just given: so many looks in vain are a loss. */
const LOOKS_IN_VAIN = 3;

/** Waits until the chain has a transaction, through losses of the node and of what waited in it. */
export async function ending(node: NodeAccess, sent: PendingTransaction): Promise<Ending> {
  const keep = (of: PendingTransaction) => store([...stored().filter((other) => other.hash !== of.hash), of]);
  const done = (how: Ending): Ending => {
    store(stored().filter((other) => other.hash !== sent.hash));
    return how;
  };
  let { raw } = sent;
  let inVain = 0;
  keep(sent);
  for (;;) {
    // What cannot be asked now says nothing about the transaction.
    const look = await lookAt(node, sent.hash, raw).catch(() => null);
    if (look?.status !== undefined) return done(look.status === 1n ? 'done' : 'failed');
    if (look?.raw !== undefined && raw === undefined) {
      raw = look.raw;
      keep({ ...sent, raw });
    }
    inVain = look?.isUnknown === true ? inVain + 1 : look ? 0 : inVain;
    if (inVain >= LOOKS_IN_VAIN) {
      if (raw === undefined) return done('lost');
      const again = await node.rpc.read(hex, 'eth_sendRawTransaction', [raw]).catch((error: unknown) => error);
      // It was included meanwhile, or another took its place: the receipt decides.
      if (again instanceof RpcError && /nonce/i.test(again.message)) {
        const late = await lookAt(node, sent.hash, raw).catch(() => null);
        return done(late?.status === 1n ? 'done' : late?.status === 0n ? 'failed' : 'lost');
      }
      if (again instanceof RpcError) return done('lost');
      if (typeof again === 'string') toast(`The node had forgotten it and was given it again: ${sent.words}`);
      inVain = 0;
    }
    await nextHead(node);
  }
}

interface Look {
  readonly status?: bigint;
  readonly raw?: Hex;
  readonly isUnknown?: boolean;
}

async function lookAt({ rpc }: NodeAccess, hash: Hex, raw: Hex | undefined): Promise<Look> {
  const found = await rpc.read(receipt, 'eth_getTransactionReceipt', [hash]);
  if (found) return { status: BigInt(found.status) };
  if (!(await rpc.read(known, 'eth_getTransactionByHash', [hash]))) return { isUnknown: true };
  if (raw !== undefined) return {};
  const told = await rpc.read(bytes, 'eth_getRawTransactionByHash', [hash]);
  return told === null || told === '0x' ? {} : { raw: told };
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

const SAID: Record<Ending, string> = { done: 'Done', failed: 'Failed', lost: 'Never happened' };

/** Looks again for what an earlier life of this page signed. */
export function resume(node: NodeAccess): void {
  for (const sent of stored()) {
    void ending(node, sent).then((how) => toast(`${SAID[how]}: ${sent.words}`));
  }
}
