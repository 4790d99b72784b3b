import { Link, useParams } from 'react-router';
import { castCommand } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { shown, shownAmount } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Address, Answer, Card, Empty, Notice, Num, Page, Stat, Stats } from '../../ui/index.ts';
import { AddressLink, Args, BlockLink, Marks } from './parts.tsx';
import { useFailure, useTransaction } from './queries.ts';
import { SearchField } from './Search.tsx';
import type { EventTold, Told, Transaction } from './shapes.ts';

/** Fees are small parts of a coin. */
const FEE_PLACES = 12;

export function TransactionPage() {
  const { hash = '' } = useParams();
  if (!/^0x[0-9a-fA-F]{64}$/.test(hash)) {
    return (
      <Page title="No such transaction" aside={<SearchField />}>
        <Empty>A transaction is named by its hash: 0x and 64 digits.</Empty>
      </Page>
    );
  }
  return <Known hash={hash as Hex} />;
}

function Known({ hash }: { hash: Hex }) {
  const asked = useTransaction(hash);
  return (
    <Page title="Transaction" aside={<SearchField />}>
      <Answer of={asked} lines={8}>
        {(transaction) =>
          transaction === null ? (
            <Empty action={<Link to="/explorer">To the newest blocks</Link>}>
              No block has this transaction, and it does not wait either. This page looks again by itself.
            </Empty>
          ) : (
            <Whole transaction={transaction} />
          )
        }
      </Answer>
    </Page>
  );
}

function Whole({ transaction }: { transaction: Transaction }) {
  const { done, hash } = transaction;
  const copy = castCommand(`rpc capstan_decodeTransaction ${hash}`);
  return (
    <>
      <Card
        title="In one line"
        aside={<Marks isSystem={transaction.isSystem} isSuccess={done === null ? null : done.isSuccess} />}
        command={copy}
      >
        <p>{transaction.title}</p>
        <Stats>
          <Stat name="By">{transaction.isSystem ? 'the block itself' : <AddressLink of={transaction.from} />}</Stat>
          <Stat name="To">
            {transaction.to === null ? (
              done?.created ? (
                <AddressLink of={done.created} />
              ) : (
                'a new contract'
              )
            ) : (
              <AddressLink of={transaction.to} name={transaction.toName} />
            )}
          </Stat>
          {transaction.value.amount === 0n ? null : (
            <Stat name="Coins with it">
              <Num copy={copy} unit="ETH">
                {shownAmount(transaction.value)}
              </Num>
            </Stat>
          )}
          {done === null ? (
            <Stat name="Block">waits for one</Stat>
          ) : (
            <>
              <Stat name="Block" note={moment(done.timeMs)}>
                <BlockLink of={done.blockNumber} />
              </Stat>
              <Stat name="Fee" note={`${done.gasUsed} gas`}>
                <Num copy={castCommand(`receipt ${hash}`)} unit="ETH">
                  {shown(done.fee, FEE_PLACES)}
                </Num>
              </Stat>
            </>
          )}
          <Stat name="Hash">
            <Address of={hash} />
          </Stat>
        </Stats>
        {done !== null && !done.isSuccess ? <Failure hash={hash} /> : null}
      </Card>
      {transaction.parts.length > 0 ? <Parts transaction={transaction} /> : null}
      {transaction.call !== null && transaction.parts.length === 0 ? (
        <Card title="The call">
          <ToldPart told={transaction.call} />
        </Card>
      ) : null}
      {done === null ? null : <Events events={done.events} count={done.eventCount} />}
    </>
  );
}

function Failure({ hash }: { hash: Hex }) {
  const asked = useFailure(hash, true);
  const words = asked.data?.words;
  return (
    <Notice tone="bad" title={words?.message ?? asked.data?.error ?? 'It failed, and did nothing but pay its fee.'}>
      {words?.help ?? ''}
    </Notice>
  );
}

function Parts({ transaction }: { transaction: Transaction }) {
  const { parts, partCount, isSystem } = transaction;
  return (
    <Card
      title={
        isSystem
          ? 'What the block did'
          : `${partCount} ${partCount === 1 ? 'action' : 'actions'}, checked once at the end`
      }
    >
      {transaction.call === null ? null : <p className="quiet small">{transaction.call.about}</p>}
      <ol className="parts">
        {parts.map((part, index) => (
          <li key={index}>
            <ToldPart told={part} />
          </li>
        ))}
      </ol>
      {partCount > parts.length ? <p className="faint small">and {partCount - parts.length} more</p> : null}
    </Card>
  );
}

function ToldPart({ told }: { told: Told }) {
  return (
    <div className="told">
      <strong>{told.title}</strong>
      {told.about === '' ? null : <p className="quiet small">{told.about}</p>}
      <Args args={told.args} />
    </div>
  );
}

function Events({ events, count }: { events: readonly EventTold[]; count: number }) {
  return (
    <Card title={count === 1 ? '1 event' : `${count} events`}>
      {count === 0 ? (
        <p className="quiet">Nothing was logged.</p>
      ) : (
        <ol className="parts">
          {events.map((event, index) => (
            <li key={index}>
              <div className="told">
                <div className="row">
                  <strong>{event.name ?? 'An event that nobody here declares'}</strong>
                  <span className="faint small">
                    of <AddressLink of={event.address} name={event.contract} />
                    {event.isGuessed ? ', read as a token’s' : ''}
                  </span>
                </div>
                {event.about ? <p className="quiet small">{event.about}</p> : null}
                <Args args={event.args} />
              </div>
            </li>
          ))}
        </ol>
      )}
      {count > events.length ? <p className="faint small">and {count - events.length} more</p> : null}
    </Card>
  );
}
