/** Streams: what flows to somebody, what he pays, and what of it pays a debt before he sees it. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { Act, type Proposal } from '../../../act/Act.tsx';
import { assign, collect } from '../../../act/agreements.ts';
import { SignCall, type CallProposal } from '../../../act/SignCall.tsx';
import { streamsAbi } from '../../../generated/streams.ts';
import { command } from '../../../node/commands.ts';
import { useAccount } from '../../../node/queries.ts';
import type { Action } from '../../../node/rpc.ts';
import type { Market } from '../../../node/shapes.ts';
import { told, type Counted } from '../../../units/quantity.ts';
import { Answer, Button, Card, Empty } from '../../../ui/index.ts';
import { useMine } from '../../../wallet/chosen.tsx';
import { assetsOf } from '../bring.ts';
import { HandOver } from '../HandOver.tsx';
import { whomFlag } from '../whom.ts';
import { callOf } from './call.ts';
import { NewStream, PayIn } from './forms.tsx';
import { useStreams, type Stream } from './queries.ts';
import { StreamTable, type StreamVerbs } from './StreamTable.tsx';

type Open = { what: 'new' } | { what: 'pay in' | 'hand over'; stream: Stream } | null;

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
  const verbs: StreamVerbs = {
    collect: (stream) =>
      batch(
        // What flows comes to the account that it is of, or whose debt it pays.
        BigInt(stream.assignedTo) === 0n ? stream.ownerIndex : stream.assignedIndex,
        `collect stream ${stream.id}`,
        [collect(stream.id)],
        ['It becomes units of the account; Withdraw brings them to the wallet.'],
        `collect ${stream.id} --keep`,
      ),
    toWallet: (stream) =>
      simple(
        `Collect stream ${stream.id} to the wallet`,
        `Send the ${told(coin(stream.assetId), stream.due)} that have flowed, and what flows until the block, to your wallet`,
        'collect',
        stream,
      ),
    assign: (stream) =>
      batch(
        account.index,
        `assign stream ${stream.id}`,
        [assign(stream.id)],
        [
          'From now on it pays this debt first. It is yours again when nothing is owed in its asset any more, and not before.',
        ],
        `assign ${stream.id}`,
      ),
    stop: (stream) =>
      simple(
        `Stop stream ${stream.id}`,
        `Stop it, and send what has not flowed back to your wallet; what has flowed stays its owner’s`,
        'cancel',
        stream,
      ),
    payIn: (stream) => setOpen({ what: 'pay in', stream }),
    handOver: (stream) => setOpen({ what: 'hand over', stream }),
  };
  return (
    <div className="stack apart">
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
              <StreamTable streams={all} coin={coin} account={account} isOwed={isOwed} on={verbs} />
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
          proposalFor={(to, index) => ({
            lines: [
              `From now on what flows belongs to account ${index} of ${to}, and what has flowed and is not collected too`,
            ],
            note: 'An assignment to a debt stays.',
            ...callOf(
              encodeFunctionData({ abi: streamsAbi, functionName: 'transfer', args: [open.stream.id, to, index] }),
              `hand-over ${open.stream.id} ${to}${whomFlag({ index })}`,
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
