import { toast } from './toasts.ts';

export function shortAddress(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}

/** An address or hash in short; a click copies all of it. */
export function Address({ of, children }: { of: string; children?: string }) {
  return (
    <button
      type="button"
      className="num mono"
      title={of}
      onClick={() => {
        navigator.clipboard
          .writeText(of)
          .then(() => toast(`Copied: ${of}`))
          .catch(() => toast(of));
      }}
    >
      {children ?? shortAddress(of)}
    </button>
  );
}
