/** One market: its rates now and at any use, its price and its limits. */
import { useMemo } from 'react';
import { Link, useParams } from 'react-router';
import { command, named } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { useMarkets, usePriceHistory } from '../../node/queries.ts';
import type { Market as MarketState } from '../../node/shapes.ts';
import { drawn, drawnUsd } from '../../units/drawn.ts';
import { shownAmount, shownBps, shownPercent, shownPrice, shownSum, usd } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import {
  Address,
  Answer,
  AssetName,
  Badge,
  Card,
  Chart,
  Empty,
  Notice,
  Num,
  Page,
  Stat,
  Stats,
} from '../../ui/index.ts';
import { Freshness } from './Freshness.tsx';
import { curve } from './rates.ts';

export default function Market() {
  const { assetId } = useParams();
  const markets = useMarkets();
  return (
    <Answer of={markets} lines={6}>
      {(list) => {
        const market = list.find((item) => String(item.assetId) === assetId);
        return market ? (
          <Shown market={market} />
        ) : (
          <Page title="No such market">
            <Empty action={<Link to="/markets">All markets</Link>}>Asset {assetId} has no market on this chain.</Empty>
          </Page>
        );
      }}
    </Answer>
  );
}

function Shown({ market }: { market: MarketState }) {
  const nowMs = useHeads()[0]?.seenMs ?? 0;
  const show = command(`market show ${named(market.symbol, market.assetId)}`);
  const { paused, params, nextParams } = market;
  const stopped = [
    paused.supply ? 'supplying' : '',
    paused.redeem ? 'taking out' : '',
    paused.borrow ? 'borrowing' : '',
  ].filter(Boolean);
  return (
    <Page
      title={<AssetName symbol={market.symbol} />}
      lead={market.price?.description}
      aside={
        <Link className="button primary" to={`/account?asset=${market.assetId}`}>
          Supply or borrow
        </Link>
      }
    >
      {stopped.length > 0 ? (
        <Notice tone="warn" title={`Paused: ${stopped.join(', ')}`}>
          Repaying and adding collateral cannot be paused.
        </Notice>
      ) : null}
      {market.price && !market.price.usable ? (
        <Notice tone="warn" title="The price may not be used">
          {market.price.why}. Nobody can borrow against it until it is back.
        </Notice>
      ) : null}
      <Card title="Now" command={show}>
        <Stats>
          <Stat name="Price" large note={<Freshness price={market.price} nowMs={nowMs} />}>
            <Num copy={show}>{market.price ? shownPrice(market.price.spot) : '–'}</Num>
          </Stat>
          <Stat name="Supply earns" large note="a year, at this use">
            <Num copy={show}>{shownPercent(market.supplyRatePerYear)}</Num>
          </Stat>
          <Stat name="Borrowing costs" large note="a year, at this use">
            <Num copy={show}>{shownPercent(market.borrowRatePerYear)}</Num>
          </Stat>
          <Stat name="Lent out" large note={`best at ${shownBps(params.optimalBps)}`}>
            <Num copy={show}>{shownPercent(market.utilisation)}</Num>
          </Stat>
        </Stats>
      </Card>
      <div className="columns two">
        <RateCurve market={market} />
        <PriceCurve market={market} />
      </div>
      <Card title="Limits and places" command={show}>
        <Stats>
          <Stat name="Supplied" note={`at most ${shownAmount(params.supplyCap)}`}>
            <Num copy={show} unit={market.symbol}>
              {shownSum(market.supplied)}
            </Num>
          </Stat>
          <Stat name="Borrowed" note={`at most ${shownAmount(params.borrowCap)}`}>
            <Num copy={show} unit={market.symbol}>
              {shownSum(market.borrowed)}
            </Num>
          </Stat>
          <Stat name="Can be borrowed or taken out">
            <Num copy={show} unit={market.symbol}>
              {shownSum(market.cash)}
            </Num>
          </Stat>
          <Stat name="Reserve" note={`${shownBps(params.reserveFactorBps)} of the interest`}>
            <Num copy={show} unit={market.symbol}>
              {shownAmount(market.reserve)}
            </Num>
          </Stat>
          <Stat name="Token">
            <Address of={market.token} />
          </Stat>
          <Stat name="Shares as a token (ERC-4626)">
            <Address of={market.shareToken} />
          </Stat>
        </Stats>
        {nextParams ? (
          <Notice title={`Other terms from ${moment(nextParams.fromMs)}`}>
            Supply at most {shownAmount(nextParams.params.supplyCap)}, borrow at most{' '}
            {shownAmount(nextParams.params.borrowCap)}, best use {shownBps(nextParams.params.optimalBps)}.
          </Notice>
        ) : null}
      </Card>
    </Page>
  );
}

function RateCurve({ market }: { market: MarketState }) {
  const { params } = market;
  const points = useMemo(() => curve(params), [params]);
  const series = useMemo(
    () => [
      { name: 'Borrowing costs', values: points.borrow, colour: '--accent' },
      { name: 'Supply earns', values: points.supply, colour: '--good', dashed: true },
    ],
    [points],
  );
  return (
    <Card title="Rates by use" aside={<Legend />}>
      {params.rateModel === 'kinked' ? null : (
        <Badge title="The curve moves by itself while use stays off its best">adapts with time</Badge>
      )}
      <Chart
        label={`Rates of ${market.symbol} by how much is lent out; now ${shownPercent(market.utilisation)}`}
        x={points.used}
        series={series}
        xWords={(value) => `${value} %`}
        yWords={(value) => `${value} %`}
        mark={drawn(market.utilisation) * 100}
      />
      <p className="small faint">
        Flat up to {shownBps(params.optimalBps)} lent out, then steep, so that whoever supplies can always leave. The
        line stands where the market is now.
      </p>
    </Card>
  );
}

function Legend() {
  return (
    <span className="row small">
      <span className="accent">Borrowing costs</span>
      <span className="good">Supply earns</span>
    </span>
  );
}

function PriceCurve({ market }: { market: MarketState }) {
  const history = usePriceHistory(market.assetId);
  const items = history.data?.items;
  const points = useMemo(() => {
    const old = [...(items ?? [])].reverse();
    return {
      x: old.map((item) => item.timeMs / 1_000),
      series: [
        { name: 'Price', values: old.map((item) => drawn(usd(item.spot))), colour: '--accent', filled: true },
        { name: 'Smoothed', values: old.map((item) => drawn(usd(item.smoothed))), colour: '--ink-faint', dashed: true },
      ],
    };
  }, [items]);
  return (
    <Card title="Price" aside={<span className="small faint">smoothed: dashed</span>}>
      <Answer of={history}>
        {(page) =>
          page.items.length < 2 ? (
            <Empty>Prices are drawn here once there are two.</Empty>
          ) : (
            <Chart
              label={`Price of ${market.symbol} in dollars over time`}
              x={points.x}
              series={points.series}
              yWords={drawnUsd}
              time
            />
          )
        }
      </Answer>
      <p className="small faint">Borrowing uses the worse of price and smoothed; liquidation the price itself.</p>
    </Card>
  );
}
