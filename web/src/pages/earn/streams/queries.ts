/** Streams of somebody: those that he owns and those that he pays, which the chain's events name. */
import { skipToken, useQuery } from '@tanstack/react-query';
import { addresses } from '../../../generated/addresses.ts';
import { streamsAbi, streamsEvents } from '../../../generated/streams.ts';
import { publicClient } from '../../../node/client.ts';
import type { Hex } from '../../../node/decode.ts';
import type { Link } from '../../../node/link.ts';
import { LIVE, useNode } from '../../../node/node.tsx';
import { SEARCH_MS } from '../queries.ts';

const STREAMS = { address: addresses.streams, abi: streamsAbi } as const;
const EVENTS = { address: addresses.streams, abi: streamsEvents, fromBlock: 0n, strict: true } as const;

function useStreamIds(who: Hex | null) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['streamIds', who],
    queryFn: who
      ? async () => {
          const client = publicClient(link);
          const found = await Promise.all([
            client.getContractEvents({ ...EVENTS, eventName: 'StreamOpened', args: { owner: who } }),
            client.getContractEvents({ ...EVENTS, eventName: 'StreamOpened', args: { payer: who } }),
            client.getContractEvents({ ...EVENTS, eventName: 'StreamTransferred', args: { to: who } }),
          ]);
          const ids = new Set(found.flat().map((event) => event.args.streamId));
          return [...ids].sort((a, b) => (a < b ? 1 : -1)).map(String);
        }
      : skipToken,
    refetchInterval: SEARCH_MS,
  });
}

async function streamOf(link: Link, id: bigint) {
  const client = publicClient(link);
  const [stream, due] = await Promise.all([
    client.readContract({ ...STREAMS, functionName: 'stream', args: [id] }),
    client.readContract({ ...STREAMS, functionName: 'dueOf', args: [id] }),
  ]);
  return { id, ...stream, due };
}
export type Stream = Awaited<ReturnType<typeof streamOf>>;

/** Streams that somebody owns or pays, newest first, without those of which nothing is left. */
export function useStreams(who: Hex | null) {
  const { link } = useNode();
  const ids = useStreamIds(who);
  return useQuery({
    queryKey: ['streams', who, ids.data],
    queryFn: ids.data
      ? async () => {
          const all = await Promise.all(ids.data.map((id) => streamOf(link, BigInt(id))));
          const isMine = (stream: Stream) =>
            [stream.owner, stream.payer].some((one) => one.toLowerCase() === who?.toLowerCase());
          return all.filter((stream) => isMine(stream) && !(stream.isStopped && stream.due === 0n));
        }
      : skipToken,
    placeholderData: (before) => before,
    meta: LIVE,
  });
}
