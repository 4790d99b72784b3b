/** Something of one's own given to another address: who gets it, in a dialog. */
import { useState } from 'react';
import { isAddress } from 'viem';
import type { CallProposal } from '../../act/SignCall.tsx';
import type { Hex } from '../../node/decode.ts';
import { Dialog, DialogActions, TextField } from '../../ui/index.ts';

export function HandOver({
  title,
  proposalFor,
  onCall,
  onClose,
}: {
  title: string;
  proposalFor: (to: Hex) => Omit<CallProposal, 'title' | 'notes'> & { readonly note: string };
  onCall: (proposal: CallProposal) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState('');
  const to = text.trim();
  const propose = () => {
    if (!isAddress(to)) return;
    const { note, ...proposal } = proposalFor(to);
    onCall({ ...proposal, title, notes: [`It is given away: nothing comes back for it here. ${note}`.trim()] });
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <TextField
        label="To"
        placeholder="0x…"
        value={text}
        onChange={setText}
        wrong={to === '' || isAddress(to) ? null : 'an address has 0x and 40 digits'}
        autoFocus
      />
      <DialogActions onClose={onClose} disabled={!isAddress(to)} onGo={propose} />
    </Dialog>
  );
}
