/** How a machine comes: its own key signs, so it begins at the machine; the page writes the command. */
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { addresses } from '../../generated/addresses.ts';
import { machinesAbi } from '../../generated/machines.ts';
import { publicClient } from '../../node/client.ts';
import { command } from '../../node/commands.ts';
import { LIVE, useNode } from '../../node/node.tsx';
import { parseDecimal, problemInWords } from '../../units/decimal.ts';
import { shownBps, told } from '../../units/quantity.ts';
import { lasting } from '../../units/time.ts';
import { AmountField, Answer, Card, CopyCommand, Empty, Facts, Select, Steps, TextField } from '../../ui/index.ts';
import { useAssets } from './asset.ts';
import { needsFile, startCommand, type Buyers, type Source } from './start.ts';

const SOURCES: readonly { value: Source; text: string }[] = [
  { value: 'upstream', text: 'A model server that I run' },
  { value: 'model', text: 'The bundled engine, with a small model' },
];

const BUYERS: readonly { value: Buyers; text: string }[] = [
  { value: 'network', text: 'Anybody on this chain' },
  { value: 'keys', text: 'Holders of keys that I give, without a bond' },
];

function useParams() {
  const { link } = useNode();
  return useQuery({
    queryKey: ['machineParams'],
    queryFn: async () => {
      const at = { address: addresses.machines, abi: machinesAbi } as const;
      const [now] = await publicClient(link).readContract({ ...at, functionName: 'params' });
      return now;
    },
    meta: LIVE,
  });
}

export function Register() {
  const params = useParams();
  const assets = useAssets();
  return (
    <Answer of={params}>
      {(now) =>
        now.bondMin === 0n ? (
          <Card title="Not open yet">
            <Empty>
              The owner of this chain has not said which bond a machine needs, so none can come. Without a chain a
              gateway sells to holders of its own keys: see the AI page.
            </Empty>
          </Card>
        ) : (
          <>
            <Card title="What it takes">
              <Facts
                rows={[
                  ['Bond, at least', told(assets(now.assetId), now.bondMin)],
                  ['It comes back', `${lasting(Number(now.unbondMs))} after the machine left`],
                  ['A wrong answer costs', `${shownBps(now.slashBps)} of it`],
                  [
                    'A beat is due',
                    `every ${lasting(Number(now.intervalMs))}, ${lasting(Number(now.graceMs))} of grace`,
                  ],
                  ['On probation', now.probationMs === 0n ? 'not at all' : `for ${lasting(Number(now.probationMs))}`],
                ]}
              />
            </Card>
            <Command />
          </>
        )
      }
    </Answer>
  );
}

function Command() {
  const [source, setSource] = useState<Source>('upstream');
  const [buyers, setBuyers] = useState<Buyers>('network');
  const [server, setServer] = useState('http://127.0.0.1:8000/v1');
  const [floor, setFloor] = useState('0.06');
  const [wallet, setWallet] = useState('');
  const read = parseDecimal(floor.trim(), 18);
  const hasFile = needsFile({ source, buyers });
  const wrong =
    hasFile || read.ok ? null : floor.trim() === '' ? 'say what an hour must bring in' : problemInWords(read.problem);
  const words = command(startCommand({ source, server, buyers, floor: floor.trim(), wallet }));
  const scan = 'capstan provide scan --kwh 0.12 --watts 350';
  return (
    <Card title="At the machine" aside={wrong === null ? <CopyCommand command={words} /> : undefined}>
      <div className="choices roomy">
        <Select label="What it sells" value={source} options={SOURCES} onChange={setSource} />
        {source === 'upstream' ? <TextField label="Where the server is" value={server} onChange={setServer} /> : null}
        <Select label="Who may buy" value={buyers} options={BUYERS} onChange={setBuyers} />
        {hasFile ? null : (
          <AmountField
            label="An hour must bring in"
            prefix="$"
            suffix="an hour"
            value={floor}
            onChange={setFloor}
            wrong={wrong}
          />
        )}
        {buyers === 'network' ? (
          <TextField label="Wallet that pays the bond" placeholder="alice" value={wallet} onChange={setWallet} />
        ) : null}
      </div>
      {hasFile ? (
        <p className="small quiet">
          Classes of work know a model by the hash of its weights, which a server of another make does not say: write it
          into prices.toml as <code>program</code>, beside the prices. <code>capstan gateway --help</code> shows the
          form, <code>capstan jobs classes</code> what is asked for.
        </p>
      ) : null}
      <pre className="command" tabIndex={0} aria-label="The command">
        {words}
      </pre>
      <Steps
        label="What happens then"
        of={[
          {
            title: 'It measures',
            words: 'Tokens a second of the server; prices follow from the floor.',
            isDone: false,
          },
          {
            title: 'The machine’s key agrees',
            words:
              'It is made in the machine’s folder, readable by its owner alone, and signs for this holder, this chain and one hour.',
            isDone: false,
          },
          {
            title: 'Your wallet registers it',
            words:
              'One transaction, shown and asked for in the terminal: the bond, and coins for the machine’s own messages.',
            isDone: false,
          },
          {
            title: 'It sells',
            words:
              'Beats and challenges go by themselves. The machine is yours again in under a second: capstan provide pause.',
            isDone: false,
          },
        ]}
      />
      <p className="small quiet">
        First, what it can do and from which income on its power is paid: <code>{scan}</code>
      </p>
    </Card>
  );
}
