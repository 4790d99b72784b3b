/** Keys: what each may spend, what it spent, a new one, and the end of one. */
import { useState } from 'react';
import { drawnShare } from '../../units/drawn.ts';
import { shownCount, shownUsdFine, type Usd } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import {
  AmountField,
  Badge,
  Bar,
  Button,
  Card,
  Check,
  copyCommand,
  Dialog,
  DialogActions,
  Empty,
  Notice,
  Table,
  TextField,
  useParts,
} from '../../ui/index.ts';
import { useOwner } from './door.ts';
import type { GatewayKey } from './shapes.ts';
import { environment, keyState, readKey, type KeyText } from './words.ts';

const SHOWN = 12;
const USUAL: KeyText = { name: '', total: '5', day: '1', parallel: '', days: '', own: false };

export function Keys({ token, keys }: { token: string; keys: readonly GatewayKey[] }) {
  const [isNew, setNew] = useState(false);
  const [ending, setEnding] = useState<GatewayKey | null>(null);
  const [made, setMade] = useState<string | null>(null);
  const nowMs = useNow();
  // Those that work stand first, the newest of them before others.
  const sorted = [...keys].sort(
    (a, b) => Number(a.revoked_ms !== null) - Number(b.revoked_ms !== null) || b.created_ms - a.created_ms,
  );
  const { part, pages } = useParts(sorted, SHOWN, 'More keys');
  return (
    <>
      <Card
        title="Two lines, and any client works"
        aside={
          <Button slim onClick={() => copyCommand(environment(location.origin, made ?? 'sk-capstan-…'))}>
            Copy both
          </Button>
        }
      >
        <pre className="command" tabIndex={0} aria-label="Environment of a client">
          {environment(location.origin, made ?? 'sk-capstan-…')}
        </pre>
        {made === null ? (
          <p className="small quiet">Make a key, and the second line has it: once, since only its hash is kept.</p>
        ) : (
          <Notice tone="good" title="This is the only time that you see it">
            Copy it now. Whoever has it spends within its limits; taking it back works from the next request on.
          </Notice>
        )}
      </Card>
      <Card
        title="Keys"
        flush
        command="capstan key list"
        aside={
          <Button slim look="primary" onClick={() => setNew(true)}>
            New key…
          </Button>
        }
      >
        {keys.length === 0 ? (
          <Empty>There is no key yet, so nobody can ask anything.</Empty>
        ) : (
          <Table
            caption="Keys of this gateway"
            narrow="stack"
            head={
              <>
                <th scope="col">Key</th>
                <th scope="col" className="start">
                  State
                </th>
                <th scope="col">Spent of all</th>
                <th scope="col">Today</th>
                <th scope="col">Requests</th>
                <th scope="col">Tokens in, out</th>
                <th scope="col">
                  <span className="unseen">Act</span>
                </th>
              </>
            }
          >
            {part.map((key) => {
              const state = keyState(key, nowMs);
              return (
                <tr key={key.id}>
                  <th scope="row">
                    <span className="breaks">{key.name === '' ? key.id : key.name}</span>
                    <span className="note">
                      {key.id}
                      {key.limits.expires_ms === null ? '' : `, until ${moment(key.limits.expires_ms)}`}
                    </span>
                  </th>
                  <td data-name="State" className="start">
                    <Badge tone={state.tone}>{state.words}</Badge> {key.limits.own ? <Badge>own</Badge> : null}
                  </td>
                  <td data-name="Spent of all">
                    <Spent of={key.spent} limit={key.limits.total} />
                  </td>
                  <td data-name="Today">
                    <Spent of={key.spent_today} limit={key.limits.day} />
                  </td>
                  <td data-name="Requests">{shownCount(key.requests)}</td>
                  <td data-name="Tokens in, out">
                    {shownCount(key.input_tokens)}, {shownCount(key.output_tokens)}
                  </td>
                  <td>
                    {key.revoked_ms !== null ? null : (
                      <Button
                        slim
                        look="danger"
                        aria-label={`Take back ${key.name || key.id}`}
                        onClick={() => setEnding(key)}
                      >
                        Take back
                      </Button>
                    )}
                  </td>
                </tr>
              );
            })}
          </Table>
        )}
        {pages === null ? null : <div className="pad-foot">{pages}</div>}
      </Card>
      {isNew ? <NewKey token={token} onClose={() => setNew(false)} onMade={setMade} /> : null}
      {ending === null ? null : <Ending token={token} of={ending} onClose={() => setEnding(null)} />}
    </>
  );
}

/** The clock of whoever looks: ends of keys are times of day. */
function useNow(): number {
  const [now] = useState(() => Date.now());
  return now;
}

function Spent({ of, limit }: { of: Usd; limit: Usd | null }) {
  return (
    <>
      {shownUsdFine(of)}
      {limit === null ? (
        <span className="note">no bound</span>
      ) : (
        <>
          <span className="note">of {shownUsdFine(limit)}</span>
          <Bar
            share={drawnShare(of.amount, limit.amount)}
            tone={of.amount * 10n >= limit.amount * 9n ? 'bad' : 'plain'}
          />
        </>
      )}
    </>
  );
}

function NewKey({ token, onClose, onMade }: { token: string; onClose: () => void; onMade: (secret: string) => void }) {
  const [text, setText] = useState(USUAL);
  const { make } = useOwner(token);
  const nowMs = useNow();
  const { wanted, wrong } = readKey(text, nowMs);
  const field = (name: Exclude<keyof KeyText, 'own'>) => ({
    value: text[name],
    onChange: (value: string) => setText({ ...text, [name]: value }),
    wrong: text[name].trim() === '' ? null : (wrong[name] ?? null),
  });
  return (
    <Dialog title="A new key" onClose={onClose}>
      <TextField label="What it is for" placeholder="notebook" autoFocus {...field('name')} />
      <div className="columns even">
        <AmountField label="It may spend in all" prefix="$" placeholder="no bound" {...field('total')} />
        <AmountField label="On one day (UTC)" prefix="$" placeholder="no bound" {...field('day')} />
      </div>
      <div className="columns even">
        <AmountField label="Requests at a time" placeholder="no bound" {...field('parallel')} />
        <AmountField label="Ends in" suffix="days" placeholder="never" {...field('days')} />
      </div>
      <Check checked={text.own} onChange={(own) => setText({ ...text, own })}>
        It is my own: its requests take the machine from everybody else’s
      </Check>
      {make.error ? (
        <Notice tone="bad" title="The gateway refused it">
          {make.error.message}
        </Notice>
      ) : null}
      <DialogActions
        onClose={onClose}
        disabled={wanted === null || make.isPending}
        onGo={() => {
          if (wanted === null) return;
          make.mutate(wanted, {
            onSuccess: ({ secret }) => {
              onMade(secret);
              onClose();
            },
          });
        }}
      >
        Make the key
      </DialogActions>
    </Dialog>
  );
}

function Ending({ token, of, onClose }: { token: string; of: GatewayKey; onClose: () => void }) {
  const { revoke } = useOwner(token);
  return (
    <Dialog title={`Take back ${of.name || of.id}?`} onClose={onClose}>
      <p>
        It does nothing from the next request on. What it spent stays, and so do its receipts. It does not come back.
      </p>
      {revoke.error ? (
        <Notice tone="bad" title="The gateway refused it">
          {revoke.error.message}
        </Notice>
      ) : null}
      <div className="dialog-actions">
        <Button onClick={onClose}>Not now</Button>
        <Button look="danger" disabled={revoke.isPending} onClick={() => revoke.mutate(of.id, { onSuccess: onClose })}>
          Take it back
        </Button>
      </div>
    </Dialog>
  );
}
