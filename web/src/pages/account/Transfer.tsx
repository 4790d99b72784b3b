/** From one of one's own accounts to another: free units, what the market has of them, and liquidity as it is. */
import { useState } from 'react';
import { act, ALL, executeCall, transfer } from '../../act/batch.ts';
import { isPieceKind, movePiece } from '../../act/liquidity.ts';
import type { Action } from '../../node/rpc.ts';
import { castCommand } from '../../node/commands.ts';
import { assetUnit, quantity, readAmount, shownAmount, someWrong } from '../../units/quantity.ts';
import { AmountField, Button, Empty, Select } from '../../ui/index.ts';
import { INDEXES } from '../../wallet/chosen.tsx';
import type { FormProps } from './Actions.tsx';
import { Parts } from './Move.tsx';

const PIECES: Record<string, string> = { shares: 'Shares of pool', range: 'Position', stake: 'Stake in farm' };

export function Transfer({ of, state, propose }: FormProps) {
  const rows = state.holdings.filter((row) => row.units.amount + row.supplied.amount > 0n);
  const pieces = state.pieces ?? [];
  const others = Array.from({ length: INDEXES }, (_, index) => index).filter((index) => index !== of.index);
  const [toIndex, setTo] = useState(others[0] ?? 1);
  const [what, setWhat] = useState('');
  const [text, setText] = useState('');
  const options = [
    ...rows.map((row) => ({ value: `asset:${row.assetId}`, text: row.symbol })),
    ...pieces.map((piece) => ({
      value: `${piece.kind}:${piece.id}`,
      text: `${PIECES[piece.kind] ?? piece.kind} ${piece.id}`,
    })),
  ];
  const chosen = options.find((option) => option.value === what) ?? options[0];
  if (!chosen) return <Empty>This account holds nothing that could be moved. Supply something first.</Empty>;
  const row = rows.find((held) => `asset:${held.assetId}` === chosen.value);
  const piece = pieces.find((one) => `${one.kind}:${one.id}` === chosen.value);
  const to = { owner: of.owner, index: toIndex };
  const most = row ? row.units.amount + row.supplied.amount : 0n;
  const read = readAmount(text, row?.decimals ?? 0, most);
  const wrong = someWrong(text, read, { of: most, where: 'the account holds' });

  const actions = (): Action[] => {
    if (piece) return isPieceKind(piece.kind) ? [movePiece(piece.kind, piece.id, to)] : [];
    if (!row || !read.ok) return [];
    if (read.all) {
      const out = row.supplied.amount > 0n ? [act('redeem', row.assetId, ALL)] : [];
      return [...out, transfer(row.assetId, ALL, to)];
    }
    const missing = read.amount > row.units.amount ? read.amount - row.units.amount : 0n;
    const out = missing > 0n ? [act('redeem', row.assetId, missing)] : [];
    return [...out, transfer(row.assetId, read.amount, to)];
  };
  const canMove = piece !== undefined || (read.ok && read.amount > 0n && wrong === null && text.trim() !== '');
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (!canMove) return;
        const batch = actions();
        const call = executeCall(of, batch);
        const amount =
          row && read.ok
            ? `${read.all ? 'all' : shownAmount(quantity(read.amount, row.decimals, assetUnit(row.assetId)))} ${row.symbol}`
            : chosen.text;
        propose({
          title: `Move ${amount} to account ${toIndex}`,
          actions: batch,
          notes: ['It arrives as free units and counts there as collateral; what backs debts here must stay enough.'],
          command: castCommand(`send ${call.to} ${call.data}`),
        });
      }}
    >
      <p className="small quiet">
        Each of your accounts has a health of its own: what goes wrong on one cannot take from another.
      </p>
      <div className="columns even">
        <Select label="What" value={chosen.value} options={options} onChange={setWhat} />
        <Select
          label="To"
          value={toIndex}
          options={others.map((index) => ({ value: index, text: `Account ${index}` }))}
          onChange={setTo}
        />
      </div>
      {row ? (
        <>
          <AmountField
            label="Amount"
            hint={`held ${shownAmount(quantity(most, row.decimals, assetUnit(row.assetId)))}`}
            suffix={row.symbol}
            value={text}
            onChange={setText}
            wrong={wrong}
            placeholder="75.5"
          />
          <Parts onChoose={setText} />
        </>
      ) : (
        <p className="small faint">It moves whole, with what it has earned.</p>
      )}
      <Button type="submit" look="primary" wide disabled={!canMove}>
        Move…
      </Button>
    </form>
  );
}
