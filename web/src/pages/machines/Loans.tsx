/** Markets of machine loans, for lenders: tranches, what they bring and risk, and what happened each time a machine did not pay. */
import { useState } from 'react';
import { Link } from 'react-router';
import { encodeFunctionData } from 'viem';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { machineShareAbi } from '../../generated/machineShare.ts';
import { castCommand } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { useHeads } from '../../node/node.tsx';
import { exactOf, readAmount, shownBps, someWrong, told } from '../../units/quantity.ts';
import { lasting, moment } from '../../units/time.ts';
import {
  AmountField,
  Answer,
  AssetName,
  Badge,
  Bar,
  Button,
  Card,
  Dialog,
  DialogActions,
  Empty,
  Facts,
  Notice,
  Num,
  Stat,
  Stats,
  Table,
  useParts,
} from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { dollarsOf, useAssets, useSource, type Asset } from './asset.ts';
import { caseReason, coverage, partBps, stageWords, tranchesBps } from './loans.ts';
import { useCases, useLoanMarkets, useTranche, type Case, type LoanMarketRow } from './queries.ts';

const CASES_SHOWN = 10;

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
  const copy = castCommand(
    `call ${addresses.income} 'market(uint32)((uint32,address,address,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint64,uint32,uint32,uint256,uint256,uint256,uint256,uint8))' ${row.assetId}`,
  );
  const rates = tranchesBps(market, params);
  const cover = coverage(market);
  const whole = market.idle + market.lent;
  const used = partBps(market.lent, whole);
  const lost = market.lostLenders + market.lostFirstLoss;
  return (
    <Card title={<AssetName symbol={asset.symbol}>Loans in {asset.symbol}</AssetName>} command={copy}>
      <Stats>
        <Stat
          name="Lent"
          large
          note={`to ${market.debtors} ${market.debtors === 1 ? 'machine' : 'machines'} at ${shownBps(params.rateBps)} a year`}
        >
          <Num copy={copy}>{told(asset, market.lent)}</Num>
        </Stat>
        <Stat name="Idle" large note={`${shownBps(used)} of all is lent`}>
          <Num copy={copy}>{told(asset, market.idle)}</Num>
        </Stat>
        <Stat
          name="Bonds stand for"
          large
          note={market.lent === 0n ? 'nothing is lent' : `of what is lent; ${told(asset, market.uncovered)} uncovered`}
        >
          <Num copy={copy}>{market.lent === 0n ? '–' : shownBps(cover.bonds)}</Num>
        </Stat>
        <Stat
          name="Largest debtor"
          large
          note={
            market.largest === 0n ? (
              'nobody owes'
            ) : (
              <Link to={`/machines/${market.largestMachine}`}>machine {market.largestMachine.toString()}</Link>
            )
          }
        >
          <Num copy={copy}>{market.largest === 0n ? '–' : shownBps(partBps(market.largest, market.lent))}</Num>
        </Stat>
      </Stats>
      <Bar share={used / 10_000} />
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
      <Tranches row={row} asset={asset} rates={rates} />
      <Facts
        rows={[
          ['Interest that came in', told(asset, market.interestPaid)],
          [
            'Lost so far',
            lost === 0n
              ? 'nothing'
              : `${told(asset, market.lostFirstLoss)} by the first loss, ${told(asset, market.lostLenders)} by lenders; ${told(asset, market.recovered)} came back`,
          ],
          ['Times that a machine did not pay', market.defaults.toString()],
          [
            'A loan has',
            `${params.instalments} instalments, one every ${lasting(params.periodS * 1_000)}; unpaid for ${lasting(params.unpaidS * 1_000)} is a case`,
          ],
          row.next === null ? null : ['Other parameters count', `from ${moment(Number(row.next.nextFromMs))}`],
        ]}
      />
    </Card>
  );
}

interface Wish {
  readonly kind: 'supply' | 'withdraw';
  readonly tranche: Tranche;
}
interface Tranche {
  readonly name: string;
  readonly share: Hex;
  readonly owns: bigint;
  readonly rateBps: number;
  readonly words: string;
}

function Tranches({
  row,
  asset,
  rates,
}: {
  row: LoanMarketRow;
  asset: Asset;
  rates: { lenders: number; firstLoss: number };
}) {
  const { market, params } = row;
  const wallet = useWallet();
  const [wish, setWish] = useState<Wish | null>(null);
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const tranches: readonly Tranche[] = [
    {
      name: 'Lenders',
      share: market.lenderShare,
      owns: market.lenders,
      rateBps: rates.lenders,
      words: 'lose last, when the first loss is spent',
    },
    {
      name: 'First loss',
      share: market.firstLossShare,
      owns: market.firstLoss,
      rateBps: rates.firstLoss,
      words: `loses before lenders do, for ${shownBps(params.firstLossCutBps)} of the interest`,
    },
  ];
  const close = () => {
    setWish(null);
    setProposal(null);
  };
  return (
    <>
      <Table
        caption={`Tranches of loans in ${asset.symbol}`}
        head={
          <>
            <th scope="col">Tranche</th>
            <th scope="col">Owns</th>
            <th scope="col">A year, at today’s use</th>
            <th scope="col">Yours</th>
            <th scope="col">May leave now</th>
            <th scope="col">
              <span className="unseen">Act</span>
            </th>
          </>
        }
      >
        {tranches.map((tranche) => (
          <TrancheRow
            key={tranche.share}
            tranche={tranche}
            asset={asset}
            owner={wallet?.address ?? null}
            onWish={setWish}
          />
        ))}
      </Table>
      {wish !== null && wallet !== null && proposal === null ? (
        <WishDialog wish={wish} asset={asset} owner={wallet.address} onClose={close} onCall={setProposal} />
      ) : null}
      {proposal !== null && wallet !== null ? (
        <SignCall from={wallet.address} proposal={proposal} onClose={close} />
      ) : null}
    </>
  );
}

function TrancheRow({
  tranche,
  asset,
  owner,
  onWish,
}: {
  tranche: Tranche;
  asset: Asset;
  owner: Hex | null;
  onWish: (wish: Wish) => void;
}) {
  const mine = useTranche(tranche.share, owner).data;
  const name = `${tranche.name} of ${asset.symbol}`;
  return (
    <tr>
      <th scope="row">
        {tranche.name}
        <span className="note">{tranche.words}</span>
      </th>
      <td>
        {told(asset, tranche.owns)}
        <span className="note">{dollarsOf(asset, tranche.owns)}</span>
      </td>
      <td>{tranche.owns === 0n ? '–' : shownBps(tranche.rateBps)}</td>
      <td>{mine === undefined || owner === null ? '–' : told(asset, mine.worth)}</td>
      <td>{mine === undefined ? '–' : told(asset, mine.free)}</td>
      <td>
        {owner === null ? null : (
          <span className="row" style={{ '--gap': 'var(--s1)', justifyContent: 'end' } as React.CSSProperties}>
            <Button slim aria-label={`Supply to ${name}`} onClick={() => onWish({ kind: 'supply', tranche })}>
              Supply
            </Button>
            <Button
              slim
              look="bare"
              disabled={(mine?.shares ?? 0n) === 0n}
              aria-label={`Withdraw from ${name}`}
              onClick={() => onWish({ kind: 'withdraw', tranche })}
            >
              Withdraw
            </Button>
          </span>
        )}
      </td>
    </tr>
  );
}

function WishDialog({
  wish,
  asset,
  owner,
  onClose,
  onCall,
}: {
  wish: Wish;
  asset: Asset;
  owner: Hex;
  onClose: () => void;
  onCall: (proposal: CallProposal) => void;
}) {
  const [text, setText] = useState('');
  const { tranche, kind } = wish;
  const { has, first } = useSource(owner, asset);
  const mine = useTranche(tranche.share, owner).data;
  const most = kind === 'supply' ? has : (mine?.mayLeave ?? 0n);
  const read = readAmount(text, asset.decimals, most);
  const where = kind === 'supply' ? 'the wallet has' : 'of yours may leave';
  const wrong = someWrong(text, read, { of: most, where });
  const lower = tranche.name.toLowerCase();
  const propose = () => {
    if (!read.ok) return;
    const amount = read.amount;
    const data =
      kind === 'supply'
        ? encodeFunctionData({ abi: machineShareAbi, functionName: 'deposit', args: [amount, owner] })
        : encodeFunctionData({ abi: machineShareAbi, functionName: 'withdraw', args: [amount, owner, owner] });
    onCall({
      title:
        kind === 'supply'
          ? `Supply ${told(asset, amount)} to the ${lower}`
          : `Withdraw ${told(asset, amount)} from the ${lower}`,
      lines:
        kind === 'supply'
          ? [
              `Pay ${exactOf(asset, amount)} ${asset.symbol}, receive shares of the ${lower} of this market`,
              `They ${tranche.words}`,
            ]
          : [`Give up shares, receive ${exactOf(asset, amount)} ${asset.symbol} in the wallet`],
      notes: kind === 'supply' ? ['What is lent is not there to leave until machines pay it back.'] : [],
      first: kind === 'supply' ? first(tranche.share, amount) : null,
      call: { to: tranche.share, data, valueWei: 0n },
      command: castCommand(`send ${tranche.share} ${data}`),
    });
  };
  return (
    <Dialog title={kind === 'supply' ? `Supply to the ${lower}` : `Withdraw from the ${lower}`} onClose={onClose}>
      <AmountField
        label="How much"
        hint={kind === 'supply' ? `${told(asset, has)} in the wallet` : `${told(asset, most)} may leave now`}
        suffix={asset.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <p className="small quiet">
        {tranche.name}: {tranche.words}. At today’s use {shownBps(tranche.rateBps)} a year.
      </p>
      <DialogActions onClose={onClose} disabled={!read.ok || text.trim() === '' || wrong !== null} onGo={propose} />
    </Dialog>
  );
}

function Cases({ all }: { all: readonly Case[] }) {
  const { part, pages } = useParts(all, CASES_SHOWN, 'More cases');
  const assets = useAssets();
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  return (
    <Card title="Each time a machine did not pay" flush>
      {all.length === 0 ? (
        <Empty>It never happened here. When it does, each step is written down with its amount, and stays.</Empty>
      ) : (
        <Table
          caption="Cases, the newest first"
          head={
            <>
              <th scope="col">Case</th>
              <th scope="col" className="start grow">
                Why
              </th>
              <th scope="col" className="start">
                How it stands
              </th>
              <th scope="col">Was owed</th>
              <th scope="col">Paid</th>
              <th scope="col">First loss bore</th>
              <th scope="col">Lenders bore</th>
            </>
          }
        >
          {part.map((one) => {
            const asset = assets(one.assetId);
            const stage = stageWords(one.stage);
            return (
              <tr key={one.caseId}>
                <th scope="row">
                  <Link to={`/machines/case/${one.caseId}`}>{one.caseId.toString()}</Link>
                  <span className="note">machine {one.machineId.toString()}</span>
                </th>
                <td className="start grow">
                  {caseReason(one.reason)}
                  <span className="note">{lasting(nowMs - Number(one.openedMs))} ago</span>
                </td>
                <td className="start">
                  <Badge tone={stage.tone}>{stage.words}</Badge>
                </td>
                <td>{told(asset, one.owed)}</td>
                <td>{told(asset, one.paid)}</td>
                <td>{told(asset, one.fromFirstLoss)}</td>
                <td>{told(asset, one.fromLenders)}</td>
              </tr>
            );
          })}
        </Table>
      )}
      {pages === null ? null : <div className="pad-foot">{pages}</div>}
    </Card>
  );
}
