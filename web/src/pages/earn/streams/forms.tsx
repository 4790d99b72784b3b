/** Forms of streams: one that is opened, and one that is paid into. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import type { CallProposal } from '../../../act/SignCall.tsx';
import { addresses } from '../../../generated/addresses.ts';
import { streamsAbi } from '../../../generated/streams.ts';
import { named, timeWord } from '../../../node/commands.ts';
import type { Hex } from '../../../node/decode.ts';
import { useHeads } from '../../../node/node.tsx';
import type { Market } from '../../../node/shapes.ts';
import { exactOf, readAmount, someWrong, told } from '../../../units/quantity.ts';
import { moment } from '../../../units/time.ts';
import { AmountField, Check, Dialog, DialogActions, Select } from '../../../ui/index.ts';
import { useOne } from '../bring.ts';
import { ToWhom } from '../ToWhom.tsx';
import { whomFlag, whomWords } from '../whom.ts';
import { callOf } from './call.ts';
import type { Stream } from './queries.ts';
import { readStream, USUAL, type StreamText } from './words.ts';

const UNITS = [
  { value: 'day', text: 'days' },
  { value: 'h', text: 'hours' },
  { value: 'min', text: 'minutes' },
] as const;

interface CallForm {
  readonly onCall: (proposal: CallProposal) => void;
  readonly onClose: () => void;
}

export function NewStream({ owner, markets, onCall, onClose }: CallForm & { owner: Hex; markets: readonly Market[] }) {
  const now = useHeads()[0];
  const [assetId, setAsset] = useState(
    markets.find((one) => one.kind === 'foreign')?.assetId ?? markets[0]?.assetId ?? 0,
  );
  const [text, setText] = useState<StreamText>(USUAL);
  const { market, has, first } = useOne(owner, markets, assetId);
  const read = readStream(text, market?.decimals ?? 18, has);
  if (!market) return null;
  const propose = () => {
    if (read.to === null || now === undefined) return;
    const nowMs = now.timestamp * 1_000;
    const endMs = nowMs + read.lastsMs;
    const cliffMs = read.cliffAfterMs === 0 ? 0 : nowMs + read.cliffAfterMs;
    const data = encodeFunctionData({
      abi: streamsAbi,
      functionName: 'open',
      args: [assetId, read.to, read.index, read.amount, 0n, BigInt(cliffMs), BigInt(endMs), text.isFinal],
    });
    onCall({
      title: 'Open a stream',
      lines: [
        `Pay ${told(market, read.amount)} in now; they flow evenly to ${whomWords({ to: read.to, index: read.index })} until ${moment(endMs)}`,
        ...(cliffMs === 0 ? [] : [`Nothing is to be had before ${moment(cliffMs)}`]),
        text.isFinal ? 'You can never stop it' : 'You may stop it at any time; what has not flowed comes back',
      ],
      first: first(addresses.streams, read.amount),
      ...callOf(
        data,
        [
          `open "${exactOf(market, read.amount)} ${named(market.symbol, assetId)}" ${read.to}${whomFlag(read)}`,
          `--lasts ${timeWord(read.lastsMs / 1_000)}`,
          ...(cliffMs === 0 ? [] : [`--cliff ${timeWord(read.cliffAfterMs / 1_000)}`]),
          ...(text.isFinal ? ['--final'] : []),
        ].join(' '),
      ),
    });
  };
  return (
    <Dialog title="Let something flow" onClose={onClose}>
      <ToWhom text={text} wrong={read.wrong} onChange={(whom) => setText({ ...text, ...whom })} />
      <div className="columns even">
        <Select
          label="What"
          value={assetId}
          options={markets.map((one) => ({ value: one.assetId, text: one.symbol }))}
          onChange={setAsset}
        />
        <AmountField
          label="How much"
          hint={`${told(market, has)} there`}
          suffix={market.symbol}
          value={text.amount}
          onChange={(amount) => setText({ ...text, amount })}
          wrong={read.wrong.amount ?? null}
        />
      </div>
      <div className="choices">
        <AmountField
          label="Flows for"
          value={text.lasts}
          onChange={(lasts) => setText({ ...text, lasts })}
          wrong={read.wrong.lasts ?? null}
        />
        <AmountField
          label="Nothing before"
          value={text.cliff}
          onChange={(cliff) => setText({ ...text, cliff })}
          wrong={read.wrong.cliff ?? null}
        />
        <Select label="counted in" value={text.unit} options={UNITS} onChange={(unit) => setText({ ...text, unit })} />
      </div>
      <Check checked={text.isFinal} onChange={(isFinal) => setText({ ...text, isFinal })}>
        I give up the right to stop it
      </Check>
      <DialogActions onClose={onClose} disabled={!read.isPossible || now === undefined} onGo={propose}>
        See the stream…
      </DialogActions>
    </Dialog>
  );
}

export function PayIn({
  owner,
  markets,
  stream,
  onCall,
  onClose,
}: CallForm & { owner: Hex; markets: readonly Market[]; stream: Stream }) {
  const [text, setText] = useState('');
  const { market, has, first } = useOne(owner, markets, stream.assetId);
  if (!market) return null;
  const read = readAmount(text, market.decimals, has);
  const wrong = someWrong(text, read, { of: has, where: 'the wallet has' });
  const propose = () => {
    if (!read.ok) return;
    const data = encodeFunctionData({ abi: streamsAbi, functionName: 'payIn', args: [stream.id, read.amount] });
    onCall({
      title: `Pay into stream ${stream.id}`,
      lines: [
        stream.isSettled
          ? `Give ${told(market, read.amount)} to its owner at once`
          : `Let ${told(market, read.amount)} more flow, at the speed that it has`,
      ],
      first: first(addresses.streams, read.amount),
      ...callOf(data, `pay-in ${stream.id} ${exactOf(market, read.amount)}`),
    });
  };
  return (
    <Dialog title={`Pay into stream ${stream.id}`} onClose={onClose}>
      <AmountField
        label="How much"
        hint={`${told(market, has)} there`}
        suffix={market.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <DialogActions onClose={onClose} disabled={!read.ok || text.trim() === '' || wrong !== null} onGo={propose} />
    </Dialog>
  );
}
