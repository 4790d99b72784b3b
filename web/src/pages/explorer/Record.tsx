/** How a block ran and could run: lanes of parallel work, what was waited for, and what each transaction touched. */
import { useMemo, type ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import { command } from '../../node/commands.ts';
import { shownBps, shownCount, shownTimes } from '../../units/quantity.ts';
import { Card, Notice, Num, Stat, Stats } from '../../ui/index.ts';
import { HotPlaces } from './Hot.tsx';
import { lanesOf, longestBps } from './lanes.ts';
import { ProjectionTable } from './Projection.tsx';
import { Rows } from './Rows.tsx';
import { runsMilli, scheduleOf, waitingCount } from './schedule.ts';
import { ScheduleDrawing } from './Schedule.tsx';
import type { BlockRecord, Touched } from './shapes.ts';
import { Touches } from './Touches.tsx';

export function RecordView({ record, copy }: { record: BlockRecord; copy: string }) {
  const [params, setParams] = useSearchParams();
  const { record: touched, transactions } = record;
  const asked = params.get('tx');
  const chosen = asked === null ? undefined : transactions.find((row) => String(row.index) === asked);
  const set = (name: string, value: string | null) => {
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === null) next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true, preventScrollReset: true },
    );
  };
  const choose = (index: number | null) => set('tx', index === null ? null : String(index));
  if (transactions.length === 0) return <Rows rows={[]} copy={copy} chosen={null} onChoose={null} />;
  if (touched === null) {
    return (
      <>
        <Written record={record} copy={copy} />
        <Rows rows={transactions} copy={copy} chosen={null} onChoose={null} />
      </>
    );
  }
  // One transaction has nobody to wait for: it is told at once.
  const only = transactions.length === 1 ? transactions[0] : undefined;
  const shown = chosen ?? only;
  const touches = shown ? (
    <Touches
      key={shown.index}
      record={record}
      places={touched.places}
      row={shown}
      onChoose={only === undefined ? choose : null}
    />
  ) : null;
  return (
    <>
      {only ? (
        touches
      ) : (
        <Parallel
          record={record}
          touched={touched}
          chosen={shown?.index ?? null}
          marked={params.get('hot')}
          onChoose={choose}
          onMark={(key) => set('hot', key)}
        >
          {touches}
        </Parallel>
      )}
      <Rows
        rows={transactions}
        copy={copy}
        chosen={shown?.index ?? null}
        onChoose={only === undefined ? choose : null}
      />
    </>
  );
}

function Parallel({
  record,
  touched,
  chosen,
  marked,
  onChoose,
  onMark,
  children,
}: {
  record: BlockRecord;
  touched: Touched;
  chosen: number | null;
  marked: string | null;
  onChoose: (index: number | null) => void;
  onMark: (key: string | null) => void;
  /** Of the transaction that was chosen, below the drawing in which it was. */
  children: ReactNode;
}) {
  const { transactions, blockNumber } = record;
  const copy = command(`blocks analyse --from ${blockNumber}`);
  const schedule = useMemo(() => scheduleOf(transactions), [transactions]);
  const hot = touched.hot.flatMap((one) => {
    const place = touched.places[one.place];
    return place === undefined ? [] : [{ ...one, place, key: String(place.number) }];
  });
  const markedAt = touched.hot.find((one) => String(touched.places[one.place]?.number) === marked)?.place;
  const who = useMemo(
    () =>
      markedAt === undefined
        ? null
        : new Set(
            transactions
              .filter((row) => row.accesses?.some((access) => access.place === markedAt))
              .map((row) => row.index),
          ),
    [transactions, markedAt],
  );
  const waiting = waitingCount(transactions);
  const { runs } = touched;
  return (
    <>
      <Card title="How it could run side by side" command={copy}>
        <Stats>
          <Stat name="Parallelism" large note="all gas over that of the longest chain of waiting">
            <Num copy={copy}>{shownTimes(touched.parallelismMilli)}</Num>
          </Stat>
          <Stat
            name="Critical path"
            note={`${touched.criticalPath.length} of ${transactions.length} transactions, each waiting for the one before`}
          >
            <Num copy={copy} unit="gas">
              {shownCount(touched.criticalGas)}
            </Num>
          </Stat>
          <Stat name="Wait for another" note={`${transactions.length - waiting} wait for nobody`}>
            <Num copy={copy}>{waiting}</Num>
          </Stat>
          <Stat
            name="Runs per transaction"
            note={
              runs === null
                ? 'another node built it, or this one before its last start'
                : runs.transactionCount === 0
                  ? 'nothing had to run'
                  : `measured: ${runs.inVainCount} in vain of ${runs.runCount}`
            }
          >
            {runs === null ? 'not known' : <Num copy={copy}>{shownTimes(runsMilli(runs))}</Num>}
          </Stat>
          <Stat name="Sidecar" note={`${shownCount(touched.touchCount)} touches of ${touched.placeCount} places`}>
            <Num copy={copy} unit="bytes">
              {shownCount((touched.sidecar.length - 2) / 2)}
            </Num>
          </Stat>
        </Stats>
        <ScheduleDrawing
          of={schedule}
          label={`${transactions.length} transactions on ${schedule.cores} of ${touched.scheduleCores} cores; the critical path has ${touched.criticalPath.length}. The table of transactions below has each.`}
          chosen={transactions.find((row) => row.index === chosen) ?? null}
          marked={who}
          onChoose={onChoose}
        />
        <p className="quiet small">
          A projection on {touched.scheduleCores} cores, with gas for time: whenever a core is free it takes the first
          transaction that waits for nobody any more. It is a bound, and was not measured.
        </p>
        <details className="more">
          <summary>What more cores would gain</summary>
          <ProjectionTable of={touched.projected} />
        </details>
      </Card>
      {children}
      {hot.length === 0 ? null : (
        <Card title="What was waited for" command={copy} flush>
          <HotPlaces of={hot} copy={copy} caption="Hot words and accounts" marked={marked} onMark={onMark} />
        </Card>
      )}
    </>
  );
}

const LANES_SHOWN = 24;

/** Without the state before the block: what the access list alone says, which is who wrote. */
function Written({ record, copy }: { record: BlockRecord; copy: string }) {
  const lanes = lanesOf(record.transactions);
  const hidden = Math.max(0, lanes.length - LANES_SHOWN);
  return (
    <>
      <Notice title="What its transactions read is not known here any more">
        {record.blockNumber === 0
          ? 'Genesis has no state before it.'
          : 'The state before this block is no longer kept, and without it the block cannot be run again. Its access list stays: who wrote what is known from it.'}
      </Notice>
      {record.transactions.length < 2 ? null : (
        <Card title={lanes.length === 1 ? 'One lane' : `${lanes.length} lanes`} command={copy}>
          <p className="quiet small">
            Transactions of different lanes wrote no word in common. The longest lane is{' '}
            {shownBps(longestBps(record.transactions))} of the gas.
          </p>
          <ol className="lanes">
            {lanes.slice(0, LANES_SHOWN).map((lane) => (
              <li
                key={lane.number}
                aria-label={`lane ${lane.number + 1}: ${lane.parts.length} transactions, ${shownCount(lane.gas)} gas`}
              >
                {lane.parts.slice(0, 200).map(({ row, share }) => (
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
      )}
      {record.hot.length === 0 ? null : (
        <Card title="Words with several writers" command={copy} flush>
          <HotPlaces
            of={record.hot.map((word) => ({
              key: `${word.address}-${word.slot ?? 'coins'}`,
              place: word,
              writeCount: word.writerCount,
              waitCount: word.writerCount - 1,
              readCount: 0,
              deltaCount: 0,
            }))}
            copy={copy}
            caption="Words with more than one writer"
          />
        </Card>
      )}
    </>
  );
}
