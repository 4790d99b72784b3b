/** The fleet: all machines of a page summed up, and a tile of each. */
import { useState } from 'react';
import { Link } from 'react-router';
import { command } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { shownCount, shownPercent, usd } from '../../units/quantity.ts';
import { Answer, Card, Check, Empty, Num, Pages, Stat, Stats } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { shownWorth, useAssets, worthOf } from './asset.ts';
import { knownNetPerHour } from './loans.ts';
import { useEarnings, useMachines, type Earnings } from './queries.ts';
import type { Machine, MachinesPage } from './shapes.ts';
import { Tile } from './Tile.tsx';
import { areFresh, lastFailure, saidBy, UNKNOWN } from './words.ts';

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

interface Known {
  readonly machines: readonly Machine[];
  readonly earnings: ReadonlyMap<number, Earnings> | undefined;
}

/** What all of them bring in an hour, in dollars, of those of whom it is known. */
function useNetPerHour({ machines, earnings }: Known): { usd: bigint; known: number } {
  const assets = useAssets();
  const worths = machines.flatMap((machine) => {
    const { book, offer } = earnings?.get(machine.machineId) ?? { book: null, offer: null };
    const perHour = knownNetPerHour(offer);
    const worth = perHour === null ? null : worthOf(assets(book?.assetId ?? machine.asset.assetId), perHour);
    return worth === null ? [] : [worth.amount];
  });
  return { usd: worths.reduce((sum, one) => sum + one, 0n), known: worths.length };
}

function Summary({ machines, earnings }: Known) {
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  const net = useNetPerHour({ machines, earnings });
  const serving = machines.filter(({ state }) => state === 'live' || state === 'probation');
  // An old reading says nothing of now.
  const said = machines.flatMap(({ readings }) => (readings && areFresh(readings, nowMs) ? [saidBy(readings)] : []));
  const busy = said.flatMap((one) => one.busy ?? []);
  const drawing = said.flatMap((one) => one.watts ?? []);
  const mean = busy[0] && {
    ...busy[0],
    amount: busy.reduce((sum, { amount }) => sum + amount, 0n) / BigInt(busy.length),
  };
  const wrong = machines.filter((machine) => lastFailure(machine, earnings?.get(machine.machineId)?.work ?? null));
  const copy = command(LIST);
  const saying = (count: number) =>
    count === 0 ? 'none of them says it now' : `said now by ${count} of ${machines.length}`;
  return (
    <Card title={machines.length === 1 ? 'One machine' : `${machines.length} machines here`} command={copy}>
      <Stats>
        <Stat name="There now" note="live, or proving themselves">
          <Num copy={copy}>
            {serving.length} of {machines.length}
          </Num>
        </Stat>
        <Stat
          name="Net of power"
          note={net.known === 0 ? 'no day of theirs is verified yet' : `verified of ${net.known} of ${machines.length}`}
        >
          {net.known === 0 ? (
            UNKNOWN
          ) : (
            <Num copy={copy} unit="an hour">
              {shownWorth(usd(net.usd))}
            </Num>
          )}
        </Stat>
        <Stat name="Busy" note={saying(busy.length)}>
          {mean === undefined ? UNKNOWN : <Num copy={copy}>{shownPercent(mean)}</Num>}
        </Stat>
        <Stat name="Power" note={saying(drawing.length)}>
          {drawing.length === 0 ? (
            UNKNOWN
          ) : (
            <Num copy={copy} unit="W">
              {shownCount(drawing.reduce((sum, watts) => sum + watts, 0))}
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
