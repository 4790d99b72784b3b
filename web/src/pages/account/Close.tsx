/** Every debt paid in one batch: from its own asset first, then by selling one other. */
import { useState } from 'react';
import { sayError } from '../../act/errors.ts';
import { closeAll } from '../../act/batch.ts';
import { closeBySwap, missingToClose } from '../../act/plan.ts';
import { askWay } from '../../act/quote.ts';
import { accountCommand, named } from '../../node/commands.ts';
import { useNode } from '../../node/node.tsx';
import { shownAmount } from '../../units/quantity.ts';
import { Button, Empty, Notice, Select } from '../../ui/index.ts';
import type { FormProps } from './Actions.tsx';
import { SLIPPAGE_BPS } from './Lever.tsx';
import { thereOf } from './there.ts';

export function Close({ of, state, assets, propose }: FormProps) {
  const { rpc } = useNode();
  const owed = state.holdings.filter((row) => row.owed.amount > 0n);
  const held = state.holdings
    .filter((row) => row.supplied.amount + row.units.amount > 0n)
    .sort((a, b) => ((a.heldValue?.amount ?? 0n) < (b.heldValue?.amount ?? 0n) ? 1 : -1));
  const [sellId, setSellId] = useState(held[0]?.assetId ?? -1);
  const [asking, setAsking] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  if (owed.length === 0)
    return <Empty>Nothing is owed, so there is nothing to close. Withdraw takes out what the account holds.</Empty>;

  const open = async () => {
    setAsking(true);
    setSaid(null);
    try {
      const sell = assets.find((market) => market.assetId === sellId);
      const debts = [];
      const notes: string[] = [];
      for (const row of owed) {
        const market = assets.find((item) => item.assetId === row.assetId);
        const there = market
          ? thereOf(market, state, 0n)
          : {
              assetId: row.assetId,
              isCoin: false,
              wallet: 0n,
              units: row.units.amount,
              supplied: row.supplied.amount,
              owed: row.owed.amount,
            };
        const missing = missingToClose(there);
        if (missing === 0n || row.assetId === sellId) {
          debts.push({ there, way: null });
          continue;
        }
        const asked = {
          from: sellId,
          to: row.assetId,
          amount: missing,
          exactOut: true,
          slippageBps: SLIPPAGE_BPS,
          receiver: of.owner,
        };
        const { quote, way } = await askWay(rpc, asked);
        debts.push({ there, way });
        notes.push(
          `Sells about ${shownAmount(quote.paid)} ${sell?.symbol ?? ''} for ${shownAmount(quote.received)} ${row.symbol}, by ${quote.route.replaceAll('->', '→')}.`,
        );
      }
      const long = sell ? thereOf(sell, state, 0n) : null;
      const isSwapped = debts.some((debt) => debt.way);
      const actions = long && isSwapped ? closeBySwap(long, debts) : [closeAll()];
      propose({
        title: 'Close every debt',
        actions,
        notes: isSwapped ? [...notes, 'What the swap does not need stays on the account.'] : notes,
        command: accountCommand(of.index, isSwapped && sell ? `close --swap ${named(sell.symbol, sellId)}` : 'close'),
      });
    } catch (error) {
      setSaid((await sayError(error, rpc)).words);
    } finally {
      setAsking(false);
    }
  };
  return (
    <div className="stack">
      <p className="small quiet">
        Pays {owed.map((row) => `${shownAmount(row.owed)} ${row.symbol}`).join(', ')}: from the same asset first, then
        by selling what you choose.
      </p>
      {held.length > 0 ? (
        <Select
          label="Sell, where a debt’s own asset is missing"
          value={sellId}
          options={held.map((row) => ({ value: row.assetId, text: row.symbol }))}
          onChange={setSellId}
        />
      ) : null}
      {said === null ? null : (
        <Notice tone="bad" title="No way was found">
          {said}
        </Notice>
      )}
      <Button look="primary" wide disabled={asking} onClick={() => void open()}>
        {asking ? 'Looking for a way…' : 'See what closing would do…'}
      </Button>
    </div>
  );
}
