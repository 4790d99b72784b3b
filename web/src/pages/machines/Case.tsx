/** What happens, and happened, where a machine does not pay: each step with its amount, and the title that is for sale. */
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { command } from '../../node/commands.ts';
import { told } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Address, Answer, Badge, Button, Card, Empty, Facts, Page, Steps } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { useAssets, useSource } from './asset.ts';
import { advanceCall, bidCall } from './calls.ts';
import { caseSteps, stageWords } from './loans.ts';
import { useCase } from './queries.ts';

export function CasePage() {
  const { id = '' } = useParams();
  const isNumber = /^[1-9][0-9]{0,15}$/.test(id);
  return (
    <Page title={isNumber ? `Case ${id}` : 'No such case'} aside={<Link to="/machines/loans">Machine loans</Link>}>
      {isNumber ? (
        <CaseCard id={BigInt(id)} title="What happened, step by step" />
      ) : (
        <Empty>A case is named by its number, from one on.</Empty>
      )}
    </Page>
  );
}

export function CaseCard({ id, title }: { id: bigint; title: string }) {
  const asked = useCase(id);
  const assets = useAssets();
  return (
    <Answer of={asked} lines={5}>
      {(one) => {
        const asset = assets(one.assetId);
        const stage = stageWords(one.stage);
        const steps = caseSteps(one, {
          amount: (units) => told(asset, units),
          moment: (ms) => moment(Number(ms)),
        });
        return (
          <Card title={title} aside={<Badge tone={stage.tone}>{stage.words}</Badge>} command={command('income cases')}>
            <Facts
              rows={[
                [
                  'Machine',
                  <Link key="machine" to={`/machines/${one.machineId}`}>
                    {one.machineId.toString()}
                  </Link>,
                ],
                ['Its holder was', <Address key="holder" of={one.holder} />],
                ['Principal then', told(asset, one.principal)],
                ['Paid of it', told(asset, one.paid)],
                one.left > 0n ? ['Owed still', told(asset, one.left)] : null,
              ]}
            />
            <Steps label={`Steps of case ${id}`} of={steps} />
            {one.closedMs > 0n && one.stage !== 3 ? null : (
              <NextStep machineId={one.machineId} price={one.price} assetId={one.assetId} />
            )}
          </Card>
        );
      }}
    </Answer>
  );
}

/** Anybody takes the next step, and anybody bids. */
function NextStep({ machineId, price, assetId }: { machineId: bigint; price: bigint | null; assetId: number }) {
  const wallet = useWallet();
  const asset = useAssets()(assetId);
  const { has, first } = useSource(wallet?.address ?? null, asset);
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  if (wallet === null) return <p className="small faint">With a wallet anybody may take the next step, or bid.</p>;
  return (
    <div className="row">
      <Button onClick={() => setProposal(advanceCall(machineId))}>Take the next step</Button>
      {price === null ? null : (
        <Button
          look="primary"
          disabled={has < price}
          onClick={() => setProposal(bidCall(machineId, asset, price, first(addresses.income, price)))}
        >
          Buy its title for {told(asset, price)}
        </Button>
      )}
      {proposal === null ? null : (
        <SignCall from={wallet.address} proposal={proposal} onClose={() => setProposal(null)} />
      )}
    </div>
  );
}
