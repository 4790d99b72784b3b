/** Which of one's own accounts acts: chosen once, for every page, for as long as this tab is open. */
import { useMemo, useSyncExternalStore } from 'react';
import type { AccountName } from '../node/rpc.ts';
import { Select } from '../ui/index.ts';
import { useWallet } from './wallet.tsx';

/** Numbers of accounts that the page offers; an owner may have 256. */
export const INDEXES = 8;
const PLACE = 'capstan.account';
const listeners = new Set<() => void>();

function chosen(): number {
  const index = Number(sessionStorage.getItem(PLACE) ?? 0);
  return Number.isInteger(index) && index >= 0 && index < INDEXES ? index : 0;
}

function choose(index: number): void {
  sessionStorage.setItem(PLACE, String(index));
  for (const listener of listeners) listener();
}

function onChoice(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The account that acts: of the connected wallet, with the number that was chosen. */
export function useMine(): AccountName | null {
  const wallet = useWallet();
  const index = useSyncExternalStore(onChoice, chosen);
  return useMemo(() => (wallet ? { owner: wallet.address, index } : null), [wallet, index]);
}

/** Says which account acts, and lets another one be chosen; nothing without a wallet. */
export function WhichAccount() {
  const mine = useMine();
  if (mine === null) return null;
  return (
    <Select
      label={<span className="unseen">Which account</span>}
      value={mine.index}
      options={Array.from({ length: INDEXES }, (_, value) => ({ value, text: `Account ${value}` }))}
      onChange={choose}
    />
  );
}
