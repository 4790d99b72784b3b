import { useState, type ReactNode } from 'react';
import { Button } from './forms.tsx';

/**
 * The way through a long list: one page back, one on, and words on where one is. A side that leads nowhere is null; with
 * neither, and without words, nothing is shown.
 */
export function Pages({
  label,
  back,
  on,
  backWords = 'Newer',
  onWords = 'Older',
  children,
}: {
  label: string;
  back: (() => void) | null;
  on: (() => void) | null;
  backWords?: string;
  onWords?: string;
  children?: ReactNode;
}) {
  if (back === null && on === null && children === undefined) return null;
  return (
    <nav className="row pages" aria-label={label}>
      {back === null && on === null ? null : (
        <>
          <Button slim disabled={back === null} onClick={() => back?.()}>
            ← {backWords}
          </Button>
          <Button slim disabled={on === null} onClick={() => on?.()}>
            {onWords} →
          </Button>
        </>
      )}
      {children === undefined ? null : <span className="small faint">{children}</span>}
    </nav>
  );
}

/** A list that is here whole, so many of it at a time. */
export function useParts<T>(all: readonly T[], size: number, label: string): { part: readonly T[]; pages: ReactNode } {
  const [asked, setAsked] = useState(0);
  const last = Math.max(0, Math.ceil(all.length / size) - 1);
  // What was there a moment ago may be shorter now.
  const at = Math.min(asked, last);
  const from = at * size;
  const pages =
    last === 0 ? null : (
      <Pages
        label={label}
        back={at === 0 ? null : () => setAsked(at - 1)}
        on={at === last ? null : () => setAsked(at + 1)}
        backWords="Before"
        onWords="After"
      >
        {from + 1} to {Math.min(all.length, from + size)} of {all.length}
      </Pages>
    );
  return { part: all.slice(from, from + size), pages };
}
