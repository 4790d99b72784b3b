/** Whom the block sold from last. */
import { Link } from 'react-router';
import { useHeads } from '../../node/node.tsx';
import { useLiquidations, useSetOffs } from '../../node/queries.ts';
import { ago } from '../../units/time.ts';
import { shownHealth } from '../../units/quantity.ts';
import { Address, Answer, Badge, Card, Empty, Table } from '../../ui/index.ts';

/** What was sold and what was set off, counted apart. */
function countWords(sold: number, setOff: number): string {
  const of = (count: number, one: string, more: string) => `${count} ${count === 1 ? one : more}`;
  const rest =
    setOff === 0
      ? ''
      : `, and ${of(setOff, 'debt', 'debts')} set off against what the account had of the same asset, for nothing`;
  return `The newest: ${of(sold, 'liquidation', 'liquidations')}${rest}.`;
}

export function Liquidations() {
  const liquidations = useLiquidations(null);
  const items = liquidations.data?.items ?? [];
  const setOffs = useSetOffs(items.map((item) => item.id));
  const nowMs = useHeads()[0]?.seenMs ?? 0;
  return (
    <Card title="Liquidations" flush>
      <Answer of={liquidations}>
        {() =>
          items.length === 0 ? (
            <Empty>Nobody has been liquidated on this chain.</Empty>
          ) : (
            <>
              <p className="pad lead quiet small">{countWords(items.length - setOffs.size, setOffs.size)}</p>
              <Table
                caption="The newest liquidations"
                narrow="stack"
                head={
                  <>
                    <th scope="col">Account</th>
                    <th scope="col" className="start">
                      What
                    </th>
                    <th scope="col">Health before</th>
                    <th scope="col">after</th>
                    <th scope="col">When</th>
                    <th scope="col">
                      <span className="unseen">Explanation</span>
                    </th>
                  </>
                }
              >
                {items.slice(0, 6).map((item) => (
                  <tr key={item.id}>
                    <th scope="row">
                      <Address of={item.owner} />
                    </th>
                    <td data-name="What" className="start">
                      {setOffs.has(item.id) ? <Badge>set off</Badge> : <Badge tone="bad">liquidated</Badge>}
                    </td>
                    <td data-name="Health before">{shownHealth(item.healthBefore)}</td>
                    <td data-name="after">
                      {item.healthAfter ? shownHealth(item.healthAfter) : <Badge tone="warn">no debt left</Badge>}
                    </td>
                    <td data-name="When">{ago(nowMs, item.timestamp * 1_000)}</td>
                    <td>
                      <Link to={`/liquidation/${item.id}`}>Why</Link>
                    </td>
                  </tr>
                ))}
              </Table>
            </>
          )
        }
      </Answer>
    </Card>
  );
}
