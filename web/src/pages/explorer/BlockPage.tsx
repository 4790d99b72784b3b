import { Link, useParams } from 'react-router';
import { castCommand } from '../../node/commands.ts';
import { shownBps, shownCount } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Address, Answer, Bar, Card, Empty, Num, Page, Stat, Stats, Table } from '../../ui/index.ts';
import { lanesOf, longestBps } from './lanes.ts';
import { AddressLink, Marks, TransactionLink } from './parts.tsx';
import { useRecord } from './queries.ts';
import { SearchField } from './Search.tsx';
import type { BlockRecord, Row } from './shapes.ts';

const BLOCK = /^([0-9]{1,15}|0x[0-9a-fA-F]{64})$/;

export function BlockPage() {
  const { block = '' } = useParams();
  if (!BLOCK.test(block)) {
    return (
      <Page title="No such block" aside={<SearchField />}>
        <Empty>A block is named by its number or its hash.</Empty>
      </Page>
    );
  }
  return <Known block={block} />;
}

function Known({ block }: { block: string }) {
  const asked = useRecord(block);
  const number = asked.data?.blockNumber;
  return (
    <Page
      title={number === undefined ? (block.startsWith('0x') ? 'Block' : `Block ${block}`) : `Block ${number}`}
      lead={asked.data ? moment(asked.data.timeMs) : undefined}
      aside={<SearchField />}
    >
      <Answer of={asked} lines={8}>
        {(record) =>
          record === null ? (
            <Empty action={<Link to="/explorer">To the newest blocks</Link>}>
              There is no such block yet. This page looks again by itself.
            </Empty>
          ) : (
            <Whole record={record} />
          )
        }
      </Answer>
    </Page>
  );
}

function Whole({ record }: { record: BlockRecord }) {
  const copy = castCommand(`rpc capstan_record ${record.blockNumber}`);
  const { blockNumber } = record;
  return (
    <>
      <nav className="row" aria-label="Blocks beside this one">
        {blockNumber === 0 ? null : (
          <Link className="button slim" to={`/explorer/block/${blockNumber - 1}`}>
            ← {blockNumber - 1}
          </Link>
        )}
        <Link className="button slim" to={`/explorer/block/${blockNumber + 1}`}>
          {blockNumber + 1} →
        </Link>
      </nav>
      <Card title="What it took" command={copy}>
        <Stats>
          <Stat
            name="Transactions"
            note={`${record.transactions.filter((row) => row.isSystem).length} of them the block's own`}
          >
            <Num copy={copy}>{record.transactions.length}</Num>
          </Stat>
          <Stat name="Gas" note={`${shownCount(record.userGasUsed)} of it by users`}>
            <Num copy={copy}>{shownCount(record.gasUsed)}</Num>
          </Stat>
          <Stat name="Words written" note={`${record.readCount} more were read`}>
            <Num copy={copy}>{record.writtenCount}</Num>
          </Stat>
          <Stat name="Accounts touched" note={`${shownCount(record.accessListBytes)} bytes of access list`}>
            <Num copy={copy}>{record.accountCount}</Num>
          </Stat>
          <Stat name="Hash">
            <Address of={record.hash} />
          </Stat>
        </Stats>
      </Card>
      <Transactions rows={record.transactions} copy={copy} />
      {record.transactions.length < 2 ? null : <Lanes record={record} copy={copy} />}
      {record.hot.length === 0 ? null : <Hot record={record} copy={copy} />}
    </>
  );
}

function Transactions({ rows, copy }: { rows: readonly Row[]; copy: string }) {
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
            </>
          }
        >
          {rows.map((row) => (
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
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

const LANES_SHOWN = 24;

function Lanes({ record, copy }: { record: BlockRecord; copy: string }) {
  const lanes = lanesOf(record.transactions);
  const hidden = Math.max(0, lanes.length - LANES_SHOWN);
  return (
    <Card title={lanes.length === 1 ? 'One lane' : `${lanes.length} lanes`} command={copy}>
      <p className="quiet small">
        Transactions of different lanes wrote no word in common, so they could run side by side. The longest lane is{' '}
        {shownBps(longestBps(record.transactions))} of the gas: less time than that no number of cores needs. What a
        lane only read of another is not in the access list.
      </p>
      <ol className="lanes">
        {lanes.slice(0, LANES_SHOWN).map((lane) => (
          <li
            key={lane.number}
            aria-label={`lane ${lane.number + 1}: ${lane.parts.length} transactions, ${shownCount(lane.gas)} gas`}
          >
            {lane.parts.map(({ row, share }) => (
              <Link
                key={row.hash}
                to={`/explorer/tx/${row.hash}`}
                title={`#${row.index} ${row.title}: ${shownCount(row.gasUsed)} gas`}
                aria-label={`transaction ${row.index}: ${row.title}`}
                className={row.isSystem ? 'lane-part own' : row.isSuccess ? 'lane-part' : 'lane-part failed'}
                style={{ flexBasis: `${share * 100}%` }}
              />
            ))}
          </li>
        ))}
      </ol>
      {hidden === 0 ? null : <p className="faint small">and {hidden} shorter ones</p>}
    </Card>
  );
}

function Hot({ record, copy }: { record: BlockRecord; copy: string }) {
  const most = record.transactions.length;
  return (
    <Card title="Words that several wanted" command={copy} flush>
      <Table
        caption="Words with more than one writer"
        head={
          <>
            <th scope="col">Of</th>
            <th scope="col" className="start grow">
              Word
            </th>
            <th scope="col">Writers</th>
            <th scope="col" className="start">
              Of all
            </th>
          </>
        }
      >
        {record.hot.map((word) => (
          <tr key={`${word.address}-${word.slot ?? 'coins'}`}>
            <th scope="row">
              <AddressLink of={word.address} name={word.contract} />
            </th>
            <td className="start grow">
              {word.slot === null ? (
                'its coins'
              ) : (
                <span className="mono breaks" title={`slot 0x${word.slot.toString(16)}`}>
                  {word.name ?? `0x${word.slot.toString(16)}`}
                </span>
              )}
            </td>
            <td>
              <Num quiet copy={copy}>
                {word.writerCount}
              </Num>
            </td>
            <td className="start">
              <Bar share={word.writerCount / most} tone={word.writerCount * 2 > most ? 'warn' : 'plain'} />
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}
