import { useEffect, useId, useRef, type ReactNode } from 'react';
import { Button } from './forms.tsx';
import { CopyCommand } from './Num.tsx';

/** A dialog of the browser's own: it keeps the focus, Escape closes it, and what lies behind is inert. */
export function Dialog({ title, onClose, children }: { title: ReactNode; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div className="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <Button look="bare" slim onClick={onClose} aria-label="Close">
            ✕
          </Button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** The end of a dialog: not now, or on to what would be signed. A command that does the same stands before both. */
export function DialogActions({
  onClose,
  disabled,
  onGo,
  command,
  children = 'See what it does',
}: {
  onClose: () => void;
  disabled: boolean;
  onGo: () => void;
  command?: string | undefined;
  children?: ReactNode;
}) {
  return (
    <div className="dialog-actions">
      {command === undefined ? null : <CopyCommand command={command} />}
      <Button onClick={onClose}>Not now</Button>
      <Button look="primary" disabled={disabled} onClick={onGo}>
        {children}
      </Button>
    </div>
  );
}
