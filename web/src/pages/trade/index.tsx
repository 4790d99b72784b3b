/** Swaps, leverage, and orders that the block executes. */
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { useMarkets, usePriceHistory } from '../../node/queries.ts';
import type { Market } from '../../node/shapes.ts';
import { drawn, drawnUsd } from '../../units/drawn.ts';
import { quantity, shownPrice } from '../../units/quantity.ts';
import { wholeSeconds } from '../../units/time.ts';
import { Answer, Card, Chart, Empty, Page, Skeleton, Tabs } from '../../ui/index.ts';
import { WhichAccount } from '../../wallet/chosen.tsx';
import { Margin } from './Margin.tsx';
import { useDollar, withDollar } from '../../act/dollar.ts';
import { Orders } from './Orders.tsx';
import { Swap } from './Swap.tsx';
import './trade.css';

const TABS = [
  { id: 'swap', text: 'Swap' },
  { id: 'margin', text: 'Long and short' },
  { id: 'orders', text: 'Orders' },
] as const;
type Tab = (typeof TABS)[number]['id'];

export default function Trade() {
  const markets = useMarkets();
  const dollar = useDollar();
  const [params, setParams] = useSearchParams();
  const asked = params.get('tab');
  const tab: Tab = TABS.find((one) => one.id === asked)?.id ?? 'swap';
  const [watched, setWatched] = useState<number | null>(null);
  return (
    <Page
      title="Trade"
      lead="Every price, fee and limit stands here before you sign, and the chain holds you to nothing worse."
      aside={<WhichAccount />}
    >
      <Answer of={markets} lines={8}>
        {(all) =>
          all.length < 2 ? (
            <Empty>Nothing can be traded: this chain lists fewer than two assets.</Empty>
          ) : (
            <div className="columns side">
              <Card>
                <Tabs
                  label="How to trade"
                  tabs={TABS}
                  chosen={tab}
                  onChoose={(id) => setParams({ tab: id }, { replace: true })}
                >
                  {tab === 'swap' ? <Swap markets={withDollar(all, dollar.data)} onWatch={setWatched} /> : null}
                  {tab === 'margin' ? <Margin markets={all} onWatch={setWatched} /> : null}
                  {tab === 'orders' ? <Orders markets={all} onWatch={setWatched} /> : null}
                </Tabs>
              </Card>
              <PriceCard market={all.find((market) => market.assetId === watched) ?? all[0]} />
            </div>
          )
        }
      </Answer>
    </Page>
  );
}

function PriceCard({ market }: { market: Market | undefined }) {
  const history = usePriceHistory(market?.assetId ?? 0);
  if (market === undefined) return null;
  const { price } = market;
  return (
    <Card title={price?.description ?? market.symbol}>
      {price === null ? (
        <p className="quiet">Nobody reports a price of {market.symbol}.</p>
      ) : (
        <>
          <p className="price-now">{shownPrice(price.spot)}</p>
          {price.usable ? null : <p className="warn small">{wholeSeconds(price.why ?? '')}</p>}
        </>
      )}
      {history.data === undefined ? (
        <Skeleton lines={4} />
      ) : (
        <History items={history.data.items} symbol={market.symbol} />
      )}
    </Card>
  );
}

function History({
  items,
  symbol,
}: {
  items: readonly { timeMs: number; spot: bigint; decimals: number }[];
  symbol: string;
}) {
  if (items.length < 2) return <p className="faint small">A curve begins with the second price.</p>;
  const past = [...items].reverse();
  return (
    <Chart
      label={`The price of ${symbol} over the last ${past.length} rounds`}
      x={past.map((item) => item.timeMs / 1_000)}
      series={[
        {
          name: symbol,
          colour: '--accent',
          filled: true,
          values: past.map((item) => drawn(quantity(item.spot, item.decimals, 'usd'))),
        },
      ]}
      yWords={drawnUsd}
      time
      height={260}
    />
  );
}
