/** What can be done with a stake and a farm: out, claim, compound, leave, lock, and pay in. */
import { useState } from 'react';
import { decodeAbiParameters, encodeFunctionData } from 'viem';
import type { Proposal } from '../../act/Act.tsx';
import { ALL, closeAll } from '../../act/batch.ts';
import { sayError } from '../../act/errors.ts';
import { claim, remove, stake, unstake } from '../../act/liquidity.ts';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { farmsAbi } from '../../generated/farms.ts';
import { castCommand, command } from '../../node/commands.ts';
import { useHeads, useNode } from '../../node/node.tsx';
import { usePools } from '../../node/queries.ts';
import type { AccountName, Action } from '../../node/rpc.ts';
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
import { AmountField, Button, Dialog, DialogActions, Notice, Select, toast } from '../../ui/index.ts';
import { leastOf } from './liquidity.ts';
import { lastAnswer, provideAndStake, useOne } from './bring.ts';
import { EnterFarm } from './EnterFarm.tsx';
import type { Farm } from './shapes.ts';
import { wholeNumber } from './words.ts';

/** Room for what pools move until the block. */
const ROOM_BPS = 50;
const DAY_MS = 86_400_000;
/** Locks end where epochs of 28 days begin, at most thirteen ahead. */
const EPOCH_MS = 28 * DAY_MS;
const LOCK_EPOCHS_MAX = 13;

type Open = 'enter' | 'unstake' | 'lock' | 'fund' | null;

interface Props {
  readonly farm: Farm;
  readonly account: AccountName;
  readonly markets: readonly Market[];
  readonly onPropose: (proposal: Proposal) => void;
}

export function FarmActs({ farm, account, markets, onPropose }: Props) {
  const { rpc } = useNode();
  const pools = usePools();
  const now = useHeads()[0];
  const [open, setOpen] = useState<Open>(null);
  const [call, setCall] = useState<CallProposal | null>(null);
  const { own, farmId } = farm;
  const has = own !== null && own.amount.amount > 0n;
  const isDue = own?.due.some((due) => due.amount > 0n) === true;
  const pool = pools.data?.find((one) => one.poolId === farm.poolId);
  const dueOf = (assetId: number) => {
    const at = farm.rewards.findIndex((reward) => reward.assetId === assetId);
    return own?.due[at]?.amount ?? 0n;
  };
  const coins: readonly { assetId: number; symbol: string }[] = farm.asset ? [farm.asset] : (pool?.assets ?? []);
  const canCompound = coins.some((coin) => dueOf(coin.assetId) > 0n);
  const compound = async () => {
    if (farm.asset) {
      const amount = dueOf(farm.asset.assetId);
      return [claim(farmId), stake(farmId, amount)];
    }
    if (!pool) throw new Error('the pool is not known yet');
    const most = pool.assets.map((coin) => dueOf(coin.assetId));
    return provideAndStake(rpc, account, [claim(farmId)], { poolId: pool.poolId, farmId, most, roomBps: ROOM_BPS });
  };
  const leave = async () => {
    const out = [unstake(farmId, ALL), claim(farmId)];
    if (farm.asset || !pool || !own) return [...out, closeAll()];
    const none = pool.assets.map(() => 0n);
    const output = await lastAnswer(rpc, account, [...out, remove(pool.poolId, own.amount.amount, none)]);
    const [came] = decodeAbiParameters([{ type: 'uint256[]' }], output);
    return [...out, remove(pool.poolId, own.amount.amount, leastOf(came, ROOM_BPS)), closeAll()];
  };
  const propose = (title: string, cli: string, make: () => Promise<Action[]>) => {
    make()
      .then((actions) => onPropose({ title, actions, command: command(cli) }))
      .catch(async (error: unknown) => toast((await sayError(error, rpc)).words));
  };
  const isUnlockable =
    own?.locked != null && own.locked.amount > 0n && (own.lockedUntilMs ?? 0) <= (now?.timestamp ?? 0) * 1_000;
  const unlock = () => {
    const data = encodeFunctionData({
      abi: farmsAbi,
      functionName: 'unlock',
      args: [farmId, false, account.index, account.owner],
    });
    setCall({
      title: `Unlock in farm ${farmId}`,
      lines: [`Send ${own?.locked ? shown(own.locked, 6) : ''} ${farm.boost?.symbol ?? ''} to your wallet`],
      call: { to: addresses.farms, data, valueWei: 0n },
      command: castCommand(`send ${addresses.farms} ${data}`),
    });
  };
  return (
    <>
      {has ? (
        <Button slim onClick={() => setOpen('unstake')}>
          Take out
        </Button>
      ) : null}
      {isDue ? (
        <Button
          slim
          onClick={() =>
            propose(`claim from farm ${farmId}`, `farm claim ${farmId}`, () => Promise.resolve([claim(farmId)]))
          }
        >
          Claim
        </Button>
      ) : null}
      {canCompound ? (
        <Button slim onClick={() => propose(`compound farm ${farmId}`, `farm compound ${farmId}`, compound)}>
          Compound
        </Button>
      ) : null}
      {has ? (
        <Button slim onClick={() => propose(`leave farm ${farmId}`, `farm leave ${farmId}`, leave)}>
          Leave, and repay
        </Button>
      ) : null}
      {farm.boost && has ? (
        <Button slim onClick={() => setOpen('lock')}>
          Lock {farm.boost.symbol}
        </Button>
      ) : null}
      {isUnlockable ? (
        <Button slim onClick={unlock}>
          Unlock
        </Button>
      ) : null}
      <Button slim onClick={() => setOpen('enter')}>
        Enter with a loan
      </Button>
      <Button slim look="bare" onClick={() => setOpen('fund')}>
        Pay in
      </Button>
      {open === 'enter' ? (
        <EnterFarm
          farm={farm}
          pool={pool}
          account={account}
          markets={markets}
          onClose={() => setOpen(null)}
          onPropose={(proposal) => {
            setOpen(null);
            onPropose(proposal);
          }}
        />
      ) : null}
      {open === 'unstake' ? (
        <Unstake
          farm={farm}
          onClose={() => setOpen(null)}
          onPropose={(proposal) => {
            setOpen(null);
            onPropose(proposal);
          }}
        />
      ) : null}
      {open === 'lock' && farm.boost ? (
        <Lock
          farm={farm}
          boost={farm.boost}
          account={account}
          markets={markets}
          onCall={setCall}
          onClose={() => setOpen(null)}
        />
      ) : null}
      {open === 'fund' ? (
        <Fund farm={farm} account={account} markets={markets} onCall={setCall} onClose={() => setOpen(null)} />
      ) : null}
      {call === null ? null : (
        <SignCall from={account.owner} proposal={call} onClose={() => setCall(null)} onDone={() => setOpen(null)} />
      )}
    </>
  );
}

function Unstake({ farm, onClose, onPropose }: { farm: Farm; onClose: () => void; onPropose: Props['onPropose'] }) {
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

function Lock({ farm, boost, account, markets, onCall, onClose }: CallFormProps & { boost: Coin }) {
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

function Fund({ farm, account, markets, onCall, onClose }: CallFormProps) {
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
