/** One machine as a tile: how it is now, what it brings, and what went wrong with it last. */
import { Link } from 'react-router';
import { command } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { drawnShare } from '../../units/drawn.ts';
import { shownAmount, told } from '../../units/quantity.ts';
import { ago, lasting } from '../../units/time.ts';
import { Address, Badge, Bar, Card, Facts, Num } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { dollarsOf, useAssets, type Asset } from './asset.ts';
import { knownNetPerHour } from './loans.ts';
import type { Book, Earnings } from './queries.ts';
import type { Machine } from './shapes.ts';
import {
  ageWords,
  areFresh,
  kindWords,
  lastFailure,
  lifeWords,
  provenWords,
  reasonWords,
  saidBy,
  saidWords,
  stateWords,
  UNKNOWN,
} from './words.ts';

export function Tile({ machine, earnings }: { machine: Machine; earnings: Earnings | undefined }) {
  const wallet = useWallet();
  const assets = useAssets();
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  const { tone, words } = stateWords(machine.state);
  const isMine = wallet?.address.toLowerCase() === machine.holder.toLowerCase();
  const failure = lastFailure(machine, earnings?.work ?? null);
  const asset = assets(earnings?.book?.assetId ?? machine.asset.assetId);
  const perHour = knownNetPerHour(earnings?.offer);
  const copy = command(`machine show ${machine.machineId}`);
  return (
    <Card
      title={
        <Link to={`/machines/${machine.machineId}`}>
          Machine {machine.machineId}: {kindWords(machine.kind)}
        </Link>
      }
      aside={<Badge tone={tone}>{words}</Badge>}
    >
      <p className="small quiet">{sinceWords(machine, nowMs)}</p>
      <Readings machine={machine} nowMs={nowMs} />
      <Facts
        rows={[
          [
            'Net of power, an hour',
            perHour === null ? UNKNOWN : <Num copy={copy}>{dollarsOf(asset, perHour) ?? told(asset, perHour)}</Num>,
          ],
          ['Earned so far', sum(earnings, (book) => book.earned, asset)],
          ['Owes', sum(earnings, (book) => book.owed, asset)],
          [
            'Last failure',
            failure === null ? (
              'none'
            ) : (
              <span key="failure" className="warn">
                {failure.words}, {ago(nowMs, failure.atMs)}
              </span>
            ),
          ],
          ['Proved to do', provenWords(machine.challenge)],
          ['Life', lifeWords(machine)],
          ['Bond', `${shownAmount(machine.bond)} ${machine.asset.symbol}`],
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

/** A sum of its book; what was not asked yet is not nothing. */
function sum(earnings: Earnings | undefined, of: (book: Book) => bigint, asset: Asset): string {
  if (earnings === undefined) return '…';
  const amount = earnings.book === null ? 0n : of(earnings.book);
  return amount === 0n ? 'nothing' : told(asset, amount);
}

/** `It is there, for 5 min.` */
function sinceWords({ reason, sinceMs }: Machine, nowMs: number): string {
  const why = reasonWords(reason);
  const said = why === '' ? 'It is there' : why.charAt(0).toUpperCase() + why.slice(1);
  return sinceMs > 0 ? `${said}, for ${lasting(nowMs - sinceMs)}.` : `${said}.`;
}

/** What the machine says of itself; what it has not said is unknown, never nothing. */
function Readings({ machine: { readings }, nowMs }: { machine: Machine; nowMs: number }) {
  const isOld = readings === null || !areFresh(readings, nowMs);
  const said = saidBy(readings);
  return (
    <div className={isOld ? 'readings old' : 'readings'}>
      <dl>
        {saidWords(said, 1).map(([name, words]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className={words === UNKNOWN ? 'faint' : undefined}>{words}</dd>
          </div>
        ))}
      </dl>
      {said.busy === null ? null : <Bar share={drawnShare(said.busy.amount, 10_000n)} />}
      <p className={isOld && readings !== null ? 'warn' : undefined}>{ageWords(readings, nowMs)}</p>
    </div>
  );
}
