/** Which page is where. Each is loaded when it is first opened. */
import { useRouteError, type RouteObject } from 'react-router';
import { Empty, Page } from '../ui/index.ts';
import { Broken } from './Boundary.tsx';
import { Shell } from './Shell.tsx';

function RouteBroken() {
  const error: unknown = useRouteError();
  return <Broken error={error instanceof Error ? error : new Error(String(error))} onAgain={() => location.reload()} />;
}

function NotHere() {
  return (
    <Page title="Nothing is here">
      <Empty action={<a href="#/">To the first page</a>}>This address names no page.</Empty>
    </Page>
  );
}

type Load = () => Promise<{ default: React.ComponentType }>;

/** How long until a file that did not come is asked for again. */
const AGAIN_MS = 1_000;
const loads: Load[] = [];

/** A file that does not come while the node is away comes when it is back; the strip says meanwhile that it is gone. */
async function sturdy(load: Load): ReturnType<Load> {
  for (;;) {
    const loaded = await load().catch(() => null);
    if (loaded) return loaded;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** All pages, once there is nothing else to do: whoever opens one later waits for nobody. */
export function loadRest(): void {
  for (const load of loads) load().catch(() => undefined);
}

/** A page's folder exports it as `default`. */
function page(load: Load): Pick<RouteObject, 'lazy' | 'ErrorBoundary'> {
  loads.push(load);
  return { lazy: async () => ({ Component: (await sturdy(load)).default }), ErrorBoundary: RouteBroken };
}

export const routes: RouteObject[] = [
  {
    path: '/',
    Component: Shell,
    ErrorBoundary: RouteBroken,
    HydrateFallback: () => null,
    children: [
      { index: true, ...page(() => import('../pages/home/index.tsx')) },
      { path: 'markets', ...page(() => import('../pages/markets/index.tsx')) },
      { path: 'markets/:assetId', ...page(() => import('../pages/markets/Market.tsx')) },
      { path: 'account', ...page(() => import('../pages/account/index.tsx')) },
      { path: 'account/:owner/:index?', ...page(() => import('../pages/account/index.tsx')) },
      { path: 'liquidation/:id', ...page(() => import('../pages/account/Liquidation.tsx')) },
      { path: 'trade', ...page(() => import('../pages/trade/index.tsx')) },
      { path: 'earn/*', ...page(() => import('../pages/earn/index.tsx')) },
      { path: 'explorer/*', ...page(() => import('../pages/explorer/index.tsx')) },
      { path: 'machines/*', ...page(() => import('../pages/machines/index.tsx')) },
      { path: 'ai', ...page(() => import('../pages/ai/index.tsx')) },
      { path: 'risk', ...page(() => import('../pages/risk/index.tsx')) },
      { path: '*', Component: NotHere },
    ],
  },
];
