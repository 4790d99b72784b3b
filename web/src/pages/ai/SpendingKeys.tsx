/** Keys that spend for a customer, each within what he allows it. */
import type { CallProposal } from '../../act/SignCall.tsx';
import { command } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { told, type Counted } from '../../units/quantity.ts';
import { lasting, moment } from '../../units/time.ts';
import { Address, Badge, Button, Card, Empty, Table } from '../../ui/index.ts';
import { revokeKeyCall } from './calls.ts';
import type { Customer } from './queries.ts';

export function SpendingKeys({
  who,
  mine,
  asset,
  onNew,
  onCall,
}: {
  who: Hex;
  mine: Customer;
  asset: Counted;
  onNew: () => void;
  onCall: (proposal: CallProposal) => void;
}) {
  return (
    <Card
      title="Spending keys"
      command={command(`jobs keys ${who}`)}
      flush
      aside={
        <Button slim onClick={onNew}>
          Set a key…
        </Button>
      }
    >
      {mine.keys.length === 0 ? (
        <Empty>Your software pays machines by keys of its own, each within what you allow it. There is none yet.</Empty>
      ) : (
        <Table
          caption="Your spending keys"
          narrow="stack"
          head={
            <>
              <th scope="col">Key</th>
              <th scope="col">May bind now</th>
              <th scope="col">Spent of all</th>
              <th scope="col">This period</th>
              <th scope="col" className="start">
                Until
              </th>
              <th scope="col">
                <span className="unseen">Act</span>
              </th>
            </>
          }
        >
          {mine.keys.map((one) => (
            <tr key={one.key}>
              <th scope="row">
                <Address of={one.key} /> {one.isRevoked ? <Badge>revoked</Badge> : null}
              </th>
              <td data-name="May bind now">{told(asset, one.left)}</td>
              <td data-name="Spent of all">
                {told(asset, one.spent)}
                <span className="note">of {told(asset, one.limits.total)}</span>
              </td>
              <td data-name="This period">
                {told(asset, one.spentInPeriod)}
                <span className="note">
                  of {told(asset, one.limits.perPeriod)} in {lasting(Number(one.limits.periodMs))}
                </span>
              </td>
              <td data-name="Until" className="start">
                {moment(Number(one.limits.untilMs))}
              </td>
              <td>
                {one.isRevoked ? null : (
                  <Button
                    slim
                    look="danger"
                    aria-label={`Revoke ${one.key}`}
                    onClick={() => onCall(revokeKeyCall(one.key))}
                  >
                    Revoke
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
