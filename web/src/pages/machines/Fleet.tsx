/** The fleet as tiles: what each machine does, what it brings, and what went wrong with it last. */
import { useState } from 'react';
import { Link } from 'react-router';
import { command } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { drawnShare } from '../../units/drawn.ts';
import { shown, shownAmount, shownCount, shownPercent, told } from '../../units/quantity.ts';
import { ago, moment } from '../../units/time.ts';
import { Address, Answer, Badge, Bar, Card, Check, Empty, Facts, Num, Pages, Stat, Stats } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { dollarsOf, useAssets } from './asset.ts';
import { netPerHourDown } from './loans.ts';
import { useEarnings, useMachines, type Earnings } from './queries.ts';
import type { Machine, MachinesPage } from './shapes.ts';
import { kindWords, lastFailure, lifeWords, reasonWords, stateWords } from './words.ts';

const LIST = 'machine list';

export function Fleet() {
  const wallet = useWallet();
  const [isMine, setMine] = useState(false);
  const [starts, setStarts] = useState<readonly number[]>([0]);
  const holder = isMine && wallet ? wallet.address : null;
  const machines = useMachines(holder, starts.at(-1) ?? 0);
  return (
    <>
      {wallet === null ? null : (
        <Check
          checked={isMine}
          onChange={(mine) => {
            setMine(mine);
            setStarts([0]);
          }}
        >
          Mine only: those whose income is this wallet’s
        </Check>
      )}
      <Answer of={machines} lines={8}>
        {(page) => (
          <>
            <Tiles page={page} isMine={holder !== null} />
            <Pages
              label="More machines"
              back={starts.length > 1 ? () => setStarts(starts.slice(0, -1)) : null}
              on={page.cursor === null ? null : () => setStarts([...starts, page.cursor ?? 0])}
              backWords="Before"
              onWords="After"
            />
          </>
        )}
      </Answer>
    </>
  );
}

function Tiles({ page, isMine }: { page: MachinesPage; isMine: boolean }) {
  const earnings = useEarnings(page.items.map((machine) => machine.machineId));
  if (page.items.length === 0) {
    return (
      <Card command={command(LIST)} title="The fleet">
        <Empty
          action={
            <Link className="button primary" to="/machines/register">
              Add a machine
            </Link>
          }
        >
          {isMine
            ? 'No machine among these pays its income to this wallet.'
            : 'No machine is registered on this chain yet. One comes with a bond and the word of its own key.'}
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <Summary machines={page.items} earnings={earnings.data} />
      <ul className="fleet">
        {page.items.map((machine) => (
          <li key={machine.machineId}>
            <Tile machine={machine} earnings={earnings.data?.get(machine.machineId)} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Summary({
  machines,
  earnings,
}: {
  machines: readonly Machine[];
  earnings: ReadonlyMap<number, Earnings> | undefined;
}) {
  const serving = machines.filter(({ state }) => state === 'live' || state === 'probation');
  const said = machines.flatMap(({ readings }) => readings ?? []);
  const watts = said.reduce((sum, { watts: one }) => sum + one, 0);
  const busy = said.reduce((sum, { utilisation }) => sum + utilisation.amount, 0n);
  const mean = said[0] && { ...said[0].utilisation, amount: busy / BigInt(said.length) };
  const wrong = machines.filter((machine) => lastFailure(machine, earnings?.get(machine.machineId)?.work ?? null));
  const copy = command(LIST);
  return (
    <Card title={machines.length === 1 ? 'One machine' : `${machines.length} machines here`} command={copy}>
      <Stats>
        <Stat name="There now" note="live, or proving themselves">
          <Num copy={copy}>
            {serving.length} of {machines.length}
          </Num>
        </Stat>
        <Stat name="Busy" note={said.length === 0 ? 'none has said' : `mean of ${said.length} that said`}>
          {mean === undefined ? '–' : <Num copy={copy}>{shownPercent(mean)}</Num>}
        </Stat>
        <Stat name="Power" note={said.length === 0 ? 'none has said' : 'by their last readings'}>
          {said.length === 0 ? (
            '–'
          ) : (
            <Num copy={copy} unit="W">
              {shownCount(watts)}
            </Num>
          )}
        </Stat>
        <Stat name="Something went wrong" note={wrong.length === 0 ? 'never, with any of them' : 'the tile says what'}>
          <Num copy={copy}>
            {wrong.length} of {machines.length}
          </Num>
        </Stat>
      </Stats>
    </Card>
  );
}

function Tile({ machine, earnings }: { machine: Machine; earnings: Earnings | undefined }) {
  const wallet = useWallet();
  const assets = useAssets();
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  const { tone, words } = stateWords(machine.state);
  const why = reasonWords(machine.reason);
  const { readings, challenge } = machine;
  const isMine = wallet?.address.toLowerCase() === machine.holder.toLowerCase();
  const failure = lastFailure(machine, earnings?.work ?? null);
  const asset = assets(earnings?.book?.assetId ?? machine.asset.assetId);
  const perHour = earnings?.offer ? netPerHourDown(earnings.offer.netPerDay) : null;
  return (
    <Card
      title={
        <Link to={`/machines/${machine.machineId}`}>
          Machine {machine.machineId}: {kindWords(machine.kind)}
        </Link>
      }
      aside={<Badge tone={tone}>{words}</Badge>}
    >
      <p className="small quiet">
        {why === '' ? 'It is there' : why.charAt(0).toUpperCase() + why.slice(1)}
        {machine.sinceMs > 0 ? `, since ${moment(machine.sinceMs)}` : ''}.
      </p>
      {readings === null ? (
        <p className="small faint">It has not said yet how busy or how warm it is.</p>
      ) : (
        <div>
          <div className="row spread small">
            <span>{shownPercent(readings.utilisation)} busy</span>
            <span className="faint">
              {shown(readings.celsius, 1)} °C · {readings.watts} W · {ago(nowMs, readings.toMs)}
            </span>
          </div>
          <Bar share={drawnShare(readings.utilisation.amount, 10_000n)} />
        </div>
      )}
      <Facts
        rows={[
          [
            'Net of power, an hour',
            perHour === null ? (
              'nothing earned yet'
            ) : (
              <Num copy={command(`machine show ${machine.machineId}`)}>
                {dollarsOf(asset, perHour) ?? told(asset, perHour)}
              </Num>
            ),
          ],
          ['Owes', earnings?.book && earnings.book.owed > 0n ? told(asset, earnings.book.owed) : 'nothing'],
          [
            'Proved to do',
            challenge === null
              ? 'nobody has asked it yet'
              : challenge.perHour === 0
                ? `nothing: ${reasonWords(challenge.reason)}`
                : `${shownCount(challenge.perHour)} an hour of class ${challenge.class}`,
          ],
          ['Life', lifeWords(machine)],
          ['Bond', `${shownAmount(machine.bond)} ${machine.asset.symbol}`],
          ['Last failure', failure === null ? 'none' : `${failure.words}, ${ago(nowMs, failure.atMs)}`],
          [
            'Income and bond are of',
            <span key="holder">
              {isMine ? 'you, ' : ''}
              <Address of={machine.holder} />
            </span>,
          ],
        ]}
      />
    </Card>
  );
}
