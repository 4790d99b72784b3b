/** What liquidity and deposits earn: pools, farms, products, fixed terms; and what flows. */
import { lazy, Suspense } from 'react';
import { useSearchParams } from 'react-router';
import { useMarkets } from '../../node/queries.ts';
import { Answer, Page, Skeleton, Tabs } from '../../ui/index.ts';
import { Farms } from './Farms.tsx';
import { Pools } from './Pools.tsx';
import { Products } from './Products.tsx';
import { WhichAccount } from '../../wallet/chosen.tsx';
import './earn.css';

const Terms = lazy(() => import('./terms/index.tsx'));
const Streams = lazy(() => import('./streams/index.tsx'));

const TABS = [
  { id: 'pools', text: 'Pools' },
  { id: 'farms', text: 'Farms' },
  { id: 'products', text: 'Leveraged tokens and vaults' },
  { id: 'terms', text: 'Fixed terms' },
  { id: 'streams', text: 'Streams' },
] as const;
type Tab = (typeof TABS)[number]['id'];

export default function Earn() {
  const markets = useMarkets();
  const [params, setParams] = useSearchParams();
  const tab: Tab = TABS.find((one) => one.id === params.get('tab'))?.id ?? 'pools';
  return (
    <Page
      title="Earn"
      lead="Fees, rewards and rates come from somebody who pays them. Here stands who, how much now, and what it costs you if prices move."
      aside={<WhichAccount />}
    >
      <Answer of={markets} lines={8}>
        {(all) => (
          <Tabs
            label="Ways to earn"
            tabs={TABS}
            chosen={tab}
            onChoose={(id) => setParams({ tab: id }, { replace: true })}
          >
            {tab === 'pools' ? <Pools markets={all} /> : null}
            {tab === 'farms' ? <Farms markets={all} /> : null}
            {tab === 'products' ? <Products markets={all} /> : null}
            <Suspense fallback={<Skeleton lines={4} />}>
              {tab === 'terms' ? <Terms markets={all} /> : null}
              {tab === 'streams' ? <Streams markets={all} /> : null}
            </Suspense>
          </Tabs>
        )}
      </Answer>
    </Page>
  );
}
