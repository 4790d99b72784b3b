import { useConnect, useConnectors } from 'wagmi';
import { Button } from '../ui/index.ts';
import { BURNER_ID } from './burner.ts';

/** Begins with the key that this browser makes, where nobody acts yet. */
export function UseBurner() {
  const { mutate: connect, isPending } = useConnect();
  const burner = useConnectors().find((connector) => connector.id === BURNER_ID);
  if (!burner) return null;
  return (
    <Button disabled={isPending} onClick={() => connect({ connector: burner })}>
      Use a burner account
    </Button>
  );
}
