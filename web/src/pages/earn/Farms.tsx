import { useState } from 'react';
import { Act, type Proposal } from '../../act/Act.tsx';
import { act, ALL } from '../../act/batch.ts';
import { stake } from '../../act/liquidity.ts';
import { spendable } from '../../act/plan.ts';
import { command, named } from '../../node/commands.ts';
import { useAccount } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState, Market } from '../../node/shapes.ts';
import {
  amountWrong,
  assetUnit,
  exact,
  quantity,
  readAmount,
  shown,
  shownAmount,
  shownUsd,
} from '../../units/quantity.ts';
import { AmountField, Answer, Badge, Button, Card, Empty, Num, Stat, Stats } from '../../ui/index.ts';
import { useMine } from '../../wallet/chosen.tsx';
import { assetsOf } from './bring.ts';
import { FarmActs } from './FarmActs.tsx';
import { OpenFarm } from './OpenFarm.tsx';
import { useFarms, useWalletOf } from './queries.ts';
import type { Farm } from './shapes.ts';
import { rateWords, rewardWords } from './words.ts';

export function Farms({ markets }: { markets: readonly Market[] }) {
  const account = useMine();
  const farms = useFarms(account);
  const state = useAccount(account);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  return (
    <Answer of={farms} lines={6}>
      {({ items }) =>
        items.length === 0 ? (
          <Card title="Farms" command={command('farm list')}>
            <Empty action={account === null ? null : <OpenFarm account={account} markets={markets} />}>
              This chain has no farms. Anybody may open one, and pay what it gives.
            </Empty>
          </Card>
        ) : (
          <div className="stack">
            {items.map((farm) => (
              <One
                key={farm.farmId}
                farm={farm}
                markets={markets}
                account={account}
                state={state.data}
                onPropose={setProposal}
              />
            ))}
            {account === null ? null : (
              <Card
                title="A farm of your own"
                aside={<OpenFarm account={account} markets={markets} />}
                command={command('farm list')}
              >
                <p className="small quiet">
                  Anybody may open a farm and let a reward flow to whoever stakes. It belongs to nobody afterwards, and
                  never changes what it is.
                </p>
              </Card>
            )}
            {proposal !== null && account !== null ? (
              <Act account={account} proposal={proposal} asset={assetsOf(markets)} onClose={() => setProposal(null)} />
            ) : null}
          </div>
        )
      }
    </Answer>
  );
}

function One({
  farm,
  markets,
  account,
  state,
  onPropose,
}: {
  farm: Farm;
  markets: readonly Market[];
  account: AccountName | null;
  state: AccountState | undefined;
  onPropose: (proposal: Proposal) => void;
}) {
  const copy = command(`farm show ${farm.farmId}`);
  const what = farm.asset === null ? `shares of pool ${farm.poolId ?? '?'}` : farm.asset.symbol;
  const { own } = farm;
  // `12.5 ETH a year, 40 d more`: the speed above, how long and what else below.
  const flows = farm.rewards.map(rewardWords).join('; ').split(', ');
  const isDue = own?.due.some((due) => due.amount > 0n) === true;
  return (
    <Card
      title={`Farm ${farm.farmId}: stake ${what}`}
      aside={farm.isFed ? <Badge tone="good">fed by swap fees</Badge> : undefined}
      command={copy}
    >
      <Stats>
        <Stat name="Pays" note="to a dollar that is staked without a lock">
          <Num copy={copy}>{rateWords(farm)}</Num>
        </Stat>
        <Stat name="Staked by all" note={farm.stakedValue === null ? undefined : shownUsd(farm.stakedValue)}>
          <Num copy={copy}>{shown(farm.staked, 6)}</Num>
        </Stat>
        <Stat name="Flows" note={flows.slice(1).join(', ')}>
          {flows[0] === '' ? 'nothing' : flows[0]}
        </Stat>
      </Stats>
      {own !== null && (own.amount.amount > 0n || isDue) ? (
        <Stats>
          <Stat name="Your stake" note={own.value === null ? undefined : shownUsd(own.value)}>
            <Num copy={copy}>{shown(own.amount, 6)}</Num>
          </Stat>
          <Stat name="Due to you">
            {own.due.map((due, index) => (
              <Num key={index} copy={copy} unit={farm.rewards[index]?.symbol}>
                {shown(due, 6)}
              </Num>
            ))}
          </Stat>
          <Stat name="Earns a year, as it flows now">
            {own.perYearValue === null ? 'a price is missing' : shownUsd(own.perYearValue)}
          </Stat>
        </Stats>
      ) : null}
      {farm.asset === null ? (
        <StakeShares farm={farm} account={account} state={state} onPropose={onPropose} />
      ) : (
        <StakeUnits farm={farm} markets={markets} account={account} state={state} onPropose={onPropose} />
      )}
      {account === null ? null : (
        <div className="row">
          <FarmActs farm={farm} account={account} markets={markets} onPropose={onPropose} />
        </div>
      )}
    </Card>
  );
}

interface StakeProps {
  farm: Farm;
  account: AccountName | null;
  state: AccountState | undefined;
  onPropose: (proposal: Proposal) => void;
}

function StakeShares({ farm, account, state, onPropose }: StakeProps) {
  const shares = state?.pieces?.find((piece) => piece.kind === 'shares' && piece.id === farm.poolId);
  if (account === null) return <span className="faint small">Connect a wallet to stake.</span>;
  if (shares === undefined)
    return <span className="faint small">Provide to pool {farm.poolId} first: its shares are what is staked.</span>;
  return (
    <Button
      slim
      look="primary"
      className="own-size"
      onClick={() =>
        onPropose({
          title: `stake in farm ${farm.farmId}`,
          actions: [stake(farm.farmId, ALL)],
          command: command(`farm stake ${farm.farmId} max`),
        })
      }
    >
      Stake all your shares
    </Button>
  );
}

function StakeUnits({ farm, markets, account, state, onPropose }: StakeProps & { markets: readonly Market[] }) {
  const [text, setText] = useState('');
  const asset = farm.asset;
  const inside = markets.filter((market) => market.assetId === asset?.assetId);
  const wallet = useWalletOf(account?.owner ?? null, inside);
  if (asset === null) return null;
  if (account === null) return <span className="faint small">Connect a wallet to stake.</span>;
  const units = state?.holdings.find((row) => row.assetId === asset.assetId)?.units.amount ?? 0n;
  const inWallet = wallet.data?.get(asset.assetId) ?? 0n;
  const has =
    units +
    spendable({
      assetId: asset.assetId,
      isCoin: inside[0]?.kind === 'coin',
      wallet: inWallet,
      units,
      supplied: 0n,
      owed: 0n,
    });
  const read = readAmount(text, asset.decimals, has);
  const wrong = amountWrong(text, read, { of: has, where: 'wallet and account have' });
  const propose = () => {
    if (!read.ok) return;
    const missing = read.amount - units;
    const deposit = missing > 0n ? [act('deposit', asset.assetId, missing)] : [];
    onPropose({
      title: `stake ${named(asset.symbol, asset.assetId)} in farm ${farm.farmId}`,
      actions: [...deposit, stake(farm.farmId, read.amount)],
      command: command(
        `farm stake ${farm.farmId} ${exact(quantity(read.amount, asset.decimals, assetUnit(asset.assetId)))}`,
      ),
    });
  };
  return (
    <div className="row ends">
      <AmountField
        label="Stake"
        hint={`${shownAmount(quantity(has, asset.decimals, assetUnit(asset.assetId)))} there`}
        suffix={asset.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
      />
      <Button look="primary" disabled={!read.ok || read.amount === 0n || wrong !== null} onClick={propose}>
        Stake
      </Button>
    </div>
  );
}
