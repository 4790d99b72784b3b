/** Short words at the foot of the page. */
export interface Toast {
  readonly id: number;
  readonly text: string;
}

const SHOWN_MS = 4_000;
let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of [...listeners]) listener();
}

export function toast(text: string): void {
  const id = nextId++;
  set([...toasts.filter((shown) => shown.text !== text), { id, text }].slice(-3));
  setTimeout(() => set(toasts.filter((shown) => shown.id !== id)), SHOWN_MS);
}

export const allToasts = (): readonly Toast[] => toasts;

export function onToasts(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
