/** One transaction of a block: whom it waits for, who waits for it, and what it read, wrote and added to, in words. */
import { useEffect, useRef } from 'react';
import { castCommand } from '../../node/commands.ts';
import { quantity, shownAmount, shownCount } from '../../units/quantity.ts';
import { Answer, Button, Card, Empty, Table, useParts } from '../../ui/index.ts';
import { PlaceCells } from './Hot.tsx';
import { TransactionLink } from './parts.tsx';
import { useTouches } from './queries.ts';
import { didWords, placeWords, touchesOf, touchWords, waitingFor, type Touch } from './schedule.ts';
import type { Access, BlockRecord, Place, Row } from './shapes.ts';

const SHOWN = 20;
/** Of those that wait, so many are named. */
const NAMED = 8;

export function Touches({
  record,
  places,
  row,
  onChoose,
}: {
  record: BlockRecord;
  places: readonly Place[];
  row: Row;
  /** Null where there is no other to choose. */
  onChoose: ((index: number | null) => void) | null;
}) {
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // It was chosen in a table that may be far below.
    if (onChoose !== null) top.current?.scrollIntoView({ block: 'nearest' });
    // Once, when it comes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const waiters = waitingFor(record.transactions, row.index);
  const chooser = (index: number) => (
    <button type="button" className="button bare slim" onClick={() => onChoose?.(index)}>
      #{index}
    </button>
  );
  return (
    <Card
      title={`Transaction ${row.index}`}
      command={castCommand(`rpc capstan_record ${record.blockNumber} ${row.index}`)}
      aside={
        onChoose === null ? undefined : (
          <Button look="bare" slim onClick={() => onChoose(null)}>
            Close
          </Button>
        )
      }
    >
      <div ref={top} className="record-top" />
      <p className="breaks">
        <TransactionLink of={row.hash}>{row.title}</TransactionLink>
        <span className="faint small">, {shownCount(row.gasUsed)} gas</span>
      </p>
      <ul className="stack small nearest">
        {(row.waitsFor ?? []).length === 0 ? <li>It waits for nobody.</li> : null}
        {(row.waitsFor ?? []).slice(0, NAMED).map((wait, at) => {
          const place = wait.place === null ? undefined : places[wait.place];
          return (
            <li key={at}>
              Waits for {chooser(wait.index)}
              {place === undefined ? null : (
                <>
                  {' '}
                  at <strong>{place.contract ?? 'the account'}</strong>{' '}
                  <span className="mono">{placeWords(place)}</span>
                </>
              )}
            </li>
          );
        })}
        {(row.waitsFor?.length ?? 0) > NAMED ? <li>and at {(row.waitsFor?.length ?? 0) - NAMED} more places</li> : null}
        {waiters.length === 0 ? (
          <li>Nobody waits for it.</li>
        ) : (
          <li>
            Waited for by{' '}
            {waiters.slice(0, NAMED).map((other) => (
              <span key={other.index}>{chooser(other.index)}</span>
            ))}
            {waiters.length > NAMED ? ` and ${waiters.length - NAMED} more` : null}
          </li>
        )}
      </ul>
      {row.accesses === null ? (
        <Later block={record.hash} index={row.index} />
      ) : (
        <Told touches={touchesOf(row, places)} />
      )}
    </Card>
  );
}

/** The first answer was full before this transaction: it is asked for by itself. */
function Later({ block, index }: { block: string; index: number }) {
  const asked = useTouches(block, index);
  return (
    <Answer of={asked}>
      {(later) => {
        const row = later?.transactions.find((one) => one.index === index);
        return later?.record && row ? (
          <Told touches={touchesOf(row, later.record.places)} />
        ) : (
          <Empty>What it touched is no longer known here.</Empty>
        );
      }}
    </Answer>
  );
}

function Told({ touches }: { touches: readonly Touch[] }) {
  const { part, pages } = useParts(touches, SHOWN, 'More of what it touched');
  return (
    <>
      <p className="quiet small">Of accounts and words it {touchWords(touches)}.</p>
      {touches.length === 0 ? null : (
        <Table
          caption="What it touched"
          head={
            <>
              <th scope="col">Of</th>
              <th scope="col" className="start grow">
                What
              </th>
              <th scope="col" className="start">
                Did
              </th>
              <th scope="col">After it</th>
            </>
          }
        >
          {part.map(({ place, access }, at) => (
            <tr key={at}>
              <PlaceCells place={place} />
              <td className="start">{didWords(access.kind)}</td>
              <td>
                <After place={place} access={access} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {pages}
    </>
  );
}

const HEX_SHOWN = 18;

function After({ place, access }: { place: Place; access: Access }) {
  if (access.value === null && access.nonce === null && access.code === null) return <span className="faint">–</span>;
  if (place.slot === null) {
    const parts = [
      access.value === null ? null : `${shownAmount(quantity(access.value, 18, 'asset:0'))} ETH`,
      access.nonce === null ? null : `nonce ${access.nonce}`,
      access.code === null ? null : `${(access.code.length - 2) / 2} bytes of code`,
    ];
    return <>{parts.filter((part) => part !== null).join(', ')}</>;
  }
  const hex = `0x${(access.value ?? 0n).toString(16)}`;
  return (
    <span className="mono" title={hex}>
      {hex.length > HEX_SHOWN ? `${hex.slice(0, HEX_SHOWN - 1)}…` : hex}
    </span>
  );
}
