/** What is painted first, and everything behind it: wallets and pages come while the first questions are on their way. */
import { lazy, Suspense } from 'react';
import { NodeProvider, queryClient, type NodeAccess } from '../node/node.tsx';
import { Boundary } from './Boundary.tsx';
import { Frame } from './Frame.tsx';

const Whole = lazy(() => import('./Whole.tsx'));

export function App({ node }: { node: NodeAccess }) {
  return (
    <Boundary>
      <NodeProvider node={node}>
        <Suspense fallback={<Frame />}>
          <Whole />
        </Suspense>
      </NodeProvider>
    </Boundary>
  );
}

/** Asked while the rest is still on its way: nearly every page shows it. */
export function askEarly({ rpc }: NodeAccess): void {
  // A failure is asked again, and told, by whoever shows them.
  queryClient.query({ queryKey: ['markets'], queryFn: rpc.markets }).catch(() => undefined);
}
