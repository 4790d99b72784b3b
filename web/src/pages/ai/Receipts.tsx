/** What was used, and a receipt for each answer: which model, on which machine, what it cost, and how to check it. */
import { useMemo } from 'react';
import { drawn, drawnUsd } from '../../units/drawn.ts';
import { shownCount, shownUsdFine, usd } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import {
  Address,
  Badge,
  Button,
  Card,
  Chart,
  copyCommand,
  Empty,
  Stat,
  Stats,
  Table,
  useParts,
} from '../../ui/index.ts';
import type { GatewayReceipt, Overview } from './shapes.ts';
import { costOf, outcomeWords, usedOver } from './words.ts';

const SHOWN = 10;

export function Usage({ all }: { all: Overview }) {
  const used = useMemo(() => usedOver(all.receipts), [all.receipts]);
  const sum = all.keys.reduce((total, key) => total + key.spent.amount, 0n);
  const today = all.keys.reduce((total, key) => total + key.spent_today.amount, 0n);
  const requests = all.keys.reduce((total, key) => total + key.requests, 0);
  const tokens = all.keys.reduce((total, key) => total + key.input_tokens + key.output_tokens, 0);
  const spent = useMemo(() => used.spent.map((amount) => drawn(usd(amount))), [used]);
  return (
    <Card title="Use" command="capstan key list">
      <Stats>
        <Stat name="Spent by all keys" large>
          {shownUsdFine(usd(sum))}
        </Stat>
        <Stat name="Today">{shownUsdFine(usd(today))}</Stat>
        <Stat name="Requests">{shownCount(requests)}</Stat>
        <Stat name="Tokens" note="read and written">
          {shownCount(tokens)}
        </Stat>
        <Stat name="Now" note={all.waiting === 0 ? 'nobody waits' : `${all.waiting} wait`}>
          {all.at_work} at work
        </Stat>
      </Stats>
      {used.atS.length < 2 ? (
        <p className="small faint">With a few answers there is a curve here.</p>
      ) : (
        <>
          <h3>What the newest {used.atS.length} answers came to</h3>
          <Chart
            label={`The newest ${used.atS.length} answers came to ${shownUsdFine(usd(used.spent.at(-1) ?? 0n))}`}
            x={used.atS}
            time
            series={[{ name: 'Spent', values: spent, colour: '--accent', filled: true }]}
            yWords={drawnUsd}
            height={180}
          />
        </>
      )}
    </Card>
  );
}

export function Receipts({ receipts }: { receipts: readonly GatewayReceipt[] }) {
  const { part, pages } = useParts(receipts, SHOWN, 'More receipts');
  return (
    <Card title="Receipts" flush>
      {receipts.length === 0 ? (
        <Empty>No answer was given yet. Each has a receipt: which model and machine, what it cost, signed.</Empty>
      ) : (
        <Table
          caption="Receipts, the newest first"
          narrow="stack"
          head={
            <>
              <th scope="col">When</th>
              <th scope="col" className="start grow">
                Model
              </th>
              <th scope="col">Tokens in, out</th>
              <th scope="col">Took</th>
              <th scope="col">Cost</th>
              <th scope="col" className="start">
                How it ended
              </th>
              <th scope="col" className="start">
                Machine, receipt
              </th>
              <th scope="col">
                <span className="unseen">Check</span>
              </th>
            </>
          }
        >
          {part.map((one) => {
            const { id, receipt, notes } = one;
            const outcome = outcomeWords(receipt.outcome);
            return (
              <tr key={id}>
                <th scope="row">{moment(receipt.startedMs)}</th>
                <td data-name="Model" className="start grow">
                  <span className="breaks">{notes.model ?? 'not said'}</span>
                  <span className="note">{notes.quantisation ?? 'number format not said'}</span>
                </td>
                <td data-name="Tokens in, out">
                  {shownCount(receipt.inputUnits)}, {shownCount(receipt.outputUnits)}
                  {notes.usage === null || notes.usage === 'upstream' ? null : (
                    <span className="note">{notes.usage}</span>
                  )}
                </td>
                <td data-name="Took">{shownCount(receipt.tookMs)} ms</td>
                <td data-name="Cost">{shownUsdFine(costOf(one))}</td>
                <td data-name="How it ended" className="start">
                  <Badge tone={outcome.tone} title={notes.failure ?? undefined}>
                    {outcome.words}
                  </Badge>
                </td>
                <td data-name="Machine, receipt" className="start">
                  <Address of={receipt.machine} /> <Address of={id} />
                </td>
                <td>
                  <Button
                    slim
                    aria-label={`Verify receipt ${id.slice(0, 10)}: copies the command`}
                    onClick={() => copyCommand(`capstan receipt verify ${id}`)}
                  >
                    Verify
                  </Button>
                </td>
              </tr>
            );
          })}
        </Table>
      )}
      {pages === null ? null : <div className="pad-foot">{pages}</div>}
    </Card>
  );
}
