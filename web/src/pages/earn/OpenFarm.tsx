/** A farm of one's own: what is staked, what flows, and what may be locked for more weight. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { farmsAbi } from '../../generated/farms.ts';
import { castCommand } from '../../node/commands.ts';
import { usePools } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { Market } from '../../node/shapes.ts';
import { parseDecimal, problemInWords } from '../../units/decimal.ts';
import { AmountField, Button, Dialog, DialogActions, Select } from '../../ui/index.ts';

/** The contract's kinds: units of an asset, shares of a pool. */
const [UNITS, SHARES] = [1, 2];
const NO_LOCK = -1;
const WAD = 10n ** 18n;

export function OpenFarm({ account, markets }: { account: AccountName; markets: readonly Market[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button slim onClick={() => setOpen(true)}>
        Open a farm
      </Button>
      {isOpen ? <Form account={account} markets={markets} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

function Form({
  account,
  markets,
  onClose,
}: {
  account: AccountName;
  markets: readonly Market[];
  onClose: () => void;
}) {
  const pools = usePools();
  const [what, setWhat] = useState('');
  const [rewardId, setReward] = useState(markets.at(-1)?.assetId ?? 0);
  const [lockId, setLock] = useState(NO_LOCK);
  const [lift, setLift] = useState('1');
  const [call, setCall] = useState<CallProposal | null>(null);
  const stakes = [
    ...markets.map((market) => ({ value: `${UNITS}:${market.assetId}`, text: market.symbol })),
    ...(pools.data ?? [])
      .filter((pool) => pool.totalShares !== null)
      .map((pool) => ({
        value: `${SHARES}:${pool.poolId}`,
        text: `Shares of pool ${pool.poolId}, ${pool.assets.map((coin) => coin.symbol).join(' · ')}`,
      })),
  ];
  const staked = stakes.find((one) => one.value === what) ?? stakes[0];
  const [kind = UNITS, id = 0] = staked?.value.split(':').map(Number) ?? [];
  const stakeDecimals = kind === SHARES ? 18 : (markets.find((market) => market.assetId === id)?.decimals ?? 18);
  const lock = markets.find((market) => market.assetId === lockId);
  const lifted = parseDecimal(lift.trim(), stakeDecimals);
  const wrong = lock && !lifted.ok ? problemInWords(lifted.problem) : null;
  const symbol = (assetId: number) =>
    markets.find((market) => market.assetId === assetId)?.symbol ?? `asset ${assetId}`;
  const propose = () => {
    if (!lifted.ok || !staked) return;
    // Of smallest units: so many of the stake are lifted by one of the lock, times 10^18.
    const liftWad = lock ? (lifted.amount * WAD) / 10n ** BigInt(lock.decimals) : 0n;
    const data = encodeFunctionData({
      abi: farmsAbi,
      functionName: 'open',
      args: [kind, id, [rewardId], lock ? lock.assetId : 0, liftWad],
    });
    setCall({
      title: `Open a farm of ${staked.text}`,
      lines: [
        `Whoever stakes ${staked.text} gets ${symbol(rewardId)}, once somebody pays it in`,
        lock
          ? `One ${lock.symbol} that is locked lifts ${lift} of the stake, up to one and a half times of it`
          : 'Nothing can be locked for more weight',
      ],
      notes: ['It belongs to nobody and never changes. Pay in to let the reward flow.'],
      call: { to: addresses.farms, data, valueWei: 0n },
      command: castCommand(`send ${addresses.farms} ${data}`),
    });
  };
  if (call) return <SignCall from={account.owner} proposal={call} onClose={onClose} />;
  return (
    <Dialog title="Open a farm" onClose={onClose}>
      <Select label="Staked is" value={staked?.value ?? ''} options={stakes} onChange={setWhat} />
      <Select
        label="What flows to stakers"
        value={rewardId}
        options={markets.map((market) => ({ value: market.assetId, text: market.symbol }))}
        onChange={setReward}
      />
      <div className="columns even">
        <Select
          label="May be locked for more"
          value={lockId}
          options={[
            { value: NO_LOCK, text: 'nothing' },
            ...markets.map((market) => ({ value: market.assetId, text: market.symbol })),
          ]}
          onChange={setLock}
        />
        {lock ? (
          <AmountField label="One of it lifts so much stake" value={lift} onChange={setLift} wrong={wrong} />
        ) : null}
      </div>
      <DialogActions onClose={onClose} disabled={!staked || wrong !== null} onGo={propose}>
        See the farm…
      </DialogActions>
    </Dialog>
  );
}
