import { useEffect, useState } from 'react';
import { encodeFunctionData } from 'viem';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { useSend } from '../../act/send.ts';
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
import { Check, AmountField, Answer, Button, CopyCommand, Empty, Select } from '../../ui/index.ts';
import { useMine } from '../../wallet/chosen.tsx';
import {
  ALL,
  conditionWords,
  KIND_NUMBER,
  LASTS_DAYS,
  LIMIT_PERCENT,
  limitWords,
  orderCommand,
  orderOf,
  watches,
  whenWords,
  type EveryUnit,
  type Field,
  type OrderKind,
  type OrderStruct,
  type Wish,
} from './order.ts';
import { useFiresAt, useOrders, usePrepaid } from './queries.ts';
import type { Order } from './shapes.ts';

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

/** Stop-loss and its like: the block executes them, nobody has to watch. */
export function Orders({ markets, onWatch }: { markets: readonly Market[]; onWatch: (assetId: number) => void }) {
  const account = useMine();
  const orders = useOrders(account);
  return (
    <div className="stack">
      <p className="quiet small">
        An order stands on your account. The block looks at it whenever its price comes, sells through the pools, and
        pays your debt if you say so. No bot is needed, and what it prepaid for the block&apos;s work and did not need
        comes back.
      </p>
      <New markets={markets} account={account} onWatch={onWatch} />
      <h3>Orders that stand</h3>
      {account === null ? (
        <Empty>Connect a wallet to see its orders.</Empty>
      ) : (
        <Answer of={orders}>
          {(page) =>
            page.items.length === 0 ? (
              <Empty>There are none.</Empty>
            ) : (
              <ul className="stack">
                {page.items.map((order) => (
                  <Standing key={order.id} order={order} account={account} />
                ))}
              </ul>
            )
          }
        </Answer>
      )}
    </div>
  );
}

function New({
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

function Standing({ order, account }: { order: Order; account: AccountName }) {
  const { send, isPending, error } = useSend();
  const cancel = () => {
    const data = encodeFunctionData({ abi: triggersAbi, functionName: 'cancel', args: [BigInt(order.id)] });
    send({ call: { to: addresses.triggers, data, valueWei: 0n }, words: `cancel order ${order.id}` });
  };
  const left = order.left === null ? `all ${order.sell.symbol}` : `${shownAmount(order.left)} ${order.sell.symbol}`;
  return (
    <li className="order">
      <div className="row spread">
        <strong>
          Sell {left} for {order.buy.symbol} when {whenWords(order)}
        </strong>
        <Button slim look="danger" disabled={isPending} onClick={cancel} aria-label={`Cancel order ${order.id}`}>
          Cancel
        </Button>
      </div>
      <p className="faint small">
        #{order.id} · {limitWords(order)}
        {order.repay ? ` · pays debt in ${order.buy.symbol}` : ''} · until {moment(order.expiresMs)} ·{' '}
        {shownAmount(order.prepaid)} ETH prepaid
        {order.failures > 0 ? ` · failed ${order.failures} times` : ''}{' '}
        <CopyCommand command={command(indexed(account.index, `trigger list ${account.owner}`))} />
      </p>
      {error ? <p className="bad small">{error.said.words}</p> : null}
    </li>
  );
}
