/** What an owner forbids himself: tighter counts at once, looser after a day. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { useSend } from '../../act/send.ts';
import { accountAbi } from '../../generated/account.ts';
import { addresses } from '../../generated/addresses.ts';
import { command, signedBy } from '../../node/commands.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState } from '../../node/shapes.ts';
import { parseDecimal, problemInWords } from '../../units/decimal.ts';
import { decimal } from '../../units/decimal.ts';
import { shownUsd, shownUsdWhole, usd } from '../../units/quantity.ts';
import { lasting } from '../../units/time.ts';
import { AmountField, Button, Card, Dialog, DialogActions, Notice, Num, Stat, Stats, toast } from '../../ui/index.ts';

const UINT32_MAX = (1n << 32n) - 1n;

export function Limits({ of, state, isMine }: { of: AccountName; state: AccountState; isMine: boolean }) {
  const [open, setOpen] = useState(false);
  const show = signedBy(of, command('account limits'));
  return (
    <Card
      title="Own limits"
      command={show}
      aside={
        isMine ? (
          <Button slim onClick={() => setOpen(true)}>
            Change
          </Button>
        ) : null
      }
    >
      <Stats>
        <Stat name="Leverage at most">
          <Num copy={show}>{state.leverageMaxBps === 0 ? 'none' : `${decimal(BigInt(state.leverageMaxBps), 4)}x`}</Num>
        </Stat>
        <Stat name="Lost a day, at most">
          <Num copy={show}>
            {state.dailyLossMaxUsd === 0 ? 'none' : shownUsdWhole(usd(BigInt(state.dailyLossMaxUsd) * 10n ** 18n))}
          </Num>
        </Stat>
        <Stat name="Then no new risk for">
          <Num copy={show}>{state.coolingOffS === 0 ? 'none' : lasting(state.coolingOffS * 1_000)}</Num>
        </Stat>
        {state.day ? (
          <Stat name="Lost today">
            <Num copy={show}>{shownUsd(state.day.lost)}</Num>
          </Stat>
        ) : null}
      </Stats>
      <p className="small faint">
        The chain holds you to them. What is tighter counts at once, what is looser after a day.
      </p>
      {open ? <Change of={of} state={state} onClose={() => setOpen(false)} /> : null}
    </Card>
  );
}

interface Read {
  readonly value: number;
  readonly wrong: string | null;
}

/** A limit in its smallest unit; nothing written is no limit. */
function readLimit(text: string, decimals: number): Read {
  if (text.trim() === '' || text.trim() === 'none') return { value: 0, wrong: null };
  const parsed = parseDecimal(text.trim(), decimals);
  if (!parsed.ok) return { value: 0, wrong: problemInWords(parsed.problem) };
  if (parsed.amount > UINT32_MAX) return { value: 0, wrong: 'that is more than a limit can be' };
  return { value: Number(parsed.amount), wrong: null };
}

function Change({ of, state, onClose }: { of: AccountName; state: AccountState; onClose: () => void }) {
  const { send, isPending, error } = useSend();
  const first = (value: number, decimals: number) => (value === 0 ? '' : decimal(BigInt(value), decimals));
  const [leverage, setLeverage] = useState(first(state.leverageMaxBps, 4));
  const [loss, setLoss] = useState(first(state.dailyLossMaxUsd, 0));
  const [hours, setHours] = useState(first(Math.floor(state.coolingOffS / 3_600), 0));
  const read = { leverage: readLimit(leverage, 4), loss: readLimit(loss, 0), hours: readLimit(hours, 0) };
  const isWrong = Object.values(read).some((limit) => limit.wrong !== null);
  const sign = () => {
    const limits = {
      leverageMaxBps: read.leverage.value,
      dailyLossMaxUsd: read.loss.value,
      coolingOffS: read.hours.value * 3_600,
    };
    const data = encodeFunctionData({ abi: accountAbi, functionName: 'setLimits', args: [of.index, limits] });
    send({ call: { to: addresses.account, data, valueWei: 0n }, words: 'limits' }, () => {
      toast('Done: the chain keeps these limits');
      onClose();
    });
  };
  return (
    <Dialog title="Own limits" onClose={onClose}>
      <AmountField
        label="Leverage at most"
        hint="3 is three-fold"
        suffix="x"
        value={leverage}
        onChange={setLeverage}
        wrong={read.leverage.wrong}
        placeholder="none"
      />
      <AmountField
        label="Lost a day, at most"
        prefix="$"
        value={loss}
        onChange={setLoss}
        wrong={read.loss.wrong}
        placeholder="none"
      />
      <AmountField
        label="After such a day, no new risk for"
        suffix="hours"
        value={hours}
        onChange={setHours}
        wrong={read.hours.wrong}
        placeholder="none"
      />
      {error ? (
        <Notice tone="bad" title={error.said.title}>
          {error.said.words} {error.said.help}
        </Notice>
      ) : null}
      <DialogActions onClose={onClose} disabled={isWrong || isPending} onGo={sign}>
        {isPending ? 'Waiting for its block…' : 'Sign'}
      </DialogActions>
    </Dialog>
  );
}
