import { useDeferredValue, useEffect, useState } from 'react';
import { spendable } from '../../act/plan.ts';
import { useSend } from '../../act/send.ts';
import { approvalOf } from '../../act/SignCall.tsx';
import { wayOf } from '../../act/quote.ts';
import { command, named, signedBy } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import type { SwapAsked } from '../../node/rpc.ts';
import type { Tradable } from '../../node/shapes.ts';
import {
  assetUnit,
  exact,
  PLACES,
  quantity,
  readAmount,
  shown,
  shownAmount,
  shownBps,
  shownDown,
  shownUp,
  someWrong,
} from '../../units/quantity.ts';
import { Facts, AmountField, Button, CopyCommand, Notice, Select, toast } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { thereOf, useAllowance, useWalletUnits, useWay } from './queries.ts';
import type { Way } from './shapes.ts';
import { impactLoudness, pipsWords, routeLines } from './words.ts';

const SLIPPAGES: readonly number[] = [10, 50, 100, 300];
/** An account that owns nothing, for who only looks. */
const NOBODY = '0x000000000000000000000000000000000000dEaD';

/** Which side of a swap is said exactly. */
type Exact = 'pay' | 'receive';
const EXACT: readonly { value: Exact; text: string }[] = [
  { value: 'pay', text: 'I pay exactly' },
  { value: 'receive', text: 'I want to receive' },
];

export function Swap({ markets, onWatch }: { markets: readonly Tradable[]; onWatch: (assetId: number) => void }) {
  const wallet = useWallet();
  const [fromId, setFrom] = useState(markets[0]?.assetId ?? 0);
  const [toId, setTo] = useState(markets[1]?.assetId ?? 1);
  const [exactly, setExactly] = useState<Exact>('pay');
  const [text, setText] = useState('');
  const [slippageBps, setSlippage] = useState<number>(50);
  const from = markets.find((market) => market.assetId === fromId);
  const isPaid = exactly === 'pay';
  const counted = isPaid ? from : markets.find((market) => market.assetId === toId);
  const has = useWalletUnits(wallet?.address ?? null, from);
  useEffect(() => onWatch(from?.kind === 'coin' ? fromId : toId), [onWatch, fromId, toId, from?.kind]);
  const most = from && has.data !== undefined ? spendable(thereOf(from, has.data, undefined)) : undefined;
  const decimals = counted?.decimals ?? 18;
  const read = readAmount(text, decimals, isPaid ? (most ?? 0n) : 0n);
  const all = isPaid || !/max|all|%/i.test(text) ? null : 'say how much: there is no most of what pools give';
  const inWallet = wallet === null || !isPaid || has.data === undefined ? undefined : has.data;
  const wrong =
    all ?? someWrong(text, read, inWallet === undefined ? undefined : { of: inWallet, where: 'the wallet has' });
  const amount = useDeferredValue(read.ok ? read.amount : 0n);
  const asked: SwapAsked | null =
    amount > 0n && fromId !== toId && all === null
      ? { from: fromId, to: toId, amount, exactOut: !isPaid, slippageBps, receiver: wallet?.address ?? NOBODY }
      : null;
  const way = useWay(asked);
  const symbol = (assetId: number) =>
    markets.find((market) => market.assetId === assetId)?.symbol ?? `asset ${assetId}`;
  const options = markets.map((market) => ({ value: market.assetId, text: market.symbol }));
  const chooseFrom = (id: number) => {
    if (id === toId) setTo(fromId);
    setFrom(id);
    setText('');
  };
  const chooseTo = (id: number) => {
    if (id === fromId) setFrom(toId);
    setTo(id);
  };
  return (
    <div className="stack">
      <div className="choices">
        <Select label="Pay" value={fromId} options={options} onChange={chooseFrom} />
        <Select label="Receive" value={toId} options={options} onChange={chooseTo} />
      </div>
      <Select
        label="Exactly"
        value={exactly}
        options={EXACT}
        onChange={(next) => {
          setExactly(next);
          setText('');
        }}
      />
      <AmountField
        label="How much"
        hint={
          !isPaid || most === undefined || from === undefined ? undefined : (
            <Button look="bare" slim onClick={() => setText('max')}>
              {shownAmount(quantity(most, decimals, assetUnit(fromId)))} to spend
            </Button>
          )
        }
        suffix={counted?.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
      />
      <Select
        label={isPaid ? 'At worst, less than shown by' : 'At worst, dearer than shown by'}
        value={slippageBps}
        options={SLIPPAGES.map((bps) => ({ value: bps, text: shownBps(bps) }))}
        onChange={setSlippage}
      />
      {asked === null ? null : way.data === undefined ? (
        way.error ? (
          <Notice tone="warn" title="There is no way now">
            {way.error.message}
          </Notice>
        ) : (
          <p className="faint small">Looking for a way…</p>
        )
      ) : (
        <Told
          way={way.data}
          asked={asked}
          token={from?.token ?? '0x'}
          symbol={symbol}
          isStale={way.isPlaceholderData}
          lacks={!isPaid && most !== undefined && way.data.paidMax.amount > most}
          isPossible={wrong === null}
        />
      )}
    </div>
  );
}

function Told({
  way,
  asked,
  token,
  symbol,
  isStale,
  lacks,
  isPossible,
}: {
  way: Way;
  asked: SwapAsked;
  token: Hex;
  symbol: (assetId: number) => string;
  isStale: boolean;
  /** The wallet has less than it may cost. */
  lacks: boolean;
  isPossible: boolean;
}) {
  const wallet = useWallet();
  const { send, isPending, error } = useSend();
  const [from, to] = [symbol(asked.from), symbol(asked.to)];
  const paid = exact(way.paid);
  const words = asked.exactOut ? `swap ${from} for ${exact(way.receivedMin)} ${to}` : `swap ${paid} ${from} for ${to}`;
  const allowance = useAllowance(wallet?.address ?? null, token, way.spender);
  const needsApproval = way.spender !== null && (allowance.data ?? 0n) < way.paidMax.amount;
  const copy = command(
    `swap ${asked.exactOut ? exact(way.receivedMin) : paid} ${named(from, asked.from)} ${named(to, asked.to)}${asked.exactOut ? ' --exact-out' : ''} --slippage ${asked.slippageBps / 100}%`,
  );
  const loud = impactLoudness(way.priceImpactBps);
  const sign = () => {
    if (way.calldata === null || wallet === null) return;
    if (way.spender !== null && needsApproval) {
      send(approvalOf(token, way.spender, way.paidMax.amount, `approval of ${from}`));
      return;
    }
    try {
      // What is signed is what was asked, whatever the node answered.
      wayOf(way, asked);
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error));
      return;
    }
    send({ call: { to: way.target, data: way.calldata, valueWei: 0n }, words }, () => toast(`Done: ${words}`));
  };
  return (
    <>
      <Facts
        rows={[
          asked.exactOut
            ? [
                'You pay about',
                <strong key="paid">
                  {shownAmount(way.paid)} {from}
                </strong>,
              ]
            : [
                'You receive about',
                <strong key="received">
                  {shownAmount(way.received)} {to}
                </strong>,
              ],
          asked.exactOut
            ? ['And at most', `${shownUp(way.paidMax, PLACES.amount)} ${from}`]
            : ['And at least', `${shownDown(way.receivedMin, PLACES.amount)} ${to}`],
          asked.exactOut ? ['For exactly', `${shownAmount(way.receivedMin)} ${to}`] : null,
          way.price === null ? null : ['One costs', `${shown(way.price, 6)} ${to}`],
          [
            'Your amount moves the price by',
            <span key="impact" className={loud === 'plain' ? undefined : loud} data-testid="impact">
              {shownBps(way.priceImpactBps)}
            </span>,
          ],
          ['Fees of pools', pipsWords(way.feePips)],
        ]}
      />
      <div className="route">
        {routeLines(way, symbol).map((line) => (
          <div key={line.words} className="quiet">
            {line.part} {line.words}
          </div>
        ))}
      </div>
      {lacks ? <Notice tone="warn" title={`The wallet has less ${from} than that`} /> : null}
      {loud === 'bad' ? (
        <Notice tone="bad" title="This is a lot for these pools">
          Your own swap makes the price worse by {shownBps(way.priceImpactBps)}. A smaller amount, or several through
          time, costs less.
        </Notice>
      ) : null}
      {error ? (
        <Notice tone="bad" title={error.said.title}>
          {error.said.words} {error.said.help}
        </Notice>
      ) : null}
      <div className="row spread">
        <CopyCommand command={wallet === null ? copy : signedBy({ owner: wallet.address }, copy)} />
        <Button
          look="primary"
          disabled={wallet === null || isStale || lacks || !isPossible || isPending}
          onClick={sign}
          data-testid="swap"
        >
          {wallet === null
            ? 'Connect a wallet first'
            : isPending
              ? 'Waiting for its block…'
              : needsApproval
                ? `Allow ${shownAmount(way.paidMax)} ${from} first`
                : `Swap ${from} for ${to}`}
        </Button>
      </div>
    </>
  );
}
