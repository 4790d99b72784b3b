/** A function of a contract as a form: its arguments, its answer, and the command that asks the same. */
import { useMutation } from '@tanstack/react-query';
import { useId, useState, type ReactNode } from 'react';
import { encodeFunctionData, decodeFunctionResult, type AbiFunction } from 'viem';
import { castCommand } from '../../node/commands.ts';
import { hex, type Hex } from '../../node/decode.ts';
import { RpcError } from '../../node/link.ts';
import { useNode } from '../../node/node.tsx';
import { parseDecimal, problemInWords } from '../../units/decimal.ts';
import { AmountField, Button, Notice } from '../../ui/index.ts';
import { example, readArgument, showValue } from './forms.ts';
import { WriteButton } from './Write.tsx';

export function Form({ of, at, isRead }: { of: AbiFunction; at: Hex | null; isRead: boolean }) {
  const [texts, setTexts] = useState<readonly string[]>(of.inputs.map(() => ''));
  const [coins, setCoins] = useState('');
  const [tried, setTried] = useState(false);
  const read = of.inputs.map((input, index) => readArgument(input, texts[index] ?? ''));
  const value = coins === '' ? { ok: true as const, amount: 0n } : parseDecimal(coins, 18);
  const isReady = at !== null && value.ok && read.every((one) => one.ok);
  const call = () => {
    const args = read.map((one) => (one.ok ? one.value : undefined));
    return encodeFunctionData({ abi: [of], functionName: of.name, args });
  };
  return (
    <details className="function">
      <summary>
        <span className="mono">{of.name}</span>{' '}
        <span className="faint small">{of.inputs.map((input) => input.name ?? input.type).join(', ')}</span>
      </summary>
      <div className="stack">
        {of.inputs.map((input, index) => {
          const one = read[index];
          const text = texts[index] ?? '';
          return (
            <WordField
              key={index}
              label={
                <>
                  {input.name === undefined || input.name === '' ? `#${index}` : input.name}{' '}
                  <span className="faint mono">{input.type}</span>
                </>
              }
              value={text}
              placeholder={example(input)}
              wrong={one !== undefined && !one.ok && (text !== '' || tried) ? one.words : null}
              onChange={(next) => setTexts(texts.map((old, place) => (place === index ? next : old)))}
            />
          );
        })}
        {of.stateMutability === 'payable' ? (
          <AmountField
            label="Coins with it"
            suffix="ETH"
            value={coins}
            onChange={setCoins}
            wrong={value.ok ? null : problemInWords(value.problem)}
          />
        ) : null}
        {at === null ? <p className="faint small">Say which contract first.</p> : null}
        {isRead ? (
          <Asking of={of} at={at} isReady={isReady} call={call} onRefused={() => setTried(true)} />
        ) : (
          <WriteButton
            title={of.name}
            isReady={isReady}
            onRefused={() => setTried(true)}
            request={() => ({ to: at ?? '0x', data: call(), value: value.ok ? value.amount : 0n })}
          />
        )}
      </div>
    </details>
  );
}

function Asking({
  of,
  at,
  isReady,
  call,
  onRefused,
}: {
  of: AbiFunction;
  at: Hex | null;
  isReady: boolean;
  call: () => Hex;
  onRefused: () => void;
}) {
  const { rpc } = useNode();
  const asked = useMutation({
    mutationFn: async () => {
      const output = await rpc.read(hex, 'eth_call', [{ to: at, data: call() }, 'latest']);
      if (output === '0x') return of.outputs.length === 0 ? '' : 'nothing: there is no such contract here';
      return showValue(decodeFunctionResult({ abi: [of], functionName: of.name, data: output }));
    },
  });
  return (
    <>
      <div className="row">
        <Button slim disabled={asked.isPending} onClick={() => (isReady ? asked.mutate() : onRefused())}>
          Ask
        </Button>
        {isReady && at !== null ? <CastOf words={`call ${at} ${call()}`} /> : null}
      </div>
      {asked.error ? <Refusal error={asked.error} /> : null}
      {asked.data === undefined ? null : <pre className="answer">{asked.data}</pre>}
    </>
  );
}

function CastOf({ words }: { words: string }) {
  const text = castCommand(words);
  return (
    <Button look="bare" slim title={text.slice(0, 400)} onClick={() => void navigator.clipboard.writeText(text)}>
      Copy as command
    </Button>
  );
}

function Refusal({ error }: { error: Error }) {
  const words = error instanceof RpcError ? error.message.replace(/^execution reverted:? ?/, '') : error.message;
  return (
    <Notice tone="bad" title="The contract says no">
      {words === '' ? 'It gave no reason.' : words}
    </Notice>
  );
}

/** A field for anything. */
export function WordField({
  label,
  value,
  placeholder,
  wrong,
  onChange,
}: {
  label: ReactNode;
  value: string;
  placeholder?: string;
  wrong?: string | null;
  onChange: (text: string) => void;
}) {
  const id = useId();
  const isWrong = wrong !== undefined && wrong !== null;
  return (
    <div className="field">
      <label htmlFor={id}>
        <span>{label}</span>
      </label>
      <div className={isWrong ? 'input wrong' : 'input'}>
        <input
          id={id}
          className="mono"
          spellCheck={false}
          autoComplete="off"
          placeholder={placeholder}
          value={value}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? `${id}-wrong` : undefined}
          onChange={(event) => onChange(event.target.value)}
        />
      </div>
      {isWrong ? (
        <div id={`${id}-wrong`} className="wrong-words" role="alert">
          {wrong}
        </div>
      ) : null}
    </div>
  );
}
