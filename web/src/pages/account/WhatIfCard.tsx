/** A price on a slider: what the account contract would say if it stood there, and what the block would sell. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { whatIf, type WhatIf } from '../../act/whatIf.ts';
import { soldAtMost } from '../../act/sale.ts';
import { castCommand } from '../../node/commands.ts';
import { LIVE, useNode } from '../../node/node.tsx';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState, Holding, Market } from '../../node/shapes.ts';
import { addresses } from '../../generated/addresses.ts';
import { shownBps, shownHealth, shownPrice, shownUsd, usd } from '../../units/quantity.ts';
import { Badge, Button, Card, Notice, Num, Select, Stat, Stats } from '../../ui/index.ts';
import { useTerms } from '../../act/terms.ts';

const FALL_MAX = -80;
const RISE_MAX = 100;

export function WhatIfCard({
  of,
  state,
  markets,
}: {
  of: AccountName;
  state: AccountState;
  markets: readonly Market[];
}) {
  const { rpc } = useNode();
  const priced = state.holdings.flatMap((row) => {
    const spot = markets.find((market) => market.assetId === row.assetId)?.price?.spot;
    return spot && spot.amount > 0n ? [{ row, spot }] : [];
  });
  const largest = [...priced].sort((a, b) =>
    (a.row.heldValue?.amount ?? 0n) < (b.row.heldValue?.amount ?? 0n) ? 1 : -1,
  )[0];
  const [assetId, setAssetId] = useState(largest?.row.assetId ?? -1);
  const [percent, setPercent] = useState(0);
  const chosen = priced.find(({ row }) => row.assetId === assetId) ?? largest;
  const price = chosen ? usd((chosen.spot.amount * BigInt(100 + percent)) / 100n) : usd(0n);
  const id = chosen?.row.assetId ?? -1;
  const answer = useQuery({
    // The price of a slider that rests at zero is the market's own.
    queryKey: ['whatIf', of, id, percent],
    queryFn: () => whatIf(rpc, of, percent === 0 ? new Map() : new Map([[id, price.amount]])),
    placeholderData: keepPreviousData,
    enabled: chosen !== undefined,
    meta: LIVE,
  });
  if (!chosen) return null;
  return (
    <Card title="If a price moved" aside={<span className="small faint">asked of the contract, at that price</span>}>
      <div className="row ends">
        <Select
          label="Price of"
          value={id}
          options={priced.map(({ row }) => ({ value: row.assetId, text: row.symbol }))}
          onChange={setAssetId}
        />
        <div className="field" style={{ flex: 1, minWidth: '12rem' }}>
          <label htmlFor="what-if">
            <span>
              {percent > 0 ? '+' : ''}
              {percent} %
            </span>
            <strong>{shownPrice(price)}</strong>
          </label>
          <input
            id="what-if"
            type="range"
            min={FALL_MAX}
            max={RISE_MAX}
            value={percent}
            onChange={(event) => setPercent(Number(event.target.value))}
          />
        </div>
        <Button slim disabled={percent === 0} onClick={() => setPercent(0)}>
          Back
        </Button>
      </div>
      {answer.data ? <Then then={answer.data} of={of} row={chosen.row} /> : null}
      {answer.error ? (
        <Notice tone="warn" title="This cannot be told now">
          {answer.error.message}
        </Notice>
      ) : null}
    </Card>
  );
}

function Then({ then, of, row }: { then: WhatIf; of: AccountName; row: Holding }) {
  const terms = useTerms(row.assetId);
  const isLiquidated = then.health !== null && then.health.amount < 10n ** 18n;
  const copy = castCommand(
    `call ${addresses.account} "healthOf((address,uint8))(uint256)" "(${of.owner},${of.index})"`,
  );
  const sold =
    isLiquidated && row.maintenanceBps !== null && terms.data !== undefined
      ? soldAtMost(then.debt, then.health, row.maintenanceBps, terms.data.discountMaxBps)
      : null;
  return (
    <>
      <Stats>
        <Stat name="Health" large>
          <Num copy={copy} className={isLiquidated ? 'bad' : ''}>
            {shownHealth(then.health)}
          </Num>
        </Stat>
        <Stat name="Collateral">{shownUsd(then.collateral)}</Stat>
        <Stat name="Debt">{shownUsd(then.debt)}</Stat>
        <Stat name="Room to fall from there">{then.health === null ? 'all' : shownBps(then.roomToFallBps)}</Stat>
        <Stat name="The block">
          {isLiquidated ? <Badge tone="bad">liquidates</Badge> : <Badge tone="good">leaves it alone</Badge>}
        </Stat>
      </Stats>
      {isLiquidated ? (
        <Notice tone="bad" title="At this price the block sells">
          {sold && row.heldValue && row.heldValue.amount > 0n
            ? `At most about ${shownUsd(sold)} of ${row.symbol}, just enough to bring health to 1.05. `
            : ''}
          What no buyer needs of the discount is shared between you and the reserve.
        </Notice>
      ) : null}
    </>
  );
}
