/** A call of a contract, told in words and tried before anybody signs it. Calls that must come first are signed first. */
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { encodeFunctionData, erc20Abi } from 'viem';
import { hex, type Hex } from '../node/decode.ts';
import { LIVE, useNode } from '../node/node.tsx';
import { toast } from '../ui/index.ts';
import type { Call } from './batch.ts';
import { sayError } from './errors.ts';
import { SignDialog } from './SignDialog.tsx';
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
  const { send, isPending, error } = useSend();
  const refused = tried.data ?? null;
  const sign = () => {
    if (first) {
      send(first, () => setFirstDone(true));
      return;
    }
    send({ call: proposal.call, words: proposal.title }, () => {
      toast(`Done: ${proposal.title}`);
      onDone?.();
      onClose();
    });
  };
  const approval = proposal.first ? [`${proposal.first.words} (a transaction of its own)`] : [];
  return (
    <SignDialog
      title={proposal.title}
      lines={[...approval, ...proposal.lines]}
      notes={proposal.notes}
      refused={refused === null ? null : `${refused.words} ${refused.help ?? ''}`}
      error={error}
      isPending={isPending}
      isReady={first !== null || tried.data === null}
      isApproval={first !== null}
      command={proposal.command}
      who={{ owner: from }}
      onSign={sign}
      onClose={onClose}
    >
      {children}
    </SignDialog>
  );
}
