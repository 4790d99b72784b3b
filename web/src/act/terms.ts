import { useQuery } from '@tanstack/react-query';
import { accountAbi } from '../generated/account.ts';
import { addresses } from '../generated/addresses.ts';
import { publicClient } from '../node/client.ts';
import { useNode } from '../node/node.tsx';

/** How much an asset counts as collateral, and the largest discount at which it may be sold. */
export function useTerms(assetId: number) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['terms', assetId],
    queryFn: async () => {
      const [now] = await publicClient(link).readContract({
        address: addresses.account,
        abi: accountAbi,
        functionName: 'collateralOf',
        args: [assetId],
      });
      return now;
    },
    staleTime: 60_000,
  });
}
