/** A call of a contract, told in words and tried before anybody signs it. Calls that must come first are signed first. */
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { encodeFunctionData, erc20Abi } from 'viem';
import { hex, type Hex } from '../node/decode.ts';
import { LIVE, useLinkState, useNode } from '../node/node.tsx';
import { Button, CopyCommand, Dialog, Notice, toast } from '../ui/index.ts';
import type { Call } from './batch.ts';
import { sayError } from './errors.ts';
import { useSend } from './send.ts';

export interface CallProposal {
  /** What is done, as a command: `Place the order`. */
  readonly title: string;
  /** What is signed, decoded: one line each. */
  readonly lines: readonly string[];
  readonly call: Call;
  /** An approval of a token of others. */
  readonly first?: { readonly words: string; readonly call: Call } | null;
  readonly notes?: readonly string[];
  readonly command?: string;
}

export function approvalOf(token: Hex, spender: Hex, amount: bigint, words: string) {
  const data = encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args: [spender, amount] });
  return { words, call: { to: token, data, valueWei: 0n } };
}

export function SignCall({
  from,
  proposal,
  onClose,
  onDone,
  children,
}: {
  from: Hex;
  proposal: CallProposal;
  onClose: () => void;
  onDone?: () => void;
  children?: ReactNode;
}) {
  const { rpc } = useNode();
  const state = useLinkState();
  const [isFirstDone, setFirstDone] = useState(false);
  const first = isFirstDone ? null : (proposal.first ?? null);
  const { to, data, valueWei } = proposal.call;
  const tried = useQuery({
    queryKey: ['tried', from, to, data, valueWei.toString(), first === null],
    queryFn: async () => {
      const call = { from, to, data, value: `0x${valueWei.toString(16)}` };
      try {
        await rpc.read(hex, 'eth_call', [call, 'latest']);
        return null;
      } catch (error) {
        return sayError(error, rpc);
      }
    },
    enabled: first === null,
    meta: LIVE,
  });
  const send = useSend();
  const refused = tried.data ?? null;
  const sign = () => {
    if (first) {
      send.mutate(first, { onSuccess: () => setFirstDone(true) });
      return;
    }
    send.mutate(
      { call: proposal.call, words: proposal.title },
      {
        onSuccess: () => {
          toast(`Done: ${proposal.title}`);
          onDone?.();
          onClose();
        },
      },
    );
  };
  return (
    <Dialog title={proposal.title} onClose={onClose}>
      <ol className="stack small" style={{ '--gap': 'var(--s1)' } as React.CSSProperties}>
        {proposal.first ? <li>{proposal.first.words} (a transaction of its own)</li> : null}
        {proposal.lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ol>
      {children}
      {proposal.notes?.map((note) => (
        <p key={note} className="small quiet">
          {note}
        </p>
      ))}
      {refused && !send.error ? (
        <Notice tone="bad" title="This would fail">
          {refused.words} {refused.help}
        </Notice>
      ) : null}
      {send.error ? (
        <Notice tone="bad" title={send.error.said.title}>
          {send.error.said.words} {send.error.said.help}
        </Notice>
      ) : null}
      <div className="dialog-actions">
        {proposal.command === undefined ? null : <CopyCommand command={proposal.command} />}
        <Button onClick={onClose}>Not now</Button>
        <Button
          look="primary"
          disabled={send.isPending || state !== 'live' || (first === null && tried.data !== null)}
          onClick={sign}
          data-testid="sign"
        >
          {send.isPending ? 'Waiting for its block…' : first ? 'Sign the approval' : 'Sign'}
        </Button>
      </div>
    </Dialog>
  );
}
