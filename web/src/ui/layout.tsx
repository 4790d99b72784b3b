import { useId, type ReactNode } from 'react';
import { CopyCommand } from './Num.tsx';

/** A page: its title, a sentence, and what stands on it. */
export function Page({
  title,
  lead,
  aside,
  children,
}: {
  title: ReactNode;
  lead?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className="page">
      <div className="row spread">
        <div className="page-head">
          <h1>{title}</h1>
          {lead === undefined ? null : <p>{lead}</p>}
        </div>
        {aside}
      </div>
      {children}
    </div>
  );
}

/** A named part of a page. `flush` lets a table reach its edges; `command` shows the same at a terminal. */
export function Card({
  title,
  aside,
  command,
  flush = false,
  children,
}: {
  title?: ReactNode;
  aside?: ReactNode;
  command?: string | undefined;
  flush?: boolean;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={flush ? 'card flush' : 'card'} aria-labelledby={title === undefined ? undefined : id}>
      {title === undefined ? null : (
        <header>
          <h2 id={id}>{title}</h2>
          <div className="row">
            {aside}
            {command === undefined ? null : <CopyCommand command={command} />}
          </div>
        </header>
      )}
      {children}
    </section>
  );
}

export function Stats({ children }: { children: ReactNode }) {
  return <dl className="stats">{children}</dl>;
}

/** A number with its name above, and words below. */
export function Stat({
  name,
  note,
  large = false,
  children,
}: {
  name: ReactNode;
  note?: ReactNode;
  large?: boolean;
  children: ReactNode;
}) {
  return (
    <div className="stat">
      <dt>{name}</dt>
      <dd className={large ? 'large' : undefined}>{children}</dd>
      {note === undefined ? null : <dd className="note">{note}</dd>}
    </div>
  );
}

/**
 * A table; its caption is for readers of screens. On a phone it scrolls sideways below its first column, or with `stack` each
 * row stands for itself: there a cell says its name by `data-name`, since the head is out of sight.
 */
export function Table({
  caption,
  head,
  narrow = 'scroll',
  children,
}: {
  caption: string;
  head: ReactNode;
  narrow?: 'scroll' | 'stack';
  children: ReactNode;
}) {
  return (
    <div className={`table-box ${narrow}`} tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** The mark and name of an asset. */
export function AssetName({ symbol, children }: { symbol: string; children?: ReactNode }) {
  let hue = 0;
  for (const letter of symbol.toLowerCase()) hue = (hue * 31 + letter.charCodeAt(0)) % 360;
  return (
    <span className="asset">
      <span className="asset-mark" aria-hidden="true" style={{ '--hue': hue } as React.CSSProperties}>
        {symbol.slice(0, 1).toUpperCase()}
      </span>
      {children ?? symbol}
    </span>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'accent' | 'plain';

export function Badge({
  tone = 'plain',
  title,
  children,
}: {
  tone?: Tone;
  title?: string | undefined;
  children: ReactNode;
}) {
  return (
    <span className={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

/** A part of a whole as a bar; the number beside it says it in words. */
export function Bar({ share, tone = 'plain' }: { share: number; tone?: Tone }) {
  return (
    <div className={`bar ${tone}`} aria-hidden="true">
      <i style={{ width: `${share * 100}%` }} />
    </div>
  );
}
