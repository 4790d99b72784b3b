/** What a machine earned: in all, day by day, and by whom. */
import { Link } from 'react-router';
import { command } from '../../node/commands.ts';
import { drawnShare } from '../../units/drawn.ts';
import { shownBps, told } from '../../units/quantity.ts';
import { Address, Bar, Card, Notice, Stat, Stats, Table, useParts } from '../../ui/index.ts';
import { dollarsOf, type Asset } from './asset.ts';
import type { Finance } from './queries.ts';

const DAY_MS = 86_400_000;
const DAYS_SHOWN = 10;

interface Props {
  readonly finance: Finance;
  readonly asset: Asset;
}

export function IncomeCard({ finance, asset, id }: Props & { id: number }) {
  const { book } = finance;
  return (
    <Card title="What it earned" command={command(`income show ${id}`)}>
      <Stats>
        <Stat name="In all" note={dollarsOf(asset, book.earned) ?? undefined}>
          {told(asset, book.earned)}
        </Stat>
        <Stat name="Of it to its debt">{told(asset, book.toDebt)}</Stat>
        <Stat name="To the holder">{told(asset, book.toHolder)}</Stat>
        <Stat name="Power" note={`at ${told(asset, book.kwhPrice)} a kWh`}>
          {book.watts} W
        </Stat>
        <Stat name="Prepaid by customers">{told(asset, book.escrow)}</Stat>
      </Stats>
      <Days finance={finance} asset={asset} />
      <Customers finance={finance} asset={asset} />
      <p className="small faint">
        What happened to machines that did not pay: <Link to="/machines/loans">machine loans</Link>.
      </p>
    </Card>
  );
}

function Days({ finance, asset }: Props) {
  const { days } = finance;
  const newest = [...days].reverse();
  const { part, pages } = useParts(newest, DAYS_SHOWN, 'More days');
  const most = days.reduce((high, day) => (day.gross > high ? day.gross : high), 1n);
  if (days.length === 0) {
    return (
      <Notice title="No day has counted yet">
        A day counts when it is over, for customers who are known for long enough and are not related to the owner.
        Today’s income is paid out all the same.
      </Notice>
    );
  }
  return (
    <>
      <Table
        caption="Its days, the newest first"
        narrow="stack"
        head={
          <>
            <th scope="col">Day</th>
            <th scope="col">Paid</th>
            <th scope="col">Counts</th>
            <th scope="col">Power</th>
            <th scope="col">Net</th>
            <th scope="col" className="start">
              <span className="unseen">Drawn</span>
            </th>
          </>
        }
      >
        {part.map((day) => (
          <tr key={day.day}>
            <th scope="row">{new Date(day.day * DAY_MS).toISOString().slice(0, 10)}</th>
            <td data-name="Paid">{told(asset, day.gross)}</td>
            <td data-name="Counts">{told(asset, day.counted)}</td>
            <td data-name="Power">{told(asset, day.power)}</td>
            <td data-name="Net">{told(asset, day.net)}</td>
            <td className="start">
              <Bar share={drawnShare(day.net, most)} tone={day.net === 0n ? 'warn' : 'good'} />
            </td>
          </tr>
        ))}
      </Table>
      {pages}
    </>
  );
}

function Customers({ finance, asset }: Props) {
  const { customers } = finance;
  if (customers.largest.length === 0) return null;
  return (
    <details className="more">
      <summary>
        Its customers: the largest brought {shownBps(Number(customers.largest[0]?.shareBps ?? 0n))} of what counts
      </summary>
      <Table
        caption="Its largest customers in this period"
        head={
          <>
            <th scope="col">Customer</th>
            <th scope="col">Brought</th>
            <th scope="col">Share</th>
          </>
        }
      >
        {customers.largest.map((one) => (
          <tr key={one.customer}>
            <th scope="row">
              <Address of={one.customer} />
            </th>
            <td>{told(asset, one.amount)}</td>
            <td>{shownBps(Number(one.shareBps))}</td>
          </tr>
        ))}
      </Table>
      <p className="small quiet">
        {told(asset, customers.excess)} of {told(asset, customers.counted)} count nothing, since one customer brought
        them.
      </p>
    </details>
  );
}
