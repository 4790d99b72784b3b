/** What can be supplied and borrowed, what it costs, and how fresh its price is. */
import { Link } from 'react-router';
import { command, named } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { useMarkets } from '../../node/queries.ts';
import type { Market } from '../../node/shapes.ts';
import { drawn, drawnShare } from '../../units/drawn.ts';
import { shownAmount, shownPercent, shownPrice, shownSum } from '../../units/quantity.ts';
import { Answer, AssetName, Badge, Bar, Card, Empty, Num, Page, Table } from '../../ui/index.ts';
import { Freshness } from './Freshness.tsx';

export default function Markets() {
  const markets = useMarkets();
  return (
    <Page
      title="Markets"
      lead="Whoever supplies lends to whoever borrows. Rates follow from how much of a market is lent; they accrue with every block."
    >
      <Card flush title="All markets" command={command('market list')}>
        <Answer of={markets} lines={5}>
          {(list) =>
            list.length === 0 ? (
              <Empty>
                No market is listed on this chain yet. Its owner lists one with <code>capstan admin list</code>.
              </Empty>
            ) : (
              <MarketTable list={list} />
            )
          }
        </Answer>
      </Card>
    </Page>
  );
}

function MarketTable({ list }: { list: readonly Market[] }) {
  const nowMs = useHeads()[0]?.seenMs ?? 0;
  return (
    <Table
      caption="Markets"
      narrow="stack"
      head={
        <>
          <th scope="col">Asset</th>
          <th scope="col">Price</th>
          <th scope="col">Supply earns</th>
          <th scope="col">Borrowing costs</th>
          <th scope="col">Lent out</th>
          <th scope="col">Supplied</th>
          <th scope="col">Borrowed</th>
        </>
      }
    >
      {list.map((market) => (
        <Row key={market.assetId} market={market} nowMs={nowMs} />
      ))}
    </Table>
  );
}

function Row({ market, nowMs }: { market: Market; nowMs: number }) {
  const show = command(`market show ${named(market.symbol, market.assetId)}`);
  const { supplyCap, borrowCap } = market.params;
  const used = drawn(market.utilisation);
  return (
    <tr>
      <th scope="row">
        <AssetName symbol={market.symbol}>
          <Link to={`/markets/${market.assetId}`}>{market.symbol}</Link>
        </AssetName>
      </th>
      <td data-name="Price">
        <Num copy={show} quiet>
          {market.price ? shownPrice(market.price.spot) : '–'}
        </Num>
        <span className="note">
          <Freshness price={market.price} nowMs={nowMs} />
        </span>
      </td>
      <td data-name="Supply earns">
        <Num copy={show} quiet className="good">
          {shownPercent(market.supplyRatePerYear)}
        </Num>
        {market.paused.supply ? <span className="note warn">paused</span> : null}
      </td>
      <td data-name="Borrowing costs">
        <Num copy={show} quiet>
          {shownPercent(market.borrowRatePerYear)}
        </Num>
        {market.paused.borrow ? <span className="note warn">paused</span> : null}
      </td>
      <td data-name="Lent out">
        <Num copy={show} quiet>
          {shownPercent(market.utilisation)}
        </Num>
        <Bar share={used} tone={used > 0.95 ? 'bad' : used > 0.9 ? 'warn' : 'plain'} />
      </td>
      <td data-name="Supplied">
        <Num copy={show} quiet>
          {shownSum(market.supplied)}
        </Num>
        <Cap of={market.supplied.amount} cap={supplyCap.amount} text={shownAmount(supplyCap)} />
      </td>
      <td data-name="Borrowed">
        <Num copy={show} quiet>
          {shownSum(market.borrowed)}
        </Num>
        <Cap of={market.borrowed.amount} cap={borrowCap.amount} text={shownAmount(borrowCap)} />
      </td>
    </tr>
  );
}

function Cap({ of, cap, text }: { of: bigint; cap: bigint; text: string }) {
  return of >= cap ? (
    <span className="note">
      <Badge tone="warn">at its cap</Badge>
    </span>
  ) : (
    <span className="note">{drawnShare(of, cap) > 0.9 ? `nearly all of ${text}` : `of ${text}`}</span>
  );
}
