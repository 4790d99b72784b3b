/** What a batch would do, before anybody signs it: the account now and then, decoded, with what is dangerous about it. */
import { useState, type ReactNode } from 'react';
import { encodeFunctionData, erc20Abi, type Hex } from 'viem';
import { addresses } from '../generated/addresses.ts';
import { useLinkState } from '../node/node.tsx';
import { usePreview } from '../node/queries.ts';
import type { AccountName, Action } from '../node/rpc.ts';
import type { Holding, Preview, Report, Standing } from '../node/shapes.ts';
import {
  assetUnit,
  exact,
  isZero,
  quantity,
  shownAmount,
  shownBps,
  shownHealth,
  shownUsd,
  shownUsdFine,
} from '../units/quantity.ts';
import { Answer, Button, CopyCommand, Dialog, Notice, Table, toast } from '../ui/index.ts';
import { executeCall, inWords, type AssetWords } from './batch.ts';
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
  const send = useSend();
  const state = useLinkState();
  const refused = preview.data?.error ?? null;
  const canSign = approval !== undefined || (preview.data?.after !== null && preview.data !== undefined);
  const sign = () => {
    if (approval) {
      const data = encodeFunctionData({
        abi: erc20Abi,
        functionName: 'approve',
        args: [addresses.account, approval.amount],
      });
      send.mutate(
        { call: { to: approval.token, data, valueWei: 0n }, words: `approval of ${asset(approval.assetId).symbol}` },
        { onSuccess: () => setApproved(approved + 1) },
      );
      return;
    }
    send.mutate(
      { call: executeCall(account, proposal.actions), words: proposal.title },
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
        {approvals.map((step) => {
          const { symbol, decimals } = asset(step.assetId);
          const amount = quantity(step.amount, decimals, assetUnit(step.assetId));
          return (
            <li
              key={step.token}
            >{`Allow the account to take ${exact(amount)} ${symbol} from the wallet (a transaction of its own)`}</li>
          );
        })}
        {proposal.actions.map((action, at) => (
          <li key={at}>{inWords(action, asset, account.owner)}</li>
        ))}
      </ol>
      {approval ? null : <Answer of={preview}>{(told) => <Effect told={told} />}</Answer>}
      {proposal.notes?.map((note) => (
        <p key={note} className="small quiet">
          {note}
        </p>
      ))}
      {refused ? (
        <Notice tone="bad" title="This would fail">
          <p>{refused.help}</p>
          <p className="faint">{refused.message}</p>
        </Notice>
      ) : null}
      {preview.data?.revert && !refused ? (
        <Notice tone="bad" title="This would fail">
          {preview.data.revert}
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
          disabled={!canSign || send.isPending || state !== 'live'}
          onClick={sign}
          data-testid="sign"
        >
          {send.isPending ? 'Waiting for its block…' : approval ? 'Sign the approval' : 'Sign'}
        </Button>
      </div>
    </Dialog>
  );
}

interface EffectRow {
  readonly name: string;
  readonly now: string;
  readonly then: string;
}

const REPORT_ROWS: readonly (readonly [string, (report: Report) => string])[] = [
  ['Collateral', (report) => shownUsd(report.collateral)],
  ['Borrow limit', (report) => shownUsd(report.borrowable)],
  ['Debt', (report) => shownUsd(report.debt)],
  ['Health', (report) => shownHealth(report.healthMaintenance)],
  ['Room to fall', (report) => (report.healthMaintenance === null ? 'all' : shownBps(report.roomToFallBps))],
  ['Costs a day', (report) => shownUsdFine(report.costPerDay)],
];

const HOLDING_ROWS: readonly (readonly [string, (row: Holding) => string | null])[] = [
  ['units', (row) => (isZero(row.units) ? null : shownAmount(row.units))],
  ['supplied', (row) => (isZero(row.supplied) ? null : shownAmount(row.supplied))],
  ['owed', (row) => (isZero(row.owed) ? null : shownAmount(row.owed))],
  ['liquidated at', (row) => (row.liquidationPrice ? shownUsd(row.liquidationPrice) : null)],
];

/** The rows that `capstan account preview` prints. */
export function effectRows(before: Standing, after: Standing): EffectRow[] {
  const rows = REPORT_ROWS.map(([name, of]) => {
    const one = (standing: Standing) => (standing.report ? of(standing.report) : '?');
    return { name, now: one(before), then: one(after) };
  });
  const ids = [...new Set([...before.holdings, ...after.holdings].map((row) => row.assetId))].sort((a, b) => a - b);
  for (const id of ids) {
    const find = (standing: Standing) => standing.holdings.find((row) => row.assetId === id);
    const [now, then] = [find(before), find(after)];
    for (const [name, of] of HOLDING_ROWS) {
      const text = (row: Holding | undefined) => (row ? of(row) : null) ?? '–';
      const row = { name: `${(now ?? then)?.symbol ?? ''} ${name}`, now: text(now), then: text(then) };
      if (row.now !== row.then) rows.push(row);
    }
  }
  return rows;
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
