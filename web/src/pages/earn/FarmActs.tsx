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
import type { Market } from '../../node/shapes.ts';
import { shown } from '../../units/quantity.ts';
import { Button, toast } from '../../ui/index.ts';
import { leastOf } from './liquidity.ts';
import { lastAnswer, provideAndStake } from './bring.ts';
import { EnterFarm } from './EnterFarm.tsx';
import type { Farm } from './shapes.ts';
import { Unstake, Lock, Fund } from './farmForms.tsx';

/** Room for what pools move until the block. */
const ROOM_BPS = 50;

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
