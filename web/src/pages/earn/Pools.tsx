import { useMemo, useState } from 'react';
import { Act, type Proposal } from '../../act/Act.tsx';
import { act, ALL } from '../../act/batch.ts';
import { provide, remove } from '../../act/liquidity.ts';
import { spendable } from '../../act/plan.ts';
import { command, named } from '../../node/commands.ts';
import { useAccount, usePools } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState, Market, Piece, Pool } from '../../node/shapes.ts';
import { problemInWords } from '../../units/decimal.ts';
import {
  assetUnit,
  exact,
  quantity,
  readAmount,
  shown,
  shownAmount,
  shownBps,
  shownUsd,
} from '../../units/quantity.ts';
import {
  AmountField,
  Answer,
  AssetName,
  Badge,
  Button,
  Card,
  CopyCommand,
  Dialog,
  Empty,
  Notice,
  Num,
  Stat,
  Stats,
  Table,
} from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { againstHolding, leastOf, poolPrice, poolWorth, provisionOf } from './liquidity.ts';
import { useWalletOf } from './queries.ts';
import { feeWords } from './words.ts';

/** Room for what pools move until the block. */
const ROOM_BPS = 50;

export function assetsOf(markets: readonly Market[]) {
  return (id: number) => {
    const market = markets.find((one) => one.assetId === id);
    return { symbol: market?.symbol ?? `asset ${id}`, decimals: market?.decimals ?? 18 };
  };
}

export function Pools({ markets }: { markets: readonly Market[] }) {
  const wallet = useWallet();
  const account = useMemo<AccountName | null>(() => (wallet ? { owner: wallet.address, index: 0 } : null), [wallet]);
  const pools = usePools();
  const state = useAccount(account);
  const [chosen, setChosen] = useState<Pool | null>(null);
  return (
    <div className="stack" style={{ '--gap': 'var(--s5)' } as React.CSSProperties}>
      {account === null ? null : <Mine account={account} state={state.data} markets={markets} />}
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
      {chosen === null ? null : (
        <Provide
          pool={pools.data?.find((pool) => pool.poolId === chosen.poolId) ?? chosen}
          markets={markets}
          account={account}
          state={state.data}
          onClose={() => setChosen(null)}
        />
      )}
    </div>
  );
}

function PoolRow({ pool, markets, onProvide }: { pool: Pool; markets: readonly Market[]; onProvide: () => void }) {
  const copy = command(`pool show ${pool.poolId}`);
  const worth = poolWorth(pool, markets);
  const price = poolPrice(pool);
  const pair = pool.assets.map((coin) => coin.symbol).join(' · ');
  return (
    <tr>
      <th scope="row">
        <AssetName symbol={pool.assets[0]?.symbol ?? '?'}>{pair}</AssetName>
        <span className="faint small"> pool {pool.poolId}</span>
      </th>
      <td className="start">
        {pool.curve}
        {pool.paused ? <Badge tone="warn">paused</Badge> : null}
      </td>
      <td>
        <Num quiet copy={copy}>
          {feeWords(pool.feePips)}
        </Num>
        {pool.feeIsDynamic ? <span className="note">follows the price</span> : null}
      </td>
      <td>
        {worth === null ? (
          <span className="faint">no price</span>
        ) : (
          <Num quiet copy={copy} unit="USD">
            {shownUsd(worth)}
          </Num>
        )}
        <span className="note">
          {pool.assets.map((coin) => `${shown(coin.reserve, 2)} ${coin.symbol}`).join(' · ')}
        </span>
      </td>
      <td>
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
        {pool.totalShares === null ? (
          <span className="faint small">ranges: by command</span>
        ) : (
          <Button
            slim
            disabled={pool.paused}
            onClick={onProvide}
            aria-label={`Provide to pool ${pool.poolId}, ${pair}`}
          >
            Provide
          </Button>
        )}
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
  const inside = markets.filter((market) => pool.assets.some((coin) => coin.assetId === market.assetId));
  const wallet = useWalletOf(account?.owner ?? null, inside);
  const first = pool.assets[0];
  if (first === undefined) return null;
  const has = (assetId: number) => {
    const market = inside.find((one) => one.assetId === assetId);
    const units = state?.holdings.find((row) => row.assetId === assetId)?.units.amount ?? 0n;
    const there = {
      assetId,
      isCoin: market?.kind === 'coin',
      wallet: wallet.data?.get(assetId) ?? 0n,
      units,
      supplied: 0n,
      owed: 0n,
    };
    return { units, all: units + spendable(there) };
  };
  const read = readAmount(text, first.decimals, has(first.assetId).all);
  const provision = read.ok ? provisionOf(pool, read.amount, ROOM_BPS) : null;
  const lacks =
    provision === null
      ? []
      : pool.assets.filter((coin, index) => (provision.amountsMax[index] ?? 0n) > has(coin.assetId).all);
  const wrong =
    text === '' || read.ok ? null : read.problem === 'part' ? 'at most 100 %' : problemInWords(read.problem);
  const words = `provide to pool ${pool.poolId}`;
  const propose = () => {
    if (provision === null) return;
    const deposits = pool.assets.flatMap((coin, index) => {
      const missing = (provision.amountsMax[index] ?? 0n) - has(coin.assetId).units;
      return missing > 0n ? [act('deposit', coin.assetId, missing)] : [];
    });
    setProposal({
      title: words,
      actions: [...deposits, provide(pool.poolId, provision.amountsMax, provision.sharesMin)],
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
        <ul className="small stack" style={{ '--gap': 'var(--s1)' } as React.CSSProperties}>
          {pool.assets.map((coin, index) => (
            <li key={coin.assetId}>
              {index === 0 ? '' : 'at most '}
              {shownAmount(quantity(provision.amountsMax[index] ?? 0n, coin.decimals, assetUnit(coin.assetId)))}{' '}
              {coin.symbol}
            </li>
          ))}
        </ul>
      )}
      {lacks.length > 0 && account !== null ? (
        <Notice tone="warn" title={`There is too little ${lacks.map((coin) => coin.symbol).join(' and ')}`}>
          Wallet and account together have less. Swap some first, or provide less.
        </Notice>
      ) : null}
      <div className="dialog-actions">
        <CopyCommand
          command={command(
            `lp add ${pool.poolId} ${read.ok ? exact(quantity(read.amount, first.decimals, assetUnit(first.assetId))) : '1'} ${named(first.symbol, first.assetId)}`,
          )}
        />
        <Button
          look="primary"
          disabled={account === null || provision === null || lacks.length > 0}
          onClick={propose}
          data-testid="provide"
        >
          {account === null ? 'Connect a wallet first' : 'See what it does'}
        </Button>
      </div>
    </Dialog>
  );
}

/** One's own liquidity, beside what holding its coins would have been. */
function Mine({
  account,
  state,
  markets,
}: {
  account: AccountName;
  state: AccountState | undefined;
  markets: readonly Market[];
}) {
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const pieces = state?.pieces ?? [];
  if (pieces.length === 0) return null;
  return (
    <Card title="Your liquidity" command={command('lp show')}>
      <ul className="stack">
        {pieces.map((piece) => (
          <li key={`${piece.kind}-${piece.id}`}>
            <One piece={piece} onRemove={setProposal} />
          </li>
        ))}
      </ul>
      {proposal === null ? null : (
        <Act account={account} proposal={proposal} asset={assetsOf(markets)} onClose={() => setProposal(null)} />
      )}
    </Card>
  );
}

function One({ piece, onRemove }: { piece: Piece; onRemove: (proposal: Proposal) => void }) {
  const against = againstHolding(piece);
  const copy = command('lp show');
  const names: Record<string, string | undefined> = {
    shares: `Shares of pool ${piece.id}`,
    range: `Position ${piece.id}`,
    stake: `Stake in farm ${piece.id}`,
  };
  const takeOut = () => {
    const least = leastOf(
      piece.coins.map((coin) => coin.amount.amount),
      ROOM_BPS,
    );
    onRemove({ title: `take liquidity out of pool ${piece.id}`, actions: [remove(piece.id, ALL, least)] });
  };
  return (
    <div className="stack" style={{ '--gap': 'var(--s2)' } as React.CSSProperties}>
      <div className="row spread">
        <h3>{names[piece.kind] ?? piece.kind}</h3>
        {piece.kind === 'shares' ? (
          <Button slim onClick={takeOut}>
            Take all out
          </Button>
        ) : null}
      </div>
      <Stats>
        <Stat
          name="Worth now"
          note={piece.coins.map((coin) => `${shownAmount(coin.amount)} ${coin.symbol}`).join(' · ')}
        >
          <Num copy={copy} unit="USD">
            {shownUsd(piece.value)}
          </Num>
        </Stat>
        <Stat
          name="If you had held"
          note={piece.coins.map((coin) => `${shownAmount(coin.putIn)} ${coin.symbol}`).join(' · ')}
        >
          <Num copy={copy} unit="USD">
            {shownUsd(piece.ifHeld)}
          </Num>
        </Stat>
        <Stat name="Difference" note={against.words}>
          <span className={against.tone === 'plain' ? undefined : against.tone}>
            {against.tone === 'warn' ? '−' : ''}
            {shownUsd(against.difference)} <span className="unit">USD, {shownBps(against.bps)}</span>
          </span>
        </Stat>
        <Stat name="Counts as collateral" note={`borrowing against ${shownBps(piece.initialBps)} of it`}>
          <Num copy={copy} unit="USD">
            {shownUsd(piece.fairValue)}
          </Num>
        </Stat>
      </Stats>
    </div>
  );
}
