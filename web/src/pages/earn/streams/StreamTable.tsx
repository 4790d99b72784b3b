/** One's streams, one row each, with what may be done with them. */
import { useHeads } from '../../../node/node.tsx';
import type { AccountName } from '../../../node/rpc.ts';
import { told, type Counted } from '../../../units/quantity.ts';
import { Address, Badge, Button, Table } from '../../../ui/index.ts';
import type { Stream } from './queries.ts';
import { flowWords } from './words.ts';

export type StreamVerbs = Record<
  'collect' | 'toWallet' | 'assign' | 'stop' | 'payIn' | 'handOver',
  (stream: Stream) => void
>;

export function StreamTable({
  streams,
  coin,
  account,
  isOwed,
  on,
}: {
  streams: readonly Stream[];
  coin: (assetId: number) => Counted;
  account: AccountName;
  /** Whether the account owes something in an asset. */
  isOwed: (assetId: number) => boolean;
  on: StreamVerbs;
}) {
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  const isMe = (address: string) => address.toLowerCase() === account.owner.toLowerCase();
  return (
    <Table
      caption="Streams of yours"
      narrow="stack"
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
        return (
          <tr key={stream.id}>
            <th scope="row">
              {stream.id.toString()}
              {isAssigned ? <Badge tone="accent">pays a debt</Badge> : null}
              {stream.isFinal ? <Badge title="Its payer gave up the right to stop it">final</Badge> : null}
            </th>
            <td data-name="Not collected">
              {told(of, stream.due)}
              <span className="note">of {told(of, stream.paid)} paid in</span>
            </td>
            <td data-name="Flows" className="start">
              {flowWords(stream, of, nowMs)}
            </td>
            <td data-name="From and to" className="start small">
              {isMe(stream.payer) ? 'you' : <Address of={stream.payer} />} →{' '}
              {isMe(stream.owner) ? 'you' : <Address of={stream.owner} />}
              {stream.ownerIndex === 0 ? null : <span className="note">account {stream.ownerIndex}</span>}
            </td>
            <td>
              <StreamActs
                stream={stream}
                isOwner={isMe(stream.owner)}
                isPayer={isMe(stream.payer)}
                canPayDebt={isOwed(stream.assetId)}
                on={on}
              />
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function StreamActs({
  stream,
  isOwner,
  isPayer,
  canPayDebt,
  on,
}: {
  stream: Stream;
  isOwner: boolean;
  isPayer: boolean;
  canPayDebt: boolean;
  on: StreamVerbs;
}) {
  const isAssigned = BigInt(stream.assignedTo) !== 0n;
  const name = `stream ${stream.id}`;
  return (
    <span className="row acts">
      {isOwner && stream.due > 0n ? (
        <Button slim aria-label={`Collect ${name}`} onClick={() => on.collect(stream)}>
          Collect
        </Button>
      ) : null}
      {isOwner && stream.due > 0n && !isAssigned ? (
        <Button slim look="bare" aria-label={`Collect ${name} to the wallet`} onClick={() => on.toWallet(stream)}>
          To the wallet
        </Button>
      ) : null}
      {isOwner && !isAssigned && canPayDebt ? (
        <Button slim aria-label={`Let ${name} pay my debt`} onClick={() => on.assign(stream)}>
          Let it pay my debt
        </Button>
      ) : null}
      {isOwner ? (
        <Button slim look="bare" aria-label={`Hand over ${name}`} onClick={() => on.handOver(stream)}>
          Hand over
        </Button>
      ) : null}
      {isPayer && !stream.isStopped ? (
        <Button slim look="bare" aria-label={`Pay into ${name}`} onClick={() => on.payIn(stream)}>
          Pay in
        </Button>
      ) : null}
      {isPayer && !stream.isStopped && !stream.isFinal ? (
        <Button slim look="danger" aria-label={`Stop ${name}`} onClick={() => on.stop(stream)}>
          Stop
        </Button>
      ) : null}
    </span>
  );
}
