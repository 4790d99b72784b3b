/** The transactions of a block, so many at a time; one of them may be looked at closer. */
import { shownCount } from '../../units/quantity.ts';
import { Button, Card, Empty, Num, Table, useParts } from '../../ui/index.ts';
import { AddressLink, Marks, TransactionLink } from './parts.tsx';
import type { Row } from './shapes.ts';

const SHOWN = 50;

export function Rows({
  rows,
  copy,
  chosen,
  onChoose,
}: {
  rows: readonly Row[];
  copy: string;
  chosen: number | null;
  /** Null where no transaction has more to tell. */
  onChoose: ((index: number | null) => void) | null;
}) {
  const { part, pages } = useParts(rows, SHOWN, 'More transactions of this block');
  return (
    <Card title="Transactions" flush>
      {rows.length === 0 ? (
        <Empty>Nothing was asked of this block, and it owed nothing by itself.</Empty>
      ) : (
        <Table
          caption="Transactions of this block"
          head={
            <>
              <th scope="col">#</th>
              <th scope="col" className="start grow">
                What
              </th>
              <th scope="col" className="start">
                By
              </th>
              <th scope="col">Gas</th>
              <th scope="col">Wrote</th>
              <th scope="col">Events</th>
              {onChoose === null ? null : (
                <th scope="col">
                  <span className="unseen">Its record</span>
                </th>
              )}
            </>
          }
        >
          {part.map((row) => (
            <tr key={row.hash}>
              <td>{row.index}</td>
              <td className="start grow">
                <span className="title">
                  <TransactionLink of={row.hash}>{row.title}</TransactionLink>{' '}
                  <Marks isSystem={row.isSystem} isSuccess={row.isSuccess} />
                </span>
              </td>
              <td className="start">
                {row.isSystem ? <span className="faint">the block</span> : <AddressLink of={row.from} />}
              </td>
              <td>
                <Num quiet copy={copy}>
                  {shownCount(row.gasUsed)}
                </Num>
              </td>
              <td>{row.writtenCount}</td>
              <td>{row.eventCount}</td>
              {onChoose === null ? null : (
                <td>
                  <Button
                    slim
                    look={chosen === row.index ? 'primary' : 'plain'}
                    aria-pressed={chosen === row.index}
                    aria-label={`The record of transaction ${row.index}`}
                    onClick={() => onChoose(chosen === row.index ? null : row.index)}
                  >
                    Record
                  </Button>
                </td>
              )}
            </tr>
          ))}
        </Table>
      )}
      {pages === null ? null : <div className="pad-foot">{pages}</div>}
    </Card>
  );
}
