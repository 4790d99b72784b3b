/** What each class of work costs now. */
import { command } from '../../node/commands.ts';
import { told, type Counted } from '../../units/quantity.ts';
import { Address, Badge, Button, Card, copyCommand, Empty, Table } from '../../ui/index.ts';
import type { Room } from './queries.ts';

export function Prices({ asset, room }: { asset: Counted; room: Room }) {
  return (
    <Card title="What work costs" command={command('jobs classes')} flush>
      {room.classes.length === 0 ? (
        <Empty>No class of work is open yet.</Empty>
      ) : (
        <Table
          caption="Classes of work, in region 0"
          narrow="stack"
          head={
            <>
              <th scope="col">Class</th>
              <th scope="col" className="start grow">
                Program, by the hash of its weights
              </th>
              <th scope="col">A million units read</th>
              <th scope="col">A million units written</th>
              <th scope="col">
                <span className="unseen">Who sells it</span>
              </th>
            </>
          }
        >
          {room.classes.map((one) => (
            <tr key={one.id}>
              <th scope="row">
                {one.id} {one.isClosed ? <Badge>closed</Badge> : null}
              </th>
              <td data-name="Program, by the hash of its weights" className="start grow">
                <Address of={one.program} />
              </td>
              <td data-name="A million units read">{told(asset, one.price.inputPrice)}</td>
              <td data-name="A million units written">{told(asset, one.price.outputPrice)}</td>
              <td>
                <Button
                  slim
                  aria-label={`Who sells class ${one.id}: copies the command`}
                  onClick={() => copyCommand(command(`jobs offers ${one.id}`))}
                >
                  Who sells it
                </Button>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
