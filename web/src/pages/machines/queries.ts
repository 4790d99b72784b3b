/** Machines as the contract's views say: nothing about them is kept anywhere else. */
import { useQuery } from '@tanstack/react-query';
import { addresses } from '../../generated/addresses.ts';
import { machinesAbi } from '../../generated/machines.ts';
import { publicClient } from '../../node/client.ts';
import type { Link } from '../../node/link.ts';
import { LIVE, useNode } from '../../node/node.tsx';

const MACHINES = { address: addresses.machines, abi: machinesAbi } as const;
/** Tiles of one page. */
export const PAGE = 24;

async function machineOf(link: Link, id: bigint) {
  const client = publicClient(link);
  const args = [id] as const;
  const [machine, readings, challenge] = await Promise.all([
    client.readContract({ ...MACHINES, functionName: 'machine', args }),
    client.readContract({ ...MACHINES, functionName: 'readings', args }),
    client.readContract({ ...MACHINES, functionName: 'challenge', args }),
  ]);
  const capacity =
    machine.challenge === 0n
      ? null
      : await client.readContract({ ...MACHINES, functionName: 'capacity', args: [id, challenge.class] });
  return {
    id,
    ...machine,
    readings: readings.sequence === 0n ? null : readings,
    capacity: capacity === null ? null : { ...capacity, class: challenge.class },
  };
}
export type Machine = Awaited<ReturnType<typeof machineOf>>;

/** The newest machines first, a page of them. */
export function useMachines(page: number) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['machines', page],
    queryFn: async () => {
      const count = await publicClient(link).readContract({ ...MACHINES, functionName: 'machineCount' });
      const from = Number(count) - page * PAGE;
      const ids = Array.from({ length: Math.max(0, Math.min(PAGE, from)) }, (_, at) => BigInt(from - 1 - at));
      return { count: Number(count), machines: await Promise.all(ids.map((id) => machineOf(link, id))) };
    },
    placeholderData: (before) => before,
    meta: LIVE,
  });
}
