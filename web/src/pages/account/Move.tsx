import { useState, type ReactNode } from 'react';
import type { Approval } from '../../act/Act.tsx';
import { useDollar } from '../../act/dollar.ts';
import { isNewDebt, largest, plan } from '../../act/plan.ts';
import { mostToBorrow } from '../../act/borrow.ts';
import { accountCommand, named } from '../../node/commands.ts';
import { usePreview } from '../../node/queries.ts';
import type { Market, Report, Tradable } from '../../node/shapes.ts';
import {
  amountWrong,
  assetUnit,
  exact,
  quantity,
  readAmount,
  shownAmount,
  shownBps,
  shownHealth,
  shownPercent,
  type Usd,
} from '../../units/quantity.ts';
import { AmountField, Button, Empty, Notice, Select } from '../../ui/index.ts';
import { EmptyWallet } from '../../wallet/EmptyWallet.tsx';
import type { FormProps } from './Actions.tsx';
import { planWrong, useThere } from './there.ts';

const WORDS = {
  supply: {
    verb: 'Supply',
    hint: 'there is',
    lead: 'Lent to whoever borrows; it earns interest and counts as collateral.',
  },
  deposit: {
    verb: 'Deposit',
    hint: 'in the wallet',
    lead: 'From the wallet to the account, without lending it: it backs debts and earns nothing.',
  },
  borrow: { verb: 'Borrow', hint: 'at most about', lead: 'Goes to your wallet, as a debt of this account.' },
  mint: {
    verb: 'Mint',
    hint: 'at most about',
    lead: 'New dollars of this chain against what you hold. They go to your wallet, as a debt of this account; Repay ends it.',
  },
  repay: {
    verb: 'Repay',
    hint: 'owed',
    lead: 'From the account’s units first, then from your wallet. Borrowed and minted dollars alike.',
  },
  withdraw: { verb: 'Withdraw', hint: 'held', lead: 'To your wallet: units first, then what is supplied.' },
} as const;

type Props = FormProps & { wish: keyof typeof WORDS; first: number };

export function Move(props: Props) {
  const { wish, markets, assets } = props;
  const dollar = useDollar();
  if (wish === 'supply' || wish === 'borrow') {
    const market = (id: number) => markets.find((one) => one.assetId === id);
    const borrowable = (id: number) => ({ price: dearer(market(id)), there: market(id)?.cash.amount ?? 0n });
    return <One {...props} choices={markets} borrowable={borrowable} />;
  }
  if (wish !== 'mint') return <One {...props} choices={assets} />;
  if (!dollar.data) {
    return dollar.data === null ? (
      <Empty>This chain has no dollar of its own: its owner did not open one.</Empty>
    ) : null;
  }
  const { asset, price, ratePerYear, mintable, mintPaused } = dollar.data;
  return (
    <One
      {...props}
      choices={[asset]}
      first={asset.assetId}
      isPaused={mintPaused}
      borrowable={() => ({ price, there: mintable })}
    >
      <p className="small faint">
        Costs {shownPercent(ratePerYear)} a year.{' '}
        {shownAmount(quantity(mintable, asset.decimals, assetUnit(asset.assetId)))} {asset.symbol} may still be minted
        by all now.
      </p>
    </One>
  );
}

function One({
  of,
  state,
  choices,
  propose,
  wish,
  first,
  isPaused = false,
  borrowable,
  children,
}: Props & {
  choices: readonly Tradable[];
  isPaused?: boolean;
  /** The price at which a debt of an asset counts, and how much of it there is to borrow. */
  borrowable?: (assetId: number) => { readonly price: Usd | null; readonly there: bigint };
  children?: ReactNode;
}) {
  const owed = state.holdings.find((row) => row.owed.amount > 0n)?.assetId;
  const held = state.holdings.find((row) => row.supplied.amount > 0n || row.units.amount > 0n)?.assetId;
  const likely =
    (wish === 'repay' ? owed : wish === 'withdraw' ? held : undefined) ??
    (wish === 'borrow' ? other(choices, held, first) : first);
  const [assetId, setAssetId] = useState(likely);
  const [text, setText] = useState('');
  const market = choices.find((item) => item.assetId === assetId);
  const there = useThere(market, state);
  const isDebt = isNewDebt(wish);
  const limit = borrowable?.(assetId);
  const mostDebt = market ? mostToBorrow(state.report, market, limit?.price ?? null, limit?.there ?? 0n) : 0n;
  const most = isDebt ? mostDebt : there ? largest(wish, there) : 0n;
  const read = readAmount(text, market?.decimals ?? 0, most);
  const planned = read.ok && there ? plan(wish, read.amount, read.all, there, of.owner) : null;
  const preview = usePreview(of, isDebt && planned?.ok ? planned.actions : null);
  if (!market) return null;
  const { verb, hint, lead } = WORDS[wish];
  const stopped =
    isPaused || (wish === 'supply' ? market.paused.supply : wish === 'borrow' ? market.paused.borrow : false);
  const wrong =
    amountWrong(text, read) ??
    (text.trim() !== '' && planned && !planned.ok ? planWrong(planned.problem, market) : null);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (!planned?.ok || !read.ok) return;
        const amount = quantity(read.amount, market.decimals, assetUnit(market.assetId));
        const isAll = read.all && !isDebt;
        const asset = named(market.symbol, market.assetId);
        propose({
          command: accountCommand(of.index, `${wish} ${isAll ? 'max' : exact(amount)} ${asset}`),
          title: `${verb} ${isAll ? 'all' : shownAmount(amount)} ${market.symbol}`,
          ...(wish === 'withdraw'
            ? { notes: [`Your wallet receives ${isAll ? 'about ' : ''}${shownAmount(amount)} ${market.symbol}.`] }
            : {}),
          actions: planned.actions,
          approvals: approvals(market, planned.takenFromWallet),
        });
      }}
    >
      <p className="small quiet">{lead}</p>
      <Select
        label="Asset"
        value={assetId}
        options={choices.map((item) => ({ value: item.assetId, text: optionWords(wish, item) }))}
        onChange={setAssetId}
      />
      <AmountField
        label="Amount"
        hint={there ? `${hint} ${shownAmount(quantity(most, market.decimals, assetUnit(market.assetId)))}` : undefined}
        suffix={market.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        placeholder="75.5"
      />
      {children}
      <Parts onChoose={setText} />
      {isDebt && preview.data?.after?.report && text.trim() !== '' && planned?.ok ? (
        <Then report={preview.data.after.report} />
      ) : null}
      {isFromWallet(wish) && there && most === 0n ? <EmptyWallet symbol={market.symbol} /> : null}
      {stopped ? <Notice tone="warn" title={wish === 'mint' ? 'Minting is paused' : 'Paused in this market'} /> : null}
      <Button type="submit" look="primary" wide disabled={!planned?.ok || stopped}>
        {verb}…
      </Button>
    </form>
  );
}

/** What a new debt leaves of the account's health, before the dialog says all of it. */
function Then({ report }: { report: Report }) {
  return (
    <p className="small">
      Health then <strong>{shownHealth(report.healthMaintenance)}</strong>: liquidated after a fall of all collateral by{' '}
      {shownBps(report.roomToFallBps)}.
    </p>
  );
}

function isFromWallet(wish: keyof typeof WORDS): boolean {
  return wish === 'supply' || wish === 'deposit';
}

/** A debt counts at the higher of the price now and the smoothed one. */
function dearer(market: Market | undefined): Usd | null {
  if (!market?.price?.usable) return null;
  const { spot, smoothed } = market.price;
  return spot.amount > smoothed.amount ? spot : smoothed;
}

function optionWords(wish: keyof typeof WORDS, market: Tradable): string {
  if (wish === 'mint' || wish === 'deposit') return market.symbol;
  const isDebt = wish === 'borrow' || wish === 'repay';
  const rate = shownPercent(isDebt ? market.borrowRatePerYear : market.supplyRatePerYear);
  return `${market.symbol}: ${isDebt ? 'costs' : 'earns'} ${rate} a year`;
}

/** Something else than what is held. */
function other(markets: readonly Tradable[], held: number | undefined, first: number): number {
  const stable = markets.find((market) => market.assetId !== (held ?? first));
  return stable?.assetId ?? first;
}

/** What the account must be allowed to take of a token of others. */
export function approvals(market: Tradable, taken: bigint): Approval[] {
  return market.kind === 'foreign' && taken > 0n
    ? [{ token: market.token, assetId: market.assetId, amount: taken }]
    : [];
}

export function Parts({ onChoose }: { onChoose: (text: string) => void }) {
  return (
    <div className="row near">
      {['25%', '50%', 'max'].map((part) => (
        <Button key={part} slim onClick={() => onChoose(part)}>
          {part}
        </Button>
      ))}
    </div>
  );
}
