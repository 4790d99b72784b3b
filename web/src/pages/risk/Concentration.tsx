/** What backs debts and what is owed, by asset, and how much of it the largest accounts have. */
import { drawnShare } from '../../units/drawn.ts';
import { shownBps, shownUsd } from '../../units/quantity.ts';
import { AssetName, Bar, Card, Empty, Num, Table } from '../../ui/index.ts';
import type { AssetRisk, Risk as RiskState } from './shapes.ts';
import { riskCommand } from './command.ts';

export function Concentration({ risk }: { risk: RiskState }) {
  const copy = riskCommand();
  const used = risk.assets.filter((asset) => asset.backing.amount > 0n || asset.owed.amount > 0n);
  return (
    <Card title="Collateral and debt by asset" command={copy} flush>
      {used.length === 0 ? (
        <Empty>No asset backs a debt now.</Empty>
      ) : (
        <Table
          caption="Collateral and debt of each asset, and what the largest accounts have of it"
          narrow="stack"
          head={
            <>
              <th scope="col">Asset</th>
              <th scope="col">Backs debts</th>
              <th scope="col" className="start">
                Largest 1 · 5 · 10
              </th>
              <th scope="col">Owed</th>
              <th scope="col" className="start">
                Largest 1 · 5 · 10
              </th>
            </>
          }
        >
          {used.map((asset) => (
            <tr key={asset.assetId}>
              <th scope="row">
                <AssetName symbol={asset.symbol} />
              </th>
              <td data-name="Backs debts">
                <Num quiet copy={copy}>
                  {shownUsd(asset.backing)}
                </Num>
              </td>
              <td data-name="Largest 1 · 5 · 10" className="start">
                <Largest of={asset.backingLargest} some={asset.backing.amount > 0n} />
              </td>
              <td data-name="Owed">
                <Num quiet copy={copy}>
                  {shownUsd(asset.owed)}
                </Num>
              </td>
              <td data-name="Largest 1 · 5 · 10" className="start">
                <Largest of={asset.owedLargest} some={asset.owed.amount > 0n} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function Largest({ of, some }: { of: AssetRisk['owedLargest']; some: boolean }) {
  if (!some) return <span className="faint">none</span>;
  return (
    <span className="largest">
      <span className="small">
        {shownBps(of.oneBps)} · {shownBps(of.fiveBps)} · {shownBps(of.tenBps)}
      </span>
      <Bar share={drawnShare(BigInt(of.oneBps), 10_000n)} tone={of.oneBps >= 5_000 ? 'warn' : 'plain'} />
    </span>
  );
}
