/** Words that several wanted: by contract and field, with who read, wrote and only added. */
import { drawnShare } from '../../units/drawn.ts';
import { Bar, Button, Num, Table } from '../../ui/index.ts';
import { AddressLink } from './parts.tsx';
import { placeWords } from './schedule.ts';
import type { Place } from './shapes.ts';

export interface HotPlace extends Counts {
  readonly key: string;
  readonly place: Place;
  readonly blockCount?: number;
}

export function PlaceCells({ place }: { place: Place }) {
  return (
    <>
      <th scope="row">
        <AddressLink of={place.address} name={place.contract} />
      </th>
      <td className="start grow">
        {place.slot === null || place.name === null ? (
          <span className={place.slot === null ? undefined : 'mono breaks'}>{placeWords(place)}</span>
        ) : (
          <span className="mono breaks" title={`word 0x${place.slot.toString(16)}`}>
            {placeWords(place)}
          </span>
        )}
      </td>
    </>
  );
}

export interface Counts {
  readonly waitCount: number;
  readonly readCount: number;
  readonly writeCount: number;
  readonly deltaCount: number;
}

/** How often something was waited for, beside the most that anything was, and how often it was touched in which way. */
export function CountCells({ of, most, copy }: { of: Counts; most: number; copy: string }) {
  return (
    <>
      <td>
        <Num quiet copy={copy}>
          {of.waitCount}
        </Num>
      </td>
      <td className="start">
        <Bar share={drawnShare(BigInt(of.waitCount), BigInt(most))} tone={of.waitCount === 0 ? 'plain' : 'warn'} />
      </td>
      <td>{of.writeCount}</td>
      <td>{of.deltaCount}</td>
      <td>{of.readCount}</td>
    </>
  );
}

export function CountHeads() {
  return (
    <>
      <th scope="col">Waited for</th>
      <th scope="col" className="start">
        <span className="unseen">Drawn</span>
      </th>
      <th scope="col">Wrote</th>
      <th scope="col">Added</th>
      <th scope="col">Read</th>
    </>
  );
}

export function HotPlaces({
  of,
  copy,
  caption,
  marked = null,
  onMark,
}: {
  of: readonly HotPlace[];
  copy: string;
  caption: string;
  marked?: string | null;
  onMark?: (key: string | null) => void;
}) {
  const most = of.reduce((high, one) => Math.max(high, one.waitCount), 0);
  const hasBlocks = of.some((one) => one.blockCount !== undefined);
  return (
    <Table
      caption={caption}
      head={
        <>
          <th scope="col">Of</th>
          <th scope="col" className="start grow">
            What
          </th>
          <CountHeads />
          {hasBlocks ? <th scope="col">Blocks</th> : null}
          {onMark ? (
            <th scope="col">
              <span className="unseen">Show who</span>
            </th>
          ) : null}
        </>
      }
    >
      {of.map((one) => (
        <tr key={one.key}>
          <PlaceCells place={one.place} />
          <CountCells of={one} most={most} copy={copy} />
          {hasBlocks ? <td>{one.blockCount}</td> : null}
          {onMark ? (
            <td>
              <Button
                slim
                look={marked === one.key ? 'primary' : 'plain'}
                aria-pressed={marked === one.key}
                aria-label={`Show who touched ${placeWords(one.place)}`}
                onClick={() => onMark(marked === one.key ? null : one.key)}
              >
                Show who
              </Button>
            </td>
          ) : null}
        </tr>
      ))}
    </Table>
  );
}
