/** The end of a dialog that provides liquidity: what is missing, the command that does the same, and on to what is signed. */
import { Button, CopyCommand, Notice } from '../../ui/index.ts';
import { lacksWords } from './words.ts';

export function ProvideActions({
  lacks,
  command,
  isConnected,
  isRead,
  onGo,
}: {
  /** Coins of which wallet and account together have less. */
  lacks: readonly { readonly symbol: string }[];
  command: string;
  isConnected: boolean;
  /** Whether what was written says how much. */
  isRead: boolean;
  onGo: () => void;
}) {
  return (
    <>
      {lacks.length > 0 && isConnected ? (
        <Notice tone="warn" title={lacksWords(lacks)}>
          Wallet and account together have less. Swap some first, or provide less.
        </Notice>
      ) : null}
      <div className="dialog-actions">
        <CopyCommand command={command} />
        <Button
          look="primary"
          disabled={!isConnected || !isRead || lacks.length > 0}
          onClick={onGo}
          data-testid="provide"
        >
          {isConnected ? 'See what it does' : 'Connect a wallet first'}
        </Button>
      </div>
    </>
  );
}
