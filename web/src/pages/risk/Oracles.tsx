/** How the price of each asset is known, and by whom. */
import { command, named } from '../../node/commands.ts';
import { shownBps, shownUsd } from '../../units/quantity.ts';
import { lasting } from '../../units/time.ts';
import { Address, AssetName, Badge, Card, Num, Table } from '../../ui/index.ts';
import type { AssetRisk } from './shapes.ts';
import { oracleWords } from './words.ts';
import { riskCommand } from './command.ts';

export function Oracles({ assets }: { assets: readonly AssetRisk[] }) {
  const copy = riskCommand();
  return (
    <Card title="How prices are known" command={copy} flush>
      <p className="pad lead quiet small">
        A price that is too old, too far from the last, or told by too few stops borrowing against it. Repaying and
        adding collateral need none.
      </p>
      <Table
        caption="Price of each asset and its sources"
        narrow="stack"
        head={
          <>
            <th scope="col">Asset</th>
            <th scope="col">Price</th>
            <th scope="col" className="start">
              State
            </th>
            <th scope="col">Round</th>
            <th scope="col">May age</th>
            <th scope="col">May jump</th>
            <th scope="col" className="start">
              Sources
            </th>
          </>
        }
      >
        {assets.map((asset) => (
          <OracleRow key={asset.assetId} asset={asset} />
        ))}
      </Table>
    </Card>
  );
}

function OracleRow({ asset }: { asset: AssetRisk }) {
  const { oracle } = asset;
  if (oracle === null) {
    return (
      <tr>
        <th scope="row">
          <AssetName symbol={asset.symbol} />
        </th>
        <td colSpan={6} className="start faint">
          nobody reports a price, so it backs nothing
        </td>
      </tr>
    );
  }
  const { tone, words } = oracleWords(oracle);
  return (
    <tr>
      <th scope="row">
        <AssetName symbol={asset.symbol} />
      </th>
      <td data-name="Price">
        <Num quiet copy={command(`market show ${named(asset.symbol, asset.assetId)}`)}>
          {shownUsd(oracle.spot)}
        </Num>
      </td>
      <td data-name="State" className="start">
        <Badge tone={tone}>{oracle.usable ? 'usable' : 'not usable'}</Badge>{' '}
        <span className="small quiet">{words}</span>
      </td>
      <td data-name="Round">{oracle.round}</td>
      <td data-name="May age">{lasting(oracle.staleMs)}</td>
      <td data-name="May jump">{shownBps(oracle.bandBps)}</td>
      <td data-name="Sources" className="start">
        {oracle.sources.length === 0 ? (
          <span className="faint">none</span>
        ) : (
          <ul className="sources">
            {oracle.sources.map((source) => (
              <li key={source.reporter} className={source.isCounted ? undefined : 'faint'}>
                <Address of={source.reporter} />{' '}
                {source.price === null ? (
                  'never spoke'
                ) : (
                  <>
                    {shownUsd(source.price)}{' '}
                    <span className="faint small">
                      {source.awayBps === null || source.awayBps === 0 ? '' : `${shownBps(source.awayBps)} away `}
                      {source.ageMs === null || source.ageMs < 1_000 ? '' : `${lasting(source.ageMs)} old`}
                    </span>
                  </>
                )}
              </li>
            ))}
          </ul>
        )}
      </td>
    </tr>
  );
}
