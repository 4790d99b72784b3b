import { useDeferredValue, useEffect, useId, useMemo, useState } from 'react';
import { Link } from 'react-router';
import { Act, type Proposal } from '../../act/Act.tsx';
import { liquidated, shownLiquidated } from '../../act/effect.ts';
import { lever, plan, spendable } from '../../act/plan.ts';
import { useTerms } from '../../act/terms.ts';
import { accountCommand, command, indexed, inTurn, named, signedBy } from '../../node/commands.ts';
import { useAccount, usePreview } from '../../node/queries.ts';
import type { AccountName, SwapAsked } from '../../node/rpc.ts';
import type { Market, Preview, Quote } from '../../node/shapes.ts';
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
  shownUsd,
  shownUsdFine,
  usd,
  worthDown,
} from '../../units/quantity.ts';
import { Facts, AmountField, Button, CopyCommand, Notice, Num, Select } from '../../ui/index.ts';
import { useMine } from '../../wallet/chosen.tsx';
import { useWallet } from '../../wallet/wallet.tsx';
import { debtUsdDown, leverageMax, leverageWords, ONE, roomBps, unitsDown, warning } from './margin.ts';
import { thereOf, useBatchWay, useWalletUnits } from './queries.ts';

const SLIPPAGE_BPS = 50;
type Side = 'long' | 'short';

/** Borrow, swap, lend: a position in one signature, and everything about it before that. */
export function Margin({ markets, onWatch }: { markets: readonly Market[]; onWatch: (assetId: number) => void }) {
  const priced = markets.filter((market) => market.price !== null);
  const wallet = useWallet();
  const account: AccountName | null = useMine();
  const [side, setSide] = useState<Side>('long');
  const [riskyId, setRisky] = useState(priced[0]?.assetId ?? 0);
  const [calmId, setCalm] = useState(priced[1]?.assetId ?? 0);
  const [text, setText] = useState('');
  const [leverage, setLeverage] = useState(2 * ONE);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  useEffect(() => onWatch(riskyId), [onWatch, riskyId]);

  const held = markets.find((market) => market.assetId === (side === 'long' ? riskyId : calmId));
  const owed = markets.find((market) => market.assetId === (side === 'long' ? calmId : riskyId));
  const state = useAccount(account);
  const has = useWalletUnits(wallet?.address ?? null, held);
  const terms = useTerms(held?.assetId ?? 0);
  const there = held && has.data !== undefined ? thereOf(held, has.data, state.data) : null;
  const most = there === null ? 0n : there.units + spendable(there);
  const read = readAmount(text, held?.decimals ?? 18, most);
  const wrong = amountWrong(text, read, there === null ? undefined : { of: most, where: 'wallet and account have' });

  const highest = leverageMax(terms.data?.initialBps ?? 0);
  const chosen = useDeferredValue(Math.min(leverage, highest));
  const amount = useDeferredValue(read.ok ? read.amount : 0n);
  const own = held?.price
    ? worthDown(quantity(amount, held.decimals, assetUnit(held.assetId)), held.price.spot)
    : usd(0n);
  const debt = debtUsdDown(own, chosen);
  const borrowed = owed?.price ? unitsDown(debt, owed.price.spot, assetUnit(owed.assetId), owed.decimals) : null;
  const asked: SwapAsked | null =
    held && owed && borrowed && account && borrowed.amount > 0n && held.assetId !== owed.assetId
      ? {
          from: owed.assetId,
          to: held.assetId,
          amount: borrowed.amount,
          exactOut: false,
          slippageBps: SLIPPAGE_BPS,
          receiver: account.owner,
        }
      : null;
  const way = useBatchWay(asked);
  const actions = useMemo(() => {
    if (!way.data || !there || !account || way.isPlaceholderData) return null;
    const planned = plan('supply', amount, false, there, account.owner);
    return planned.ok ? [...planned.actions, ...lever(way.data.way)] : null;
    // The account moves with each block; the wish decides.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [way.data, way.isPlaceholderData, amount, account, there?.wallet, there?.units]);
  const preview = usePreview(account, actions);
  const options = priced.map((market) => ({ value: market.assetId, text: market.symbol }));
  const choose = (one: 'risky' | 'calm') => (id: number) => {
    const [set, other, setOther] =
      one === 'risky' ? ([setRisky, calmId, setCalm] as const) : ([setCalm, riskyId, setRisky] as const);
    if (id === other) setOther(one === 'risky' ? riskyId : calmId);
    set(id);
    setText('');
  };
  const asset = (id: number) => {
    const market = markets.find((one) => one.assetId === id);
    return { symbol: market?.symbol ?? `asset ${id}`, decimals: market?.decimals ?? 18 };
  };

  if (priced.length < 2 || !held || !owed) return <p className="quiet">Leverage needs two assets with prices.</p>;
  const risky = asset(riskyId).symbol;
  const words = `${leverageWords(chosen)} ${side} ${risky}`;
  const [heldName, owedName] = [named(held.symbol, held.assetId), named(owed.symbol, owed.assetId)];
  const put = exact(quantity(read.ok ? read.amount : 0n, held.decimals, assetUnit(held.assetId)));
  const copyAs = inTurn(
    accountCommand(account?.index ?? 0, `supply ${put === '0' ? '1' : put} ${heldName}`),
    accountCommand(
      account?.index ?? 0,
      `lever ${borrowed === null ? '1' : exact(borrowed)} ${owedName} --buy ${heldName} --slippage ${shownBps(SLIPPAGE_BPS).replace(' ', '')}`,
    ),
  );
  return (
    <div className="stack">
      <div className="choices">
        <Select label="I think that" value={riskyId} options={options} onChange={choose('risky')} />
        <Select
          label="will"
          value={side}
          options={[
            { value: 'long', text: 'rise (long)' },
            { value: 'short', text: 'fall (short)' },
          ]}
          onChange={(next) => {
            setSide(next);
            setText('');
          }}
        />
        <Select label="against" value={calmId} options={options} onChange={choose('calm')} />
      </div>
      <AmountField
        label="Own capital"
        hint={
          there === null ? undefined : (
            <Button look="bare" slim onClick={() => setText('50%')}>
              {shownAmount(quantity(most, held.decimals, assetUnit(held.assetId)))} there
            </Button>
          )
        }
        suffix={held.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
      />
      <Leverage value={Math.min(leverage, highest)} max={highest} onChange={setLeverage} />
      <Facts
        rows={[
          [
            'Exposure',
            `${shownUsd({ ...own, amount: own.amount + debt.amount })} of ${side === 'long' ? held.symbol : owed.symbol}`,
          ],
          ['Borrowed', borrowed === null ? 'nothing' : `${shownAmount(borrowed)} ${owed.symbol}`],
          ['For that', `${shownPercent(owed.borrowRatePerYear)} a year`],
        ]}
      />
      {wallet === null ? <Notice>Connect a wallet to see what it would make of your account.</Notice> : null}
      {asked !== null && way.error && !way.data ? (
        <Notice tone="warn" title="There is no way now">
          {way.error.message}
        </Notice>
      ) : null}
      {asked !== null && way.data && preview.data ? (
        <Outcome
          preview={preview.data}
          quote={way.data.quote}
          risky={markets.find((market) => market.assetId === riskyId)}
        />
      ) : null}
      <div className="row spread">
        <CopyCommand command={signedBy(account, copyAs)} />
        <Button
          look="primary"
          disabled={actions === null || wrong !== null || preview.data?.after == null}
          onClick={() => {
            if (actions !== null) {
              setProposal({
                title: `Open ${words}`,
                actions,
                command: copyAs,
                notes: [
                  `The swap moves the price by ${shownBps(way.data?.quote.priceImpactBps ?? 0)} and is refused if it becomes ${shownBps(SLIPPAGE_BPS)} worse than shown.`,
                ],
              });
            }
          }}
          data-testid="open-position"
        >
          {wallet === null ? 'Connect a wallet first' : `Open ${words}`}
        </Button>
      </div>
      {state.data?.report && state.data.report.debt.amount > 0n ? (
        <p className="small quiet">
          Your account owes {shownUsd(state.data.report.debt)} at health{' '}
          {shownHealth(state.data.report.healthMaintenance)}. <Link to="/account">Look at it, or close it</Link>.
        </p>
      ) : null}
      {proposal !== null && account !== null ? (
        <Act
          account={account}
          proposal={proposal}
          asset={asset}
          onClose={() => setProposal(null)}
          onDone={() => setText('')}
        />
      ) : null}
    </div>
  );
}

function Leverage({ value, max, onChange }: { value: number; max: number; onChange: (next: number) => void }) {
  const id = useId();
  return (
    <div className="slider">
      <div className="row spread">
        <label htmlFor={id} className="small quiet">
          Leverage
        </label>
        <output htmlFor={id}>{leverageWords(value)}</output>
      </div>
      <input
        id={id}
        type="range"
        min={ONE + 10}
        max={Math.max(ONE + 10, max)}
        step={10}
        value={value}
        aria-valuetext={leverageWords(value)}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <div className="row spread small faint">
        <span>1.1×</span>
        <span>{leverageWords(max)} at most, as the collateral counts now</span>
      </div>
    </div>
  );
}

/** What it would make of the account, told by the node. */
function Outcome({ preview, quote, risky }: { preview: Preview; quote: Quote; risky: Market | undefined }) {
  if (preview.error !== null || preview.after === null) {
    return (
      <Notice tone="bad" title="This would fail">
        {preview.error ? `${preview.error.message} ${preview.error.help}` : 'The batch reverts.'}
      </Notice>
    );
  }
  const { report, holdings } = preview.after;
  const row = holdings.find((one) => one.assetId === risky?.assetId);
  const liquidation = row ? liquidated(preview.after, row) : null;
  const room = risky?.price ? roomBps(risky.price.spot, liquidation?.at ?? null) : null;
  const said = warning(room, quote.priceImpactBps);
  const copy = command(indexed(preview.index, `account show ${preview.owner}`));
  return (
    <>
      <Facts
        rows={[
          [
            'Health then',
            <strong key="health" data-testid="health-then">
              {report === null ? '?' : shownHealth(report.healthMaintenance)}
            </strong>,
          ],
          [
            'Liquidated when it stands',
            liquidation === null ? (
              'by no price alone'
            ) : (
              <Num key="at" copy={copy}>
                {shownLiquidated(liquidation)}
              </Num>
            ),
          ],
          room === null ? null : ['That is away by', <strong key="room">{shownBps(room)}</strong>],
          report === null ? null : ['Costs a day', shownUsdFine(report.costPerDay)],
          ['The swap moves the price by', shownBps(quote.priceImpactBps)],
          ['By', quote.route.replaceAll('->', '→')],
        ]}
      />
      {said === null ? null : (
        <Notice tone={said.tone} title={said.title}>
          {said.words}
        </Notice>
      )}
    </>
  );
}
