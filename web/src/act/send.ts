/** Signing and sending, with an end that is known. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useChainId, useConnection, useSendTransaction } from 'wagmi';
import type { Hex } from '../node/decode.ts';
import { publicClient } from '../node/client.ts';
import { useNode } from '../node/node.tsx';
import type { Call } from './batch.ts';
import { sayError, type Said } from './errors.ts';
import { ending } from './pending.ts';

/** What comes between an estimate and its block may cost more gas: so many parts of a hundred. */
const GAS_PERCENT = 130n;

/** It was included and failed, or could not be sent. */
export class SendError extends Error {
  override name = 'SendError';
  constructor(readonly said: Said) {
    super(said.words);
  }
}

/** Sends one call and waits for its block; an error is a `SendError` with words. */
export interface Sent {
  readonly call: Call;
  readonly words: string;
}

export function useSend() {
  const node = useNode();
  const queries = useQueryClient();
  const chainId = useChainId();
  const { address, chainId: walletChainId } = useConnection();
  const { mutateAsync: sign } = useSendTransaction();
  const mutation = useMutation<Hex, SendError, Sent>({
    mutationFn: async ({ call, words }) => {
      try {
        if (!address) throw new Error('no wallet is connected');
        if (walletChainId !== chainId) {
          throw new Error(
            `the wallet is on chain ${walletChainId ?? 'unknown'}, this node on chain ${chainId}: switch it first`,
          );
        }
        const { to, data, valueWei: value } = call;
        const gas = await publicClient(node.link).estimateGas({ account: address, to, data, value });
        const hash = await sign({ to, data, value, gas: (gas * GAS_PERCENT) / 100n });
        const how = await ending(node, { hash, words });
        if (how === 'lost') {
          throw new SendError({
            title: 'It never happened',
            words: 'The node was started anew and does not know this transaction.',
            help: 'Nothing was paid or changed: sign again if you still want it.',
          });
        }
        if (how === 'failed') {
          throw new SendError({
            title: 'It was included and failed',
            words: `Transaction ${hash} changed nothing but paid for its gas.`,
            help: 'What it needed was gone when its block was made. Look at the account as it is now.',
          });
        }
        return hash;
      } catch (error) {
        throw error instanceof SendError ? error : new SendError(await sayError(error, node.rpc));
      }
    },
    onSettled: () => queries.invalidateQueries(),
  });
  const { mutateAsync } = mutation;
  /** `then` is done whatever has left the screen meanwhile; an error is told by `error`. */
  const send = (sent: Sent, then?: (hash: Hex) => void): void => {
    mutateAsync(sent).then(then, () => undefined);
  };
  return { send, isPending: mutation.isPending, error: mutation.error };
}
