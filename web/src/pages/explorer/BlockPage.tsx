import { Link, useParams } from 'react-router';
import { castCommand } from '../../node/commands.ts';
import { shownCount } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Address, Answer, Card, Empty, Notice, Num, Page, Stat, Stats } from '../../ui/index.ts';
import { TransactionLink } from './parts.tsx';
import { isUnknownMethod, usePlainBlock, useRecord } from './queries.ts';
import { RecordView } from './Record.tsx';
import { SearchField } from './Search.tsx';
import type { BlockRecord } from './shapes.ts';

/** Transactions that are named where there are no records. */
const PLAIN_SHOWN = 100;
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
      {isUnknownMethod(asked.error) ? (
        <Plain block={block} />
      ) : (
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
      )}
    </Page>
  );
}

function Whole({ record }: { record: BlockRecord }) {
  const copy = castCommand(`rpc capstan_record ${record.blockNumber}`);
  const { blockNumber } = record;
  return (
    <>
      <Beside number={blockNumber} />
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
      <RecordView record={record} copy={copy} />
    </>
  );
}

function Beside({ number }: { number: number }) {
  return (
    <nav className="row" aria-label="Blocks beside this one">
      {number === 0 ? null : (
        <Link className="button slim" to={`/explorer/block/${number - 1}`}>
          ← {number - 1}
        </Link>
      )}
      <Link className="button slim" to={`/explorer/block/${number + 1}`}>
        {number + 1} →
      </Link>
    </nav>
  );
}

/** A node without records: the block as any node tells it. */
function Plain({ block }: { block: string }) {
  const asked = usePlainBlock(block, true);
  return (
    <>
      <Notice title="This node tells no records">
        It does not know <code>capstan_record</code>, so which transaction waited for which, and what each read and
        wrote, cannot be shown. A newer Capstan node answers it.
      </Notice>
      <Answer of={asked}>
        {(plain) =>
          plain === null ? (
            <Empty action={<Link to="/explorer">To the newest blocks</Link>}>There is no such block yet.</Empty>
          ) : (
            <>
              <Beside number={plain.number} />
              <Card
                title={`${plain.transactions.length} ${plain.transactions.length === 1 ? 'transaction' : 'transactions'}, ${shownCount(plain.gasUsed)} gas`}
              >
                {plain.transactions.length === 0 ? <Empty>Nothing was asked of this block.</Empty> : null}
                <ul className="stack">
                  {plain.transactions.slice(0, PLAIN_SHOWN).map((hash) => (
                    <li key={hash}>
                      <TransactionLink of={hash} />
                    </li>
                  ))}
                </ul>
                {plain.transactions.length > PLAIN_SHOWN ? (
                  <p className="faint small">and {plain.transactions.length - PLAIN_SHOWN} more</p>
                ) : null}
              </Card>
            </>
          )
        }
      </Answer>
    </>
  );
}
