/** The command that shows the same number at a terminal. */

const USUAL = '8545';
const IN_TURN = ' && ';

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

/** Words about one of an owner's accounts: its number where it is not the first. */
export function indexed(index: number, words: string): string {
  return index === 0 ? words : `${words} --index ${index}`;
}

/** A verb of `capstan account` on an account. */
export function accountCommand(index: number, words: string): string {
  return command(indexed(index, `account ${words}`));
}

/** Accounts of the mnemonic that every development chain has: `--dev-account` names them by their number. */
const DEV_ACCOUNTS: readonly string[] = [
  '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
  '0x90f79bf6eb2c4f870365e785982e1f101e93b906',
  '0x15d34aaf54267db7d7c367839aaf71a00a2c6a65',
  '0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc',
  '0x976ea74026e726554db657fa54763abd0c3a0aa9',
  '0x14dc79964da2c08b23698b3d3cc7ca32193d9955',
  '0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f',
  '0xa0ee7a142d267c1f36714e4a8f75612f20a79720',
];
/** What moves no account but the wallet, and so takes no number of one. */
const OF_THE_WALLET = /^capstan (?:swap|product|lp (?:add|remove)) /;

/**
 * A command with whose it is: `--wallet ADDRESS`, and `--index` of an account that is not the first. Of several in turn each
 * gets its own; commands of other programs are left alone.
 */
export function signedBy(who: { readonly owner: string; readonly index?: number } | null, commands: string): string {
  if (who === null) return commands;
  const { owner, index = 0 } = who;
  const dev = DEV_ACCOUNTS.indexOf(owner.toLowerCase());
  const signer = dev === -1 ? ` --wallet ${owner}` : ` --dev-account ${dev}`;
  const lacks = (part: string, flag: string) => !part.includes(` ${flag} `) && !part.endsWith(` ${flag}`);
  return commands
    .split(IN_TURN)
    .map((part) => {
      if (!part.startsWith('capstan ')) return part;
      const account = index > 0 && !OF_THE_WALLET.test(part) && lacks(part, '--index') ? ` --index ${index}` : '';
      return `${part}${account}${lacks(part, '--wallet') && lacks(part, '--dev-account') ? signer : ''}`;
    })
    .join(IN_TURN);
}

/** A length of time as the command line reads it: in days or hours where it is whole ones. */
export function timeWord(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400}days`;
  return seconds % 3_600 === 0 ? `${seconds / 3_600}h` : `${seconds}s`;
}

/** One after the other. */
export function inTurn(...commands: readonly string[]): string {
  return commands.join(IN_TURN);
}
