/** Streams: what flows to somebody, what he pays, and what of it pays a debt before he sees it. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { Act, type Proposal } from '../../../act/Act.tsx';
import { assign, collect } from '../../../act/agreements.ts';
import { SignCall, type CallProposal } from '../../../act/SignCall.tsx';
import { addresses } from '../../../generated/addresses.ts';
import { streamsAbi } from '../../../generated/streams.ts';
import { command, named as asNamed, timeWord } from '../../../node/commands.ts';
import type { Hex } from '../../../node/decode.ts';
import { useHeads } from '../../../node/node.tsx';
import { useAccount } from '../../../node/queries.ts';
import type { AccountName, Action } from '../../../node/rpc.ts';
import type { Market } from '../../../node/shapes.ts';
import { exactOf, readAmount, someWrong, told, type Counted } from '../../../units/quantity.ts';
import { moment } from '../../../units/time.ts';
import {
  Address,
  AmountField,
  Answer,
  Badge,
  Button,
  Card,
  Check,
  Dialog,
  DialogActions,
  Empty,
  Select,
  Table,
  TextField,
} from '../../../ui/index.ts';
import { useMine } from '../../../wallet/chosen.tsx';
import { assetsOf, useOne } from '../bring.ts';
import { HandOver } from '../HandOver.tsx';
import { useStreams, type Stream } from './queries.ts';
import { flowWords, readStream, USUAL, type StreamText } from './words.ts';

const UNITS = [
  { value: 'day', text: 'days' },
  { value: 'h', text: 'hours' },
  { value: 'min', text: 'minutes' },
] as const;

type Open = { what: 'new' } | { what: 'pay in' | 'hand over'; stream: Stream } | null;

function callOf(data: Hex, words: string) {
  return { call: { to: addresses.streams, data, valueWei: 0n }, command: command(`stream ${words}`) };
}

export default function Streams({ markets }: { markets: readonly Market[] }) {
  const account = useMine();
  const streams = useStreams(account?.owner ?? null);
  const state = useAccount(account);
  const [open, setOpen] = useState<Open>(null);
  const [proposal, setProposal] = useState<(Proposal & { index: number }) | null>(null);
  const [call, setCall] = useState<CallProposal | null>(null);
  const named = assetsOf(markets);
  const coin = (assetId: number): Counted => ({ assetId, ...named(assetId) });
  if (account === null) {
    return (
      <Card title="Streams">
        <Empty>Connect a wallet to see what flows to it, and to let something flow to others.</Empty>
      </Card>
    );
  }
  const batch = (index: number, title: string, actions: Action[], notes: string[], words: string) =>
    setProposal({ index, title, actions, notes, command: command(`stream ${words}`) });
  const simple = (title: string, line: string, functionName: 'collect' | 'cancel', stream: Stream) =>
    setCall({
      title,
      lines: [line],
      ...callOf(
        encodeFunctionData({ abi: streamsAbi, functionName, args: [stream.id] }),
        `${functionName} ${stream.id}`,
      ),
    });
  const isOwed = (assetId: number) =>
    (state.data?.holdings.find((row) => row.assetId === assetId)?.owed.amount ?? 0n) > 0n;
  const close = () => setOpen(null);
  return (
    <div className="stack" style={{ '--gap': 'var(--s5)' } as React.CSSProperties}>
      <Card
        title="Streams of yours"
        aside={
          <Button slim onClick={() => setOpen({ what: 'new' })}>
            Let something flow
          </Button>
        }
        command={command(`stream list ${account.owner}`)}
        flush
      >
        <p className="pad lead quiet small">
          Salaries, rent, income of a machine: paid in once, and then it flows. A stream that is assigned to a debt pays
          it before you see it.
        </p>
        <Answer of={streams} lines={4}>
          {(all) =>
            all.length === 0 ? (
              <Empty>Nothing flows to you or from you.</Empty>
            ) : (
              <StreamTable
                streams={all}
                coin={coin}
                account={account}
                isOwed={isOwed}
                onCollect={(stream) =>
                  batch(
                    // What flows comes to the account that it is of, or whose debt it pays.
                    BigInt(stream.assignedTo) === 0n ? stream.ownerIndex : stream.assignedIndex,
                    `collect stream ${stream.id}`,
                    [collect(stream.id)],
                    ['It becomes units of the account; Withdraw brings them to the wallet.'],
                    `collect ${stream.id} --keep`,
                  )
                }
                onToWallet={(stream) =>
                  simple(
                    `Collect stream ${stream.id} to the wallet`,
                    `Send the ${told(coin(stream.assetId), stream.due)} that have flowed, and what flows until the block, to your wallet`,
                    'collect',
                    stream,
                  )
                }
                onAssign={(stream) =>
                  batch(
                    account.index,
                    `assign stream ${stream.id}`,
                    [assign(stream.id)],
                    [
                      'From now on it pays this debt first. It is yours again when nothing is owed in its asset any more, and not before.',
                    ],
                    `assign ${stream.id}`,
                  )
                }
                onStop={(stream) =>
                  simple(
                    `Stop stream ${stream.id}`,
                    `Stop it, and send what has not flowed back to your wallet; what has flowed stays its owner’s`,
                    'cancel',
                    stream,
                  )
                }
                onPayIn={(stream) => setOpen({ what: 'pay in', stream })}
                onHandOver={(stream) => setOpen({ what: 'hand over', stream })}
              />
            )
          }
        </Answer>
      </Card>
      {open?.what === 'new' && call === null ? (
        <NewStream owner={account.owner} markets={markets} onCall={setCall} onClose={close} />
      ) : null}
      {open?.what === 'pay in' && call === null ? (
        <PayIn owner={account.owner} markets={markets} stream={open.stream} onCall={setCall} onClose={close} />
      ) : null}
      {open?.what === 'hand over' && call === null ? (
        <HandOver
          title={`Hand over stream ${open.stream.id}`}
          proposalFor={(to) => ({
            lines: [
              `From now on what flows belongs to account 0 of ${to}, and what has flowed and is not collected too`,
            ],
            note: 'An assignment to a debt stays.',
            ...callOf(
              encodeFunctionData({ abi: streamsAbi, functionName: 'transfer', args: [open.stream.id, to, 0] }),
              `hand-over ${open.stream.id} ${to}`,
            ),
          })}
          onCall={setCall}
          onClose={close}
        />
      ) : null}
      {proposal === null ? null : (
        <Act
          account={{ ...account, index: proposal.index }}
          proposal={proposal}
          asset={named}
          onClose={() => setProposal(null)}
        />
      )}
      {call === null ? null : (
        <SignCall
          from={account.owner}
          proposal={call}
          onClose={() => {
            setCall(null);
            close();
          }}
        />
      )}
    </div>
  );
}

function StreamTable({
  streams,
  coin,
  account,
  isOwed,
  onCollect,
  onToWallet,
  onAssign,
  onStop,
  onPayIn,
  onHandOver,
}: {
  streams: readonly Stream[];
  coin: (assetId: number) => Counted;
  account: AccountName;
  isOwed: (assetId: number) => boolean;
} & Record<'onCollect' | 'onToWallet' | 'onAssign' | 'onStop' | 'onPayIn' | 'onHandOver', (stream: Stream) => void>) {
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  const isMe = (address: string) => address.toLowerCase() === account.owner.toLowerCase();
  return (
    <Table
      caption="Streams of yours"
      head={
        <>
          <th scope="col">Stream</th>
          <th scope="col">Not collected</th>
          <th scope="col" className="start">
            Flows
          </th>
          <th scope="col" className="start">
            From and to
          </th>
          <th scope="col">
            <span className="unseen">What to do</span>
          </th>
        </>
      }
    >
      {streams.map((stream) => {
        const of = coin(stream.assetId);
        const isAssigned = BigInt(stream.assignedTo) !== 0n;
        const name = `stream ${stream.id}`;
        return (
          <tr key={stream.id}>
            <th scope="row">
              {stream.id.toString()}
              {isAssigned ? <Badge tone="accent">pays a debt</Badge> : null}
              {stream.isFinal ? <Badge title="Its payer gave up the right to stop it">final</Badge> : null}
            </th>
            <td>
              {told(of, stream.due)}
              <span className="note">of {told(of, stream.paid)} paid in</span>
            </td>
            <td className="start">{flowWords(stream, of, nowMs)}</td>
            <td className="start small">
              {isMe(stream.payer) ? 'you' : <Address of={stream.payer} />} →{' '}
              {isMe(stream.owner) ? 'you' : <Address of={stream.owner} />}
            </td>
            <td>
              <span className="row" style={{ '--gap': 'var(--s1)', justifyContent: 'end' } as React.CSSProperties}>
                {isMe(stream.owner) && stream.due > 0n ? (
                  <Button slim aria-label={`Collect ${name}`} onClick={() => onCollect(stream)}>
                    Collect
                  </Button>
                ) : null}
                {isMe(stream.owner) && stream.due > 0n && !isAssigned ? (
                  <Button
                    slim
                    look="bare"
                    aria-label={`Collect ${name} to the wallet`}
                    onClick={() => onToWallet(stream)}
                  >
                    To the wallet
                  </Button>
                ) : null}
                {isMe(stream.owner) && !isAssigned && isOwed(stream.assetId) ? (
                  <Button slim aria-label={`Let ${name} pay my debt`} onClick={() => onAssign(stream)}>
                    Let it pay my debt
                  </Button>
                ) : null}
                {isMe(stream.owner) ? (
                  <Button slim look="bare" aria-label={`Hand over ${name}`} onClick={() => onHandOver(stream)}>
                    Hand over
                  </Button>
                ) : null}
                {isMe(stream.payer) && !stream.isStopped ? (
                  <Button slim look="bare" aria-label={`Pay into ${name}`} onClick={() => onPayIn(stream)}>
                    Pay in
                  </Button>
                ) : null}
                {isMe(stream.payer) && !stream.isStopped && !stream.isFinal ? (
                  <Button slim look="danger" aria-label={`Stop ${name}`} onClick={() => onStop(stream)}>
                    Stop
                  </Button>
                ) : null}
              </span>
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

interface CallForm {
  readonly onCall: (proposal: CallProposal) => void;
  readonly onClose: () => void;
}

function NewStream({ owner, markets, onCall, onClose }: CallForm & { owner: Hex; markets: readonly Market[] }) {
  const now = useHeads()[0];
  const [assetId, setAsset] = useState(
    markets.find((one) => one.kind === 'foreign')?.assetId ?? markets[0]?.assetId ?? 0,
  );
  const [text, setText] = useState<StreamText>(USUAL);
  const { market, has, first } = useOne(owner, markets, assetId);
  const read = readStream(text, market?.decimals ?? 18, has);
  if (!market) return null;
  const propose = () => {
    if (read.to === null || now === undefined) return;
    const nowMs = now.timestamp * 1_000;
    const endMs = nowMs + read.lastsMs;
    const cliffMs = read.cliffAfterMs === 0 ? 0 : nowMs + read.cliffAfterMs;
    const data = encodeFunctionData({
      abi: streamsAbi,
      functionName: 'open',
      args: [assetId, read.to, 0, read.amount, 0n, BigInt(cliffMs), BigInt(endMs), text.isFinal],
    });
    onCall({
      title: 'Open a stream',
      lines: [
        `Pay ${told(market, read.amount)} in now; they flow evenly to ${read.to} until ${moment(endMs)}`,
        ...(cliffMs === 0 ? [] : [`Nothing is to be had before ${moment(cliffMs)}`]),
        text.isFinal ? 'You can never stop it' : 'You may stop it at any time; what has not flowed comes back',
      ],
      first: first(addresses.streams, read.amount),
      ...callOf(
        data,
        [
          `open "${exactOf(market, read.amount)} ${asNamed(market.symbol, assetId)}" ${read.to}`,
          `--lasts ${timeWord(read.lastsMs / 1_000)}`,
          ...(cliffMs === 0 ? [] : [`--cliff ${timeWord(read.cliffAfterMs / 1_000)}`]),
          ...(text.isFinal ? ['--final'] : []),
        ].join(' '),
      ),
    });
  };
  return (
    <Dialog title="Let something flow" onClose={onClose}>
      <TextField
        label="To"
        placeholder="0x…"
        value={text.to}
        onChange={(to) => setText({ ...text, to })}
        wrong={read.wrong.to ?? null}
        autoFocus
      />
      <div className="columns even">
        <Select
          label="What"
          value={assetId}
          options={markets.map((one) => ({ value: one.assetId, text: one.symbol }))}
          onChange={setAsset}
        />
        <AmountField
          label="How much"
          hint={`${told(market, has)} there`}
          suffix={market.symbol}
          value={text.amount}
          onChange={(amount) => setText({ ...text, amount })}
          wrong={read.wrong.amount ?? null}
        />
      </div>
      <div className="choices">
        <AmountField
          label="Flows for"
          value={text.lasts}
          onChange={(lasts) => setText({ ...text, lasts })}
          wrong={read.wrong.lasts ?? null}
        />
        <AmountField
          label="Nothing before"
          value={text.cliff}
          onChange={(cliff) => setText({ ...text, cliff })}
          wrong={read.wrong.cliff ?? null}
        />
        <Select label="counted in" value={text.unit} options={UNITS} onChange={(unit) => setText({ ...text, unit })} />
      </div>
      <Check checked={text.isFinal} onChange={(isFinal) => setText({ ...text, isFinal })}>
        I give up the right to stop it
      </Check>
      <DialogActions onClose={onClose} disabled={!read.isPossible || now === undefined} onGo={propose}>
        See the stream…
      </DialogActions>
    </Dialog>
  );
}

function PayIn({
  owner,
  markets,
  stream,
  onCall,
  onClose,
}: CallForm & { owner: Hex; markets: readonly Market[]; stream: Stream }) {
  const [text, setText] = useState('');
  const { market, has, first } = useOne(owner, markets, stream.assetId);
  if (!market) return null;
  const read = readAmount(text, market.decimals, has);
  const wrong = someWrong(text, read, { of: has, where: 'the wallet has' });
  const propose = () => {
    if (!read.ok) return;
    const data = encodeFunctionData({ abi: streamsAbi, functionName: 'payIn', args: [stream.id, read.amount] });
    onCall({
      title: `Pay into stream ${stream.id}`,
      lines: [
        stream.isSettled
          ? `Give ${told(market, read.amount)} to its owner at once`
          : `Let ${told(market, read.amount)} more flow, at the speed that it has`,
      ],
      first: first(addresses.streams, read.amount),
      ...callOf(data, `pay-in ${stream.id} ${exactOf(market, read.amount)}`),
    });
  };
  return (
    <Dialog title={`Pay into stream ${stream.id}`} onClose={onClose}>
      <AmountField
        label="How much"
        hint={`${told(market, has)} there`}
        suffix={market.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <DialogActions onClose={onClose} disabled={!read.ok || text.trim() === '' || wrong !== null} onGo={propose} />
    </Dialog>
  );
}
