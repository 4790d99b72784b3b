import { useSyncExternalStore } from 'react';
import { allToasts, onToasts } from './toasts.ts';

export function Toasts() {
  const toasts = useSyncExternalStore(onToasts, allToasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} className="toast">
          {toast.text}
        </div>
      ))}
    </div>
  );
}
