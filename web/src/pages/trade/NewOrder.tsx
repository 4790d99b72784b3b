/** A new order: when, what is sold for what, and within which bounds. */
import { useEffect, useState } from 'react';
import { encodeFunctionData } from 'viem';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { triggersAbi } from '../../generated/triggers.ts';
import { command, indexed, named, signedBy } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { useAccount } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { Market } from '../../node/shapes.ts';
import {
  amountWrong,
  assetUnit,
  PLACES,
  quantity,
  readAmount,
  shown,
  shownAmount,
  shownBps,
  shownHealth,
  shownPrice,
  usd,
  type Usd,
} from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Check, AmountField, Button, CopyCommand, Select } from '../../ui/index.ts';
import {
  ALL,
  conditionWords,
  KIND_NUMBER,
  LASTS_DAYS,
  LIMIT_PERCENT,
  orderCommand,
  orderOf,
  watches,
  type EveryUnit,
  type Field,
  type OrderKind,
  type OrderStruct,
  type Wish,
} from './order.ts';
import { useFiresAt, usePrepaid } from './queries.ts';

const KINDS: readonly { value: OrderKind; text: string }[] = [
  { value: 'stop', text: 'a price falls to (stop-loss)' },
  { value: 'profit', text: 'a price rises to (take-profit)' },
  { value: 'trailing', text: 'a price falls from its best by' },
  { value: 'trailingUp', text: 'a price rises from its lowest by' },
  { value: 'parts', text: 'time passes (in parts)' },
  { value: 'health', text: 'my health falls to' },
];

/** How the field of the condition is called, and what is counted in it. */
const AT: Record<OrderKind, { label: string; prefix?: string; suffix: string; placeholder: string }> = {
  stop: { label: 'dollars', prefix: '$', suffix: '', placeholder: '' },
  profit: { label: 'dollars', prefix: '$', suffix: '', placeholder: '' },
  trailing: { label: 'percent', suffix: '%', placeholder: '10' },
  trailingUp: { label: 'percent', suffix: '%', placeholder: '10' },
  parts: { label: '', suffix: '', placeholder: '' },
  health: { label: 'health', suffix: '', placeholder: '1.2' },
};

const UNITS: readonly { value: EveryUnit; text: string }[] = [
  { value: 'min', text: 'minutes' },
  { value: 'h', text: 'hours' },
  { value: 'day', text: 'days' },
];

export function NewOrder({
  markets,
  account,
  onWatch,
}: {
  markets: readonly Market[];
  account: AccountName | null;
  onWatch: (assetId: number) => void;
}) {
  const priced = markets.filter((market) => market.price !== null);
  const [watchId, setWatch] = useState(priced[0]?.assetId ?? 0);
  const [sellId, setSell] = useState(priced[0]?.assetId ?? 0);
  const [buyId, setBuy] = useState(priced[1]?.assetId ?? 0);
  const [kind, setKind] = useState<OrderKind>('stop');
  const [at, setAt] = useState('');
  const [every, setEvery] = useState('1');
  const [everyUnit, setEveryUnit] = useState<EveryUnit>('h');
  const [times, setTimes] = useState('5');
  const [restore, setRestore] = useState('1.4');
  const [text, setText] = useState('max');
  const [repay, setRepay] = useState(true);
  const [limit, setLimit] = useState(LIMIT_PERCENT);
  const [days, setDays] = useState(String(LASTS_DAYS));
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const state = useAccount(account);
  const now = useHeads()[0];
  const isRepeated = kind === 'parts' || kind === 'health';
  const count = isRepeated && /^[0-9]{1,4}$/.test(times) ? Number(times) : 1;
  const prepaid = usePrepaid(KIND_NUMBER[kind], count);
  const shownId = watches(kind) ? watchId : sellId;
  useEffect(() => onWatch(shownId), [onWatch, shownId]);
  const find = (id: number) => markets.find((market) => market.assetId === id);
  const [watch, sell, buy] = [find(watchId), find(sellId), find(buyId)];
  const row = state.data?.holdings.find((held) => held.assetId === sellId);
  const has = row ? row.units.amount + row.supplied.amount : 0n;
  const read = readAmount(text, sell?.decimals ?? 0, has);
  const soldWrong = amountWrong(text, read);
  const wish: Wish | null = read.ok
    ? {
        kind,
        watch: watchId,
        sell: sellId,
        buy: buyId,
        amount: read.all ? null : read.amount,
        at,
        every,
        everyUnit,
        times,
        restore,
        repay,
        limit,
        days,
      }
    : null;
  const isBlank = kind !== 'parts' && at.trim() === '';
  const made = wish === null ? null : orderOf(wish, watch?.price?.spot ?? usd(0n), (now?.timestamp ?? 0) * 1_000);
  const atPrice = made?.ok === true && made.order.price > 0n ? made.order : null;
  const fires = useFiresAt(atPrice?.price ?? null, atPrice?.above ?? false);
  if (!watch?.price || !sell || !buy) return <p className="quiet">Orders need assets with prices.</p>;
  const isStepKnown = atPrice === null || fires.data !== undefined;
  const wrongIn = (field: Field) => (made === null || made.ok || made.field !== field ? null : made.words);
  const options = priced.map((market) => ({ value: market.assetId, text: market.symbol }));
  const names = {
    sell: named(sell.symbol, sellId),
    buy: named(buy.symbol, buyId),
    watch: named(watch.symbol, watchId),
  };
  const place = () => {
    if (account === null || wish === null || made === null || !made.ok || prepaid.data === undefined) return;
    const { order } = made;
    const data = encodeFunctionData({
      abi: triggersAbi,
      functionName: 'create',
      args: [account.owner, account.index, order],
    });
    setProposal({
      title: `Place an order to sell ${sell.symbol}`,
      lines: orderLines(order, { sell, buy, watch }, atPrice === null ? null : (fires.data ?? null)),
      call: { to: addresses.triggers, data, valueWei: prepaid.data },
      notes: [
        `${shownAmount(quantity(prepaid.data, 18, assetUnit(0)))} ETH go with it for the block’s work; what is left comes back when it ends.`,
      ],
      command: command(indexed(account.index, orderCommand(wish, names, sell.decimals))),
    });
  };
  const atWords = AT[kind];
  return (
    <div className="stack">
      <Select label="When" value={kind} options={KINDS} onChange={setKind} />
      <div className="choices">
        {watches(kind) ? (
          <Select
            label="price of"
            value={watchId}
            options={options}
            onChange={(id) => {
              // What is watched is mostly what is sold.
              if (sellId === watchId) {
                if (id === buyId) setBuy(sellId);
                setSell(id);
              }
              setWatch(id);
            }}
          />
        ) : null}
        {kind === 'parts' ? (
          <>
            <AmountField label="every" value={every} onChange={setEvery} wrong={wrongIn('every')} />
            <Select label="unit of time" value={everyUnit} options={UNITS} onChange={setEveryUnit} />
          </>
        ) : (
          <AmountField
            label={atWords.label}
            prefix={atWords.prefix}
            suffix={atWords.suffix === '' ? undefined : atWords.suffix}
            value={at}
            onChange={setAt}
            placeholder={atWords.placeholder === '' ? shown(watch.price.spot, PLACES.usd) : atWords.placeholder}
            hint={
              kind === 'health' && state.data?.report
                ? `now ${shownHealth(state.data.report.healthMaintenance)}`
                : atPrice !== null && fires.data
                  ? `fires at ${shownPrice(fires.data)}`
                  : null
            }
            wrong={isBlank ? null : wrongIn('at')}
          />
        )}
        {kind === 'health' ? (
          <AmountField
            label="restore it to"
            value={restore}
            onChange={setRestore}
            wrong={isBlank ? null : wrongIn('restore')}
          />
        ) : null}
        {isRepeated ? (
          <AmountField
            label={kind === 'parts' ? 'how many times' : 'at most so many times'}
            value={times}
            onChange={setTimes}
            wrong={isBlank ? null : wrongIn('times')}
          />
        ) : null}
      </div>
      <div className="choices">
        <AmountField
          label={kind === 'parts' ? 'sell each time' : 'sell'}
          hint={`${shownAmount(quantity(has, sell.decimals, assetUnit(sellId)))} there`}
          suffix={sell.symbol}
          value={text}
          onChange={setText}
          wrong={soldWrong ?? wrongIn('amount')}
        />
        <Select
          label="of"
          value={sellId}
          options={options}
          onChange={(id) => {
            if (id === buyId) setBuy(sellId);
            setSell(id);
          }}
        />
        <Select
          label="for"
          value={buyId}
          options={options.filter((option) => option.value !== sellId)}
          onChange={setBuy}
        />
      </div>
      {kind === 'health' ? (
        <p className="small quiet">What it brings pays your debt in {buy.symbol}.</p>
      ) : (
        <Check checked={repay} onChange={setRepay}>
          and pay my debt in {buy.symbol} with it
        </Check>
      )}
      <details className="more">
        <summary>
          At most {limit} % below oracle prices, for {days} days
        </summary>
        <div className="choices">
          <AmountField
            label="below oracle prices, at most"
            suffix="%"
            value={limit}
            onChange={setLimit}
            wrong={wrongIn('limit')}
          />
          <AmountField label="stands for" suffix="days" value={days} onChange={setDays} wrong={wrongIn('days')} />
        </div>
      </details>
      <div className="row spread">
        {wish === null || isBlank || made?.ok !== true ? (
          <span />
        ) : (
          <CopyCommand
            command={signedBy(account, command(indexed(account?.index ?? 0, orderCommand(wish, names, sell.decimals))))}
          />
        )}
        <Button
          look="primary"
          disabled={account === null || isBlank || made?.ok !== true || prepaid.data === undefined || !isStepKnown}
          onClick={place}
          data-testid="place-order"
        >
          {account === null ? 'Connect a wallet first' : 'See the order…'}
        </Button>
      </div>
      {proposal === null || account === null ? null : (
        <SignCall from={account.owner} proposal={proposal} onClose={() => setProposal(null)} onDone={() => setAt('')} />
      )}
    </div>
  );
}

/** What is signed, read from it. */
function orderLines(
  order: OrderStruct,
  of: { sell: Market; buy: Market; watch: Market },
  firesAt: Usd | null,
): string[] {
  const amount =
    order.amount === ALL
      ? `all ${of.sell.symbol} of the account`
      : `at most ${shownAmount(quantity(order.amount, of.sell.decimals, assetUnit(of.sell.assetId)))} ${of.sell.symbol}`;
  const isDebtPaid = order.repay || order.kind === KIND_NUMBER.health;
  return [
    conditionWords(order, of.watch.symbol, firesAt),
    `Sell ${amount}${order.kind === KIND_NUMBER.parts ? ' each time' : ''} for ${of.buy.symbol}${isDebtPaid ? ', which pays the debt in it' : ''}`,
    `At most ${shownBps(order.limitBps)} below its value at oracle prices; else it waits`,
    `It ends ${moment(Number(order.expiresMs))}`,
  ];
}
