/** A liquidation as the block wrote it down: what was sold, to whom, at which discount, and what another rule would have taken. */
import { Link, useParams } from 'react-router';
import { command } from '../../node/commands.ts';
import { useExplained, useMarkets } from '../../node/queries.ts';
import { isSetOff, type Explained, type Market } from '../../node/shapes.ts';
import { shownAmount, shownBps, shownHealth, shownUsd } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Address, Answer, Badge, Card, Empty, Notice, Num, Page, Stat, Stats, Table } from '../../ui/index.ts';

const WHOLE_BPS = 10_000;

const VENUES: Record<string, string> = {
  netting: 'Set off: the account’s own units paid as much of its debt in the same asset, for nothing',
  match: 'Matched: two accounts that had to sell the opposite paid each other’s debts, at the oracle’s price',
  exchange: 'Sold in pools of the exchange, not below the floor',
  offer: 'Bought by a bidder from the offer',
  backstop: 'Bought by the stake that stands behind lenders',
};

/** How a step is called in one word or two. */
const NAMES: Record<string, string> = { netting: 'set off', match: 'matched', exchange: 'pools', offer: 'a bidder' };

const TIERS: Record<string, string> = { reserve: 'the reserve', backstop: 'stakes', lenders: 'lenders of that market' };

export default function Liquidation() {
  const { id } = useParams();
  const number = /^[0-9]{1,15}$/.test(id ?? '') ? Number(id) : null;
  const explained = useExplained(number);
  const markets = useMarkets();
  if (number === null) {
    return (
      <Page title="No such liquidation">
        <Empty action={<Link to="/account">To the account</Link>}>A liquidation has a number.</Empty>
      </Page>
    );
  }
  return (
    <Answer of={explained}>
      {(told) => <Answer of={markets}>{(list) => <Told told={told} markets={list} />}</Answer>}
    </Answer>
  );
}

function Told({ told, markets }: { told: Explained; markets: readonly Market[] }) {
  const symbol = (id: number) => markets.find((market) => market.assetId === id)?.symbol ?? `#${id}`;
  const explain = command(`account explain ${told.id}`);
  const { compared } = told;
  const nothingSold = isSetOff(told);
  return (
    <Page
      title={nothingSold ? 'Why this debt was set off' : 'Why this was liquidated'}
      lead={
        <>
          Account {told.index} of <Address of={told.owner} />, in block {told.blockNumber},{' '}
          {moment(told.timestamp * 1_000)}
        </>
      }
      aside={<Link to={`/account/${told.owner}/${told.index}`}>The account now</Link>}
    >
      <Card title="What happened" command={explain}>
        <Stats>
          <Stat name="Health before" large>
            <Num copy={explain} className="bad">
              {shownHealth(told.healthBefore)}
            </Num>
          </Stat>
          <Stat name="Health after" large>
            <Num copy={explain} className="good">
              {shownHealth(told.healthAfter)}
            </Num>
          </Stat>
          <Stat
            name="Penalty"
            large
            note={
              compared
                ? `${shownUsd(compared.takenValue)} were given up for ${shownUsd(compared.paidValue)} of debt`
                : 'nothing was sold'
            }
          >
            <Num copy={explain}>{compared ? shownUsd(compared.penalty) : '–'}</Num>
          </Stat>
          <Stat name="Price round" large note="of the reporters, agreed before the block’s first transaction">
            {told.priceRound}
          </Stat>
        </Stats>
        <p className="quiet">
          {nothingSold
            ? `The price of round ${told.priceRound} took health below 1. What the account had of an asset that it owed paid as much of that debt, one for one: nothing was sold, and it cost nothing.`
            : `The price of round ${told.priceRound} took health below 1, so the block sold what brings it back to about 1.05 at that price, and stopped there. No bot was asked, and nobody had to be faster than anybody.`}
        </p>
        {compared ? (
          <Notice title="What Aave’s rule would have taken">
            Aave v3 lets a liquidator repay{' '}
            {compared.aave.closeFactorBps === WHOLE_BPS
              ? 'all of the debt'
              : `${shownBps(compared.aave.closeFactorBps)} of the debt`}
            , {shownUsd(compared.aave.paidValue)}, for a bonus of {shownBps(compared.aave.bonusBps)}:{' '}
            {shownUsd(compared.aave.takenValue)} of collateral, a penalty of {shownUsd(compared.aave.penalty)}, beside{' '}
            {shownUsd(compared.penalty)} here.
          </Notice>
        ) : null}
      </Card>
      <Card title={nothingSold ? 'What was set off' : 'Step by step'} flush command={explain}>
        {told.steps.length === 0 ? (
          <Empty>Nothing had been sold when this was written: its collateral went on offer.</Empty>
        ) : (
          <Table
            caption="Steps of the liquidation"
            head={
              <>
                <th scope="col">How</th>
                <th scope="col">Debt paid</th>
                <th scope="col">Sold</th>
                <th scope="col">Discount</th>
                <th scope="col">To the reserve</th>
                <th scope="col">Buyer</th>
              </>
            }
          >
            {told.steps.map((step, at) => (
              <tr key={at}>
                <th scope="row">
                  <span title={VENUES[step.venue]}>{NAMES[step.venue] ?? step.venue}</span>
                </th>
                <td>
                  {shownAmount(step.paid)} {symbol(step.debtAssetId)}
                </td>
                <td>
                  {shownAmount(step.taken)} {symbol(step.collateralAssetId)}
                </td>
                <td>{shownBps(step.discountBps)}</td>
                <td>
                  {step.toReserve.amount === 0n
                    ? '–'
                    : `${shownAmount(step.toReserve)} ${symbol(step.collateralAssetId)}`}
                </td>
                <td>
                  <Address of={step.buyer} />
                </td>
              </tr>
            ))}
          </Table>
        )}
        <ul
          className="pad stack small quiet"
          style={{ '--gap': 'var(--s1)', paddingBlockStart: 'var(--s4)' } as React.CSSProperties}
        >
          {[...new Set(told.steps.map((step) => step.venue))].map((venue) => (
            <li key={venue}>{VENUES[venue] ?? venue}.</li>
          ))}
        </ul>
      </Card>
      {told.losses.length > 0 ? (
        <Card title="What nothing backed">
          <ul className="stack">
            {told.losses.map((loss, at) => (
              <li key={at}>
                <Badge tone="bad">loss</Badge> {shownAmount(loss.amount)} {symbol(loss.assetId)}, borne by{' '}
                {TIERS[loss.tier] ?? loss.tier}
              </li>
            ))}
          </ul>
        </Card>
      ) : null}
    </Page>
  );
}
