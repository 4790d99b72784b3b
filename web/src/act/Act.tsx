/** What a batch would do, before anybody signs it: the account now and then, decoded, with what is dangerous about it. */
import { useState, type ReactNode } from 'react';
import { type Hex } from 'viem';
import { addresses } from '../generated/addresses.ts';
import { usePreview } from '../node/queries.ts';
import type { AccountName, Action } from '../node/rpc.ts';
import type { Preview } from '../node/shapes.ts';
import { exactOf, shownBps } from '../units/quantity.ts';
import { Answer, Notice, Table, toast } from '../ui/index.ts';
import { executeCall, inWords, type AssetWords } from './batch.ts';
import { effectRows } from './effect.ts';
import { approvalOf } from './SignCall.tsx';
import { SignDialog } from './SignDialog.tsx';
import { useSend } from './send.ts';

/** Falls that are not rare: nearer than this to liquidation is said before signing. */
const NEAR_BPS = 2_000;

/** A token of others that the account may move only after an approval. */
export interface Approval {
  readonly token: Hex;
  readonly assetId: number;
  readonly amount: bigint;
}

export interface Proposal {
  readonly title: string;
  readonly actions: readonly Action[];
  readonly approvals?: readonly Approval[];
  /** What else somebody should know: how a swap goes, for example. */
  readonly notes?: readonly string[];
  /** What does the same at a terminal. */
  readonly command?: string;
}

/** Shows, asks, signs, and waits. What fails is said here, and the dialog stays, so that nothing has to be typed again. */
export function Act({
  account,
  proposal,
  asset,
  onClose,
  onDone,
}: {
  account: AccountName;
  proposal: Proposal;
  asset: (id: number) => AssetWords;
  onClose: () => void;
  onDone?: () => void;
}) {
  const [approved, setApproved] = useState(0);
  const approvals = proposal.approvals ?? [];
  const approval = approvals[approved];
  const preview = usePreview(account, approval ? null : proposal.actions);
  const { send, isPending, error } = useSend();
  const sign = () => {
    if (approval) {
      const { symbol } = asset(approval.assetId);
      const { call } = approvalOf(approval.token, addresses.account, approval.amount, '');
      send({ call, words: `approval of ${symbol}` }, () => setApproved(approved + 1));
      return;
    }
    send({ call: executeCall(account, proposal.actions), words: proposal.title }, () => {
      toast(`Done: ${proposal.title}`);
      onDone?.();
      onClose();
    });
  };
  const allowed = approvals.map(({ assetId, amount }) => {
    const { symbol, decimals } = asset(assetId);
    return `Allow the account to take ${exactOf({ assetId, symbol, decimals }, amount)} ${symbol} from the wallet (a transaction of its own)`;
  });
  return (
    <SignDialog
      title={proposal.title}
      lines={[...allowed, ...proposal.actions.map((action) => inWords(action, asset, account.owner))]}
      notes={proposal.notes}
      refused={refusal(preview.data)}
      error={error}
      isPending={isPending}
      isReady={approval !== undefined || (preview.data !== undefined && preview.data.after !== null)}
      isApproval={approval !== undefined}
      command={proposal.command}
      who={account}
      onSign={sign}
      onClose={onClose}
    >
      {approval ? null : <Answer of={preview}>{(told) => <Effect told={told} />}</Answer>}
    </SignDialog>
  );
}

/** Why a batch would fail, in words; null where it would not. */
function refusal(told: Preview | undefined): ReactNode {
  if (told?.error) {
    return (
      <>
        <p>{told.error.help}</p>
        <p className="faint">{told.error.message}</p>
      </>
    );
  }
  return told?.revert ?? null;
}

export function Effect({ told }: { told: Preview }): ReactNode {
  const { before, after } = told;
  if (!after) return null;
  const near = after.report?.healthMaintenance != null && after.report.roomToFallBps < NEAR_BPS;
  return (
    <>
      <div className="effect">
        <Table
          caption="The account before and after"
          head={
            <>
              <th scope="col">
                <span className="unseen">What</span>
              </th>
              <th scope="col">Now</th>
              <th scope="col">Then</th>
            </>
          }
        >
          {effectRows(before, after).map((row) => (
            <tr key={row.name} className={row.now === row.then ? undefined : 'changed'}>
              <th scope="row">{row.name}</th>
              <td>{row.now}</td>
              <td>{row.then}</td>
            </tr>
          ))}
        </Table>
      </div>
      {near && after.report ? (
        <Notice tone="warn" title={`Liquidation is near: ${shownBps(after.report.roomToFallBps)} away`}>
          If all collateral falls by that much, the block sells part of it by itself to bring health back to 1.05.
        </Notice>
      ) : null}
    </>
  );
}
