/** What every signature has around it: what is signed, line by line, what is dangerous about it, and why it cannot be signed. */
import type { ReactNode } from 'react';
import { signedBy } from '../node/commands.ts';
import { useLinkState } from '../node/node.tsx';
import { Button, CopyCommand, Dialog, Notice } from '../ui/index.ts';
import type { SendError } from './send.ts';

export function SignDialog({
  title,
  lines,
  notes = [],
  refused,
  error,
  isPending,
  isReady,
  isApproval,
  command,
  who,
  onSign,
  onClose,
  children,
}: {
  title: string;
  lines: readonly string[];
  notes?: readonly string[] | undefined;
  /** Why it would fail, if it would. */
  refused: ReactNode;
  error: SendError | null;
  isPending: boolean;
  isReady: boolean;
  isApproval: boolean;
  command?: string | undefined;
  /** Who signs; and the account that it is about, where it is about one. */
  who: { readonly owner: string; readonly index?: number };
  onSign: () => void;
  onClose: () => void;
  children?: ReactNode;
}) {
  const state = useLinkState();
  return (
    <Dialog title={title} onClose={onClose}>
      {who.index === undefined ? null : <p className="small faint">On your account {who.index}</p>}
      <ol className="stack small nearest">
        {lines.map((line, at) => (
          <li key={at}>{line}</li>
        ))}
      </ol>
      {children}
      {notes.map((note) => (
        <p key={note} className="small quiet">
          {note}
        </p>
      ))}
      {refused !== null && !error ? (
        <Notice tone="bad" title="This would fail">
          {refused}
        </Notice>
      ) : null}
      {error ? (
        <Notice tone="bad" title={error.said.title}>
          {error.said.words} {error.said.help}
        </Notice>
      ) : null}
      <div className="dialog-actions">
        {command === undefined ? null : <CopyCommand command={signedBy(who, command)} />}
        <Button onClick={onClose}>Not now</Button>
        <Button look="primary" disabled={!isReady || isPending || state !== 'live'} onClick={onSign} data-testid="sign">
          {isPending ? 'Waiting for its block…' : isApproval ? 'Sign the approval' : 'Sign'}
        </Button>
      </div>
    </Dialog>
  );
}
