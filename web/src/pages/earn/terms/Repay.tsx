/** A payment on a loan of fixed terms, from the account's units and then the wallet. */
import { useState } from 'react';
import type { Proposal } from '../../../act/Act.tsx';
import { repayLoan } from '../../../act/agreements.ts';
import { ALL, act } from '../../../act/batch.ts';
import { command } from '../../../node/commands.ts';
import { useAccount } from '../../../node/queries.ts';
import type { AccountName } from '../../../node/rpc.ts';
import type { Market, Tradable } from '../../../node/shapes.ts';
import { exactOf, readAmount, someWrong, told } from '../../../units/quantity.ts';
import { AmountField, Button, Dialog, DialogActions } from '../../../ui/index.ts';
import { useHas, useOne } from '../bring.ts';
import type { Loan } from './queries.ts';
import { bringToEnd, endingUp } from './words.ts';

export function Repay({
  loan,
  coin,
  account,
  markets,
  onPropose,
  onClose,
}: {
  loan: Loan;
  coin: Tradable;
  account: AccountName;
  markets: readonly Market[];
  onPropose: (proposal: Proposal) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState('');
  const state = useAccount(account);
  const has = useHas({ assets: [coin] }, markets, account, state.data)(coin.assetId);
  const { market } = useOne(account.owner, [coin], coin.assetId);
  const ending = endingUp(loan, loan.terms.earlyFeeBps);
  const read = readAmount(text, coin.decimals, ending);
  const whole = read.ok && read.amount >= ending;
  const needed = !read.ok ? 0n : whole ? bringToEnd(ending) : read.amount;
  const wrong =
    someWrong(text, read) ??
    (text.trim() !== '' && read.ok && (whole ? ending : needed) > has.all
      ? `wallet and account have ${told(coin, has.all)}`
      : null);
  const propose = () => {
    if (!read.ok) return;
    // What grows until the block is brought if it is there; the debt itself must be.
    const brought = (needed > has.all ? has.all : needed) - has.units;
    const actions = [
      ...(brought > 0n ? [act('deposit', coin.assetId, brought)] : []),
      repayLoan(loan.id, whole ? ALL : read.amount),
    ];
    onPropose({
      title: `pay on loan ${loan.id}`,
      actions,
      approvals:
        market?.kind === 'foreign' && brought > 0n
          ? [{ token: coin.token, assetId: coin.assetId, amount: brought }]
          : [],
      notes: ['Late fees are paid first, then what fell due, the oldest first; what is left is paid early.'],
      command: command(`loan repay ${loan.id} ${whole ? 'max' : exactOf(coin, read.amount)}`),
    });
  };
  return (
    <Dialog title={`Pay on loan ${loan.id}`} onClose={onClose}>
      <p className="small quiet">
        {told(coin, loan.owed)} are owed now
        {loan.due > 0n ? `, of which ${told(coin, loan.due)} fell due` : ''}. {told(coin, ending)} end it today.
      </p>
      <AmountField
        label="Amount"
        hint={`${told(coin, has.all)} there`}
        suffix={coin.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <div className="row near">
        <Button slim onClick={() => setText('max')}>
          all of it
        </Button>
      </div>
      <DialogActions onClose={onClose} disabled={!read.ok || text.trim() === '' || wrong !== null} onGo={propose} />
    </Dialog>
  );
}
