/** Each time a machine did not pay: why, how it stands, and who bore what. */
import { Link } from 'react-router';
import { command } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { told } from '../../units/quantity.ts';
import { ago } from '../../units/time.ts';
import { Badge, Card, Empty, Table, useParts } from '../../ui/index.ts';
import { useAssets, type Asset } from './asset.ts';
import { caseReason, reasonCounts, stageWords } from './loans.ts';
import type { Case } from './queries.ts';

const CASES_SHOWN = 10;

export function Cases({ all }: { all: readonly Case[] }) {
  const { part, pages } = useParts(all, CASES_SHOWN, 'More cases');
  const assets = useAssets();
  return (
    <Card title="Each time a machine did not pay" command={command('income cases')} flush>
      {all.length === 0 ? (
        <Empty>
          It never happened here. When it does, as when a machine goes dark while it owes, each step is written down
          with its amount, and stays.
        </Empty>
      ) : (
        <>
          <p className="pad lead quiet small">{reasonCounts(all)}</p>
          <Table
            caption="Cases, the newest first"
            narrow="stack"
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
            {part.map((one) => (
              <CaseRow key={one.caseId} one={one} asset={assets(one.assetId)} />
            ))}
          </Table>
        </>
      )}
      {pages === null ? null : <div className="pad-foot">{pages}</div>}
    </Card>
  );
}

function CaseRow({ one, asset }: { one: Case; asset: Asset }) {
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  const stage = stageWords(one.stage);
  return (
    <tr>
      <th scope="row">
        <Link to={`/machines/case/${one.caseId}`}>{one.caseId.toString()}</Link>
        <span className="note">
          <Link to={`/machines/${one.machineId}`}>{`machine\u00a0${one.machineId}`}</Link>
        </span>
      </th>
      <td className="start grow" data-name="Why">
        {caseReason(one.reason)}
        <span className="note">{ago(nowMs, Number(one.openedMs))}</span>
      </td>
      <td className="start" data-name="How it stands">
        <Badge tone={stage.tone}>{stage.words}</Badge>
      </td>
      <td data-name="Was owed">{told(asset, one.owed)}</td>
      <td data-name="Paid">{told(asset, one.paid)}</td>
      <td data-name="First loss bore">{told(asset, one.fromFirstLoss)}</td>
      <td data-name="Lenders bore">{told(asset, one.fromLenders)}</td>
    </tr>
  );
}
