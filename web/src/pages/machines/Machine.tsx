/** One machine: what it is, and its finance. */
import { Link, useParams } from 'react-router';
import { command } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { shownAmount, shownBps } from '../../units/quantity.ts';
import { ago, moment } from '../../units/time.ts';
import { Address, Answer, Badge, Bar, Card, Empty, Facts, Page } from '../../ui/index.ts';
import { FinanceCards } from './Finance.tsx';
import { useEarnings, useMachine } from './queries.ts';
import type { Machine } from './shapes.ts';
import {
  ageWords,
  kindWords,
  lastFailure,
  lifeWords,
  provenWords,
  reasonWords,
  saidBy,
  saidWords,
  seenBps,
  stateWords,
} from './words.ts';

export function MachinePage() {
  const { id = '' } = useParams();
  if (!/^[0-9]{1,15}$/.test(id)) {
    return (
      <Page title="No such machine">
        <Empty action={<Link to="/machines">To the machines</Link>}>A machine is named by its number.</Empty>
      </Page>
    );
  }
  return <Known id={Number(id)} />;
}

function Known({ id }: { id: number }) {
  const asked = useMachine(id);
  const state = asked.data ? stateWords(asked.data.state) : null;
  return (
    <Page
      title={`Machine ${id}`}
      lead={asked.data ? kindWords(asked.data.kind) : undefined}
      aside={
        <span className="row">
          {state ? <Badge tone={state.tone}>{state.words}</Badge> : null}
          <Link to="/machines">All machines</Link>
        </span>
      }
    >
      <Answer of={asked} lines={8}>
        {(machine) =>
          machine === null ? (
            <Empty action={<Link to="/machines">To the machines</Link>}>No machine has this number yet.</Empty>
          ) : (
            <>
              <Record machine={machine} />
              <FinanceCards machine={machine} />
            </>
          )
        }
      </Answer>
    </Page>
  );
}

function Record({ machine }: { machine: Machine }) {
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  const earnings = useEarnings([machine.machineId]);
  const work = earnings.data?.get(machine.machineId)?.work ?? null;
  const why = reasonWords(machine.reason);
  const failure = lastFailure(machine, work);
  const seen = seenBps(machine.lifeMs, machine.darkMs);
  const { readings, challenge, asset } = machine;
  return (
    <Card title="What was seen of it" command={command(`machine show ${machine.machineId}`)}>
      <p>
        {why === '' ? 'It is there' : why.charAt(0).toUpperCase() + why.slice(1)}
        {machine.sinceMs > 0 ? `, since ${moment(machine.sinceMs)}` : ''}.
      </p>
      <div className="columns even facts-two">
        <Facts
          rows={[
            ['Seen last', machine.lastBeatMs === 0 ? 'never' : ago(nowMs, machine.lastBeatMs)],
            [
              'Life',
              <span key="life">
                {lifeWords(machine)}
                {seen === null ? null : <Bar share={seen / 10_000} tone={seen >= 9_900 ? 'good' : 'warn'} />}
              </span>,
            ],
            seen === null ? null : ['Seen of its time', shownBps(seen)],
            ['Registered', moment(machine.registeredMs)],
            [
              'Bond',
              `${shownAmount(machine.bond)} ${asset.symbol}, at least ${shownAmount(machine.bondMin)} ${asset.symbol}`,
            ],
            machine.withdrawFromMs !== null
              ? ['Its bond may be taken', `from ${moment(machine.withdrawFromMs)}`]
              : machine.darkFromMs !== null && machine.state !== 'dark'
                ? ['Dark if it stays silent', `from ${moment(machine.darkFromMs)}`]
                : null,
            ['Last failure', failure === null ? 'none' : `${failure.words}, ${moment(failure.atMs)}`],
          ]}
        />
        <Facts
          rows={[
            ...saidWords(saidBy(readings), 1),
            ['Its readings', ageWords(readings, nowMs)],
            ['Proved to do', provenWords(challenge)],
            challenge === null
              ? null
              : ['Last challenge', `number ${challenge.number} in class ${challenge.class}: ${challenge.phase}`],
            work === null
              ? null
              : ['Claims', `${work.claimsPaid} paid, ${work.claimsVoid} void, ${work.receiptsPaid} receipts paid`],
            ['Region', machine.region.toString()],
            machine.uri === '' ? null : ['It says of itself', <span key="uri">{machine.uri}</span>],
            ['Income and bond are of', <Address key="holder" of={machine.holder} />],
            ['Its key', <Address key="key" of={machine.key} />],
          ]}
        />
      </div>
    </Card>
  );
}
