/** Forms of a customer: units in and out, and a key that spends some of them. */
import { useState } from 'react';
import { isAddress } from 'viem';
import type { CallProposal } from '../../act/SignCall.tsx';
import type { Hex } from '../../node/decode.ts';
import { useWalletBalance } from '../../node/queries.ts';
import type { Market } from '../../node/shapes.ts';
import { readAmount, someWrong, told, type Counted } from '../../units/quantity.ts';
import { AmountField, Dialog, DialogActions, TextField } from '../../ui/index.ts';
import { depositCall, setKeyCall, takeOutCall } from './calls.ts';

interface Form {
  readonly asset: Counted;
  readonly onClose: () => void;
  readonly onCall: (proposal: CallProposal) => void;
}

export function MoveDialog({
  who,
  isIn,
  free,
  asset,
  market,
  onClose,
  onCall,
}: Form & { who: Hex; isIn: boolean; free: bigint; market: Market | null }) {
  const [text, setText] = useState('');
  const balance = useWalletBalance(market ?? undefined, who);
  const most = isIn ? (balance.data ?? 0n) : free;
  const read = readAmount(text, asset.decimals, most);
  const wrong = someWrong(text, read, { of: most, where: isIn ? 'the wallet has' : 'free are' });
  const propose = () => {
    if (!read.ok) return;
    const { amount } = read;
    onCall(
      isIn
        ? depositCall(who, asset, amount, market?.kind === 'foreign' ? market.token : null)
        : takeOutCall(asset, amount),
    );
  };
  return (
    <Dialog title={isIn ? 'Bring units in' : 'Take free units out'} onClose={onClose}>
      <AmountField
        label="How much"
        hint={`${told(asset, most)} ${isIn ? 'in the wallet' : 'free'}`}
        suffix={asset.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <DialogActions onClose={onClose} disabled={!read.ok || text.trim() === '' || wrong !== null} onGo={propose} />
    </Dialog>
  );
}

const DAY_MS = 86_400_000;
const MAX = (1n << 112n) - 1n;

export function KeyDialog({ asset, endMs, onClose, onCall }: Form & { endMs: number }) {
  const [key, setKey] = useState('');
  const [total, setTotal] = useState('1');
  const [perDay, setPerDay] = useState('0.1');
  const [days, setDays] = useState('30');
  const isKey = isAddress(key.trim(), { strict: false });
  const all = readAmount(total, asset.decimals, MAX);
  const each = readAmount(perDay, asset.decimals, MAX);
  const daysWrong = /^[0-9]{1,4}$/.test(days.trim()) && Number(days) > 0 ? null : 'whole days';
  const isPossible = isKey && all.ok && each.ok && all.amount > 0n && each.amount > 0n && daysWrong === null;
  const propose = () => {
    if (!isPossible) return;
    const untilMs = endMs + Number(days) * DAY_MS;
    onCall(
      setKeyCall(key.trim() as Hex, asset, { total: all.amount, perDay: each.amount, days: Number(days), untilMs }),
    );
  };
  return (
    <Dialog title="A spending key" onClose={onClose}>
      <TextField
        label="Address of the key that your software has"
        placeholder="0x…"
        value={key}
        onChange={setKey}
        wrong={key.trim() === '' || isKey ? null : 'an address has 0x and 40 digits'}
        autoFocus
      />
      <div className="choices">
        <AmountField
          label="In all"
          suffix={asset.symbol}
          value={total}
          onChange={setTotal}
          wrong={someWrong(total, all)}
        />
        <AmountField
          label="A day"
          suffix={asset.symbol}
          value={perDay}
          onChange={setPerDay}
          wrong={someWrong(perDay, each)}
        />
        <AmountField label="Ends in" suffix="days" value={days} onChange={setDays} wrong={daysWrong} />
      </div>
      <p className="small quiet">
        It binds within these, and only to machines that are registered. It reaches nothing else of yours.
      </p>
      <DialogActions onClose={onClose} disabled={!isPossible} onGo={propose} />
    </Dialog>
  );
}
