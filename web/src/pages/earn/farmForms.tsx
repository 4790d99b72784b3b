/** Forms of a farm: a stake that is taken out, a lock, and rewards that are paid in. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import type { Proposal } from '../../act/Act.tsx';
import { ALL } from '../../act/batch.ts';
import { unstake } from '../../act/liquidity.ts';
import type { CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { farmsAbi } from '../../generated/farms.ts';
import { castCommand, command } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import type { AccountName } from '../../node/rpc.ts';
import type { Coin, Market } from '../../node/shapes.ts';
import {
  amountWrong,
  assetUnit,
  exact,
  quantity,
  readAmount,
  shown,
  shownAmount,
  someWrong,
} from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { AmountField, Dialog, DialogActions, Notice, Select } from '../../ui/index.ts';
import { useOne } from './bring.ts';
import type { Farm } from './shapes.ts';
import { wholeNumber } from './words.ts';

const DAY_MS = 86_400_000;
/** Locks end where epochs of 28 days begin, at most thirteen ahead. */
const EPOCH_MS = 28 * DAY_MS;
const LOCK_EPOCHS_MAX = 13;

export function Unstake({
  farm,
  onClose,
  onPropose,
}: {
  farm: Farm;
  onClose: () => void;
  onPropose: (proposal: Proposal) => void;
}) {
  const [text, setText] = useState('max');
  const staked = farm.own?.amount;
  if (!staked) return null;
  const read = readAmount(text, staked.decimals, staked.amount);
  const wrong =
    amountWrong(text, read) ??
    (read.ok && read.amount > staked.amount ? 'less is staked' : null) ??
    (read.ok && read.amount === 0n ? 'the amount is zero' : null);
  return (
    <Dialog title={`Take out of farm ${farm.farmId}`} onClose={onClose}>
      <p className="small quiet">
        {farm.asset ? 'It becomes free units of the account' : 'The shares come back to the account'}; what it earned
        stays due until you claim it.
      </p>
      <AmountField
        label="How much"
        hint={`${shown(staked, 6)} staked`}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <DialogActions
        onClose={onClose}
        disabled={!read.ok || wrong !== null}
        onGo={() => {
          if (!read.ok) return;
          onPropose({
            title: `unstake from farm ${farm.farmId}`,
            actions: [unstake(farm.farmId, read.all ? ALL : read.amount)],
            command: command(
              `farm unstake ${farm.farmId} ${read.all ? 'max' : exact({ ...staked, amount: read.amount })}`,
            ),
          });
        }}
      />
    </Dialog>
  );
}

interface CallFormProps {
  readonly farm: Farm;
  readonly account: AccountName;
  readonly markets: readonly Market[];
  readonly onCall: (proposal: CallProposal) => void;
  readonly onClose: () => void;
}

export function Lock({ farm, boost, account, markets, onCall, onClose }: CallFormProps & { boost: Coin }) {
  const [text, setText] = useState('');
  const [epochs, setEpochs] = useState(1);
  const now = useHeads()[0];
  const { has, first } = useOne(account.owner, markets, boost.assetId);
  const read = readAmount(text, boost.decimals, has);
  const wrong = amountWrong(text, read, { of: has, where: 'the wallet has' });
  // The next beginning of an epoch counts as the first.
  const nowMs = (now?.timestamp ?? 0) * 1_000;
  const untilMs = (Math.floor(nowMs / EPOCH_MS) + epochs) * EPOCH_MS;
  const sign = () => {
    if (!read.ok) return;
    const data = encodeFunctionData({
      abi: farmsAbi,
      functionName: 'lock',
      args: [farm.farmId, false, account.index, read.amount, BigInt(untilMs)],
    });
    onCall({
      title: `Lock ${boost.symbol} in farm ${farm.farmId}`,
      lines: [
        `Lock ${shownAmount(quantity(read.amount, boost.decimals, assetUnit(boost.assetId)))} ${boost.symbol} of your wallet until ${moment(untilMs)}`,
      ],
      notes: [
        'It lifts what your stake counts by at most one and a half times, and cannot be taken back before that day.',
      ],
      call: { to: addresses.farms, data, valueWei: 0n },
      first: first(addresses.farms, read.amount),
      command: castCommand(`send ${addresses.farms} ${data}`),
    });
  };
  return (
    <Dialog title={`Lock ${boost.symbol} in farm ${farm.farmId}`} onClose={onClose}>
      {farm.own?.locked && farm.own.locked.amount > 0n ? (
        <p className="small quiet">
          Locked now: {shown(farm.own.locked, 6)} {boost.symbol}, until {moment(farm.own.lockedUntilMs ?? 0)}. A lock
          only grows and lengthens.
        </p>
      ) : null}
      <AmountField
        label="How much"
        hint={`${shownAmount(quantity(has, boost.decimals, assetUnit(boost.assetId)))} there`}
        suffix={boost.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <Select
        label="Until"
        value={epochs}
        options={Array.from({ length: LOCK_EPOCHS_MAX }, (_, at) => ({
          value: at + 1,
          text: moment((Math.floor(nowMs / EPOCH_MS) + at + 1) * EPOCH_MS),
        }))}
        onChange={setEpochs}
      />
      <DialogActions onClose={onClose} disabled={!read.ok || text.trim() === '' || wrong !== null} onGo={sign}>
        See the lock…
      </DialogActions>
    </Dialog>
  );
}

export function Fund({ farm, account, markets, onCall, onClose }: CallFormProps) {
  const [assetId, setAsset] = useState(farm.rewards[0]?.assetId ?? 0);
  const [text, setText] = useState('');
  const [days, setDays] = useState('30');
  const reward = farm.rewards.find((one) => one.assetId === assetId);
  const { has, first } = useOne(account.owner, markets, assetId);
  if (!reward) return <Notice>This farm has no rewards.</Notice>;
  const read = readAmount(text, reward.decimals, has);
  const wrong = someWrong(text, read, { of: has, where: 'the wallet has' });
  const lasts = wholeNumber(days, 1, 365);
  const sign = () => {
    if (!read.ok || typeof lasts !== 'number') return;
    const data = encodeFunctionData({
      abi: farmsAbi,
      functionName: 'fund',
      args: [farm.farmId, assetId, read.amount, BigInt(lasts * DAY_MS)],
    });
    onCall({
      title: `Pay into farm ${farm.farmId}`,
      lines: [
        `Let ${shownAmount(quantity(read.amount, reward.decimals, assetUnit(assetId)))} ${reward.symbol} of your wallet flow to whoever stakes, over ${lasts} days`,
      ],
      notes: ['Nobody can take it back, you neither.'],
      call: { to: addresses.farms, data, valueWei: 0n },
      first: first(addresses.farms, read.amount),
      command: castCommand(`send ${addresses.farms} ${data}`),
    });
  };
  return (
    <Dialog title={`Pay into farm ${farm.farmId}`} onClose={onClose}>
      <div className="columns even">
        <Select
          label="Reward"
          value={assetId}
          options={farm.rewards.map((one) => ({ value: one.assetId, text: one.symbol }))}
          onChange={setAsset}
        />
        <AmountField
          label="Over"
          suffix="days"
          value={days}
          onChange={setDays}
          wrong={typeof lasts === 'string' ? lasts : null}
        />
      </div>
      <AmountField
        label="How much"
        hint={`${shownAmount(quantity(has, reward.decimals, assetUnit(assetId)))} there`}
        suffix={reward.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
      />
      <DialogActions
        onClose={onClose}
        disabled={!read.ok || text.trim() === '' || wrong !== null || typeof lasts === 'string'}
        onGo={sign}
      />
    </Dialog>
  );
}
