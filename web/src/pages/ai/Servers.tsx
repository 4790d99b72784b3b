/** The model servers behind the gateway, whether they sell, and what failed lately. */
import { moment } from '../../units/time.ts';
import { Badge, Button, Card, Notice, Table, useParts } from '../../ui/index.ts';
import { setToken, useOwner } from './door.ts';
import type { Overview } from './shapes.ts';

const SHOWN = 8;

export function Servers({ token, all }: { token: string; all: Overview }) {
  const { pace } = useOwner(token);
  const isPaused = all.pace.is_paused;
  const failures = useParts(all.failures, SHOWN, 'More failures');
  return (
    <>
      <Card
        title="Model servers"
        flush
        aside={
          <>
            <Button slim disabled={pace.isPending} onClick={() => pace.mutate(isPaused ? 'resume' : 'pause')}>
              {isPaused ? 'Serve others again' : 'Give me the machine back'}
            </Button>
            <Button slim look="bare" onClick={() => setToken(null)}>
              Forget the token
            </Button>
          </>
        }
      >
        {isPaused ? (
          <div className="pad">
            <Notice tone="warn" title="Paused">
              Requests of others are refused, and those at work were cut and charged for what they had. Own keys go on.
            </Notice>
          </div>
        ) : null}
        <Table
          caption="Model servers"
          narrow="stack"
          head={
            <>
              <th scope="col">Server</th>
              <th scope="col" className="start">
                State
              </th>
              <th scope="col">At work</th>
              <th scope="col" className="start grow">
                Models
              </th>
            </>
          }
        >
          {all.upstreams.map((one) => (
            <tr key={one.name}>
              <th scope="row">{one.name}</th>
              <td data-name="State" className="start">
                <Badge tone={one.is_well ? 'good' : 'bad'}>{one.is_well ? 'answers' : 'closed'}</Badge>
                {one.last_fault === null ? null : <span className="note wraps">{one.last_fault}</span>}
              </td>
              <td data-name="At work">
                {one.busy} of {one.parallel}
              </td>
              <td data-name="Models" className="start grow wraps">
                {one.models === null ? (
                  <span className="faint">not known yet</span>
                ) : (
                  one.models
                    .map(({ id, quantisation }) => (quantisation === null ? id : `${id} (${quantisation})`))
                    .join(', ')
                )}
              </td>
            </tr>
          ))}
        </Table>
      </Card>
      {all.failures.length === 0 ? null : (
        <Card title="What failed lately" flush>
          <Table
            caption="Requests that failed"
            narrow="stack"
            head={
              <>
                <th scope="col">When</th>
                <th scope="col" className="start">
                  What
                </th>
                <th scope="col" className="start">
                  Model
                </th>
                <th scope="col" className="start grow">
                  In words
                </th>
              </>
            }
          >
            {failures.part.map((one, at) => (
              <tr key={at}>
                <th scope="row">{moment(one.at_ms)}</th>
                <td data-name="What" className="start mono">
                  {one.code}
                </td>
                <td data-name="Model" className="start">
                  {one.model}
                </td>
                <td data-name="In words" className="start grow wraps">
                  {one.message}
                </td>
              </tr>
            ))}
          </Table>
          {failures.pages === null ? null : <div className="pad-foot">{failures.pages}</div>}
        </Card>
      )}
    </>
  );
}
