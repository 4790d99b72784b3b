import { useState } from 'react';
import type { Approval } from '../../act/Act.tsx';
import { largest, plan } from '../../act/plan.ts';
import type { Market } from '../../node/shapes.ts';
import { assetUnit, quantity, readAmount, shownAmount, shownPercent } from '../../units/quantity.ts';
import { AmountField, Button, Notice, Select } from '../../ui/index.ts';
import type { FormProps } from './Actions.tsx';
import { amountWrong, planWrong, useThere } from './there.ts';

const WORDS = {
  supply: {
    verb: 'Supply',
    hint: 'there is',
    lead: 'Lent to whoever borrows; it earns interest and counts as collateral.',
  },
  borrow: { verb: 'Borrow', hint: '', lead: 'Goes to your wallet, as a debt of this account.' },
  repay: { verb: 'Repay', hint: 'owed', lead: 'From the account’s units first, then from your wallet.' },
  withdraw: { verb: 'Withdraw', hint: 'held', lead: 'To your wallet: units first, then what is supplied.' },
} as const;

export function Move({
  of,
  state,
  markets,
  propose,
  wish,
  first,
}: FormProps & { wish: keyof typeof WORDS; first: number }) {
  const owed = state.holdings.find((row) => row.owed.amount > 0n)?.assetId;
  const held = state.holdings.find((row) => row.supplied.amount > 0n || row.units.amount > 0n)?.assetId;
  const likely =
    (wish === 'repay' ? owed : wish === 'withdraw' ? held : undefined) ??
    (wish === 'borrow' ? other(markets, held, first) : first);
  const [assetId, setAssetId] = useState(likely);
  const [text, setText] = useState('');
  const market = markets.find((item) => item.assetId === assetId);
  const there = useThere(market, state);
  if (!market) return null;
  const { verb, hint, lead } = WORDS[wish];
  const stopped = wish === 'supply' ? market.paused.supply : wish === 'borrow' ? market.paused.borrow : false;
  const most = there ? largest(wish, there) : 0n;
  const read = readAmount(text, market.decimals, most);
  const noMax =
    wish === 'borrow' && /max|all|%/i.test(text)
      ? 'say how much: the most would be liquidated by the next move of a price'
      : null;
  const planned = read.ok && there && noMax === null ? plan(wish, read.amount, read.all, there, of.owner) : null;
  const wrong =
    noMax ??
    amountWrong(text, read) ??
    (text.trim() !== '' && planned && !planned.ok ? planWrong(planned.problem, market) : null);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (!planned?.ok || !read.ok) return;
        const amount = quantity(read.amount, market.decimals, assetUnit(market.assetId));
        propose({
          title: `${verb} ${read.all ? 'all' : shownAmount(amount)} ${market.symbol}`,
          actions: planned.actions,
          approvals: approvals(market, planned.takenFromWallet),
        });
      }}
    >
      <p className="small quiet">{lead}</p>
      <Select
        label="Asset"
        value={assetId}
        options={markets.map((item) => ({
          value: item.assetId,
          text: `${item.symbol}: ${wish === 'borrow' || wish === 'repay' ? `costs ${shownPercent(item.borrowRatePerYear)}` : `earns ${shownPercent(item.supplyRatePerYear)}`} a year`,
        }))}
        onChange={setAssetId}
      />
      <AmountField
        label="Amount"
        hint={
          there && hint !== ''
            ? `${hint} ${shownAmount(quantity(most, market.decimals, assetUnit(market.assetId)))}`
            : undefined
        }
        suffix={market.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        placeholder="75.5"
      />
      {wish === 'borrow' ? null : <Parts onChoose={setText} />}
      {stopped ? <Notice tone="warn" title="Paused in this market" /> : null}
      <Button type="submit" look="primary" wide disabled={!planned?.ok || stopped}>
        {verb}…
      </Button>
    </form>
  );
}

/** Something else than what is held. */
function other(markets: readonly Market[], held: number | undefined, first: number): number {
  const stable = markets.find((market) => market.assetId !== (held ?? first));
  return stable?.assetId ?? first;
}

/** What the account must be allowed to take of a token of others. */
export function approvals(market: Market, taken: bigint): Approval[] {
  return market.kind === 'foreign' && taken > 0n
    ? [{ token: market.token, assetId: market.assetId, amount: taken }]
    : [];
}

export function Parts({ onChoose }: { onChoose: (text: string) => void }) {
  return (
    <div className="row" style={{ '--gap': 'var(--s2)' } as React.CSSProperties}>
      {['25%', '50%', 'max'].map((part) => (
        <Button key={part} slim onClick={() => onChoose(part)}>
          {part}
        </Button>
      ))}
    </div>
  );
}
