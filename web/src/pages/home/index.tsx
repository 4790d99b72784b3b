/** What is happening: the chain, my balance sheet, markets, and whom the block sold from. */
import { Link } from 'react-router';
import { useDollar } from '../../act/dollar.ts';
import { command, indexed } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { useAccount, useBlockTransactionCount, useMarkets } from '../../node/queries.ts';
import type { SeenHead } from '../../node/heads.ts';
import { drawn, drawnShare } from '../../units/drawn.ts';
import { shownBps, shownHealth, shownUsd, shownUsdWhole, usd, worthDown } from '../../units/quantity.ts';
import { Answer, Card, Empty, Gauge, Num, Page, Stat, Stats } from '../../ui/index.ts';
import { UseBurner } from '../../wallet/UseBurner.tsx';
import { useMine } from '../../wallet/chosen.tsx';
import { Liquidations } from './Liquidations.tsx';
import { Markets } from './Markets.tsx';

export default function Home() {
  return (
    <Page
      title="Leverage, made of honest parts"
      lead="One account, one health factor. The block itself liquidates, sells no more than it must, and writes down why."
    >
      <div className="columns side">
        <Network />
        <Mine />
      </div>
      <Markets />
      <Liquidations />
    </Page>
  );
}

function Network() {
  const heads = useHeads();
  const markets = useMarkets();
  const newest = heads[0];
  const transactions = useBlockTransactionCount(newest?.hash);
  const supplied = sum(markets.data, (market) => market.supplied);
  const dollar = useDollar().data;
  // The chain's own dollar is owed and has no market.
  const minted = dollar?.price ? worthDown(dollar.owed, dollar.price).amount : 0n;
  const lent = sum(markets.data, (market) => market.borrowed);
  const borrowed = lent === null || dollar === undefined ? null : lent + minted;
  return (
    <Card title="The chain" command={command('market list')}>
      <Stats>
        <Stat name="Newest block" large>
          {newest?.number ?? '–'}
        </Stat>
        <Stat name="Supplied" large>
          <Num copy={command('market list')}>{supplied === null ? '–' : brief(supplied)}</Num>
        </Stat>
        <Stat name="Borrowed" large>
          <Num copy={command('market list')}>{borrowed === null ? '–' : brief(borrowed)}</Num>
        </Stat>
      </Stats>
      <Blocks heads={heads} />
      <p className="small faint">
        {newest
          ? `The newest block used ${shownGas(newest)} of its gas${forTransactions(transactions.data)}. A bar is a block; the newest stands at the right.`
          : 'Waiting for the first block.'}
      </p>
    </Card>
  );
}

function shownGas(head: SeenHead): string {
  return shownBps(head.gasLimit === 0n ? 0 : Number((head.gasUsed * 10_000n) / head.gasLimit));
}

const BAR = 8;

const TALL = 56;

/** Nothing while they are not counted yet. */
function forTransactions(count: number | undefined): string {
  if (count === undefined) return '';
  return `, for ${count} ${count === 1 ? 'transaction' : 'transactions'}`;
}

/** Blocks as they arrive, by the gas that they used. */
function Blocks({ heads }: { heads: readonly SeenHead[] }) {
  const shown = heads.slice(0, 48);
  const most = shown.reduce((most, head) => (head.gasUsed > most ? head.gasUsed : most), 1n);
  const width = 48 * BAR;
  return (
    <svg
      className="blocks"
      viewBox={`0 0 ${width} ${TALL}`}
      preserveAspectRatio="none"
      role="img"
      aria-label="Gas used by the newest blocks"
    >
      {shown.map((head, at) => {
        const height = 3 + drawnShare(head.gasUsed, most) * (TALL - 3);
        return (
          <rect
            key={head.hash}
            x={width - (at + 1) * BAR}
            y={TALL - height}
            width={BAR - 2}
            height={height}
            rx={1.5}
            fill={at === 0 ? 'var(--accent)' : 'var(--line-strong)'}
          />
        );
      })}
    </svg>
  );
}

function sum(
  markets: ReturnType<typeof useMarkets>['data'],
  of: (market: NonNullable<ReturnType<typeof useMarkets>['data']>[number]) => Parameters<typeof worthDown>[0],
): bigint | null {
  if (!markets) return null;
  return markets.reduce(
    (all, market) => (market.price ? all + worthDown(of(market), market.price.spot).amount : all),
    0n,
  );
}

/** Dollars in large: whole ones. */
function brief(value: bigint): string {
  return shownUsdWhole(usd(value));
}

function Mine() {
  const mine = useMine();
  const account = useAccount(mine);
  if (!mine) {
    return (
      <Card title="My balance sheet">
        <Empty action={<UseBurner />}>
          Connect a wallet, or use a burner account that this browser makes: supply, borrow, lever up, and watch what a
          falling price would do before it falls.
        </Empty>
      </Card>
    );
  }
  const show = command(indexed(mine.index, `account show ${mine.owner}`));
  return (
    <Card
      title="My balance sheet"
      command={show}
      aside={<Link to="/account">{mine.index === 0 ? 'Open' : `Open account ${mine.index}`}</Link>}
    >
      <Answer of={account}>
        {({ report, error }) =>
          report ? (
            <>
              <Gauge
                drawnHealth={report.healthMaintenance ? drawn(report.healthMaintenance) : null}
                text={shownHealth(report.healthMaintenance)}
                words={
                  report.healthMaintenance
                    ? `All collateral may fall by ${shownBps(report.roomToFallBps)}`
                    : 'Nothing is owed, so nothing can be liquidated'
                }
              />
              <Stats>
                <Stat name="Collateral">
                  <Num copy={show}>{shownUsd(report.collateral)}</Num>
                </Stat>
                <Stat name="Debt">
                  <Num copy={show}>{shownUsd(report.debt)}</Num>
                </Stat>
              </Stats>
            </>
          ) : (
            <p className="quiet">{error ? `${error.message} ${error.help}` : 'Nothing can be said about it now.'}</p>
          )
        }
      </Answer>
    </Card>
  );
}
