/** Who acts: the burner of this browser, or any wallet that announces itself (EIP-6963) or is injected (EIP-1193). */
import { useMemo, type ReactNode } from 'react';
import { custom } from 'viem';
import { createConfig, injected, useConnection, WagmiProvider } from 'wagmi';
import type { Hex } from '../node/decode.ts';
import { chainOf } from '../node/client.ts';
import { useNode } from '../node/node.tsx';
import { burner, BURNER_ID } from './burner.ts';

export function WalletProvider({ chainId, children }: { chainId: number; children: ReactNode }) {
  const { link } = useNode();
  const config = useMemo(() => {
    const chain = chainOf(chainId);
    const transport = custom({
      request: ({ method, params }: { method: string; params?: unknown }) =>
        link.request(method, (params as readonly unknown[] | undefined) ?? []),
    });
    return createConfig({
      chains: [chain],
      connectors: [burner(link, chain), injected()],
      multiInjectedProviderDiscovery: true,
      transports: { [chain.id]: transport },
      pollingInterval: 1_000,
    });
  }, [link, chainId]);
  return <WagmiProvider config={config}>{children}</WagmiProvider>;
}

export interface Wallet {
  readonly address: Hex;
  readonly name: string;
  readonly isBurner: boolean;
  /** The chain that the wallet is on; another one than the node's is a wrong network. */
  readonly chainId: number | undefined;
}

/** The connected wallet, if there is one. */
export function useWallet(): Wallet | null {
  const { address, connector, chainId } = useConnection();
  return useMemo(
    () =>
      address && connector ? { address, name: connector.name, isBurner: connector.id === BURNER_ID, chainId } : null,
    [address, connector, chainId],
  );
}
