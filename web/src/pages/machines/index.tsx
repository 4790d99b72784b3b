/** The fleet: each machine with its state and why, its life, its bond, what it proved, what it last said, and whose its income is. */
import { useState } from 'react';
import { addresses } from '../../generated/addresses.ts';
import { castCommand } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { useMarkets } from '../../node/queries.ts';
import { shownBps, told, type Counted } from '../../units/quantity.ts';
import { ago, moment } from '../../units/time.ts';
import { Address, Answer, Badge, Bar, Button, Card, Empty, Facts, Page, Table } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { PAGE, useMachines, type Machine } from './queries.ts';
import { celsiusWords, kindWords, lifeWords, reasonWords, seenBps, stateWords } from './words.ts';
import './machines.css';

export default function Machines() {
  const [page, setPage] = useState(0);
  const machines = useMachines(page);
  return (
    <Page
      title="Machines"
      lead="A machine is a key with a bond behind its word. Its state follows from what was seen of it, and from nothing that anybody says."
    >
      <Answer of={machines} lines={8}>
        {({ count, machines: all }) =>
          count === 0 ? (
            <Card command={castCommand(`call ${addresses.machines} 'machineCount()(uint64)'`)} title="The fleet">
              <Empty>
                No machine is registered on this chain yet. A machine comes with a bond and the word of its key: see
                specs/machines.md.
              </Empty>
            </Card>
          ) : (
            <>
              <ul className="fleet">
                {all.map((machine) => (
                  <li key={machine.id}>
                    <Tile machine={machine} />
                  </li>
                ))}
              </ul>
              {count > PAGE ? (
                <nav className="row" aria-label="More machines">
                  <Button slim disabled={page === 0} onClick={() => setPage(page - 1)}>
                    ← newer
                  </Button>
                  <Button slim disabled={(page + 1) * PAGE >= count} onClick={() => setPage(page + 1)}>
                    older →
                  </Button>
                  <span className="small faint">{count} machines</span>
                </nav>
              ) : null}
              <Silent machines={all} />
            </>
          )
        }
      </Answer>
    </Page>
  );
}

function Tile({ machine }: { machine: Machine }) {
  const wallet = useWallet();
  const markets = useMarkets();
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  const { tone, words } = stateWords(machine.state);
  const why = reasonWords(machine.reason);
  const market = markets.data?.find((one) => one.assetId === machine.assetId);
  const of: Counted = market ?? { assetId: machine.assetId, symbol: `asset ${machine.assetId}`, decimals: 0 };
  const isMine = wallet?.address.toLowerCase() === machine.holder.toLowerCase();
  const { readings, capacity } = machine;
  const seen = seenBps(machine.lifeMs, machine.darkMs);
  return (
    <Card
      title={`Machine ${machine.id}: ${kindWords(machine.spec.kind)}`}
      aside={<Badge tone={tone}>{words}</Badge>}
      command={castCommand(`call ${addresses.machines} 'machine(uint64)' ${machine.id}`)}
    >
      <p className="small quiet">
        {why === '' ? 'It is there' : why.charAt(0).toUpperCase() + why.slice(1)}
        {machine.sinceMs > 0n ? `, since ${moment(Number(machine.sinceMs))}` : ''}.
      </p>
      <Facts
        rows={[
          ['Seen last', machine.lastBeatMs === 0n ? 'never' : ago(nowMs, Number(machine.lastBeatMs))],
          [
            'Life',
            <span key="life">
              {lifeWords(machine)}
              {seen === null ? null : <Bar share={seen / 10_000} tone={seen >= 9_900 ? 'good' : 'warn'} />}
            </span>,
          ],
          ['Bond', `${told(of, machine.bond)}, at least ${told(of, machine.bondMin)}`],
          [
            'Proved to do',
            capacity === null
              ? 'nobody has asked it yet'
              : capacity.perHour === 0n
                ? `nothing: ${reasonWords(capacity.reason)}`
                : `${capacity.perHour} units an hour of class ${capacity.class}, until ${moment(Number(capacity.untilMs))}`,
          ],
          readings === null
            ? ['Readings', 'none yet']
            : [
                'Readings',
                `${readings.watts} W · ${celsiusWords(readings.decikelvin)} · ${shownBps(readings.utilisationBps)} busy, ${ago(nowMs, Number(readings.toMs))}`,
              ],
          [
            'Income and bond are of',
            <span key="holder">
              {isMine ? 'you, ' : ''}
              <Address of={machine.holder} />
            </span>,
          ],
          ['Its key', <Address key="key" of={machine.key} />],
          machine.withdrawFromMs > 0n
            ? ['Its bond may be taken', `from ${moment(Number(machine.withdrawFromMs))}`]
            : machine.darkFromMs > 0n && machine.state !== 4
              ? ['Dark if it stays silent', `from ${moment(Number(machine.darkFromMs))}`]
              : null,
        ]}
      />
    </Card>
  );
}

/** Those who were away for longest. */
function Silent({ machines }: { machines: readonly Machine[] }) {
  const away = machines
    .filter((machine) => machine.darkMs > 0n)
    .sort((a, b) => (a.darkMs < b.darkMs ? 1 : a.darkMs > b.darkMs ? -1 : 0))
    .slice(0, 5);
  if (away.length === 0) return null;
  return (
    <Card title="Away for longest" flush>
      <Table
        caption="Machines that were away for longest"
        head={
          <>
            <th scope="col">Machine</th>
            <th scope="col">Seen</th>
            <th scope="col" className="start">
              Life
            </th>
          </>
        }
      >
        {away.map((machine) => (
          <tr key={machine.id}>
            <th scope="row">{machine.id.toString()}</th>
            <td>{shownBps(seenBps(machine.lifeMs, machine.darkMs) ?? 0)}</td>
            <td className="start">{lifeWords(machine)}</td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}
