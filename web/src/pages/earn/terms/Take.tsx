/** A loan by an offer, or by a part of it. */
import { useState } from 'react';
import type { Proposal } from '../../../act/Act.tsx';
import { takeLoan } from '../../../act/agreements.ts';
import { withdraw } from '../../../act/batch.ts';
import { command } from '../../../node/commands.ts';
import type { AccountName } from '../../../node/rpc.ts';
import { exactOf, readAmount, shownBps, someWrong, told, type Counted } from '../../../units/quantity.ts';
import { Check, AmountField, Dialog, DialogActions, Notice } from '../../../ui/index.ts';
import { Payments } from './Payments.tsx';
import { usePlan, type Offer } from './queries.ts';
import { penaltyWords, scheduleWords } from './words.ts';

export function Take({
  offer,
  coin,
  account,
  onPropose,
  onClose,
}: {
  offer: Offer;
  coin: Counted;
  account: AccountName;
  onPropose: (proposal: Proposal) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState('');
  const [toWallet, setToWallet] = useState(true);
  const { terms, left, id } = offer;
  const read = readAmount(text, coin.decimals, left);
  const wrong =
    someWrong(text, read, { of: left, where: 'the offer has' }) ??
    (text.trim() !== '' && read.ok && read.amount < terms.least ? `at least ${told(coin, terms.least)}` : null);
  const amount = read.ok && wrong === null ? read.amount : 0n;
  const plan = usePlan(terms, amount);
  const propose = () => {
    const actions = [takeLoan(id, amount), ...(toWallet ? [withdraw(coin.assetId, amount, account.owner)] : [])];
    onPropose({
      title: `borrow ${told(coin, amount)} by offer ${id}`,
      actions,
      notes: [
        `${shownBps(terms.rateBps)} a year, fixed; ${scheduleWords(terms)}.`,
        ...penaltyWords(terms).map((words) => `${words}.`),
      ],
      command: command(`loan take ${id} ${exactOf(coin, amount)}${toWallet ? '' : ' --keep'}`),
    });
  };
  return (
    <Dialog title={`Borrow ${coin.symbol} at ${shownBps(terms.rateBps)} a year`} onClose={onClose}>
      <p className="small quiet">
        What you owe at any moment follows from these terms and the time, and from nothing else. {scheduleWords(terms)}.
      </p>
      <AmountField
        label="Amount"
        hint={`${told(coin, terms.least)} to ${told(coin, left)}`}
        suffix={coin.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <Check checked={toWallet} onChange={setToWallet}>
        Send it to my wallet; without, it stays on the account
      </Check>
      {plan.data && amount > 0n ? <Payments of={coin} payments={plan.data} /> : null}
      <ul className="small quiet">
        {penaltyWords(terms).map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
      {plan.error ? <Notice tone="warn" title={plan.error.message.split('\n')[0]} /> : null}
      <DialogActions onClose={onClose} disabled={amount === 0n} onGo={propose} />
    </Dialog>
  );
}
