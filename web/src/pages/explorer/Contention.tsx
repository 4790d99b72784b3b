/** What a stretch of blocks waited for: hot fields and words by name, how parallel each block was, and what more cores would gain. */
import { Link, useSearchParams } from 'react-router';
import { command } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { shownCount, shownTimes } from '../../units/quantity.ts';
import { Answer, Button, Card, Empty, Num, Page, Pages, Stat, Stats, Table, useParts } from '../../ui/index.ts';
import { CountCells, CountHeads, HotPlaces } from './Hot.tsx';
import { BlockLink } from './parts.tsx';
import { ProjectionTable } from './Projection.tsx';
import { isUnknownMethod, useContention } from './queries.ts';
import { placeWords, runsMilli } from './schedule.ts';
import { SearchField } from './Search.tsx';
import type { Contention } from './shapes.ts';

/** Blocks that are looked at together; the node runs each of them again. */
const SPAN = 120;
const SHOWN = 20;
const HEIGHT = /^[0-9]{1,15}$/;

export function ContentionPage() {
  const [params, setParams] = useSearchParams();
  const newest = useHeads()[0]?.number ?? null;
  const asked = params.get('to');
  const to = asked !== null && HEIGHT.test(asked) ? Number(asked) : null;
  // Without a height, the newest that there was when the page was opened: its address then says so.
  if (to === null) {
    return (
      <Frame>
        <Card title="Which blocks">
          {newest === null ? (
            <Empty>The newest block is not known yet.</Empty>
          ) : (
            <Empty
              action={
                <Button look="primary" onClick={() => setParams({ to: String(newest) }, { replace: true })}>
                  Look at the newest {Math.min(SPAN, newest)}
                </Button>
              }
            >
              The node runs each block once more from its list, and says who waited for whom.
            </Empty>
          )}
        </Card>
      </Frame>
    );
  }
  return (
    <Frame>
      <Known
        to={to}
        newest={newest}
        onTo={(next) => setParams({ to: String(next) }, { replace: true, preventScrollReset: true })}
      />
    </Frame>
  );
}

function Frame({ children }: { children: React.ReactNode }) {
  return (
    <Page
      title="What blocks waited for"
      lead="Transactions that want the same word wait for each other, unless all of them only add to it."
      aside={<SearchField />}
    >
      {children}
    </Page>
  );
}

function Known({ to, newest, onTo }: { to: number; newest: number | null; onTo: (to: number) => void }) {
  const from = Math.max(1, to - SPAN + 1);
  const asked = useContention(from, Math.max(1, to));
  if (isUnknownMethod(asked.error)) {
    return (
      <Card title="This node tells no records">
        <Empty action={<Link to="/explorer">To the newest blocks</Link>}>
          It does not know <code>capstan_contention</code>; a newer Capstan node answers it.
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <Pages
        label="Other blocks"
        back={newest !== null && newest > to ? () => onTo(Math.min(newest, to + SPAN)) : null}
        on={from > 1 ? () => onTo(from - 1) : null}
      >
        Blocks {from} to {to}
      </Pages>
      <Answer of={asked} lines={8}>
        {(told) => <Told told={told} />}
      </Answer>
    </>
  );
}

function Told({ told }: { told: Contention }) {
  const copy = command(`blocks analyse --from ${told.from} --to ${told.to}`);
  const busy = told.blocks
    .filter((block) => block.transactionCount > 0)
    .sort((a, b) => (a.gasUsed < b.gasUsed ? 1 : -1));
  if (told.transactionCount === 0) {
    return (
      <Card title="Nothing waited" command={copy}>
        <Empty>These {told.blockCount} blocks are empty: nobody asked anything of them.</Empty>
      </Card>
    );
  }
  return (
    <>
      <Card title={`${told.blockCount} blocks, one after another`} command={copy}>
        <Stats>
          <Stat name="Parallelism" large note="all gas over that of the longest chains of waiting">
            <Num copy={copy}>{shownTimes(told.parallelismMilli)}</Num>
          </Stat>
          <Stat name="Transactions" note={`in ${busy.length} of ${told.blockCount} blocks`}>
            <Num copy={copy}>{shownCount(told.transactionCount)}</Num>
          </Stat>
          <Stat name="Gas" note={`${shownCount(told.criticalGas)} of it on critical paths`}>
            <Num copy={copy}>{shownCount(told.gasUsed)}</Num>
          </Stat>
          <Stat
            name="Runs per transaction"
            note={
              told.runs === null
                ? 'this node built none of them'
                : `measured in ${told.runs.blockCount} blocks, ${told.runs.inVainCount} runs in vain`
            }
          >
            {told.runs === null ? 'not known' : <Num copy={copy}>{shownTimes(runsMilli(told.runs))}</Num>}
          </Stat>
        </Stats>
        <details className="more">
          <summary>What more cores would gain: a projection from gas, not a measurement</summary>
          <ProjectionTable of={told.projected} />
        </details>
        {told.next === null ? null : (
          <p className="small warn">The answer was full: blocks from {told.next} on are not in it.</p>
        )}
      </Card>
      {told.fields.length === 0 ? null : <Fields told={told} copy={copy} />}
      {told.hot.length === 0 ? (
        <Card title="No place was waited for" command={copy}>
          <Empty>Whatever these blocks did, nobody waited for anybody at the same word.</Empty>
        </Card>
      ) : (
        <Card title="Hot words and accounts" command={copy} flush>
          <HotPlaces
            of={told.hot.map((one) => ({ ...one, key: `${one.address}-${one.slot ?? 'account'}`, place: one }))}
            copy={copy}
            caption="Hot words and accounts of these blocks"
          />
        </Card>
      )}
      <Busy blocks={busy} copy={copy} />
    </>
  );
}

function Fields({ told, copy }: { told: Contention; copy: string }) {
  const most = told.fields.reduce((high, one) => Math.max(high, one.waitCount), 0);
  return (
    <Card title="Hot fields of contracts" command={copy} flush>
      <Table
        caption="Hot fields of contracts"
        head={
          <>
            <th scope="col">Of</th>
            <th scope="col" className="start grow">
              Field
            </th>
            <CountHeads />
            <th scope="col">Words</th>
          </>
        }
      >
        {told.fields.map((one) => (
          <tr key={`${one.contract}.${one.field}`}>
            <th scope="row">
              <Link to={`/explorer/contract/${one.contract}`}>{one.contract}</Link>
            </th>
            <td className="start mono">{one.field}</td>
            <CountCells of={one} most={most} copy={copy} />
            <td>{one.wordCount}</td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}

function Busy({ blocks, copy }: { blocks: Contention['blocks']; copy: string }) {
  const { part, pages } = useParts(blocks, SHOWN, 'More of these blocks');
  return (
    <Card title="Blocks by gas" command={copy} flush>
      <Table
        caption="These blocks, the busiest first"
        head={
          <>
            <th scope="col">Block</th>
            <th scope="col">Transactions</th>
            <th scope="col">Gas</th>
            <th scope="col">Parallelism</th>
            <th scope="col" className="start grow">
              Hottest
            </th>
          </>
        }
      >
        {part.map((block) => (
          <tr key={block.hash}>
            <th scope="row">
              <BlockLink of={block.blockNumber} />
            </th>
            <td>{block.transactionCount}</td>
            <td>{shownCount(block.gasUsed)}</td>
            <td>{shownTimes(block.parallelismMilli)}</td>
            <td className="start grow breaks">
              {block.hottest === null ? (
                <span className="faint">none</span>
              ) : (
                `${block.hottest.contract ?? 'an account'}: ${placeWords(block.hottest)}`
              )}
            </td>
          </tr>
        ))}
      </Table>
      {pages === null ? null : <div className="pad-foot">{pages}</div>}
    </Card>
  );
}
