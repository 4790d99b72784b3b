/** The drawing of a block: a lane for each core, a bar for each transaction. One element for each look, however many there are. */
import { useMemo, useRef, useState } from 'react';
import { drawnShare } from '../../units/drawn.ts';
import { shownCount } from '../../units/quantity.ts';
import { lookOf, pathOf, ROW, rowAt, WIDTH, type Laid, type Look, type Schedule } from './schedule.ts';
import type { Row } from './shapes.ts';

const LOOKS: readonly (readonly [Look, string])[] = [
  ['critical', 'on the critical path'],
  ['usual', 'beside it'],
  ['own', 'the block’s own'],
  ['failed', 'failed'],
];

export function ScheduleDrawing({
  of: schedule,
  label,
  chosen,
  marked,
  onChoose,
}: {
  of: Schedule;
  label: string;
  chosen: Row | null;
  /** Those that touched a place; null where none was asked for. */
  marked: ReadonlySet<number> | null;
  onChoose: (index: number) => void;
}) {
  const box = useRef<SVGSVGElement>(null);
  const [under, setUnder] = useState<Laid | null>(null);
  const paths = useMemo(
    () =>
      LOOKS.map(
        ([look]) =>
          [
            look,
            pathOf(
              schedule,
              schedule.laid.filter((row) => lookOf(row) === look),
            ),
          ] as const,
      ),
    [schedule],
  );
  const markedPath = useMemo(
    () =>
      marked === null
        ? null
        : pathOf(
            schedule,
            schedule.laid.filter((row) => marked.has(row.index)),
          ),
    [schedule, marked],
  );
  const at = (event: React.MouseEvent) => {
    const rect = box.current?.getBoundingClientRect();
    if (!rect || rect.width === 0) return null;
    return rowAt(schedule, (event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height);
  };
  const laid = (index: number) => schedule.laid.find((row) => row.index === index);
  const before = (chosen?.waitsFor ?? []).flatMap((wait) => laid(wait.index) ?? []);
  const here = chosen === null ? undefined : laid(chosen.index);
  const height = schedule.cores * ROW;
  const x = (gas: bigint) => drawnShare(gas, schedule.gas) * WIDTH;
  const y = (row: Laid) => row.core * ROW + 6;
  const shown = new Set(schedule.laid.map(lookOf));
  return (
    <figure className="schedule">
      <svg
        ref={box}
        viewBox={`0 0 ${WIDTH} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
        className={marked === null ? undefined : 'is-marked'}
        onMouseMove={(event) => setUnder(at(event))}
        onMouseLeave={() => setUnder(null)}
        onClick={(event) => {
          const row = at(event);
          if (row !== null) onChoose(row.index);
        }}
        style={{ height: `${schedule.cores}rem` }}
      >
        {paths.map(([look, path]) => (path === '' ? null : <path key={look} className={look} d={path} />))}
        {markedPath === null ? null : <path className="marked" d={markedPath} />}
        {here === undefined ? null : (
          <>
            {before.map((row) => (
              <line
                key={row.index}
                x1={x(row.startGas + row.gasUsed)}
                y1={y(row)}
                x2={x(here.startGas)}
                y2={y(here)}
                vectorEffect="non-scaling-stroke"
              />
            ))}
            <path className="before" d={pathOf(schedule, before)} />
            <path className="chosen" d={pathOf(schedule, [here])} />
          </>
        )}
      </svg>
      <figcaption className="small faint">
        <span className="swatches">
          {LOOKS.filter(([look]) => shown.has(look)).map(([look, words]) => (
            <span key={look}>
              <i className={look} aria-hidden="true" /> {words}
            </span>
          ))}
        </span>
        <span className="under">
          {under === null
            ? `${schedule.cores} ${schedule.cores === 1 ? 'core' : 'cores'}, time in gas from left to right`
            : `#${under.index} ${under.title}: ${shownCount(under.gasUsed)} gas`}
        </span>
      </figcaption>
    </figure>
  );
}
