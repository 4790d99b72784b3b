/** The command that lets a machine sell. */

export type Source = 'upstream' | 'model';

/** Who may buy: whoever has units bound on the chain, or holders of the machine's own keys alone, which needs no chain and no bond. */
export type Buyers = 'network' | 'keys';

export interface Start {
  readonly source: Source;
  readonly server: string;
  readonly buyers: Buyers;
  /** Dollars an hour, as they are written. */
  readonly floor: string;
  readonly wallet: string;
}

/** What a shell takes as one word, whatever is in it. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Whether prices come from a file: a server of another make does not say which program its model is, by which classes of work know
 * it, so its owner writes that beside its prices.
 */
export function needsFile({ source, buyers }: Pick<Start, 'source' | 'buyers'>): boolean {
  return source === 'upstream' && buyers === 'network';
}

export function startCommand({ source, server, buyers, floor, wallet }: Start): string {
  const from =
    source === 'model' ? '--model smollm2' : `--upstream ${quoted(server.trim() || 'http://127.0.0.1:8000/v1')}`;
  const by = wallet.trim() === '' ? 'NAME' : quoted(wallet.trim());
  const prices = needsFile({ source, buyers })
    ? '--prices prices.toml'
    : `--floor ${quoted(`${floor === '' ? '0' : floor}usd/h`)}`;
  const to = buyers === 'network' ? `--class all --wallet ${by}` : '--alone';
  return `provide start ${from} ${prices} ${to}`;
}
