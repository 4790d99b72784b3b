import type { ReactNode } from 'react';

/** Names and numbers, one line each. */
export function Facts({ rows }: { rows: readonly (readonly [ReactNode, ReactNode] | null)[] }) {
  return (
    <dl className="facts">
      {rows.map((row, index) =>
        row === null ? null : (
          <div key={index}>
            <dt>{row[0]}</dt>
            <dd>{row[1]}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
