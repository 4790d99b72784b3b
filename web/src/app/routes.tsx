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

/** A page's folder exports it as `default`. */
function page(load: () => Promise<{ default: React.ComponentType }>): Pick<RouteObject, 'lazy' | 'ErrorBoundary'> {
  return { lazy: async () => ({ Component: (await load()).default }), ErrorBoundary: RouteBroken };
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
      { path: 'risk', ...page(() => import('../pages/risk/index.tsx')) },
      { path: '*', Component: NotHere },
    ],
  },
];
