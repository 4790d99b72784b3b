import type { PriceState } from '../../node/shapes.ts';
import { ago } from '../../units/time.ts';
import { Badge } from '../../ui/index.ts';

/** How old a price is, and why it may not be used if it may not. */
export function Freshness({ price, nowMs }: { price: PriceState | null; nowMs: number }) {
  if (!price) return <Badge>no feed</Badge>;
  if (!price.usable) {
    return (
      <Badge tone="warn" title={price.why ?? undefined}>
        not usable
      </Badge>
    );
  }
  return <span className="faint">{price.timeMs === 0 ? 'never' : ago(nowMs, price.timeMs)}</span>;
}
