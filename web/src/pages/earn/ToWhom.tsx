/** Fields for who gets something: an address, and which of its accounts. */
import { TextField } from '../../ui/index.ts';
import type { WhomRead, WhomText } from './whom.ts';

export function ToWhom({
  text,
  wrong,
  onChange,
}: {
  text: WhomText;
  wrong: WhomRead['wrong'];
  onChange: (text: WhomText) => void;
}) {
  return (
    <div className="whom">
      <TextField
        label="To"
        placeholder="0x…"
        value={text.to}
        onChange={(to) => onChange({ ...text, to })}
        wrong={wrong.to ?? null}
        autoFocus
      />
      <TextField
        label="Account"
        value={text.index}
        onChange={(index) => onChange({ ...text, index })}
        wrong={wrong.index ?? null}
      />
    </div>
  );
}
