import { useQuery } from '@tanstack/react-query';
import { createHashRouter, RouterProvider } from 'react-router';
import { askChainId, useLinkState, useNode } from '../node/node.tsx';
import { Notice } from '../ui/index.ts';
import { Frame } from './Frame.tsx';
import { WalletProvider } from '../wallet/wallet.tsx';
import { loadRest, routes } from './routes.tsx';
import '../ui/behind.css';

const router = createHashRouter(routes);
/** By then the first page stands. */
const REST_AFTER_MS = 2_000;
setTimeout(loadRest, REST_AFTER_MS);

/** Everything needs to know which chain it is on, so that is asked first. */
export default function Whole() {
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
    <Frame>
      {state === 'gone' ? (
        <Notice tone="bad" title="The node does not answer">
          Is <code>capstan dev</code> running? This page looks again by itself.
        </Notice>
      ) : null}
    </Frame>
  );
}
