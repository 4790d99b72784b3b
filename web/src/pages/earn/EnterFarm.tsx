/** Into a farm in one batch: what is one's own, what is borrowed, provided where the farm is of a pool, and staked. */
import { useState } from 'react';
import type { Proposal } from '../../act/Act.tsx';
import { act } from '../../act/batch.ts';
import { sayError } from '../../act/errors.ts';
import { stake } from '../../act/liquidity.ts';
import { command, named, signedBy } from '../../node/commands.ts';
import { useNode } from '../../node/node.tsx';
import { useAccount } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { Coin, Market, Pool } from '../../node/shapes.ts';
import { amountWrong, exactOf, readAmount, told } from '../../units/quantity.ts';
import { AmountField, Dialog, DialogActions, Notice } from '../../ui/index.ts';
import { bring, provideAndStake, useHas } from './bring.ts';
import { provisionOf } from './liquidity.ts';
import type { Farm } from './shapes.ts';

/** Room for what the pool moves until the block. */
const ROOM_BPS = 50;

interface Row {
  readonly coin: Coin;
  readonly own: string;
  readonly borrowed: string;
}

export function EnterFarm({
  farm,
  pool,
  account,
  markets,
  onPropose,
  onClose,
}: {
  farm: Farm;
  pool: Pool | undefined;
  account: AccountName;
  markets: readonly Market[];
  onPropose: (proposal: Proposal) => void;
  onClose: () => void;
}) {
  const { rpc } = useNode();
  const state = useAccount(account);
  const coins: readonly Coin[] = farm.asset ? [farm.asset] : (pool?.assets ?? []);
  const [written, setWritten] = useState<Record<string, string>>({});
  const [said, setSaid] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const has = useHas({ assets: coins }, markets, account, state.data);
  if (coins.length === 0) return null;
  const text = (side: 'own' | 'borrowed', coin: Coin) => written[`${side}-${coin.assetId}`] ?? '';
  const write = (side: 'own' | 'borrowed', coin: Coin) => (next: string) =>
    setWritten({ ...written, [`${side}-${coin.assetId}`]: next });
  const rows = coins.map((coin): Row => ({ coin, own: text('own', coin), borrowed: text('borrowed', coin) }));
  const read = rows.map(({ coin, own, borrowed }) => {
    const all = has(coin.assetId).all;
    const market = markets.find((one) => one.assetId === coin.assetId);
    const [mine, loan] = [readOrNothing(own, coin, all), readOrNothing(borrowed, coin, 0n)];
    const noMax = /max|all|%/i.test(borrowed) ? 'say how much: the most would be liquidated by the next move' : null;
    return {
      coin,
      own: mine.ok ? mine.amount : 0n,
      borrowed: loan.ok ? loan.amount : 0n,
      ownWrong: amountWrong(own, mine, { of: all, where: 'wallet and account have' }),
      borrowedWrong: noMax ?? amountWrong(borrowed, loan, { of: market?.cash.amount ?? 0n, where: 'the market has' }),
      canBorrow: market !== undefined && !market.paused.borrow,
    };
  });
  const most = read.map((row) => row.own + row.borrowed);
  const isPossible =
    read.every((row) => row.ownWrong === null && row.borrowedWrong === null) && most.some((of) => of > 0n);
  const parts = (side: 'own' | 'borrowed') =>
    read
      .filter((row) => row[side] > 0n)
      .map((row) => `"${exactOf(row.coin, row[side])} ${named(row.coin.symbol, row.coin.assetId)}"`);
  const copy = command(
    [
      `farm enter ${farm.farmId}`,
      ...(isPossible ? parts('own') : [`"1 ${named(coins[0]?.symbol ?? 'eth', coins[0]?.assetId ?? 0)}"`]),
      ...parts('borrowed').map((part) => `--borrow ${part}`),
    ].join(' '),
  );
  const beside = pool ? provisionOf(pool, most[0] ?? 0n, 0) : null;
  const enter = async () => {
    setAsking(true);
    setSaid(null);
    try {
      const before = [
        ...bring(
          coins,
          read.map((row) => row.own),
          has,
        ),
        ...read.filter((row) => row.borrowed > 0n).map((row) => act('borrow', row.coin.assetId, row.borrowed)),
      ];
      const actions =
        farm.asset || !pool
          ? [...before, stake(farm.farmId, most[0] ?? 0n)]
          : await provideAndStake(rpc, account, before, {
              poolId: pool.poolId,
              farmId: farm.farmId,
              most,
              roomBps: ROOM_BPS,
            });
      onPropose({
        title: `enter farm ${farm.farmId}`,
        actions,
        command: copy,
        notes: [
          'What is borrowed costs interest as long as it stands; what the pool does not take stays as units. Leave, and repay takes all of it apart again.',
        ],
      });
    } catch (error) {
      setSaid((await sayError(error, rpc)).words);
    } finally {
      setAsking(false);
    }
  };
  return (
    <Dialog title={`Enter farm ${farm.farmId}`} onClose={onClose}>
      <p className="small quiet">
        Of your own, and borrowed by your account against what stands there and what you stake. One batch, checked at
        its end.
      </p>
      {read.map((row) => (
        <div key={row.coin.assetId} className="columns even">
          <AmountField
            label={`Own ${row.coin.symbol}`}
            hint={`${told(row.coin, has(row.coin.assetId).all)} there`}
            suffix={row.coin.symbol}
            value={text('own', row.coin)}
            onChange={write('own', row.coin)}
            wrong={row.ownWrong}
          />
          {row.canBorrow ? (
            <AmountField
              label={`Borrowed ${row.coin.symbol}`}
              suffix={row.coin.symbol}
              value={text('borrowed', row.coin)}
              onChange={write('borrowed', row.coin)}
              wrong={row.borrowedWrong}
            />
          ) : null}
        </div>
      ))}
      {beside && pool ? (
        <p className="small faint">
          Beside {told(coins[0] ?? pool.assets[0] ?? { assetId: 0, symbol: '', decimals: 18 }, most[0] ?? 0n)} the pool
          takes{' '}
          {pool.assets
            .slice(1)
            .map((coin, at) => told(coin, beside.amountsMax[at + 1] ?? 0n))
            .join(' and ')}
          .
        </p>
      ) : null}
      {said === null ? null : (
        <Notice tone="bad" title="This would fail">
          {said}
        </Notice>
      )}
      <DialogActions
        onClose={onClose}
        command={signedBy(account, copy)}
        disabled={!isPossible || asking}
        onGo={() => void enter()}
      >
        {asking ? 'Asking the pool…' : 'See what it does'}
      </DialogActions>
    </Dialog>
  );
}

/** An empty field is nothing of it. */
function readOrNothing(text: string, coin: Coin, thereIs: bigint) {
  return text.trim() === ''
    ? ({ ok: true, amount: 0n, all: false } as const)
    : readAmount(text, coin.decimals, thereIs);
}
