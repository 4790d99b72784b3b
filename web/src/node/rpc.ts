/** The node's own methods, typed. One function per method; what it takes and answers is in `specs/rpc.md`. */
import type { Hex } from './decode.ts';
import { nullable, type Decoder } from './decode.ts';
import type { Link } from './link.ts';
import * as shapes from './shapes.ts';

/** An account: its owner and its number. */
export interface AccountName {
  readonly owner: Hex;
  readonly index: number;
}

/** An action of a batch: a verb of `specs/account.md` and its encoded arguments. */
export interface Action {
  readonly verb: number;
  readonly args: Hex;
}

export interface SwapAsked {
  readonly from: number;
  readonly to: number;
  readonly amount: bigint;
  readonly exactOut: boolean;
  readonly slippageBps: number;
  readonly receiver: Hex;
}

/** What a page of a list is asked by. */
export interface PageAsked {
  readonly limit?: number;
  readonly cursor?: number | null;
}

function asked(page: PageAsked): object {
  const cursor = page.cursor ?? null;
  return { limit: page.limit ?? 50, cursor: cursor === null ? null : `0x${cursor.toString(16)}` };
}

export class Rpc {
  constructor(readonly link: Link) {}

  async read<T>(decoder: Decoder<T>, method: string, params: readonly unknown[] = []): Promise<T> {
    return decoder(await this.link.request(method, params), method);
  }

  /** All pages of a list of few items. */
  async #all<T>(
    decoder: Decoder<{ items: T[]; cursor: number | null }>,
    method: string,
    params: (page: object) => readonly unknown[],
  ): Promise<T[]> {
    const items: T[] = [];
    let cursor: number | null = null;
    do {
      const page: { items: T[]; cursor: number | null } = await this.read(
        decoder,
        method,
        params(asked({ limit: 100, cursor })),
      );
      items.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== null);
    return items;
  }

  markets = () => this.#all(shapes.marketsPage, 'capstan_markets', (page) => [page]);
  pools = () => this.#all(shapes.poolsPage, 'capstan_pools', (page) => [null, page]);
  account = (of: AccountName) => this.read(shapes.accountState, 'capstan_account', [of]);
  preview = (of: AccountName, actions: readonly Action[]) =>
    this.read(shapes.preview, 'capstan_preview', [of, actions]);
  quote = (swap: SwapAsked) => this.read(shapes.quote(swap.from, swap.to), 'capstan_quote', [swap]);
  liquidations = (of: AccountName | null, page: PageAsked = {}) =>
    this.read(shapes.liquidationsPage, 'capstan_liquidations', [of, asked(page)]);
  explainLiquidation = (id: number) =>
    this.read(shapes.explained, 'capstan_explainLiquidation', [`0x${id.toString(16)}`]);
  accountEvents = (of: AccountName, page: PageAsked = {}) =>
    this.read(shapes.accountEventsPage, 'capstan_accountEvents', [of, asked(page)]);
  priceHistory = (assetId: number, page: PageAsked = {}) =>
    this.read(shapes.priceHistoryPage, 'capstan_priceHistory', [assetId, asked(page)]);
  decodeError = (data: Hex) => this.read(nullable(shapes.wordedError), 'capstan_decodeError', [data]);
}
