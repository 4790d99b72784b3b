import { useEffect, useState } from 'react';
import { encodeFunctionData } from 'viem';
import { useSend } from '../../act/send.ts';
import { addresses } from '../../generated/addresses.ts';
import { triggersAbi } from '../../generated/triggers.ts';
import { command, named } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { useAccount } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { Market } from '../../node/shapes.ts';
import { problemInWords } from '../../units/decimal.ts';
import { assetUnit, quantity, readAmount, shownAmount, shownBps, shownUsd } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { AmountField, Answer, Button, CopyCommand, Empty, Notice, Select, toast } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { Facts } from './Facts.tsx';
import { LASTS_DAYS, limitWords, orderCommand, orderOf, whenWords, type OrderKind, type Wish } from './order.ts';
import { useOrders, usePrepaid } from './queries.ts';
import type { Order } from './shapes.ts';

const KINDS: readonly { value: OrderKind; text: string }[] = [
  { value: 'stop', text: 'falls to (stop-loss)' },
  { value: 'profit', text: 'rises to (take-profit)' },
  { value: 'trailing', text: 'falls from its best by' },
];

/** Stop-loss and its like: the block executes them, nobody has to watch. */
export function Orders({ markets, onWatch }: { markets: readonly Market[]; onWatch: (assetId: number) => void }) {
  const wallet = useWallet();
  const account: AccountName | null = wallet ? { owner: wallet.address, index: 0 } : null;
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
                  <Standing key={order.id} order={order} />
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
  const [sellId, setSell] = useState(priced[0]?.assetId ?? 0);
  const [buyId, setBuy] = useState(priced[1]?.assetId ?? 0);
  const [kind, setKind] = useState<OrderKind>('stop');
  const [at, setAt] = useState('');
  const [text, setText] = useState('max');
  const [repay, setRepay] = useState(true);
  const state = useAccount(account);
  const nowMs = useHeads()[0];
  const prepaid = usePrepaid(kind === 'trailing' ? 2 : 1);
  const send = useSend();
  useEffect(() => onWatch(sellId), [onWatch, sellId]);
  const sell = markets.find((market) => market.assetId === sellId);
  const buy = markets.find((market) => market.assetId === buyId);
  if (!sell || !buy || sell.price === null) return <p className="quiet">Orders need assets with prices.</p>;
  const row = state.data?.holdings.find((held) => held.assetId === sellId);
  const has = row ? row.units.amount + row.supplied.amount : 0n;
  const read = readAmount(text, sell.decimals, has);
  const wish: Wish | null = read.ok
    ? { kind, sell: sellId, buy: buyId, amount: read.all ? null : read.amount, at, repay, limitBps: 200 }
    : null;
  const made = wish === null || at === '' ? null : orderOf(wish, sell.price.spot, (nowMs?.timestamp ?? 0) * 1_000);
  const options = priced.map((market) => ({ value: market.assetId, text: market.symbol }));
  const place = () => {
    if (account === null || made === null || !made.ok || prepaid.data === undefined) return;
    const data = encodeFunctionData({
      abi: triggersAbi,
      functionName: 'create',
      args: [account.owner, account.index, made.order],
    });
    send.mutate(
      { call: { to: addresses.triggers, data, valueWei: prepaid.data }, words: `order to sell ${sell.symbol}` },
      {
        onSuccess: () => {
          setAt('');
          toast('The order stands');
        },
      },
    );
  };
  const amountWrong = read.ok ? null : read.problem === 'part' ? 'at most 100 %' : problemInWords(read.problem);
  return (
    <div className="stack">
      <div className="choices">
        <Select label="When" value={sellId} options={options} onChange={setSell} />
        <Select label="it" value={kind} options={KINDS} onChange={setKind} />
        <AmountField
          label={kind === 'trailing' ? 'percent' : 'dollars'}
          suffix={kind === 'trailing' ? '%' : 'USD'}
          value={at}
          onChange={setAt}
          placeholder={kind === 'trailing' ? '10' : shownUsd(sell.price.spot)}
          wrong={made !== null && !made.ok ? made.words : null}
        />
      </div>
      <div className="choices">
        <AmountField
          label="sell"
          hint={`${shownAmount(quantity(has, sell.decimals, assetUnit(sellId)))} there`}
          suffix={sell.symbol}
          value={text}
          onChange={setText}
          wrong={amountWrong}
        />
        <Select
          label="for"
          value={buyId}
          options={options.filter((option) => option.value !== sellId)}
          onChange={setBuy}
        />
      </div>
      <label className="row small">
        <input type="checkbox" checked={repay} onChange={(event) => setRepay(event.target.checked)} /> and pay my debt
        in {buy.symbol} with it
      </label>
      <Facts
        rows={[
          ['It may sell down to', `${shownBps(200)} below oracle prices, not lower`],
          [
            'Prepaid for the block',
            prepaid.data === undefined
              ? '…'
              : `${shownAmount(quantity(prepaid.data, 18, assetUnit(0)))} ETH, the rest comes back`,
          ],
          ['Stands for', `${LASTS_DAYS} days`],
        ]}
      />
      {send.error ? (
        <Notice tone="bad" title={send.error.said.title}>
          {send.error.said.words} {send.error.said.help}
        </Notice>
      ) : null}
      <div className="row spread">
        {wish === null ? (
          <span />
        ) : (
          <CopyCommand
            command={command(
              orderCommand(
                { ...wish, at: at === '' ? '1' : at },
                named(sell.symbol, sellId),
                named(buy.symbol, buyId),
                sell.decimals,
              ),
            )}
          />
        )}
        <Button
          look="primary"
          disabled={account === null || made === null || !made.ok || prepaid.data === undefined || send.isPending}
          onClick={place}
          data-testid="place-order"
        >
          {account === null ? 'Connect a wallet first' : send.isPending ? 'Waiting for its block…' : 'Place the order'}
        </Button>
      </div>
    </div>
  );
}

function Standing({ order }: { order: Order }) {
  const send = useSend();
  const cancel = () => {
    const data = encodeFunctionData({ abi: triggersAbi, functionName: 'cancel', args: [BigInt(order.id)] });
    send.mutate({ call: { to: addresses.triggers, data, valueWei: 0n }, words: `cancel order ${order.id}` });
  };
  const left = order.left === null ? `all ${order.sell.symbol}` : `${shownAmount(order.left)} ${order.sell.symbol}`;
  return (
    <li className="order">
      <div className="row spread">
        <strong>
          Sell {left} for {order.buy.symbol} when {whenWords(order)}
        </strong>
        <Button slim look="danger" disabled={send.isPending} onClick={cancel} aria-label={`Cancel order ${order.id}`}>
          Cancel
        </Button>
      </div>
      <p className="faint small">
        #{order.id} · {limitWords(order)}
        {order.repay ? ` · pays debt in ${order.buy.symbol}` : ''} · until {moment(order.expiresMs)} ·{' '}
        {shownAmount(order.prepaid)} ETH prepaid
        {order.failures > 0 ? ` · failed ${order.failures} times` : ''}{' '}
        <CopyCommand command={command('trigger list')} />
      </p>
      {send.error ? <p className="bad small">{send.error.said.words}</p> : null}
    </li>
  );
}
