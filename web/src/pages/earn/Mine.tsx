/** One's own liquidity: what it is worth beside what holding would have been, and what can be done with it. */
import { useState } from 'react';
import { Act, type Proposal } from '../../act/Act.tsx';
import { ALL } from '../../act/batch.ts';
import { ALL_LIQUIDITY, remove, shrinkRange } from '../../act/liquidity.ts';
import { command } from '../../node/commands.ts';
import { usePools } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState, Market, Piece, Pool } from '../../node/shapes.ts';
import { shownAmount, shownBps, shownUsd } from '../../units/quantity.ts';
import { Badge, Button, Card, Num, Stat, Stats } from '../../ui/index.ts';
import { assetsOf } from './bring.ts';
import { againstHolding, leastOf } from './liquidity.ts';
import { carry, removeCommand } from './carry.ts';
import { PartOf } from './PartOf.tsx';
import { usePosition } from './queries.ts';
import { Range } from './Range.tsx';
import { priceAt, priceText, takes } from './ranges.ts';

/** Room for what pools move until the block. */
const ROOM_BPS = 50;

function nameOf(piece: Piece): string {
  const names: Record<string, string | undefined> = {
    shares: `Shares of pool ${piece.id}`,
    range: `Position ${piece.id} in pool ${piece.poolId ?? '?'}`,
    stake: `Stake in farm ${piece.id}`,
  };
  return names[piece.kind] ?? piece.kind;
}

/** One's own liquidity, beside what holding its coins would have been. */
export function Mine({
  account,
  state,
  markets,
  pools,
}: {
  account: AccountName;
  state: AccountState | undefined;
  markets: readonly Market[];
  pools: readonly Pool[];
}) {
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [taken, setTaken] = useState<Piece | null>(null);
  const [grown, setGrown] = useState<Piece | null>(null);
  const [carried, setCarried] = useState<Piece | null>(null);
  const toWallet = (piece: Piece) => {
    if (piece.kind === 'shares') setCarried(piece);
    else setProposal(carry('out', { kind: 'range', id: piece.id, amount: ALL, owner: account.owner }));
  };
  const pieces = state?.pieces ?? [];
  // What was just taken apart is still being told.
  if (pieces.length === 0 && proposal === null) return null;
  const pool = pools.find((one) => one.poolId === grown?.poolId);
  return (
    <Card title="Your liquidity" command={command(`lp show --owner ${account.owner}`)}>
      <ul className="stack">
        {pieces.map((piece) => (
          <li key={`${piece.kind}-${piece.id}`}>
            <One
              piece={piece}
              index={account.index}
              onPropose={setProposal}
              onTake={setTaken}
              onGrow={setGrown}
              onCarry={toWallet}
            />
          </li>
        ))}
      </ul>
      {proposal === null ? null : (
        <Act account={account} proposal={proposal} asset={assetsOf(markets)} onClose={() => setProposal(null)} />
      )}
      {taken === null ? null : (
        <TakeOut
          piece={taken}
          index={account.index}
          onPropose={(next) => {
            setTaken(null);
            setProposal(next);
          }}
          onClose={() => setTaken(null)}
        />
      )}
      {carried === null ? null : (
        <ToWallet
          piece={carried}
          account={account}
          onPropose={(next) => {
            setCarried(null);
            setProposal(next);
          }}
          onClose={() => setCarried(null)}
        />
      )}
      {pool === undefined || grown === null ? null : (
        <Range
          pool={pool}
          markets={markets}
          account={account}
          state={state}
          positionId={grown.id}
          onClose={() => setGrown(null)}
        />
      )}
    </Card>
  );
}

function One({
  piece,
  index,
  onPropose,
  onTake,
  onGrow,
  onCarry,
}: {
  piece: Piece;
  /** Of the account that it stands on. */
  index: number;
  onPropose: (proposal: Proposal) => void;
  onTake: (piece: Piece) => void;
  onGrow: (piece: Piece) => void;
  onCarry: (piece: Piece) => void;
}) {
  const against = againstHolding(piece);
  const copy = command('lp show');
  const isRange = piece.kind === 'range';
  return (
    <div className="stack near">
      <div className="row spread">
        <h3>{nameOf(piece)}</h3>
        <div className="row near">
          {isRange ? (
            <>
              <Button slim onClick={() => onGrow(piece)}>
                Add more
              </Button>
              <Button
                slim
                onClick={() =>
                  onPropose({
                    title: `take the fees of position ${piece.id}`,
                    actions: [shrinkRange(piece.id, 0n, [0n, 0n])],
                    command: removeCommand({ kind: 'range', id: piece.id, amount: 0n, whole: false, index }),
                  })
                }
              >
                Take fees
              </Button>
            </>
          ) : null}
          {piece.kind === 'stake' ? null : (
            <>
              <Button slim onClick={() => onTake(piece)}>
                Take out
              </Button>
              <Button slim onClick={() => onCarry(piece)}>
                To the wallet
              </Button>
            </>
          )}
        </div>
      </div>
      {isRange ? <Between piece={piece} /> : null}
      <Stats>
        <Stat
          name="Worth now"
          note={piece.coins.map((coin) => `${shownAmount(coin.amount)} ${coin.symbol}`).join(' · ')}
        >
          <Num copy={copy}>{shownUsd(piece.value)}</Num>
        </Stat>
        <Stat
          name="If you had held"
          note={piece.coins.map((coin) => `${shownAmount(coin.putIn)} ${coin.symbol}`).join(' · ')}
        >
          <Num copy={copy}>{shownUsd(piece.ifHeld)}</Num>
        </Stat>
        <Stat name="Difference" note={against.words}>
          <span className={against.tone === 'plain' ? undefined : against.tone}>
            {against.tone === 'warn' ? '−' : ''}
            {shownUsd(against.difference)} <span className="unit">{shownBps(against.bps)}</span>
          </span>
        </Stat>
        <Stat name="Counts as collateral" note={`borrowing against ${shownBps(piece.initialBps)} of it`}>
          <Num copy={copy}>{shownUsd(piece.fairValue)}</Num>
        </Stat>
      </Stats>
    </div>
  );
}

/** Where a position stands, and whether it earns now. */
function Between({ piece }: { piece: Piece }) {
  const position = usePosition(piece.id);
  const pools = usePools();
  const pool = pools.data?.find((one) => one.poolId === piece.poolId);
  const [first, second] = pool?.assets ?? [];
  if (!position.data || !pool?.range || !first || !second) return null;
  const { lower, upper } = position.data;
  const isInside = takes(pool.range.sqrtPriceX96, { lower, upper }).every(Boolean);
  const at = (tick: number) => priceText(priceAt(tick, first.decimals, second.decimals));
  return (
    <p className="small quiet">
      One {first.symbol} from {at(lower)} to {at(upper)} {second.symbol}, now {at(pool.range.tick)}{' '}
      {isInside ? <Badge tone="good">earns</Badge> : <Badge tone="warn">outside: earns nothing</Badge>}
    </p>
  );
}

/** Apart, into its coins. */
function TakeOut({
  piece,
  index,
  onPropose,
  onClose,
}: {
  piece: Piece;
  index: number;
  onPropose: (proposal: Proposal) => void;
  onClose: () => void;
}) {
  const position = usePosition(piece.kind === 'range' ? piece.id : null);
  const propose = (amount: bigint, whole: boolean) => {
    const part = (of: bigint) => (of * amount) / piece.amount;
    if (piece.kind === 'range') {
      if (!position.data) return;
      // Fees come besides, and are not counted on.
      const [first = 0n, second = 0n] = leastOf(position.data.principal.map(part), ROOM_BPS);
      onPropose({
        title: `take liquidity out of position ${piece.id}`,
        actions: [shrinkRange(piece.id, whole ? ALL_LIQUIDITY : amount, [first, second])],
        command: removeCommand({ kind: 'range', id: piece.id, amount, whole, index }),
      });
      return;
    }
    const least = leastOf(
      piece.coins.map((coin) => part(coin.amount.amount)),
      ROOM_BPS,
    );
    onPropose({
      title: `take liquidity out of pool ${piece.id}`,
      actions: [remove(piece.id, whole ? ALL : amount, least)],
      command: removeCommand({ kind: 'shares', id: piece.id, amount, whole, index }),
    });
  };
  return (
    <PartOf
      title={`Take out: ${nameOf(piece)}`}
      lead="Its coins become free units of the account; Withdraw brings them to the wallet."
      most={piece.amount}
      onChoose={propose}
      onClose={onClose}
    />
  );
}

/** As it is: shares as tokens, a position as its token. */
function ToWallet({
  piece,
  account,
  onPropose,
  onClose,
}: {
  piece: Piece;
  account: AccountName;
  onPropose: (proposal: Proposal) => void;
  onClose: () => void;
}) {
  return (
    <PartOf
      title={`To the wallet: ${nameOf(piece)}`}
      lead="It stays in the pool and goes on earning, as a token of your wallet. There it backs no debt."
      most={piece.amount}
      onChoose={(amount, whole) =>
        onPropose(carry('out', { kind: 'shares', id: piece.id, amount: whole ? ALL : amount, owner: account.owner }))
      }
      onClose={onClose}
    />
  );
}
