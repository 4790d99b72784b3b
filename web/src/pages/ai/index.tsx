/** AI: one's own gateway with its keys, use and receipts, and what one has on the network of machines. */
import { useSearchParams } from 'react-router';
import { Page, Tabs } from '../../ui/index.ts';
import { Gateway } from './Gateway.tsx';
import { Network } from './Network.tsx';
import './ai.css';

const TABS = [
  { id: 'gateway', text: 'My gateway' },
  { id: 'network', text: 'The network' },
] as const;
type Tab = (typeof TABS)[number]['id'];

export default function Ai() {
  const [params, setParams] = useSearchParams();
  const chosen: Tab = params.get('tab') === 'network' ? 'network' : 'gateway';
  return (
    <Page
      title="AI"
      lead="Models at an address of your own, for every client of OpenAI’s API: keys with budgets that hold, and a receipt for each answer."
    >
      <Tabs
        label="Whose machines"
        tabs={TABS}
        chosen={chosen}
        onChoose={(tab) => setParams(tab === 'gateway' ? {} : { tab }, { replace: true })}
      >
        {chosen === 'gateway' ? <Gateway /> : <Network />}
      </Tabs>
    </Page>
  );
}
