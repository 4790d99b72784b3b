/** The tranches of a market of machine loans: what each owns and brings, and one's own part of it. */
import { useState } from 'react';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import type { Hex } from '../../node/decode.ts';
import { readAmount, shownBps, someWrong, told } from '../../units/quantity.ts';
import { AmountField, Button, Dialog, DialogActions, Table } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { dollarsOf, useSource, type Asset } from './asset.ts';
import { supplyCall, trancheName, withdrawCall, type TrancheOf } from './calls.ts';
import { useTranche, type LoanMarketRow } from './queries.ts';

interface Tranche extends TrancheOf {
  readonly name: string;
  readonly owns: bigint;
  readonly rateBps: number;
}

interface Wish {
  readonly kind: 'supply' | 'withdraw';
  readonly tranche: Tranche;
}

export function Tranches({
  row,
  asset,
  rates,
}: {
  row: LoanMarketRow;
  asset: Asset;
  rates: { lenders: number; firstLoss: number };
}) {
  const { market, params } = row;
  const wallet = useWallet();
  const [wish, setWish] = useState<Wish | null>(null);
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const tranches: readonly Tranche[] = [
    {
      kind: 'lenders',
      name: 'Lenders',
      share: market.lenderShare,
      owns: market.lenders,
      rateBps: rates.lenders,
      words: 'lose last, when the first loss is spent',
    },
    {
      kind: 'first-loss',
      name: 'First loss',
      share: market.firstLossShare,
      owns: market.firstLoss,
      rateBps: rates.firstLoss,
      words: `loses before lenders do, for ${shownBps(params.firstLossCutBps)} of the interest`,
    },
  ];
  const close = () => {
    setWish(null);
    setProposal(null);
  };
  return (
    <>
      <Table
        caption={`Tranches of loans in ${asset.symbol}`}
        narrow="stack"
        head={
          <>
            <th scope="col">Tranche</th>
            <th scope="col">Owns</th>
            <th scope="col">A year, at today’s use</th>
            <th scope="col">Yours</th>
            <th scope="col">May leave now</th>
            <th scope="col">
              <span className="unseen">Act</span>
            </th>
          </>
        }
      >
        {tranches.map((tranche) => (
          <TrancheRow
            key={tranche.share}
            tranche={tranche}
            asset={asset}
            owner={wallet?.address ?? null}
            onWish={setWish}
          />
        ))}
      </Table>
      {wish !== null && wallet !== null && proposal === null ? (
        <WishDialog wish={wish} asset={asset} owner={wallet.address} onClose={close} onCall={setProposal} />
      ) : null}
      {proposal !== null && wallet !== null ? (
        <SignCall from={wallet.address} proposal={proposal} onClose={close} />
      ) : null}
    </>
  );
}

function TrancheRow({
  tranche,
  asset,
  owner,
  onWish,
}: {
  tranche: Tranche;
  asset: Asset;
  owner: Hex | null;
  onWish: (wish: Wish) => void;
}) {
  const mine = useTranche(tranche.share, owner).data;
  const name = `${tranche.name} of ${asset.symbol}`;
  return (
    <tr>
      <th scope="row">
        {tranche.name}
        <span className="note">{tranche.words}</span>
      </th>
      <td data-name="Owns">
        {told(asset, tranche.owns)}
        <span className="note">{dollarsOf(asset, tranche.owns)}</span>
      </td>
      <td data-name="A year, at today’s use">{tranche.owns === 0n ? '–' : shownBps(tranche.rateBps)}</td>
      <td data-name="Yours">{mine === undefined || owner === null ? '–' : told(asset, mine.worth)}</td>
      <td data-name="May leave now">
        {mine === undefined ? '–' : told(asset, mine.free < tranche.owns ? mine.free : tranche.owns)}
      </td>
      <td>
        {owner === null ? null : (
          <span className="row acts">
            <Button slim aria-label={`Supply to ${name}`} onClick={() => onWish({ kind: 'supply', tranche })}>
              Supply
            </Button>
            <Button
              slim
              look="bare"
              disabled={(mine?.shares ?? 0n) === 0n}
              aria-label={`Withdraw from ${name}`}
              onClick={() => onWish({ kind: 'withdraw', tranche })}
            >
              Withdraw
            </Button>
          </span>
        )}
      </td>
    </tr>
  );
}

function WishDialog({
  wish,
  asset,
  owner,
  onClose,
  onCall,
}: {
  wish: Wish;
  asset: Asset;
  owner: Hex;
  onClose: () => void;
  onCall: (proposal: CallProposal) => void;
}) {
  const [text, setText] = useState('');
  const { tranche, kind } = wish;
  const { has, first } = useSource(owner, asset);
  const mine = useTranche(tranche.share, owner).data;
  const most = kind === 'supply' ? has : (mine?.mayLeave ?? 0n);
  const read = readAmount(text, asset.decimals, most);
  const where = kind === 'supply' ? 'the wallet has' : 'of yours may leave';
  const wrong = someWrong(text, read, { of: most, where });
  const name = trancheName(tranche.kind);
  const propose = () => {
    if (!read.ok) return;
    onCall(
      kind === 'supply'
        ? supplyCall(tranche, asset, read.amount, owner, first(tranche.share, read.amount))
        : withdrawCall(tranche, asset, read.amount, owner),
    );
  };
  return (
    <Dialog title={kind === 'supply' ? `Supply to the ${name}` : `Withdraw from the ${name}`} onClose={onClose}>
      <AmountField
        label="How much"
        hint={kind === 'supply' ? `${told(asset, has)} in the wallet` : `${told(asset, most)} may leave now`}
        suffix={asset.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <p className="small quiet">
        {tranche.name}: {tranche.words}. At today’s use {shownBps(tranche.rateBps)} a year.
      </p>
      <DialogActions onClose={onClose} disabled={!read.ok || text.trim() === '' || wrong !== null} onGo={propose} />
    </Dialog>
  );
}
