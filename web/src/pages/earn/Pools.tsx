import { useState } from 'react';
import { Act, type Proposal } from '../../act/Act.tsx';
import { useDollar } from '../../act/dollar.ts';
import { provide } from '../../act/liquidity.ts';
import { command, inTurn, named, signedBy } from '../../node/commands.ts';
import { useAccount, usePools } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState, Market, Pool } from '../../node/shapes.ts';
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
import { AmountField, Answer, AssetName, Badge, Button, Card, Dialog, Empty, Num, Table } from '../../ui/index.ts';
import { useMine } from '../../wallet/chosen.tsx';
import { assetsOf, bring, useHas } from './bring.ts';
import { poolPrice, poolWorth, provisionOf } from './liquidity.ts';
import { InWallet } from './InWallet.tsx';
import { Mine } from './Mine.tsx';
import { Range } from './Range.tsx';
import { ProvideActions } from './ProvideActions.tsx';
import { feeWords } from './words.ts';

/** Room for what pools move until the block. */
const ROOM_BPS = 50;

export function Pools({ markets }: { markets: readonly Market[] }) {
  const account = useMine();
  const pools = usePools();
  const state = useAccount(account);
  const [chosen, setChosen] = useState<Pool | null>(null);
  const present = chosen === null ? null : (pools.data?.find((pool) => pool.poolId === chosen.poolId) ?? chosen);
  return (
    <div className="stack apart">
      {account === null ? null : (
        <>
          <Mine account={account} state={state.data} markets={markets} pools={pools.data ?? []} />
          <InWallet account={account} markets={markets} pools={pools.data ?? []} />
        </>
      )}
      <Card title="Pools of the exchange" command={command('pool list')} flush>
        <p className="pad lead quiet small">
          Whoever provides liquidity gets the fees of swaps, and bears the difference when the price goes away and stays
          away.
        </p>
        <Answer of={pools} lines={5}>
          {(all) =>
            all.length === 0 ? (
              <Empty>This chain has no pools.</Empty>
            ) : (
              <Table
                caption="Pools"
                narrow="stack"
                head={
                  <>
                    <th scope="col">Pool</th>
                    <th scope="col" className="start">
                      Curve
                    </th>
                    <th scope="col">Fee</th>
                    <th scope="col">Holds</th>
                    <th scope="col">Price</th>
                    <th scope="col">
                      <span className="unseen">Provide</span>
                    </th>
                  </>
                }
              >
                {all.map((pool) => (
                  <PoolRow key={pool.poolId} pool={pool} markets={markets} onProvide={() => setChosen(pool)} />
                ))}
              </Table>
            )
          }
        </Answer>
      </Card>
      {present === null ? null : present.range === null ? (
        <Provide
          pool={present}
          markets={markets}
          account={account}
          state={state.data}
          onClose={() => setChosen(null)}
        />
      ) : (
        <Range
          pool={present}
          markets={markets}
          account={account}
          state={state.data}
          positionId={null}
          onClose={() => setChosen(null)}
        />
      )}
    </div>
  );
}

function PoolRow({ pool, markets, onProvide }: { pool: Pool; markets: readonly Market[]; onProvide: () => void }) {
  const copy = command(`pool show ${pool.poolId}`);
  const dollar = useDollar();
  const worth = poolWorth(pool, markets, dollar.data);
  const price = poolPrice(pool);
  const pair = pool.assets.map((coin) => coin.symbol).join(' · ');
  return (
    <tr>
      <th scope="row">
        <AssetName symbol={pool.assets[0]?.symbol ?? '?'}>{pair}</AssetName>
        <span className="faint small"> pool {pool.poolId}</span>
      </th>
      <td data-name="Curve" className="start">
        {pool.curve}
        {pool.paused ? <Badge tone="warn">paused</Badge> : null}
      </td>
      <td data-name="Fee">
        <Num quiet copy={copy}>
          {feeWords(pool.feePips)}
        </Num>
        {pool.feeIsDynamic ? <span className="note">follows the price</span> : null}
      </td>
      <td data-name="Holds">
        {worth === null ? (
          <span className="faint">no price</span>
        ) : (
          <Num quiet copy={copy}>
            {shownUsd(worth)}
          </Num>
        )}
        <span className="note">
          {pool.assets.map((coin) => `${shown(coin.reserve, 2)} ${coin.symbol}`).join(' · ')}
        </span>
      </td>
      <td data-name="Price">
        {price === null ? (
          <span className="faint">none</span>
        ) : (
          <Num quiet copy={copy} unit={price.unit}>
            {shown(price.of, 4)}
          </Num>
        )}
        {price === null ? null : <span className="note">for one {price.one}</span>}
      </td>
      <td>
        <Button
          slim
          disabled={pool.paused}
          onClick={onProvide}
          aria-label={`${pool.range === null ? 'Provide' : 'Open a range'}, pool ${pool.poolId}, ${pair}`}
        >
          {pool.range === null ? 'Provide' : 'Open a range'}
        </Button>
      </td>
    </tr>
  );
}

function Provide({
  pool,
  markets,
  account,
  state,
  onClose,
}: {
  pool: Pool;
  markets: readonly Market[];
  account: AccountName | null;
  state: AccountState | undefined;
  onClose: () => void;
}) {
  const [text, setText] = useState('');
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const has = useHas(pool, markets, account, state);
  const first = pool.assets[0];
  if (first === undefined) return null;
  const read = readAmount(text, first.decimals, has(first.assetId).all);
  const provision = read.ok ? provisionOf(pool, read.amount, ROOM_BPS) : null;
  const lacks =
    provision === null
      ? []
      : pool.assets.filter((coin, index) => (provision.amountsMax[index] ?? 0n) > has(coin.assetId).all);
  const wrong = amountWrong(text, read);
  const words = `provide to pool ${pool.poolId}`;
  const amount = exact(quantity(read.ok ? read.amount : 0n, first.decimals, assetUnit(first.assetId)));
  const copy = inTurn(
    command(`lp add ${pool.poolId} "${amount === '0' ? '1' : amount} ${named(first.symbol, first.assetId)}"`),
    command(`lp deposit ${pool.poolId}`),
  );
  const propose = () => {
    if (provision === null) return;
    setProposal({
      title: words,
      actions: [
        ...bring(pool.assets, provision.amountsMax, has),
        provide(pool.poolId, provision.amountsMax, provision.sharesMin),
      ],
      command: copy,
      notes: [
        'The shares stay on your account, where they count as collateral if their coins do. What the pool does not take stays as units.',
      ],
    });
  };
  if (proposal !== null && account !== null) {
    return <Act account={account} proposal={proposal} asset={assetsOf(markets)} onClose={onClose} onDone={onClose} />;
  }
  return (
    <Dialog title={`Provide ${pool.assets.map((coin) => coin.symbol).join(' and ')}`} onClose={onClose}>
      <p className="small quiet">
        All coins go in as the pool holds them now. While the price moves away from today&apos;s, your part is worth
        less than its coins would be; fees have to make up for it. What it comes to stands on this page at any time.
      </p>
      <AmountField
        label={`How much ${first.symbol}`}
        hint={`${shownAmount(quantity(has(first.assetId).all, first.decimals, assetUnit(first.assetId)))} there`}
        suffix={first.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      {provision === null ? null : (
        <ul className="small stack nearest">
          {pool.assets.map((coin, index) => (
            <li key={coin.assetId}>
              {index === 0 ? '' : 'at most '}
              {shownAmount(quantity(provision.amountsMax[index] ?? 0n, coin.decimals, assetUnit(coin.assetId)))}{' '}
              {coin.symbol}
            </li>
          ))}
        </ul>
      )}
      <ProvideActions
        lacks={lacks}
        command={signedBy(account, copy)}
        isConnected={account !== null}
        isRead={provision !== null}
        onGo={propose}
      />
    </Dialog>
  );
}
