import type { ReactNode } from 'react';
import { toast } from './toasts.ts';

/** Copies the command that shows the same number, and says so. */
export function copyCommand(command: string): void {
  navigator.clipboard
    .writeText(command)
    .then(() => toast(`Copied: ${command}`))
    .catch(() => toast(command));
}

/**
 * A number. A click copies the command that shows the same one at a terminal; in tables only the mouse stops at each
 * (`quiet`), for the table's own button copies its command.
 */
export function Num({
  children,
  unit,
  copy,
  quiet = false,
  className = '',
}: {
  children: ReactNode;
  unit?: string | undefined;
  copy?: string | undefined;
  quiet?: boolean;
  className?: string;
}) {
  const inside = (
    <>
      {children}
      {unit === undefined ? null : <span className="unit">{unit}</span>}
    </>
  );
  if (copy === undefined) return <span className={className}>{inside}</span>;
  return (
    <button
      type="button"
      className={`num ${className}`}
      title={`Copy as command: ${copy}`}
      tabIndex={quiet ? -1 : 0}
      onClick={() => copyCommand(copy)}
    >
      {inside}
    </button>
  );
}

export function CopyCommand({ command }: { command: string }) {
  return (
    <button type="button" className="button bare slim" title={command} onClick={() => copyCommand(command)}>
      Copy as command
    </button>
  );
}
