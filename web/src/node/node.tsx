/** What every page asks: the link, the methods, the newest blocks; and how answers stay fresh. */
import { QueryClient, QueryClientProvider, useQueryClient } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useSyncExternalStore, type ReactNode } from 'react';
import { count } from './decode.ts';
import { Heads, type SeenHead } from './heads.ts';
import { Link, NodeGone, RpcError, type LinkState, type Socket } from './link.ts';
import { Rpc } from './rpc.ts';

/** Answers about the present are asked for again this often while blocks come, at most. */
const REFRESH_MS = 1_000;

export interface NodeAccess {
  readonly link: Link;
  readonly rpc: Rpc;
  readonly heads: Heads;
}

/** The node that serves this page; behind `npm run dev`, the one that Vite passes on to. */
export function openNode(): NodeAccess {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const url = `${scheme}://${location.host}/${import.meta.env.DEV ? 'rpc' : ''}`;
  const link = new Link(() => new WebSocket(url) as Socket);
  return { link, rpc: new Rpc(link), heads: new Heads(link) };
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 500,
      refetchOnWindowFocus: true,
      // A node that is gone is asked again when it is back; what it refuses, it refuses again.
      retry: (failures, error) => !(error instanceof NodeGone || error instanceof RpcError) && failures < 1,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

const Context = createContext<NodeAccess | null>(null);

export function NodeProvider({ node, children }: { node: NodeAccess; children: ReactNode }) {
  return (
    <QueryClientProvider client={queryClient}>
      <Context value={node}>
        <Freshness />
        {children}
      </Context>
    </QueryClientProvider>
  );
}

export function useNode(): NodeAccess {
  const node = useContext(Context);
  if (!node) throw new Error('useNode outside of NodeProvider');
  return node;
}

export function useLinkState(): LinkState {
  const { link } = useNode();
  return useSyncExternalStore(link.onState, () => link.state);
}

/** The newest blocks, newest first. */
export function useHeads(): readonly SeenHead[] {
  const { heads } = useNode();
  return useSyncExternalStore(heads.onHead, heads.all);
}

/** Marks a query whose answer is another with each block. */
export const LIVE = { live: true } as const;

/** Blocks make what is shown old: at most once a second, and at once when the node is back. */
function Freshness() {
  const { link, heads } = useNode();
  const queries = useQueryClient();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = () => {
      timer = undefined;
      void queries.invalidateQueries({ predicate: (query) => query.meta?.live === true });
    };
    const stopHeads = heads.onHead(() => (timer ??= setTimeout(refresh, REFRESH_MS)));
    const stopState = link.onState(() => {
      if (link.state === 'live') void queries.invalidateQueries();
    });
    return () => {
      clearTimeout(timer);
      stopHeads();
      stopState();
    };
  }, [link, heads, queries]);
  return null;
}

export async function askChainId(link: Link): Promise<number> {
  return count(await link.request('eth_chainId'), 'eth_chainId');
}
