/** A debt or a collateral becomes one of another asset, in one batch: checked once, at its end. */
import { useState } from 'react';
import { useDollar, withDollar } from '../../act/dollar.ts';
import { sayError } from '../../act/errors.ts';
import { owedWithGrowth, refinanceCollateral, refinanceDebt } from '../../act/plan.ts';
import { askWay } from '../../act/quote.ts';
import { accountCommand, named } from '../../node/commands.ts';
import { useNode } from '../../node/node.tsx';
import type { Holding } from '../../node/shapes.ts';
import {
  assetUnit,
  exact,
  quantity,
  readAmount,
  shownAmount,
  shownBps,
  shownPercent,
  someWrong,
} from '../../units/quantity.ts';
import { AmountField, Button, Empty, Notice, Select } from '../../ui/index.ts';
import type { FormProps } from './Actions.tsx';
import { SLIPPAGE_BPS } from './Lever.tsx';
import { Parts } from './Move.tsx';
import { thereOf } from './there.ts';

type Side = 'debt' | 'collateral';

const LEAD: Record<Side, string> = {
  debt: 'Borrows the other asset, buys just what is owed with it, and repays. What the swap does not need stays as units.',
  collateral: 'Sells it for the other asset, which is lent if it was. Other positions stay as they are.',
};

/** How much of a row may be moved. */
function mostOf(side: Side, row: Holding): bigint {
  return side === 'debt' ? row.owed.amount : row.units.amount + row.supplied.amount;
}

export function Refinance({ of, state, markets, assets, propose }: FormProps) {
  const { rpc } = useNode();
  const dollar = useDollar();
  const movable = (side: Side) =>
    state.holdings.filter((row) => mostOf(side, row) > 0n && assets.some((asset) => asset.assetId === row.assetId));
  const [wantedSide, setSide] = useState<Side>('debt');
  const side = movable(wantedSide).length > 0 ? wantedSide : wantedSide === 'debt' ? 'collateral' : 'debt';
  const rows = movable(side);
  const [fromId, setFrom] = useState(-1);
  const [intoId, setInto] = useState(-1);
  const [text, setText] = useState('max');
  const [asking, setAsking] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const row = rows.find((held) => held.assetId === fromId) ?? rows[0];
  const from = assets.find((asset) => asset.assetId === row?.assetId);
  // What is lent needs a market; what is owed may be minted.
  const priced = markets.filter((market) => market.price !== null);
  const others = (side === 'debt' ? withDollar(priced, dollar.data) : priced).filter(
    (market) => market.assetId !== from?.assetId,
  );
  const into = others.find((market) => market.assetId === intoId) ?? others[0];
  if (!row || !from) return <Empty>Nothing is owed or held here that could become something else.</Empty>;
  if (!into) return <Empty>There is no other market with a price.</Empty>;
  const most = mostOf(side, row);
  const read = readAmount(text, from.decimals, most);
  const wrong = someWrong(text, read, { of: most, where: side === 'debt' ? 'the account owes' : 'the account holds' });

  const open = async () => {
    if (!read.ok) return;
    setAsking(true);
    setSaid(null);
    try {
      const whole = read.all || read.amount === most;
      const isDebt = side === 'debt';
      const asked = isDebt
        ? { from: into.assetId, to: from.assetId, amount: whole ? owedWithGrowth(most) : read.amount, exactOut: true }
        : { from: from.assetId, to: into.assetId, amount: read.amount, exactOut: false };
      const { quote, way } = await askWay(rpc, { ...asked, slippageBps: SLIPPAGE_BPS, receiver: of.owner });
      const isMinted = dollar.data?.assetId === into.assetId;
      const amount = whole ? 'max' : exact(quantity(read.amount, from.decimals, assetUnit(from.assetId)));
      const [sold, bought] = isDebt ? [into.symbol, from.symbol] : [from.symbol, into.symbol];
      propose({
        title: isDebt
          ? `Owe ${into.symbol} instead of ${from.symbol}`
          : `Hold ${into.symbol} instead of ${from.symbol}`,
        actions: isDebt
          ? refinanceDebt(way, whole, isMinted)
          : refinanceCollateral(thereOf(from, state, 0n), way, whole),
        notes: [
          `Swaps about ${shownAmount(quote.paid)} ${sold} for ${shownAmount(quote.received)} ${bought}, by ${quote.route.replaceAll('->', '→')}, which moves the price by ${shownBps(quote.priceImpactBps)}.`,
        ],
        command: accountCommand(
          of.index,
          `refinance ${side} ${amount} ${named(from.symbol, from.assetId)} --into ${named(into.symbol, into.assetId)}`,
        ),
      });
    } catch (error) {
      setSaid((await sayError(error, rpc)).words);
    } finally {
      setAsking(false);
    }
  };
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void open();
      }}
    >
      <p className="small quiet">{LEAD[side]}</p>
      <div className="columns even">
        <Select
          label="What moves"
          value={side}
          options={(['debt', 'collateral'] as const)
            .filter((one) => movable(one).length > 0)
            .map((one) => ({ value: one, text: one === 'debt' ? 'A debt' : 'A collateral' }))}
          onChange={(next) => {
            setSide(next);
            setText('max');
          }}
        />
        <Select
          label={side === 'debt' ? 'Owed now' : 'Held now'}
          value={from.assetId}
          options={rows.map((held) => ({ value: held.assetId, text: held.symbol }))}
          onChange={setFrom}
        />
      </div>
      <Select
        label="Into"
        value={into.assetId}
        options={others.map((market) => ({
          value: market.assetId,
          text:
            side === 'debt'
              ? `${market.symbol}: costs ${shownPercent(market.borrowRatePerYear)} a year`
              : `${market.symbol}: earns ${shownPercent(market.supplyRatePerYear)} a year`,
        }))}
        onChange={setInto}
      />
      <AmountField
        label="How much of it"
        hint={`${side === 'debt' ? 'owed' : 'held'} ${shownAmount(quantity(most, from.decimals, assetUnit(from.assetId)))}`}
        suffix={from.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
      />
      <Parts onChoose={setText} />
      {said === null ? null : (
        <Notice tone="bad" title="No way was found">
          {said}
        </Notice>
      )}
      <Button type="submit" look="primary" wide disabled={asking || !read.ok || read.amount === 0n || wrong !== null}>
        {asking ? 'Looking for a way…' : 'See what it would do…'}
      </Button>
    </form>
  );
}
