import { useDeferredValue, useEffect, useState } from 'react';
import { encodeFunctionData, erc20Abi } from 'viem';
import { spendable } from '../../act/plan.ts';
import { useSend } from '../../act/send.ts';
import { wayOf } from '../../act/quote.ts';
import { command, named } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import type { SwapAsked } from '../../node/rpc.ts';
import type { Tradable } from '../../node/shapes.ts';
import { problemInWords } from '../../units/decimal.ts';
import {
  assetUnit,
  exact,
  quantity,
  readAmount,
  shown,
  shownAmount,
  shownBps,
  type AmountRead,
} from '../../units/quantity.ts';
import { AmountField, Button, CopyCommand, Notice, Select, toast } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { Facts } from './Facts.tsx';
import { thereOf, useAllowance, useWalletUnits, useWay } from './queries.ts';
import type { Way } from './shapes.ts';
import { impactLoudness, pipsWords, routeLines } from './words.ts';

const SLIPPAGES: readonly number[] = [10, 50, 100, 300];
/** An account that owns nothing, for who only looks. */
const NOBODY = '0x000000000000000000000000000000000000dEaD';

/** What is wrong with what somebody wrote, if anything is. */
function wrongIn(text: string, read: AmountRead, has: bigint | undefined): string | null {
  if (text === '') return null;
  if (!read.ok) return read.problem === 'part' ? 'at most 100 %' : problemInWords(read.problem);
  if (has !== undefined && read.amount > has) return 'the wallet has less';
  return null;
}

export function Swap({ markets, onWatch }: { markets: readonly Tradable[]; onWatch: (assetId: number) => void }) {
  const wallet = useWallet();
  const [fromId, setFrom] = useState(markets[0]?.assetId ?? 0);
  const [toId, setTo] = useState(markets[1]?.assetId ?? 1);
  const [text, setText] = useState('');
  const [slippageBps, setSlippage] = useState<number>(50);
  const from = markets.find((market) => market.assetId === fromId);
  const has = useWalletUnits(wallet?.address ?? null, from);
  useEffect(() => onWatch(from?.kind === 'coin' ? fromId : toId), [onWatch, fromId, toId, from?.kind]);
  const most = from && has.data !== undefined ? spendable(thereOf(from, has.data, undefined)) : undefined;
  const decimals = from?.decimals ?? 18;
  const read = readAmount(text, decimals, most ?? 0n);
  const wrong = wrongIn(text, read, wallet === null ? undefined : has.data);
  const amount = useDeferredValue(read.ok ? read.amount : 0n);
  const asked: SwapAsked | null =
    amount > 0n && fromId !== toId
      ? { from: fromId, to: toId, amount, exactOut: false, slippageBps, receiver: wallet?.address ?? NOBODY }
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
      <AmountField
        label="How much"
        hint={
          most === undefined || from === undefined ? undefined : (
            <Button look="bare" slim onClick={() => setText('max')}>
              {shownAmount(quantity(most, decimals, assetUnit(fromId)))} to spend
            </Button>
          )
        }
        suffix={from?.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
      />
      <Select
        label="At worst, less than shown by"
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
          hasFunds={wrong === null}
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
  hasFunds,
}: {
  way: Way;
  asked: SwapAsked;
  token: Hex;
  symbol: (assetId: number) => string;
  isStale: boolean;
  hasFunds: boolean;
}) {
  const wallet = useWallet();
  const send = useSend();
  const [from, to] = [symbol(asked.from), symbol(asked.to)];
  const paid = exact({ ...way.paid });
  const allowance = useAllowance(wallet?.address ?? null, token, way.spender);
  const needsApproval = way.spender !== null && (allowance.data ?? 0n) < way.paidMax.amount;
  const copy = command(
    `swap ${paid} ${named(from, asked.from)} ${named(to, asked.to)} --slippage ${asked.slippageBps / 100}%`,
  );
  const loud = impactLoudness(way.priceImpactBps);
  const sign = () => {
    if (way.calldata === null || wallet === null) return;
    if (way.spender !== null && needsApproval) {
      const data = encodeFunctionData({
        abi: erc20Abi,
        functionName: 'approve',
        args: [way.spender, way.paidMax.amount],
      });
      send.mutate({ call: { to: token, data, valueWei: 0n }, words: `approval of ${from}` });
      return;
    }
    try {
      // What is signed is what was asked, whatever the node answered.
      wayOf(way, asked);
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error));
      return;
    }
    send.mutate(
      { call: { to: way.target, data: way.calldata, valueWei: 0n }, words: `swap ${paid} ${from} for ${to}` },
      { onSuccess: () => toast(`Done: swapped ${paid} ${from}`) },
    );
  };
  return (
    <>
      <Facts
        rows={[
          [
            'You receive about',
            <strong key="received">
              {shownAmount(way.received)} {to}
            </strong>,
          ],
          ['And at least', `${shownAmount(way.receivedMin)} ${to}`],
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
      {loud === 'bad' ? (
        <Notice tone="bad" title="This is a lot for these pools">
          Your own swap makes the price worse by {shownBps(way.priceImpactBps)}. A smaller amount, or several through
          time, costs less.
        </Notice>
      ) : null}
      {send.error ? (
        <Notice tone="bad" title={send.error.said.title}>
          {send.error.said.words} {send.error.said.help}
        </Notice>
      ) : null}
      <div className="row spread">
        <CopyCommand command={copy} />
        <Button
          look="primary"
          disabled={wallet === null || isStale || !hasFunds || send.isPending}
          onClick={sign}
          data-testid="swap"
        >
          {wallet === null
            ? 'Connect a wallet first'
            : send.isPending
              ? 'Waiting for its block…'
              : needsApproval
                ? `Allow ${paid} ${from} first`
                : `Swap ${from} for ${to}`}
        </Button>
      </div>
    </>
  );
}
