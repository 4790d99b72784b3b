/** Markets of machine loans, for lenders: tranches, what they bring and risk, and what happened each time a machine did not pay. */
import { Link } from 'react-router';
import { command } from '../../node/commands.ts';
import { shownBps, told } from '../../units/quantity.ts';
import { lasting, moment } from '../../units/time.ts';
import { Answer, AssetName, Bar, Card, Empty, Facts, Notice, Num, Stat, Stats } from '../../ui/index.ts';
import { useAssets, type Asset } from './asset.ts';
import { Cases } from './Cases.tsx';
import { coverage, partBps, perPeriod, tranchesBps } from './loans.ts';
import { useCases, useLoanMarkets, type LoanMarket, type LoanMarketRow } from './queries.ts';
import { Tranches } from './Tranches.tsx';

export function Loans() {
  const markets = useLoanMarkets();
  const cases = useCases();
  return (
    <Answer of={markets} lines={6}>
      {(rows) =>
        rows.length === 0 ? (
          <Card title="No market yet">
            <Empty action={<Link to="/machines">To the machines</Link>}>
              The owner of this chain has opened no market of machine loans, so machines cannot borrow, and there is
              nothing to lend.
            </Empty>
          </Card>
        ) : (
          <>
            {rows.map((row) => (
              <Market key={row.assetId} row={row} />
            ))}
            <Answer of={cases}>{(all) => <Cases all={all} />}</Answer>
          </>
        )
      }
    </Answer>
  );
}

function Market({ row }: { row: LoanMarketRow }) {
  const { market, params } = row;
  const assets = useAssets();
  const asset = assets(row.assetId);
  const copy = command('income market');
  return (
    <Card title={<AssetName symbol={asset.symbol}>Loans in {asset.symbol}</AssetName>} command={copy}>
      <Coverage market={market} rateBps={params.rateBps} asset={asset} copy={copy} />
      {market.atRisk > 0n ? (
        <Notice tone="warn" title={`${told(asset, market.atRisk)} are being recovered`}>
          Machines that owe them do not pay now. Who leaves meanwhile supposes that nothing of it comes back beyond the
          first loss.
        </Notice>
      ) : null}
      {market.paused === 0 ? null : (
        <Notice tone="warn" title="Paused">
          {[market.paused & 1 ? 'borrowing' : '', market.paused & 2 ? 'supplying' : ''].filter(Boolean).join(' and ')}.
          Repaying and leaving never are.
        </Notice>
      )}
      <Tranches row={row} asset={asset} rates={tranchesBps(market, params)} />
      <Terms row={row} asset={asset} />
    </Card>
  );
}

/** What is lent, what stands behind it, and how much of it hangs on one machine. */
function Coverage({
  market,
  rateBps,
  asset,
  copy,
}: {
  market: LoanMarket;
  rateBps: number;
  asset: Asset;
  copy: string;
}) {
  const isLent = market.lent > 0n;
  const cover = coverage(market);
  const used = partBps(market.lent, market.idle + market.lent);
  const machines = market.debtors === 1 ? 'machine' : 'machines';
  return (
    <Stats>
      <Stat
        name="Lent"
        large
        note={isLent ? `to ${market.debtors} ${machines} at ${shownBps(rateBps)} a year` : 'no machine owes'}
      >
        <Num copy={copy}>{told(asset, market.lent)}</Num>
      </Stat>
      <Stat
        name="Idle"
        large
        note={
          <>
            {shownBps(used)} of all is lent
            <Bar share={used / 10_000} />
          </>
        }
      >
        <Num copy={copy}>{told(asset, market.idle)}</Num>
      </Stat>
      <Stat
        name="Bonds stand for"
        large
        note={
          isLent
            ? `of what is lent; ${told(asset, market.uncovered)} uncovered, the first loss is ${shownBps(cover.firstLoss)} of what is lent`
            : 'nothing is lent'
        }
      >
        {isLent ? <Num copy={copy}>{shownBps(cover.bonds)}</Num> : '–'}
      </Stat>
      <Stat
        name="Largest debtor"
        large
        note={
          market.largest === 0n ? (
            'nobody owes'
          ) : (
            <>
              <Link to={`/machines/${market.largestMachine}`}>machine {market.largestMachine.toString()}</Link>, of{' '}
              {market.debtors}
            </>
          )
        }
      >
        {market.largest === 0n ? '–' : <Num copy={copy}>{shownBps(partBps(market.largest, market.lent))}</Num>}
      </Stat>
    </Stats>
  );
}

function Terms({ row, asset }: { row: LoanMarketRow; asset: Asset }) {
  const { market, params } = row;
  const lost = market.lostLenders + market.lostFirstLoss;
  return (
    <Facts
      rows={[
        [
          'A loan has',
          `${params.instalments} instalments, one ${perPeriod(params.periodS * 1_000)}; unpaid for ${lasting(params.unpaidS * 1_000)} is a case`,
        ],
        ['Interest that came in', told(asset, market.interestPaid)],
        ['Cases that ended without being cured', market.defaults === 0 ? 'none' : market.defaults.toString()],
        [
          'Lost so far',
          lost === 0n
            ? 'nothing'
            : `${told(asset, market.lostFirstLoss)} by the first loss, ${told(asset, market.lostLenders)} by lenders; ${told(asset, market.recovered)} came back`,
        ],
        row.next === null ? null : ['Other parameters count', `from ${moment(Number(row.next.nextFromMs))}`],
      ]}
    />
  );
}
