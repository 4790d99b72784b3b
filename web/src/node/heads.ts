/** The newest blocks as the node tells them, newest first. */
import { head, type Head } from './shapes.ts';
import type { Link } from './link.ts';

const KEPT = 48;

export interface SeenHead extends Head {
  /** When this page heard of it, by the page's clock. */
  readonly seenMs: number;
}

export class Heads {
  #heads: readonly SeenHead[] = [];
  #listeners = new Set<() => void>();

  constructor(link: Link) {
    link.subscribe(['newHeads'], (raw) => this.#add({ ...head(raw, 'newHeads'), seenMs: Date.now() }));
    const first = () => {
      if (link.state !== 'live') return;
      link
        .request('eth_getBlockByNumber', ['latest', false])
        .then((raw) => {
          const newest = head(raw, 'block');
          if (newest.number > (this.#heads[0]?.number ?? -1)) this.#add({ ...newest, seenMs: Date.now() });
        })
        .catch(() => undefined);
    };
    link.onState(first);
    first();
  }

  readonly all = (): readonly SeenHead[] => this.#heads;

  readonly onHead = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #add(next: SeenHead): void {
    // A development chain may go back: what is at or above the new head is gone.
    if (this.#heads[0]?.hash === next.hash) return;
    const below = this.#heads.filter((known) => known.number < next.number);
    this.#heads = [next, ...below].slice(0, KEPT);
    for (const listener of [...this.#listeners]) listener();
  }
}
