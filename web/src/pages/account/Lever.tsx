/** Leverage up to five-fold as one batch: supply what is one's own, borrow, swap, supply what was bought. */
import { useState } from 'react';
import { sayError } from '../../act/errors.ts';
import { lever, plan } from '../../act/plan.ts';
import { askWay } from '../../act/quote.ts';
import { accountCommand, inTurn, named } from '../../node/commands.ts';
import { useNode } from '../../node/node.tsx';
import {
  amountWrong,
  assetUnit,
  exact,
  quantity,
  readAmount,
  shownAmount,
  shownBps,
  shownUsd,
  usd,
  worthDown,
} from '../../units/quantity.ts';
import { AmountField, Button, Notice, Select } from '../../ui/index.ts';
import type { FormProps } from './Actions.tsx';
import { approvals } from './Move.tsx';
import { useTerms } from '../../act/terms.ts';
import { planWrong, useThere } from './there.ts';

/** In tenths: 1.0 to 5.0. */
const LEVERAGE_MIN = 11;
const LEVERAGE_MAX = 50;

/** The most that an asset's factor lets an account begin with: 1 / (1 - factor), and a tenth less for what the swap costs. */
function mostTenths(initialBps: number): number {
  return Math.min(LEVERAGE_MAX, Math.floor(100_000 / (10_000 - Math.min(initialBps, 9_900))) - 1);
}

export const SLIPPAGE_BPS = 50;

export function Lever({ of, state, markets, propose }: FormProps) {
  const { rpc } = useNode();
  const priced = markets.filter((market) => market.price !== null && market.price.spot.amount > 0n);
  const [longId, setLongId] = useState(
    priced.find((market) => market.kind === 'coin')?.assetId ?? priced[0]?.assetId ?? 0,
  );
  const [againstId, setAgainstId] = useState(priced.find((market) => market.assetId !== longId)?.assetId ?? 0);
  const [text, setText] = useState('');
  const [wantedTenths, setTenths] = useState(20);
  const terms = useTerms(longId);
  const [asking, setAsking] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const long = priced.find((market) => market.assetId === longId);
  const against = priced.find((market) => market.assetId === againstId);
  const there = useThere(long, state);
  const mostTimes = mostTenths(terms.data?.initialBps ?? 0);
  const tenths = Math.min(wantedTenths, Math.max(mostTimes, LEVERAGE_MIN));
  if (!long?.price || !against?.price) return <p className="quiet">This needs two markets with prices.</p>;

  const most = there ? there.wallet : 0n;
  const read =
    text.trim() === ''
      ? ({ ok: true, amount: 0n, all: false } as const)
      : readAmount(text, long.decimals, there ? most : 0n);
  const planned =
    read.ok && there && read.amount > 0n ? plan('supply', read.amount + there.units, false, there, of.owner) : null;
  const wrong = amountWrong(text, read) ?? (planned && !planned.ok ? planWrong(planned.problem, long) : null);

  // What is one's own: what is held less what is owed, and what comes in now.
  const held = state.holdings.reduce((all, row) => all + (row.heldValue?.amount ?? 0n), 0n);
  const owed = state.holdings.reduce((all, row) => all + (row.owedValue?.amount ?? 0n), 0n);
  const comes = read.ok
    ? worthDown(quantity(read.amount, long.decimals, assetUnit(longId)), long.price.spot).amount
    : 0n;
  const own = held + comes > owed ? held + comes - owed : 0n;
  const wanted = (own * BigInt(tenths)) / 10n;
  const borrowUsd = wanted > held + comes ? wanted - held - comes : 0n;
  const borrow = (borrowUsd * 10n ** BigInt(against.decimals)) / against.price.spot.amount;
  const borrowed = quantity(borrow, against.decimals, assetUnit(againstId));

  const leverCommand = () => {
    const [bought, owedName] = [named(long.symbol, longId), named(against.symbol, againstId)];
    const levered = accountCommand(of.index, `lever ${exact(borrowed)} ${owedName} --buy ${bought}`);
    if (!read.ok || read.amount === 0n) return levered;
    const put = exact(quantity(read.amount, long.decimals, assetUnit(longId)));
    return inTurn(accountCommand(of.index, `supply ${put} ${bought}`), levered);
  };
  const open = async () => {
    setAsking(true);
    setSaid(null);
    try {
      const { quote, way } = await askWay(rpc, {
        from: againstId,
        to: longId,
        amount: borrow,
        exactOut: false,
        slippageBps: SLIPPAGE_BPS,
        receiver: of.owner,
      });
      const own = planned?.ok ? planned : null;
      propose({
        title: `${tenths / 10}x long ${long.symbol} against ${against.symbol}`,
        actions: [...(own?.actions ?? []), ...lever(way)],
        approvals: approvals(long, own?.takenFromWallet ?? 0n),
        command: leverCommand(),
        notes: [
          `The swap goes by ${quote.route.replaceAll('->', '→')}, moves the price by ${shownBps(quote.priceImpactBps)}, and happens only if it brings at least what is named above.`,
        ],
      });
    } catch (error) {
      setSaid((await sayError(error, rpc)).words);
    } finally {
      setAsking(false);
    }
  };
  const options = (without: number) =>
    priced
      .filter((market) => market.assetId !== without)
      .map((market) => ({ value: market.assetId, text: market.symbol }));
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void open();
      }}
    >
      <p className="small quiet">One batch: borrow, swap, supply what was bought. It is checked once, at its end.</p>
      <div className="columns even">
        <Select label="Long of" value={longId} options={options(againstId)} onChange={setLongId} />
        <Select label="Borrowing" value={againstId} options={options(longId)} onChange={setAgainstId} />
      </div>
      <AmountField
        label="Put in from the wallet"
        hint={there ? `there is ${shownAmount(quantity(most, long.decimals, assetUnit(longId)))}` : undefined}
        suffix={long.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        placeholder="0"
      />
      <div className="field">
        <label htmlFor="leverage">
          <span>Leverage</span>
          <strong>{`${Math.floor(tenths / 10)}.${tenths % 10}x`}</strong>
        </label>
        <input
          id="leverage"
          type="range"
          min={LEVERAGE_MIN}
          max={Math.max(mostTimes, LEVERAGE_MIN)}
          value={tenths}
          onChange={(event) => setTenths(Number(event.target.value))}
        />
        <span className="small faint">
          Borrows {shownAmount(borrowed)} {against.symbol}, on {shownUsd(usd(own))} of your own.{' '}
          {mostTimes < LEVERAGE_MAX ? `${long.symbol} backs at most about ${mostTimes / 10}x.` : null}
        </span>
      </div>
      {said === null ? null : (
        <Notice tone="bad" title="No way was found">
          {said}
        </Notice>
      )}
      <Button
        type="submit"
        look="primary"
        wide
        disabled={asking || borrow === 0n || wrong !== null || (planned !== null && !planned.ok)}
      >
        {asking ? 'Looking for a way…' : 'See what it would do…'}
      </Button>
    </form>
  );
}
