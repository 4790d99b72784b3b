/** How near the whole system is to trouble: debt by distance, who holds how much of it, and what stands before lenders. */
import { useQuery } from '@tanstack/react-query';
import { command, named } from '../../node/commands.ts';
import { LIVE, useNode } from '../../node/node.tsx';
import { drawnShare } from '../../units/drawn.ts';
import { shownAmount, shownBps, shownUsd } from '../../units/quantity.ts';
import { Answer, AssetName, Bar, Card, Empty, Notice, Num, Page, Stat, Stats, Table } from '../../ui/index.ts';
import { risk as decoder, type AssetRisk, type Risk as RiskState } from './shapes.ts';
import { debtWithin, drawnBands, loadBps } from './words.ts';
import { riskCommand } from './command.ts';
import './risk.css';
import { Concentration } from './Concentration.tsx';
import { Oracles } from './Oracles.tsx';

export default function Risk() {
  const { rpc } = useNode();
  const asked = useQuery({ queryKey: ['risk'], queryFn: () => rpc.read(decoder, 'capstan_risk'), meta: LIVE });
  return (
    <Page
      title="Risk"
      lead="Everybody's debts together. Nobody is named: a list of who is weak helps only whoever would push them."
    >
      <Answer of={asked} lines={8}>
        {(risk) => (
          <>
            <Whole risk={risk} />
            <Distance risk={risk} />
            <Concentration risk={risk} />
            <Cushions assets={risk.assets} />
            <Oracles assets={risk.assets} />
          </>
        )}
      </Answer>
    </Page>
  );
}

function Whole({ risk }: { risk: RiskState }) {
  const load = loadBps(risk.debt, risk.collateral);
  const copy = riskCommand();
  return (
    <Card title="All debtors" command={copy}>
      <Stats>
        <Stat name="Owed" large>
          <Num copy={copy}>{shownUsd(risk.debt)}</Num>
        </Stat>
        <Stat name="Backed by" note={load === null ? 'no debt' : `debt is ${shownBps(load)} of it`}>
          <Num copy={copy}>{shownUsd(risk.collateral)}</Num>
        </Stat>
        <Stat name="Reached by a fall of 10 %" note="of all collateral at once">
          <Num copy={copy}>{shownUsd(debtWithin(risk, 1_000))}</Num>
        </Stat>
        <Stat name="Accounts with debts" note={`as of block ${risk.blockNumber}`}>
          <Num copy={copy}>{risk.accountCount}</Num>
        </Stat>
      </Stats>
      {risk.unvaluedCount > 0 ? (
        <Notice
          tone="warn"
          title={
            risk.unvaluedCount === 1
              ? 'One account cannot be valued now'
              : `${risk.unvaluedCount} accounts cannot be valued now`
          }
        >
          A price that they need may not be used. They are not in these sums; below stands which price it is, and why.
        </Notice>
      ) : null}
      {risk.isWhole ? null : (
        <Notice title="These are not all debtors">
          There are more than one look counts: those nearest to liquidation come first.
        </Notice>
      )}
    </Card>
  );
}

function Distance({ risk }: { risk: RiskState }) {
  const copy = riskCommand();
  return (
    <Card title="How far from liquidation" command={copy} flush>
      <p className="pad lead quiet small">
        Debt by how far all collateral may fall at once before the block sells some of it.
      </p>
      {risk.accountCount === 0 ? (
        <Empty>
          {risk.unvaluedCount > 0
            ? 'Nobody whose account can be valued owes anything now.'
            : 'Nobody owes anything now.'}
        </Empty>
      ) : (
        <Table
          caption="Debt by distance to liquidation"
          head={
            <>
              <th scope="col">May fall by</th>
              <th scope="col" className="start grow">
                Debt
              </th>
              <th scope="col">Owed</th>
              <th scope="col">Accounts</th>
            </>
          }
        >
          {drawnBands(risk).map(({ words, tone, share, band }) => (
            <tr key={words}>
              <th scope="row">{words}</th>
              <td className="start grow">
                <Bar share={share} tone={tone} />
              </td>
              <td data-name="Owed">
                <Num quiet copy={copy}>
                  {shownUsd(band.debt)}
                </Num>
              </td>
              <td data-name="Accounts">{band.accountCount}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function Cushions({ assets }: { assets: readonly AssetRisk[] }) {
  const lent = assets.filter((asset) => asset.reserve !== null || asset.backstop !== null);
  return (
    <Card title="What stands before lenders" flush>
      <p className="pad lead quiet small">
        A debt that nothing backs is borne at once: by the market&apos;s reserve, then by who staked in its backstop,
        then by its lenders.
      </p>
      <Table
        caption="Reserve and backstop of each market"
        narrow="stack"
        head={
          <>
            <th scope="col">Market</th>
            <th scope="col">Reserve</th>
            <th scope="col">Backstop</th>
            <th scope="col">Of its cap</th>
          </>
        }
      >
        {lent.map((asset) => (
          <tr key={asset.assetId}>
            <th scope="row">
              <AssetName symbol={asset.symbol} />
            </th>
            <td data-name="Reserve">
              {asset.reserve === null ? (
                <span className="faint">no market</span>
              ) : (
                <Num quiet copy={command(`market show ${named(asset.symbol, asset.assetId)}`)} unit={asset.symbol}>
                  {shownAmount(asset.reserve)}
                </Num>
              )}
            </td>
            {asset.backstop === null ? (
              <td data-name="Backstop" colSpan={2} className="faint">
                no stake is open
              </td>
            ) : (
              <>
                <td data-name="Backstop">
                  <Num quiet copy={riskCommand()} unit={asset.symbol}>
                    {shownAmount(asset.backstop.assets)}
                  </Num>
                  {asset.backstop.lotCount > 0 ? <span className="note">goods on sale</span> : null}
                </td>
                <td data-name="Of its cap">
                  <Bar share={drawnShare(asset.backstop.assets.amount, asset.backstop.cap.amount)} />
                </td>
              </>
            )}
          </tr>
        ))}
      </Table>
    </Card>
  );
}
