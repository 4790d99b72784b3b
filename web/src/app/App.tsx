import { useQuery } from '@tanstack/react-query';
import { createHashRouter, RouterProvider } from 'react-router';
import { askChainId, NodeProvider, useLinkState, useNode, type NodeAccess } from '../node/node.tsx';
import { Notice, Skeleton } from '../ui/index.ts';
import { WalletProvider } from '../wallet/wallet.tsx';
import { Boundary } from './Boundary.tsx';
import { routes } from './routes.tsx';

const router = createHashRouter(routes);

export function App({ node }: { node: NodeAccess }) {
  return (
    <Boundary>
      <NodeProvider node={node}>
        <Started />
      </NodeProvider>
    </Boundary>
  );
}

/** Everything needs to know which chain it is on, so that is asked first. */
function Started() {
  const { link } = useNode();
  const state = useLinkState();
  const chain = useQuery({ queryKey: ['chainId'], queryFn: () => askChainId(link), staleTime: Infinity });
  if (chain.data !== undefined) {
    // Another chain behind the same address has another wallet and other answers: everything begins anew.
    return (
      <WalletProvider key={chain.data} chainId={chain.data}>
        <RouterProvider router={router} />
      </WalletProvider>
    );
  }
  return (
    <main>
      {state === 'gone' ? (
        <Notice tone="bad" title="The node does not answer">
          Is <code>capstan dev</code> running? This page looks again by itself.
        </Notice>
      ) : (
        <Skeleton lines={4} />
      )}
    </main>
  );
}
