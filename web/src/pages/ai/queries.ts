/** What somebody has on the network of machines, as the views of `jobs` say. */
import { skipToken, useQuery } from '@tanstack/react-query';
import type { ContractFunctionReturnType } from 'viem';
import { addresses } from '../../generated/addresses.ts';
import { jobsAbi } from '../../generated/jobs.ts';
import { publicClient } from '../../node/client.ts';
import type { Hex } from '../../node/decode.ts';
import type { Link } from '../../node/link.ts';
import { LIVE, useNode } from '../../node/node.tsx';

const JOBS = { address: addresses.jobs, abi: jobsAbi } as const;
const MULTICALL = { multicallAddress: addresses.multicall, allowFailure: false } as const;
/** Channels of a customer that are looked at: each names the one before it. */
const CHANNELS_MAX = 20;
/** Of all claims, so many of the newest are looked at for a customer's own. */
const CLAIMS_MAX = 100;

type Of<Name extends 'classOf' | 'priceOf' | 'channelOf' | 'claimOf'> = ContractFunctionReturnType<
  typeof jobsAbi,
  'view',
  Name
>;
export type Channel = Of<'channelOf'>;
export type Claim = Of<'claimOf'>;

async function readRoom(link: Link) {
  const client = publicClient(link);
  const [[params], classes, [epoch, , epochEndMs]] = await client.multicall({
    ...MULTICALL,
    contracts: [
      { ...JOBS, functionName: 'params' },
      { ...JOBS, functionName: 'classes' },
      { ...JOBS, functionName: 'epoch' },
    ],
  });
  const each = await client.multicall({
    ...MULTICALL,
    contracts: classes.flatMap(
      (id) =>
        [
          { ...JOBS, functionName: 'classOf', args: [id] },
          { ...JOBS, functionName: 'priceOf', args: [id, 0] },
        ] as const,
    ),
  });
  return {
    params,
    epoch,
    epochEndMs,
    classes: classes.map((id, at) => ({
      id,
      ...(each[at * 2] as Of<'classOf'>),
      price: each[at * 2 + 1] as Of<'priceOf'>,
    })),
  };
}
export type Room = Awaited<ReturnType<typeof readRoom>>;

/** What is sold and at which price; null while the owner of the chain has not opened it. */
export function useRoom() {
  const { link } = useNode();
  return useQuery({
    queryKey: ['jobs'],
    queryFn: async () => {
      const [now] = await publicClient(link).readContract({ ...JOBS, functionName: 'params' });
      return now.epochMs === 0n ? null : readRoom(link);
    },
    meta: LIVE,
  });
}

async function readCustomer(link: Link, who: Hex) {
  const client = publicClient(link);
  const customer = await client.readContract({ ...JOBS, functionName: 'customerOf', args: [who] });
  const keys = await client.multicall({
    ...MULTICALL,
    contracts: customer.keys.map((key) => ({ ...JOBS, functionName: 'keyOf', args: [who, key] }) as const),
  });
  const channels: (Channel & { id: Hex })[] = [];
  for (let id = customer.lastChannel; BigInt(id) !== 0n && channels.length < CHANNELS_MAX;) {
    const channel = await client.readContract({ ...JOBS, functionName: 'channelOf', args: [id] });
    channels.push({ id, ...channel });
    id = channel.previous;
  }
  const limited = keys.flatMap((limits, at) => {
    const key = customer.keys[at];
    return key === undefined ? [] : [{ key, ...limits }];
  });
  return { ...customer, keys: limited, channels };
}
export type Customer = Awaited<ReturnType<typeof readCustomer>>;

export function useCustomer(who: Hex | null) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['customer', who],
    queryFn: who === null ? skipToken : () => readCustomer(link, who),
    meta: LIVE,
  });
}

/** Claims against a customer, the newest first. */
export function useClaimsOf(who: Hex | null) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['jobClaims', who],
    queryFn:
      who === null
        ? skipToken
        : async () => {
            const client = publicClient(link);
            const count = Number(await client.readContract({ ...JOBS, functionName: 'claimCount' }));
            const ids = Array.from({ length: Math.min(CLAIMS_MAX, count) }, (_, at) => BigInt(count - at));
            const all = await client.multicall({
              ...MULTICALL,
              contracts: ids.map((id) => ({ ...JOBS, functionName: 'claimOf', args: [id] }) as const),
            });
            return all
              .map((claim, at) => ({ id: ids[at] ?? 0n, ...claim }))
              .filter((claim) => claim.customer.toLowerCase() === who.toLowerCase());
          },
    meta: LIVE,
  });
}
