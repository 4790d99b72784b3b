/** Concentrated liquidity: a position between two prices, opened or grown, on the account. */
import { useState } from 'react';
import { Act, type Proposal } from '../../act/Act.tsx';
import { growRange, openRange } from '../../act/liquidity.ts';
import { command, named, signedBy } from '../../node/commands.ts';
import { usePriceHistory } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState, Market, Pool } from '../../node/shapes.ts';
import { amountWrong, assetUnit, exact, quantity, readAmount, shown, shownAmount } from '../../units/quantity.ts';
import { AmountField, Button, Dialog, Select } from '../../ui/index.ts';
import { assetsOf, bring, useHas } from './bring.ts';
import { usePosition } from './queries.ts';
import { allPrices, placeOf, priceAt, priceText, rangeProvision, readEnds, takes, type Ends } from './ranges.ts';
import { RangePicker } from './RangePicker.tsx';
import { ProvideActions } from './ProvideActions.tsx';

/** Room for what the pool moves until the block. */
const ROOM_BPS = 50;
/** How far from the present price a range goes, of a click. */
const WIDTHS = [1, 5, 20] as const;

export interface RangeProps {
  readonly pool: Pool;
  readonly markets: readonly Market[];
  readonly account: AccountName | null;
  readonly state: AccountState | undefined;
  /** The position that grows; none opens one. */
  readonly positionId: number | null;
  readonly onClose: () => void;
}

export function Range(props: RangeProps) {
  const position = usePosition(props.positionId);
  const [first, second] = props.pool.assets;
  const stands = props.pool.range;
  if (!first || !second || stands === null) return null;
  if (props.positionId !== null && position.data === undefined) return null;
  const fixed = position.data ? { lower: position.data.lower, upper: position.data.upper } : null;
  return <Form {...props} coins={[first, second]} stands={stands} fixed={fixed} />;
}

type Coins = readonly [Pool['assets'][number], Pool['assets'][number]];

function Form({
  pool,
  markets,
  account,
  state,
  positionId,
  onClose,
  coins,
  stands,
  fixed,
}: RangeProps & { coins: Coins; stands: NonNullable<Pool['range']>; fixed: Ends | null }) {
  const [first, second] = coins;
  const decimals = [first.decimals, second.decimals] as const;
  const now = priceAt(stands.tick, ...decimals);
  const [from, setFrom] = useState(priceText(now * 0.95));
  const [to, setTo] = useState(priceText(now * 1.05));
  const [isFull, setFull] = useState(false);
  const [side, setSide] = useState<0 | 1>(0);
  const [text, setText] = useState('');
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const has = useHas(pool, markets, account, state);
  const past = usePriceHistory(first.assetId);
  const read = fixed
    ? ({ ok: true, ends: fixed } as const)
    : isFull
      ? ({ ok: true, ends: allPrices(stands.tickSpacing) } as const)
      : readEnds(from, to, decimals, stands.tickSpacing);
  const taken = read.ok ? takes(stands.sqrtPriceX96, read.ends) : ([true, true] as const);
  const chosen = taken[side] ? side : side === 0 ? 1 : 0;
  const coin = coins[chosen];
  const amount = readAmount(text, coin.decimals, has(coin.assetId).all);
  const provision =
    read.ok && amount.ok ? rangeProvision(stands.sqrtPriceX96, read.ends, chosen, amount.amount, ROOM_BPS) : null;
  const lacks = provision === null ? [] : coins.filter((one, at) => (provision.most[at] ?? 0n) > has(one.assetId).all);
  const words = (of: bigint, at: 0 | 1) =>
    `${shownAmount(quantity(of, coins[at].decimals, assetUnit(coins[at].assetId)))} ${coins[at].symbol}`;
  const title = positionId === null ? `open a range in pool ${pool.poolId}` : `grow position ${positionId}`;
  const between = positionId === null ? (isFull ? '--full' : `--from ${from} --to ${to}`) : `--position ${positionId}`;
  const copy = command(
    `lp add ${pool.poolId} "${amount.ok ? exact(quantity(amount.amount, coin.decimals, assetUnit(coin.assetId))) : '1'} ${named(coin.symbol, coin.assetId)}" ${between}`,
  );
  const propose = () => {
    if (provision === null || !read.ok) return;
    const { most, liquidityMin } = provision;
    const { lower, upper } = read.ends;
    setProposal({
      title,
      actions: [
        ...bring(pool.assets, most, has),
        positionId === null
          ? openRange(pool.poolId, lower, upper, most, liquidityMin)
          : growRange(positionId, most, liquidityMin),
      ],
      notes: [
        `It takes about ${words(provision.needed[0], 0)} and ${words(provision.needed[1], 1)}, at most ${words(most[0], 0)} and ${words(most[1], 1)}; what it does not take stays as units.`,
        `It earns fees while one ${first.symbol} costs ${priceText(priceAt(lower, ...decimals))} to ${priceText(priceAt(upper, ...decimals))} ${second.symbol}, and counts as collateral on your account.`,
      ],
      command: copy,
    });
  };
  if (proposal !== null && account !== null) {
    return <Act account={account} proposal={proposal} asset={assetsOf(markets)} onClose={onClose} onDone={onClose} />;
  }
  return (
    <Dialog
      title={positionId === null ? `A range of ${first.symbol} and ${second.symbol}` : `More of position ${positionId}`}
      onClose={onClose}
    >
      <p className="small quiet">
        One {first.symbol} costs {priceText(now)} {second.symbol} now. Between its ends a position earns like a much
        larger one; beyond them it earns nothing and holds one coin alone.
      </p>
      {fixed ? null : (
        <>
          <div className="row near">
            {WIDTHS.map((width) => (
              <Button
                key={width}
                slim
                onClick={() => {
                  setFull(false);
                  setFrom(priceText(now * (1 - width / 100)));
                  setTo(priceText(now * (1 + width / 100)));
                }}
              >
                ±{width} %
              </Button>
            ))}
            <Button slim aria-pressed={isFull} onClick={() => setFull(!isFull)}>
              All prices
            </Button>
          </div>
          {isFull ? null : (
            <>
              <RangePicker
                now={now}
                from={Number(from)}
                to={Number(to)}
                past={pricesIn(past.data?.items ?? [], second, markets)}
                words={(price) => `${priceText(price)} ${second.symbol}`}
                onPick={(next) => {
                  setFrom(priceText(next.from));
                  setTo(priceText(next.to));
                }}
              />
              <div className="columns even">
                <AmountField
                  label="From"
                  suffix={second.symbol}
                  value={from}
                  onChange={setFrom}
                  wrong={!read.ok && read.field === 'from' ? read.words : null}
                />
                <AmountField
                  label="To"
                  suffix={second.symbol}
                  value={to}
                  onChange={setTo}
                  wrong={!read.ok && read.field === 'to' ? read.words : null}
                />
              </div>
            </>
          )}
        </>
      )}
      {read.ok ? (
        <p className="small faint">
          From {priceText(priceAt(read.ends.lower, ...decimals))} to {priceText(priceAt(read.ends.upper, ...decimals))}{' '}
          {second.symbol} by the pool’s steps
          {taken[0] && taken[1]
            ? `; the present price is ${Math.round(placeOf(stands.tick, read.ends) * 100)} % of the way.`
            : `; the present price is outside, so it takes ${coin.symbol} alone and earns nothing until the price comes there.`}
        </p>
      ) : null}
      <div className="columns even">
        <AmountField
          label="How much"
          hint={`${shown(quantity(has(coin.assetId).all, coin.decimals, assetUnit(coin.assetId)), 4)} there`}
          suffix={coin.symbol}
          value={text}
          onChange={setText}
          wrong={amountWrong(text, amount)}
        />
        <Select
          label="of"
          value={chosen}
          options={([0, 1] as const).filter((at) => taken[at]).map((at) => ({ value: at, text: coins[at].symbol }))}
          onChange={setSide}
        />
      </div>
      {provision === null ? null : (
        <p className="small" data-testid="range-takes">
          Takes about {words(provision.needed[0], 0)} and {words(provision.needed[1], 1)}.
        </p>
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

/** What one first coin cost in the second one, as the oracle knew them, at the second one's present price. Pixels alone. */
function pricesIn(
  items: readonly { timeMs: number; spot: bigint; decimals: number }[],
  second: Coins[1],
  markets: readonly Market[],
): { timeS: number; price: number }[] {
  const price = markets.find((market) => market.assetId === second.assetId)?.price?.spot;
  if (!price || price.amount === 0n) return [];
  const of = Number(price.amount) / 10 ** price.decimals;
  return [...items]
    .reverse()
    .map((item) => ({ timeS: item.timeMs / 1_000, price: Number(item.spot) / 10 ** item.decimals / of }));
}
