/** A liquidation as the block wrote it down: what was sold, to whom, at which discount, and what another rule would have taken. */
import { skipToken, useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'react-router';
import { addresses } from '../../generated/addresses.ts';
import { oracleAbi } from '../../generated/oracle.ts';
import { castCommand } from '../../node/commands.ts';
import { publicClient, useNode } from '../../node/node.tsx';
import { useExplained, useMarkets } from '../../node/queries.ts';
import { accountState, type Explained, type Market } from '../../node/shapes.ts';
import {
  shownAmount,
  shownBps,
  shownHealth,
  shownUsd,
  usd,
  worthDown,
  type Amount,
  type Usd,
} from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Address, Answer, Badge, Card, Empty, Notice, Num, Page, Stat, Stats, Table } from '../../ui/index.ts';
import { otherRule } from './otherRule.ts';

const VENUES: Record<string, string> = {
  netting: 'Netted: paid from what the account held of the same asset',
  match: 'Matched: two accounts that had to sell the opposite paid each other’s debts, at the oracle’s price',
  exchange: 'Sold in pools of the exchange, not below the floor',
  offer: 'Bought by a bidder from the offer',
  backstop: 'Bought by the stake that stands behind lenders',
};

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

/** Prices and the debt that the block saw: the state of its end, and of the block before. */
function useThen(told: Explained) {
  const { link, rpc } = useNode();
  const ids = [...new Set(told.steps.flatMap((step) => [step.debtAssetId, step.collateralAssetId]))];
  return useQuery({
    queryKey: ['liquidationThen', told.id],
    queryFn:
      ids.length === 0
        ? skipToken
        : async () => {
            const prices = await Promise.all(
              ids.map(async (id) => {
                const [price] = await publicClient(link).readContract({
                  address: addresses.oracle,
                  abi: oracleAbi,
                  functionName: 'priceOf',
                  args: [id],
                  blockNumber: BigInt(told.blockNumber),
                });
                return [id, usd(price)] as const;
              }),
            );
            const block = `0x${Math.max(0, told.blockNumber - 1).toString(16)}`;
            const before = await rpc.read(accountState, 'capstan_account', [
              { owner: told.owner, index: told.index },
              block,
            ]);
            return { prices: new Map(prices), debt: before.report?.debt ?? null };
          },
    staleTime: Infinity,
  });
}

function Told({ told, markets }: { told: Explained; markets: readonly Market[] }) {
  const then = useThen(told);
  const symbol = (id: number) => markets.find((market) => market.assetId === id)?.symbol ?? `#${id}`;
  const command = castCommand(`rpc capstan_explainLiquidation 0x${told.id.toString(16)}`);
  const worth = (amount: Amount, id: number): Usd | null => {
    const price = then.data?.prices.get(id);
    return price ? worthDown(amount, price) : null;
  };
  const sum = (of: (step: Explained['steps'][number]) => Usd | null) =>
    told.steps.reduce<bigint | null>((all, step) => {
      const value = of(step);
      return all === null || value === null ? null : all + value.amount;
    }, 0n);
  const taken = sum((step) => worth(step.taken, step.collateralAssetId));
  const paid = sum((step) => worth(step.paid, step.debtAssetId));
  const gained = taken !== null && paid !== null && paid > taken ? usd(paid - taken) : null;
  const penalty = taken !== null && paid !== null ? usd(taken > paid ? taken - paid : 0n) : null;
  const other = then.data?.debt ? otherRule(then.data.debt, told.healthBefore) : null;
  return (
    <Page
      title="Why this was liquidated"
      lead={
        <>
          Account {told.index} of <Address of={told.owner} />, in block {told.blockNumber},{' '}
          {moment(told.timestamp * 1_000)}
        </>
      }
      aside={<Link to={`/account/${told.owner}/${told.index}`}>The account now</Link>}
    >
      <Card title="What happened" command={command}>
        <Stats>
          <Stat name="Health before" large>
            <Num copy={command} className="bad">
              {shownHealth(told.healthBefore)}
            </Num>
          </Stat>
          <Stat name="Health after" large>
            <Num copy={command} className="good">
              {shownHealth(told.healthAfter)}
            </Num>
          </Stat>
          <Stat
            name="Penalty"
            large
            note={
              gained
                ? `none: it was sold for ${shownUsd(gained)} USD more than the oracle’s price`
                : 'worth that was sold, less debt that it paid'
            }
          >
            <Num copy={command}>{penalty ? `$${shownUsd(penalty)}` : '–'}</Num>
          </Stat>
          <Stat name="Price round" large note="of the reporters, agreed before the block’s first transaction">
            {told.priceRound}
          </Stat>
        </Stats>
        <p className="quiet">
          The price of round {told.priceRound} took health below 1, so the block sold no more than brings it back to
          1.05 at that price. No bot was asked, and nobody had to be faster than anybody.
        </p>
        {other && penalty ? (
          <Notice title="What the rule of today’s largest protocol would have taken">
            Aave v3 lets a liquidator repay {other.wholeDebt ? 'all of the debt below health 0.95' : 'half of the debt'}
            , {shownUsd(other.repaid)} USD, for a bonus of {shownBps(other.bonusBps)}: a penalty of about{' '}
            {shownUsd(other.penalty)} USD, beside {shownUsd(penalty)} USD here.
          </Notice>
        ) : null}
      </Card>
      <Card title="Step by step" flush command={command}>
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
                  <span title={VENUES[step.venue]}>{step.venue}</span>
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
