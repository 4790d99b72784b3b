import { Link } from 'react-router';
import { liquidated, shownLiquidated } from '../../act/effect.ts';
import { command, indexed } from '../../node/commands.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState, Holding, Market, Piece } from '../../node/shapes.ts';
import { isZero, shownAmount, shownBps, shownPercent, shownUsd, type Amount, type Usd } from '../../units/quantity.ts';
import { AssetName, Card, Empty, Num, Table } from '../../ui/index.ts';

/** How far a price is from the one at which the account is liquidated, in hundredths of a percent of itself. */
export function distanceBps(spot: Usd, at: Usd): number {
  if (spot.amount === 0n) return 0;
  const apart = spot.amount > at.amount ? spot.amount - at.amount : at.amount - spot.amount;
  return Number((apart * 10_000n) / spot.amount);
}

export function Positions({
  of,
  state,
  markets,
}: {
  of: AccountName;
  state: AccountState;
  markets: readonly Market[];
}) {
  const show = command(indexed(of.index, `account show ${of.owner}`));
  return (
    <Card title="Positions" flush command={show}>
      {state.holdings.length === 0 ? (
        <Empty>
          Nothing stands on this account yet. Supply something: it earns at once, and you can borrow against it.
        </Empty>
      ) : (
        <Table
          caption="What stands on the account"
          narrow="stack"
          head={
            <>
              <th scope="col">Asset</th>
              <th scope="col">Units</th>
              <th scope="col">Supplied</th>
              <th scope="col">Owed</th>
              <th scope="col">Worth</th>
              <th scope="col">Liquidated</th>
            </>
          }
        >
          {state.holdings.map((row) => (
            <Row
              key={row.assetId}
              row={row}
              state={state}
              show={show}
              spot={markets.find((market) => market.assetId === row.assetId)?.price?.spot ?? null}
            />
          ))}
        </Table>
      )}
    </Card>
  );
}

interface CellProps {
  readonly name: string;
  readonly of: Amount;
  readonly show: string;
  readonly note?: string | undefined;
}

function Cell({ name, of, show, note }: CellProps) {
  if (isZero(of)) {
    return (
      <td className="faint none" data-name={name}>
        –
      </td>
    );
  }
  return (
    <td data-name={name}>
      <Num copy={show} quiet>
        {shownAmount(of)}
      </Num>
      {note === undefined ? null : <span className="note">{note}</span>}
    </td>
  );
}

function Row({ row, state, show, spot }: { row: Holding; state: AccountState; show: string; spot: Usd | null }) {
  const price = liquidated(state, row);
  return (
    <tr>
      <th scope="row">
        <AssetName symbol={row.symbol}>
          <Link to={`/markets/${row.assetId}`}>{row.symbol}</Link>
        </AssetName>
      </th>
      <Cell name="Units" of={row.units} show={show} />
      <Cell
        name="Supplied"
        of={row.supplied}
        show={show}
        note={row.supplyRatePerYear ? `earns ${shownPercent(row.supplyRatePerYear)} a year` : undefined}
      />
      <Cell
        name="Owed"
        of={row.owed}
        show={show}
        note={row.borrowRatePerYear ? `costs ${shownPercent(row.borrowRatePerYear)} a year` : undefined}
      />
      <td data-name="Worth">
        <Num copy={show} quiet>
          {row.heldValue === null ? '?' : isZero(row.heldValue) ? '–' : shownUsd(row.heldValue)}
        </Num>
        {row.owedValue && row.owedValue.amount > 0n ? (
          <span className="note">owes {shownUsd(row.owedValue)}</span>
        ) : null}
      </td>
      <td data-name="Liquidated">
        {price ? (
          <>
            <Num copy={show} quiet>
              {shownLiquidated(price)}
            </Num>
            {spot ? <span className="note">{shownBps(distanceBps(spot, price.at))} from here</span> : null}
          </>
        ) : (
          <span className="faint">–</span>
        )}
      </td>
    </tr>
  );
}

const KINDS: Record<string, string> = { shares: 'Shares of pool', range: 'Position', stake: 'Stake in farm' };

/** Liquidity on the account. */
export function Pieces({ of, pieces }: { of: AccountName; pieces: readonly Piece[] }) {
  if (pieces.length === 0) return null;
  const show = command(indexed(of.index, `account show ${of.owner}`));
  return (
    <Card title="Liquidity" flush command={show}>
      <Table
        caption="Liquidity on the account"
        narrow="stack"
        head={
          <>
            <th scope="col">What</th>
            <th scope="col">Would give</th>
            <th scope="col">Worth</th>
            <th scope="col">Counts as</th>
            <th scope="col">If held</th>
          </>
        }
      >
        {pieces.map((piece) => (
          <tr key={`${piece.kind}-${piece.id}`}>
            <th scope="row">
              {KINDS[piece.kind] ?? piece.kind} {piece.kind === 'shares' ? piece.poolId : piece.id}
            </th>
            <td data-name="Would give">
              {piece.coins.map((coin) => `${shownAmount(coin.amount)} ${coin.symbol}`).join(' and ')}
            </td>
            <td data-name="Worth">{shownUsd(piece.value)}</td>
            <td data-name="Counts as">{shownUsd(piece.fairValue)}</td>
            <td data-name="If held">{shownUsd(piece.ifHeld)}</td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}
