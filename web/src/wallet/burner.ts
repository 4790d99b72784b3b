/**
 * A key that this browser keeps for itself: enough to try everything on a development chain, too little to trust with value.
 *
 * It is a wagmi connector like any other wallet, so nothing else in the page knows the difference. The key lies in
 * `localStorage`, which other tabs share; whoever can read this browser's profile can read it.
 */
import { createConnector } from 'wagmi';
import { custom, createWalletClient, hexToBigInt, isHex, type Address, type Chain, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import type { Link } from '../node/link.ts';

const KEY_PLACE = 'capstan.burner.key';
const ON_PLACE = 'capstan.burner.on';

export const BURNER_ID = 'burner';

function storedKey(): Hex | null {
  const key = localStorage.getItem(KEY_PLACE);
  return key !== null && /^0x[0-9a-f]{64}$/.test(key) ? (key as Hex) : null;
}

/** The burner's account; made the first time. */
export function burnerAccount(): PrivateKeyAccount {
  let key = storedKey();
  if (key === null) {
    key = generatePrivateKey();
    localStorage.setItem(KEY_PLACE, key);
  }
  return privateKeyToAccount(key);
}

export function burnerKey(): Hex | null {
  return storedKey();
}

/** Forgets the key: what is on its account is out of reach afterwards. */
export function forgetBurner(): void {
  localStorage.removeItem(KEY_PLACE);
  localStorage.removeItem(ON_PLACE);
}

interface SentTransaction {
  to?: Address;
  data?: Hex;
  value?: Hex;
  gas?: Hex;
  nonce?: Hex;
}

/** What a page asks of a wallet, answered here; everything else goes to the node. */
function provider(link: Link, chain: Chain) {
  const node = custom({
    request: ({ method, params }: { method: string; params?: unknown }) =>
      link.request(method, (params as readonly unknown[] | undefined) ?? []),
  });
  const request = async ({ method, params }: { method: string; params?: unknown }): Promise<unknown> => {
    const list = (Array.isArray(params) ? params : []) as unknown[];
    const account = burnerAccount();
    switch (method) {
      case 'eth_accounts':
      case 'eth_requestAccounts':
        return [account.address];
      case 'eth_chainId':
        return `0x${chain.id.toString(16)}`;
      case 'wallet_switchEthereumChain':
        return null;
      case 'eth_sendTransaction': {
        const sent = list[0] as SentTransaction;
        const client = createWalletClient({ account, chain, transport: node });
        const value = isHex(sent.value) ? hexToBigInt(sent.value) : 0n;
        return client.sendTransaction({
          to: sent.to ?? null,
          data: sent.data ?? '0x',
          value,
          ...(isHex(sent.gas) ? { gas: hexToBigInt(sent.gas) } : {}),
        });
      }
      case 'personal_sign':
        return account.signMessage({ message: { raw: list[0] as Hex } });
      default:
        return link.request(method, list);
    }
  };
  return { request, on: () => undefined, removeListener: () => undefined };
}

export function burner(link: Link, chain: Chain) {
  return createConnector((config) => ({
    id: BURNER_ID,
    name: 'Burner account of this browser',
    type: BURNER_ID,
    // wagmi's type of `connect` depends on an option that this connector does not have.
    connect: (async () => {
      localStorage.setItem(ON_PLACE, '1');
      return Promise.resolve({ accounts: [burnerAccount().address], chainId: chain.id });
    }) as never,
    disconnect: () => {
      localStorage.removeItem(ON_PLACE);
      return Promise.resolve();
    },
    getAccounts: () => Promise.resolve([burnerAccount().address]),
    getChainId: () => Promise.resolve(chain.id),
    getProvider: () => Promise.resolve(provider(link, chain)),
    isAuthorized: () => Promise.resolve(localStorage.getItem(ON_PLACE) !== null && storedKey() !== null),
    onAccountsChanged: () => undefined,
    onChainChanged: () => undefined,
    onDisconnect: () => config.emitter.emit('disconnect'),
  }));
}
