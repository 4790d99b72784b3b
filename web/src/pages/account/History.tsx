import { Link } from 'react-router';
import { useDollar, withDollar } from '../../act/dollar.ts';
import { command, indexed } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { useAccountEvents, useLiquidations, useMarkets, useSetOffs } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountEvent, Liquidation } from '../../node/shapes.ts';
import { ago } from '../../units/time.ts';
import { shownHealth } from '../../units/quantity.ts';
import { Address, Answer, Badge, Card, Empty } from '../../ui/index.ts';
import { eventName, happeningWords } from './happenings.ts';

const SHOWN = 16;

/** What happened to an account, newest first, liquidations in their place, from what the contracts wrote. */
export function History({ of }: { of: AccountName }) {
  const events = useAccountEvents(of);
  const liquidations = useLiquidations(of);
  const items = liquidations.data?.items ?? [];
  const setOffs = useSetOffs(items.map((item) => item.id));
  const markets = useMarkets();
  const dollar = useDollar();
  const assets = withDollar(markets.data ?? [], dollar.data);
  const asset = (id: number) => assets.find((one) => one.assetId === id);
  const nowMs = useHeads()[0]?.seenMs ?? 0;
  return (
    <Card title="History" command={command(indexed(of.index, `account history ${of.owner}`))}>
      <Answer of={events}>
        {({ items: happened }) => {
          const all = [
            ...items.map((item) => ({
              block: item.blockNumber,
              // A block liquidates before what users do in it.
              at: -1,
              row: <Taken key={`liquidation-${item.id}`} item={item} isSetOff={setOffs.has(item.id)} nowMs={nowMs} />,
            })),
            ...happened.map((event) => ({
              block: event.blockNumber,
              at: event.logIndex,
              row: (
                <Event
                  key={`${event.blockNumber}-${event.logIndex}`}
                  event={event}
                  words={happeningWords(event, asset)}
                  nowMs={nowMs}
                />
              ),
            })),
          ].sort((one, other) => other.block - one.block || other.at - one.at);
          return all.length === 0 ? (
            <Empty>Nothing happened to this account yet.</Empty>
          ) : (
            <ul className="events">{all.slice(0, SHOWN).map(({ row }) => row)}</ul>
          );
        }}
      </Answer>
    </Card>
  );
}

/** A liquidation, or a debt that was set off, at its place in time. */
function Taken({ item, isSetOff, nowMs }: { item: Liquidation; isSetOff: boolean; nowMs: number }) {
  return (
    <li className="row spread">
      <span>
        {isSetOff ? <Badge>set off</Badge> : <Badge tone="bad">liquidated</Badge>} at health{' '}
        {shownHealth(item.healthBefore)}, then {item.healthAfter ? shownHealth(item.healthAfter) : 'without debt'}
      </span>
      <span className="row">
        <span className="small faint">{ago(nowMs, item.timestamp * 1_000)}</span>
        <Link to={`/liquidation/${item.id}`}>Why</Link>
      </span>
    </li>
  );
}

function Event({ event, words, nowMs }: { event: AccountEvent; words: string; nowMs: number }) {
  return (
    <li>
      <details>
        <summary>
          <span>
            <strong>{eventName(event.event)}</strong> {words}
          </span>
          <span className="small faint">{ago(nowMs, event.timestamp * 1_000)}</span>
        </summary>
        <p className="small quiet">
          {event.about} <span className="faint">({event.contract})</span>
        </p>
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
