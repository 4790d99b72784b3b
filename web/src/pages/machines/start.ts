/** The command that lets a machine sell. */

export type Source = 'upstream' | 'model';

export interface Start {
  readonly source: Source;
  readonly server: string;
  /** Dollars an hour, as they are written. */
  readonly floor: string;
  readonly wallet: string;
}

/** What a shell takes as one word, whatever is in it. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function startCommand({ source, server, floor, wallet }: Start): string {
  const from =
    source === 'model' ? '--model smollm2' : `--upstream ${quoted(server.trim() || 'http://127.0.0.1:8000/v1')}`;
  const by = wallet.trim() === '' ? 'NAME' : quoted(wallet.trim());
  return `provide start ${from} --floor ${quoted(`${floor === '' ? '0' : floor}usd/h`)} --wallet ${by}`;
}
