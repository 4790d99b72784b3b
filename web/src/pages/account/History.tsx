import { Link } from 'react-router';
import { command, indexed } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { useAccountEvents, useLiquidations } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountEvent } from '../../node/shapes.ts';
import { ago } from '../../units/time.ts';
import { shownHealth } from '../../units/quantity.ts';
import { Address, Answer, Badge, Card, Empty } from '../../ui/index.ts';

/** What happened to an account, newest first, from what the contracts wrote. */
export function History({ of }: { of: AccountName }) {
  const events = useAccountEvents(of);
  const liquidations = useLiquidations(of);
  const nowMs = useHeads()[0]?.seenMs ?? 0;
  return (
    <Card title="History" command={command(indexed(of.index, `account history ${of.owner}`))}>
      {liquidations.data && liquidations.data.items.length > 0 ? (
        <ul className="stack" style={{ '--gap': 'var(--s2)' } as React.CSSProperties}>
          {liquidations.data.items.map((item) => (
            <li key={item.id} className="row spread">
              <span>
                <Badge tone="bad">liquidated</Badge> at health {shownHealth(item.healthBefore)}, then{' '}
                {item.healthAfter ? shownHealth(item.healthAfter) : 'without debt'}
              </span>
              <span className="row">
                <span className="small faint">{ago(nowMs, item.timestamp * 1_000)}</span>
                <Link to={`/liquidation/${item.id}`}>Why</Link>
              </span>
            </li>
          ))}
        </ul>
      ) : null}
      <Answer of={events}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>Nothing happened to this account yet.</Empty>
          ) : (
            <ul className="events">
              {items.slice(0, 12).map((event) => (
                <Event key={`${event.blockNumber}-${event.logIndex}`} event={event} nowMs={nowMs} />
              ))}
            </ul>
          )
        }
      </Answer>
    </Card>
  );
}

function Event({ event, nowMs }: { event: AccountEvent; nowMs: number }) {
  return (
    <li>
      <details>
        <summary>
          <span>
            <strong>{event.event}</strong> <span className="faint small">{event.contract}</span>
          </span>
          <span className="small faint">{ago(nowMs, event.timestamp * 1_000)}</span>
        </summary>
        <p className="small quiet">{event.about}</p>
        <dl className="small arguments">
          {event.args.map((arg) => (
            <div key={arg.name}>
              <dt className="faint">{arg.name}</dt>
              <dd className="mono">{arg.value}</dd>
            </div>
          ))}
          <div>
            <dt className="faint">transaction</dt>
            <dd>
              <Address of={event.transactionHash} />
            </dd>
          </div>
        </dl>
      </details>
    </li>
  );
}
