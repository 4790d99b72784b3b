/** Contracts, typed, over the same WebSocket. Apart from the rest, since the library behind it weighs more than all of that. */
import { createPublicClient, custom, defineChain, type Chain, type PublicClient } from 'viem';
import type { Link } from './link.ts';

export function chainOf(chainId: number): Chain {
  return defineChain({
    id: chainId,
    name: 'Capstan',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [`${location.origin}/`] } },
    contracts: { multicall3: { address: '0xcA11bde05977b3631167028862bE2a173976CA11' } },
  });
}

const clients = new WeakMap<Link, PublicClient>();

/** Typed contract reads over the same WebSocket. */
export function publicClient(link: Link): PublicClient {
  const known = clients.get(link);
  if (known) return known;
  const provider = {
    request: ({ method, params }: { method: string; params?: unknown }) =>
      link.request(method, (params as readonly unknown[] | undefined) ?? []),
  };
  const client = createPublicClient({ transport: custom(provider, { retryCount: 0 }), pollingInterval: 250 });
  clients.set(link, client);
  return client;
}
