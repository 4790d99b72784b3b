import type { ReactNode } from 'react';
import type { Tone } from './layout.tsx';

/** Something that has to be said, beside what it is about. */
export function Notice({ tone = 'plain', title, children }: { tone?: Tone; title?: ReactNode; children?: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      {title === undefined ? null : <strong>{title}</strong>}
      {children === undefined ? null : <div>{children}</div>}
    </div>
  );
}

/** Nothing is here, and what to do about it. */
export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <p>{children}</p>
      {action}
    </div>
  );
}

/** Lines that are about to be filled. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div className="stack" aria-busy="true">
      <span className="unseen">Loading</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} className="skeleton" style={{ width: `${100 - ((line * 17) % 45)}%` }} />
      ))}
    </div>
  );
}

/** What a question is at: the shape of a TanStack query. */
export interface Asked<T> {
  readonly data: T | undefined;
  readonly error: Error | null;
  readonly refetch?: () => unknown;
}

/**
 * An answer, or why there is none. What was answered once stays while the node is gone or refuses: the shell says that it is
 * old, and nothing jumps.
 */
export function Answer<T>({
  of,
  lines = 3,
  children,
}: {
  of: Asked<T>;
  lines?: number;
  children: (answer: T) => ReactNode;
}) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) {
    return (
      <div className="pad">
        <Notice tone="bad" title="This cannot be shown now">
          {of.error.message}.{' '}
          <button type="button" className="button slim" onClick={() => void of.refetch?.()}>
            Ask again
          </button>
        </Notice>
      </div>
    );
  }
  return (
    <div className="pad">
      <Skeleton lines={lines} />
    </div>
  );
}
