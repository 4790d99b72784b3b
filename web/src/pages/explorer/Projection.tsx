import { drawnShare } from '../../units/drawn.ts';
import { shownTimes } from '../../units/quantity.ts';
import { Bar, Table } from '../../ui/index.ts';
import type { Projection } from './shapes.ts';

/** What more cores would gain. It is worked out from gas and was not measured, and says so. */
export function ProjectionTable({ of }: { of: Projection }) {
  const most = of.reduce((high, one) => Math.max(high, one.produceMilli, one.verifyMilli), 1);
  return (
    <Table
      caption="Projected speed-up, by cores"
      head={
        <>
          <th scope="col">Cores</th>
          <th scope="col">To produce</th>
          <th scope="col">To verify</th>
          <th scope="col" className="start">
            <span className="unseen">Drawn</span>
          </th>
        </>
      }
    >
      {of.map((one) => (
        <tr key={one.cores}>
          <th scope="row">{one.cores}</th>
          <td>{shownTimes(one.produceMilli)}</td>
          <td>{shownTimes(one.verifyMilli)}</td>
          <td className="start grow">
            <Bar share={drawnShare(BigInt(one.verifyMilli), BigInt(most))} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
