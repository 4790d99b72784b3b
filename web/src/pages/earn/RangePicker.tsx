/** A range of prices drawn over what the price did, with two handles: by mouse, finger or keyboard. */
import { useId, useRef } from 'react';

const WIDTH = 480;
const HEIGHT = 130;

export function RangePicker({
  now,
  from,
  to,
  past,
  words,
  onPick,
}: {
  now: number;
  from: number;
  to: number;
  past: readonly { timeS: number; price: number }[];
  words: (price: number) => string;
  onPick: (next: { from: number; to: number }) => void;
}) {
  const box = useRef<SVGSVGElement>(null);
  const held = useRef<'from' | 'to' | null>(null);
  // The frame stays while a handle is dragged: it follows only the price, and ends that were typed beyond it.
  const frame = useRef({ low: now * 0.8, high: now * 1.2 });
  const id = useId();
  const isDrawn = [from, to].every((price) => Number.isFinite(price) && price > 0) && from < to;
  // eslint-disable-next-line react-hooks/refs
  const { low, high } = held.current ? frame.current : frameOf(now, from, to);
  // eslint-disable-next-line react-hooks/refs
  frame.current = { low, high };
  const y = (price: number) => HEIGHT - ((price - low) / (high - low)) * HEIGHT;
  const clamp = (at: number) => Math.min(HEIGHT, Math.max(0, at));
  const firstS = past[0]?.timeS ?? 0;
  const lastS = past.at(-1)?.timeS ?? 1;
  const line = past
    .map(({ timeS, price }) => `${((timeS - firstS) / Math.max(1, lastS - firstS)) * WIDTH},${clamp(y(price))}`)
    .join(' ');
  const drag = (clientY: number) => {
    const at = box.current?.getBoundingClientRect();
    if (!at || held.current === null) return;
    const share = 1 - Math.min(1, Math.max(0, (clientY - at.top) / at.height));
    const price = low + share * (high - low);
    if (price <= 0) return;
    if (held.current === 'from' && price < to) onPick({ from: price, to });
    if (held.current === 'to' && price > from) onPick({ from, to: price });
  };
  const step = (end: 'from' | 'to', by: number) => {
    const next = { from, to, [end]: (end === 'from' ? from : to) * (1 + by) };
    if (next.from > 0 && next.from < next.to) onPick(next);
  };
  const handle = (end: 'from' | 'to', price: number) => (
    <line
      className="handle"
      role="slider"
      tabIndex={0}
      aria-label={end === 'from' ? 'Lower price' : 'Upper price'}
      aria-orientation="vertical"
      aria-valuenow={price}
      aria-valuetext={words(price)}
      x1="0"
      x2={WIDTH}
      y1={clamp(y(price))}
      y2={clamp(y(price))}
      onPointerDown={(event) => {
        held.current = end;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => drag(event.clientY)}
      onPointerUp={() => {
        held.current = null;
      }}
      onKeyDown={(event) => {
        const by = { ArrowUp: 0.005, ArrowDown: -0.005, PageUp: 0.05, PageDown: -0.05 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        step(end, by);
      }}
    />
  );
  return (
    <svg
      ref={box}
      className="range-picker"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="group"
      aria-labelledby={id}
    >
      <title id={id}>The range, over what the price did</title>
      {isDrawn ? (
        <rect className="band" x="0" width={WIDTH} y={clamp(y(to))} height={clamp(y(from)) - clamp(y(to))} />
      ) : null}
      {past.length > 1 ? <polyline className="past" points={line} /> : null}
      <line className="now" x1="0" x2={WIDTH} y1={clamp(y(now))} y2={clamp(y(now))} />
      {isDrawn ? handle('from', from) : null}
      {isDrawn ? handle('to', to) : null}
    </svg>
  );
}

function frameOf(now: number, from: number, to: number): { low: number; high: number } {
  const ends = [from, to].filter((price) => Number.isFinite(price) && price > 0);
  const apart = Math.max(...ends.map((price) => Math.abs(price - now)), now * 0.004);
  const wide = Math.min(apart * 1.6, now * 50);
  return { low: Math.max(0, now - wide), high: now + wide };
}
