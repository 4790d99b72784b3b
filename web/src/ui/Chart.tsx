import { useEffect, useRef, useState } from 'react';
import type UPlot from 'uplot';
import { clock } from '../units/time.ts';

export interface Series {
  readonly name: string;
  /** Points for pixels; nothing is computed from them. */
  readonly values: readonly (number | null)[];
  /** A custom property, as `--accent`. */
  readonly colour: string;
  readonly dashed?: boolean;
  readonly filled?: boolean;
}

/**
 * Lines over one axis. `uPlot` is loaded with the first chart. The table of the same numbers is the page's: a chart says in
 * `label` what it shows.
 */
export function Chart({
  label,
  x,
  series,
  xWords,
  yWords,
  time = false,
  mark,
  height = 220,
}: {
  label: string;
  x: readonly number[];
  series: readonly Series[];
  xWords?: (value: number) => string;
  /** A number of the axis in words; `step`: how far it is from the next one. */
  yWords: (value: number, step: number) => string;
  time?: boolean;
  /** Where on the axis a line stands: the present. */
  mark?: number | undefined;
  height?: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const [library, setLibrary] = useState<typeof UPlot | null>(null);
  const shape = series.map((line) => line.name).join('|');
  const words = useRef({ xWords, yWords, mark });
  useEffect(() => {
    words.current = { xWords, yWords, mark };
  });

  useEffect(() => {
    let left = false;
    void import('./uplot.ts').then((module) => {
      if (!left) setLibrary(() => module.default);
    });
    return () => {
      left = true;
    };
  }, []);

  useEffect(() => {
    const at = box.current;
    if (!library || !at) return;
    const colour = (name: string) => getComputedStyle(resolve(at, name)).color;
    const axis: UPlot.Axis = {
      stroke: () => colour('--ink-faint'),
      font: '12px system-ui, sans-serif',
      grid: { stroke: () => colour('--line'), width: 1 },
      ticks: { show: false },
    };
    const made = new library(
      {
        width: at.clientWidth,
        height,
        // The last time stands half behind the last point.
        ...(time ? { padding: [null, 32, null, null] } : {}),
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        scales: { x: { time }, y: { range: (_, low, high) => around(low, high) } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            // A time of day is wider than a number.
            space: time ? 96 : 50,
            values: (_, all) =>
              time ? times(all) : all.map((value) => words.current.xWords?.(value) ?? String(value)),
          },
          {
            ...axis,
            size: (_, words) => widest(words),
            values: (_, all, __, ___, step) => all.map((value) => words.current.yWords(value, step)),
          },
        ],
        series: [
          {},
          ...series.map((line): UPlot.Series => ({
            label: line.name,
            stroke: () => colour(line.colour),
            width: 1.75,
            ...(line.dashed ? { dash: [4, 4] } : {}),
            ...(line.filled ? { fill: () => transparent(colour(line.colour)) } : {}),
            points: { show: false },
          })),
        ],
        hooks: {
          draw: [
            (drawing) => {
              const { mark: present } = words.current;
              if (present === undefined) return;
              const left = drawing.valToPos(present, 'x', true);
              const { ctx } = drawing;
              ctx.save();
              ctx.strokeStyle = colour('--ink-soft');
              ctx.setLineDash([3, 3]);
              ctx.beginPath();
              ctx.moveTo(left, drawing.bbox.top);
              ctx.lineTo(left, drawing.bbox.top + drawing.bbox.height);
              ctx.stroke();
              ctx.restore();
            },
          ],
        },
      },
      [[], ...series.map(() => [])],
      at,
    );
    plot.current = made;
    const watcher = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height }));
    watcher.observe(at);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw(false);
    dark.addEventListener('change', redraw);
    const themed = new MutationObserver(redraw);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      watcher.disconnect();
      themed.disconnect();
      dark.removeEventListener('change', redraw);
      plot.current = null;
      made.destroy();
    };
    // The shape decides what is made; the points follow below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [library, shape, height, time]);

  useEffect(() => {
    plot.current?.setData([x as number[], ...series.map((line) => line.values as number[])]);
  }, [library, shape, x, series]);

  return <div ref={box} className="chart" role="img" aria-label={label} style={{ minHeight: height }} />;
}

const DIGIT_PX = 7;
const AXIS_PX_MIN = 64;

/** Room for the longest words of an axis. */
function widest(words: readonly string[] | null): number {
  return Math.max(AXIS_PX_MIN, ...(words ?? []).map((one) => (one.length + 2) * DIGIT_PX));
}

/** Seconds are said only where they tell one time from another. */
function times(seconds: readonly number[]): string[] {
  const hasSeconds = seconds.some((value) => value % 60 !== 0);
  return seconds.map((value) => clock(value * 1_000).slice(0, hasSeconds ? 8 : 5));
}

/** A little air above and below; what stands still is drawn in the middle, not on a scale from nothing to twice of it. */
function around(low: number, high: number): [number, number] {
  if (low === high) return low === 0 ? [0, 1] : [low * 0.99, low * 1.01];
  const air = (high - low) * 0.08;
  // A rate or an amount that comes near to nothing shows its zero.
  return [low >= 0 && low < high / 3 ? 0 : low - air, high + air];
}

/** An element whose colour is the property's: canvases know no custom properties. */
function resolve(at: HTMLElement, property: string): HTMLElement {
  const known = at.querySelector<HTMLElement>(`:scope > [data-colour="${property}"]`);
  if (known) return known;
  const probe = document.createElement('span');
  probe.dataset.colour = property;
  probe.hidden = true;
  probe.style.color = `var(${property})`;
  at.append(probe);
  return probe;
}

function transparent(colour: string): string {
  return `color-mix(in oklch, ${colour} 12%, transparent)`;
}
