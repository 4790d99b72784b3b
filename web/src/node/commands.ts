/** The command that shows the same number at a terminal. */

const USUAL = '8545';

/** Where a command has to ask, if it is not where it asks anyway. */
function rpcFlag(): string {
  const { port, origin, hostname } = location;
  return port === USUAL && (hostname === '127.0.0.1' || hostname === 'localhost') ? '' : ` --rpc ${origin}`;
}

/** `capstan market show eth`, with the node's address where that is needed. */
export function command(words: string): string {
  return `capstan ${words}${rpcFlag()}`;
}

/** `cast` reads what `capstan` has no words for. */
export function castCommand(words: string): string {
  return `cast ${words} --rpc-url ${location.origin}`;
}

/** An asset as the command line names it, whatever its token calls itself. */
export function named(symbol: string, assetId: number): string {
  return /^[A-Za-z][A-Za-z0-9]*$/.test(symbol) ? symbol.toLowerCase() : `'#${assetId}'`;
}

/** A verb of `capstan account` on an account. */
export function accountCommand(index: number, words: string): string {
  return command(`account ${words}${index === 0 ? '' : ` --index ${index}`}`);
}

/** A length of time as the command line reads it: in days or hours where it is whole ones. */
export function timeWord(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400}days`;
  return seconds % 3_600 === 0 ? `${seconds / 3_600}h` : `${seconds}s`;
}

/** One after the other. */
export function inTurn(...commands: readonly string[]): string {
  return commands.join(' && ');
}
