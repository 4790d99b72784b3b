/** A call of the room of streams, with the command that does the same. */
import type { CallProposal } from '../../../act/SignCall.tsx';
import { addresses } from '../../../generated/addresses.ts';
import { command } from '../../../node/commands.ts';
import type { Hex } from '../../../node/decode.ts';

export function callOf(data: Hex, words: string): Pick<CallProposal, 'call' | 'command'> {
  return { call: { to: addresses.streams, data, valueWei: 0n }, command: command(`stream ${words}`) };
}
