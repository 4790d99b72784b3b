/** What a customer has bound to machines, and what became of each claim. */
import { command } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { told, type Counted } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Answer, Badge, Card, Empty, Table, useParts } from '../../ui/index.ts';
import { useClaimsOf, type Customer } from './queries.ts';
import { phaseWords, refundWords } from './words.ts';

const SHOWN = 10;

export function Holds({ mine, asset }: { mine: Customer; asset: Counted }) {
  const { part, pages } = useParts(mine.channels, SHOWN, 'More holds');
  if (mine.channels.length === 0) return null;
  return (
    <Card title="What is bound, and to whom" flush>
      <Table
        caption="Your channels, the newest first"
        narrow="stack"
        head={
          <>
            <th scope="col">Machine</th>
            <th scope="col">Class</th>
            <th scope="col">Bound</th>
            <th scope="col">In claims</th>
            <th scope="col">Paid</th>
            <th scope="col">Came back</th>
            <th scope="col" className="start">
              Free again
            </th>
          </>
        }
      >
        {part.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              <a href={`#/machines/${one.machineId}`}>{one.machineId.toString()}</a>
            </th>
            <td data-name="Class">{one.classId}</td>
            <td data-name="Bound">{told(asset, one.bound)}</td>
            <td data-name="In claims">{told(asset, one.claimed)}</td>
            <td data-name="Paid">{told(asset, one.paid)}</td>
            <td data-name="Came back">{told(asset, one.returned)}</td>
            <td data-name="Free again" className="start">
              {one.bound === 0n ? '–' : moment(Number(one.freeFromMs))}
            </td>
          </tr>
        ))}
      </Table>
      {pages === null ? null : <div className="pad-foot">{pages}</div>}
    </Card>
  );
}

export function Claims({ who, asset }: { who: Hex; asset: Counted }) {
  const claims = useClaimsOf(who);
  return <Answer of={claims}>{(all) => <ClaimsTable who={who} all={all} asset={asset} />}</Answer>;
}

function ClaimsTable({
  who,
  all,
  asset,
}: {
  who: Hex;
  all: NonNullable<ReturnType<typeof useClaimsOf>['data']>;
  asset: Counted;
}) {
  const { part, pages } = useParts(all, SHOWN, 'More claims');
  return (
    <Card title="Claims of machines against you" command={command(`jobs claims --customer ${who}`)} flush>
      {all.length === 0 ? (
        <Empty>No machine has claimed pay from you among the newest claims.</Empty>
      ) : (
        <Table
          caption="Claims, the newest first"
          narrow="stack"
          head={
            <>
              <th scope="col">Claim</th>
              <th scope="col" className="start">
                Phase
              </th>
              <th scope="col" className="start grow">
                Why it was refunded
              </th>
              <th scope="col">Receipts</th>
              <th scope="col">Asked for</th>
              <th scope="col">Bond behind it</th>
            </>
          }
        >
          {part.map((one) => {
            const phase = phaseWords(one.phase);
            return (
              <tr key={one.id}>
                <th scope="row">
                  {one.id.toString()}
                  <span className="note">machine {one.machineId.toString()}</span>
                </th>
                <td data-name="Phase" className="start">
                  <Badge tone={phase.tone}>{phase.words}</Badge>
                  {one.dueMs === 0n ? null : <span className="note">until {moment(Number(one.dueMs))}</span>}
                </td>
                <td data-name="Why it was refunded" className="start grow">
                  {refundWords(one.reason) || <span className="faint">–</span>}
                </td>
                <td data-name="Receipts">{one.voucher.receipts}</td>
                <td data-name="Asked for">{told(asset, one.voucher.cost)}</td>
                <td data-name="Bond behind it">{told(asset, one.slash)}</td>
              </tr>
            );
          })}
        </Table>
      )}
      {pages === null ? null : <div className="pad-foot">{pages}</div>}
    </Card>
  );
}
