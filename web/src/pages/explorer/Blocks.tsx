import { Link, useSearchParams } from 'react-router';
import { castCommand } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import { decimalNear } from '../../units/decimal.ts';
import { drawnShare } from '../../units/drawn.ts';
import { shownCount } from '../../units/quantity.ts';
import { clock } from '../../units/time.ts';
import { Bar, Card, Num, Page, Pages, Skeleton, Table } from '../../ui/index.ts';
import { BlockLink } from './parts.tsx';
import { useBlocks } from './queries.ts';
import { SearchField } from './Search.tsx';
import type { BlockLine } from './shapes.ts';

const SHOWN = 15;
const GWEI_DECIMALS = 9;
const GWEI_PLACES = 4;
const HEIGHT = /^[0-9]{1,15}$/;

/** The newest blocks, or those from a height down. */
export function Blocks() {
  const [params, setParams] = useSearchParams();
  const newest = useHeads()[0]?.number ?? null;
  const asked = params.get('from');
  const fixed = asked !== null && HEIGHT.test(asked) ? Number(asked) : null;
  const from = fixed ?? newest;
  const { blocks, error } = useBlocks(from, SHOWN);
  const last = from === null ? 0 : Math.max(0, from - SHOWN + 1);
  return (
    <Page
      title="Explorer"
      lead="Each block, what it did by itself, and what people asked of it."
      aside={<SearchField />}
    >
      <Card
        title={fixed === null ? 'Newest blocks' : `Blocks from ${fixed} down`}
        command={castCommand('block latest')}
        aside={
          <>
            <Link to="/explorer/contention" className="button bare slim">
              What blocks waited for
            </Link>
            <Link to="/explorer/contracts" className="button bare slim">
              Native contracts
            </Link>
          </>
        }
        flush
      >
        {blocks.length === 0 ? (
          <div className="pad">{error ? <p className="bad">{error.message}</p> : <Skeleton lines={6} />}</div>
        ) : (
          <Table
            caption="Blocks"
            head={
              <>
                <th scope="col">Block</th>
                <th scope="col" className="start">
                  Time
                </th>
                <th scope="col">Transactions</th>
                <th scope="col">Gas</th>
                <th scope="col" className="start wide-only">
                  Full
                </th>
                <th scope="col">Base fee, gwei</th>
              </>
            }
          >
            {blocks.map((block) => (
              <Line key={block.hash} block={block} />
            ))}
          </Table>
        )}
        <div className="pad-foot">
          <Pages
            label="Other blocks"
            back={
              fixed === null || newest === null
                ? null
                : fixed >= newest
                  ? () => setParams({})
                  : () => setParams({ from: String(Math.min(newest, fixed + SHOWN)) })
            }
            on={last === 0 ? null : () => setParams({ from: String(last - 1) })}
          />
        </div>
      </Card>
    </Page>
  );
}

function Line({ block }: { block: BlockLine }) {
  const copy = castCommand(`block ${block.number}`);
  return (
    <tr>
      <th scope="row">
        <BlockLink of={block.number} />
      </th>
      <td className="start">{clock(block.timestamp * 1_000)}</td>
      <td>
        {block.transactions.length === 0 ? (
          <span className="faint">none</span>
        ) : (
          <Num quiet copy={copy}>
            {block.transactions.length}
          </Num>
        )}
      </td>
      <td>
        <Num quiet copy={copy}>
          {shownCount(block.gasUsed)}
        </Num>
      </td>
      <td className="start wide-only">
        <Bar share={drawnShare(block.gasUsed, block.gasLimit)} />
      </td>
      <td>
        {block.baseFeePerGas === null ? (
          <span className="faint">none</span>
        ) : (
          <Num quiet copy={copy}>
            {decimalNear(block.baseFeePerGas, GWEI_DECIMALS, GWEI_PLACES)}
          </Num>
        )}
      </td>
    </tr>
  );
}
