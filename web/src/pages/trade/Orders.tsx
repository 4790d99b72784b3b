import { encodeFunctionData } from 'viem';
import { useSend } from '../../act/send.ts';
import { addresses } from '../../generated/addresses.ts';
import { triggersAbi } from '../../generated/triggers.ts';
import { command, indexed } from '../../node/commands.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { Market } from '../../node/shapes.ts';
import { shownAmount } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Answer, Button, CopyCommand, Empty } from '../../ui/index.ts';
import { useMine } from '../../wallet/chosen.tsx';
import { limitWords, whenWords } from './order.ts';
import { useOrders } from './queries.ts';
import type { Order } from './shapes.ts';
import { NewOrder } from './NewOrder.tsx';

/** Stop-loss and its like: the block executes them, nobody has to watch. */
export function Orders({ markets, onWatch }: { markets: readonly Market[]; onWatch: (assetId: number) => void }) {
  const account = useMine();
  const orders = useOrders(account);
  return (
    <div className="stack">
      <p className="quiet small">
        An order stands on your account. The block looks at it whenever its price comes, sells through the pools, and
        pays your debt if you say so. No bot is needed, and what it prepaid for the block&apos;s work and did not need
        comes back.
      </p>
      <NewOrder markets={markets} account={account} onWatch={onWatch} />
      <h3>Orders that stand</h3>
      {account === null ? (
        <Empty>Connect a wallet to see its orders.</Empty>
      ) : (
        <Answer of={orders}>
          {(page) =>
            page.items.length === 0 ? (
              <Empty>There are none.</Empty>
            ) : (
              <ul className="stack">
                {page.items.map((order) => (
                  <Standing key={order.id} order={order} account={account} />
                ))}
              </ul>
            )
          }
        </Answer>
      )}
    </div>
  );
}

function Standing({ order, account }: { order: Order; account: AccountName }) {
  const { send, isPending, error } = useSend();
  const cancel = () => {
    const data = encodeFunctionData({ abi: triggersAbi, functionName: 'cancel', args: [BigInt(order.id)] });
    send({ call: { to: addresses.triggers, data, valueWei: 0n }, words: `cancel order ${order.id}` });
  };
  const left = order.left === null ? `all ${order.sell.symbol}` : `${shownAmount(order.left)} ${order.sell.symbol}`;
  return (
    <li className="order">
      <div className="row spread">
        <strong>
          Sell {left} for {order.buy.symbol} when {whenWords(order)}
        </strong>
        <Button slim look="danger" disabled={isPending} onClick={cancel} aria-label={`Cancel order ${order.id}`}>
          Cancel
        </Button>
      </div>
      <p className="faint small">
        #{order.id} · {limitWords(order)}
        {order.repay ? ` · pays debt in ${order.buy.symbol}` : ''} · until {moment(order.expiresMs)} ·{' '}
        {shownAmount(order.prepaid)} ETH prepaid
        {order.failures > 0 ? ` · failed ${order.failures} times` : ''}{' '}
        <CopyCommand command={command(indexed(account.index, `trigger list ${account.owner}`))} />
      </p>
      {error ? <p className="bad small">{error.said.words}</p> : null}
    </li>
  );
}
