/** How much of a piece of liquidity: all of it, or a part. */
import { useState, type ReactNode } from 'react';
import { readAmount, someWrong } from '../../units/quantity.ts';
import { AmountField, Button, Dialog, DialogActions } from '../../ui/index.ts';

/** Shares of pools and liquidity of positions have as many. */
const DECIMALS = 18;

export function PartOf({
  title,
  lead,
  most,
  onChoose,
  onClose,
}: {
  title: string;
  lead: ReactNode;
  most: bigint;
  /** `whole`: all that is there when it happens. */
  onChoose: (amount: bigint, whole: boolean) => void;
  onClose: () => void;
}) {
  const [text, setText] = useState('max');
  const read = readAmount(text, DECIMALS, most);
  const wrong = someWrong(text, read, { of: most, where: 'there is' });
  return (
    <Dialog title={title} onClose={onClose}>
      <p className="small quiet">{lead}</p>
      <AmountField label="How much of it" value={text} onChange={setText} wrong={wrong} placeholder="50%" autoFocus />
      <div className="row near">
        {['25%', '50%', 'max'].map((part) => (
          <Button key={part} slim onClick={() => setText(part)}>
            {part}
          </Button>
        ))}
      </div>
      <DialogActions
        onClose={onClose}
        disabled={!read.ok || text.trim() === '' || wrong !== null}
        onGo={() => (read.ok ? onChoose(read.amount, read.all || read.amount === most) : undefined)}
      />
    </Dialog>
  );
}
