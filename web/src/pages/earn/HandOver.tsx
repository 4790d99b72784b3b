/** Something of one's own given to another address: who gets it, in a dialog. */
import { useState } from 'react';
import type { CallProposal } from '../../act/SignCall.tsx';
import type { Hex } from '../../node/decode.ts';
import { Dialog, DialogActions } from '../../ui/index.ts';
import { ToWhom } from './ToWhom.tsx';
import { NOBODY, readWhom } from './whom.ts';

export function HandOver({
  title,
  proposalFor,
  onCall,
  onClose,
}: {
  title: string;
  proposalFor: (to: Hex, index: number) => Omit<CallProposal, 'title' | 'notes'> & { readonly note: string };
  onCall: (proposal: CallProposal) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState(NOBODY);
  const { to, index, wrong } = readWhom(text);
  const isPossible = to !== null && wrong.index === undefined;
  const propose = () => {
    if (!isPossible) return;
    const { note, ...proposal } = proposalFor(to, index);
    onCall({ ...proposal, title, notes: [`It is given away: nothing comes back for it here. ${note}`.trim()] });
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <ToWhom text={text} wrong={wrong} onChange={setText} />
      <DialogActions onClose={onClose} disabled={!isPossible} onGo={propose} />
    </Dialog>
  );
}
