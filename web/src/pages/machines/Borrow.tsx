/** What the holder of a machine does with its income: open its book, say what power costs, borrow, repay, share out. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { incomeAbi } from '../../generated/income.ts';
import { castCommand } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { parseDecimal, problemInWords } from '../../units/decimal.ts';
import { exactOf, readAmount, shownBps, someWrong, told } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { AmountField, Button, Dialog, DialogActions, Facts, Skeleton } from '../../ui/index.ts';
import { useAssets, useSource, type Asset } from './asset.ts';
import { boundWords } from './loans.ts';
import { useBorrowQuote, useLoanMarkets, type Book, type Offer } from './queries.ts';
import type { Machine } from './shapes.ts';

const to = addresses.income;

function callOf(data: Hex): Pick<CallProposal, 'call' | 'command'> {
  return { call: { to, data, valueWei: 0n }, command: castCommand(`send ${to} ${data}`) };
}

/** What can be borrowed falls with the machine's life: by less than this part of it until the block. */
const FALLS_DIVISOR = 10_000n;

export function collectCall(id: number): CallProposal {
  const data = encodeFunctionData({ abi: incomeAbi, functionName: 'collect', args: [BigInt(id)] });
  return {
    title: `Share out what machine ${id} earned`,
    lines: ['What others paid into its stream goes to its debt, and the rest to the holder of its title'],
    ...callOf(data),
  };
}

/** Its first income would do the same. */
export function OpenBook({ owner, machine }: { owner: Hex; machine: Machine }) {
  const markets = useLoanMarkets();
  const assets = useAssets();
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  // The bond must be in the asset of its market, or nothing can be borrowed.
  const market = markets.data?.find((one) => one.assetId === machine.asset.assetId);
  if (markets.data && !market) {
    return <p className="small faint">There is no market of loans in {machine.asset.symbol}, the asset of its bond.</p>;
  }
  return (
    <>
      <Button
        look="primary"
        disabled={!market}
        onClick={() => {
          const assetId = machine.asset.assetId;
          const data = encodeFunctionData({
            abi: incomeAbi,
            functionName: 'open',
            args: [BigInt(machine.machineId), assetId],
          });
          setProposal({
            title: `Open the book of machine ${machine.machineId}`,
            lines: [`Its income is paid in ${assets(assetId).symbol}, into a stream that only the contract owns`],
            ...callOf(data),
          });
        }}
      >
        Open its book…
      </Button>
      {proposal === null ? null : <SignCall from={owner} proposal={proposal} onClose={() => setProposal(null)} />}
    </>
  );
}

interface Form {
  readonly id: number;
  readonly asset: Asset;
  readonly onClose: () => void;
  readonly onCall: (proposal: CallProposal) => void;
}

export function BorrowDialog({ id, asset, offer, onClose, onCall }: Form & { offer: Offer }) {
  const [text, setText] = useState('');
  const most = offer.today - (offer.today + FALLS_DIVISOR - 1n) / FALLS_DIVISOR;
  const read = readAmount(text, asset.decimals, most);
  const wrong = someWrong(text, read, { of: most, where: 'it can borrow' });
  const amount = read.ok && wrong === null ? read.amount : 0n;
  const quote = useBorrowQuote(id, amount);
  return (
    <Dialog title={`Borrow against machine ${id}`} onClose={onClose}>
      <AmountField
        label="How much"
        hint={`${told(asset, offer.today)} today, bound by ${boundWords(offer.bound)}`}
        suffix={asset.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      {amount === 0n ? null : quote.data === undefined ? (
        quote.error ? null : (
          <Skeleton />
        )
      ) : (
        <Facts
          rows={[
            ['Rate', `${shownBps(quote.data.rateBps)} a year, fixed`],
            ['Paid back in', `${quote.data.instalments} instalments`],
            ['The first one', `${told(asset, quote.data.firstPayment)}, ${moment(Number(quote.data.firstDueMs))}`],
            ['Interest, if all are paid on time', told(asset, quote.data.interest)],
            ['Can be borrowed after it', told(asset, quote.data.canBorrowAfter)],
          ]}
        />
      )}
      <DialogActions
        onClose={onClose}
        disabled={amount === 0n}
        onGo={() => {
          const data = encodeFunctionData({ abi: incomeAbi, functionName: 'borrow', args: [BigInt(id), amount] });
          onCall({
            title: `Borrow ${told(asset, amount)} against machine ${id}`,
            lines: [
              `Receive ${exactOf(asset, amount)} ${asset.symbol} in the wallet`,
              'Its income pays the instalments first; its title is security until all is paid',
            ],
            notes: ['Neither the wallet nor another machine answers for it.'],
            ...callOf(data),
          });
        }}
      >
        See the loan…
      </DialogActions>
    </Dialog>
  );
}

export function RepayDialog({ id, asset, owed, owner, onClose, onCall }: Form & { owed: bigint; owner: Hex }) {
  const [text, setText] = useState('');
  const { has, first } = useSource(owner, asset);
  const most = has < owed ? has : owed;
  const read = readAmount(text, asset.decimals, most);
  const wrong = someWrong(text, read, { of: has, where: 'the wallet has' });
  return (
    <Dialog title={`Repay the debt of machine ${id}`} onClose={onClose}>
      <AmountField
        label="How much"
        hint={`${told(asset, owed)} owed, ${told(asset, has)} in the wallet`}
        suffix={asset.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <DialogActions
        onClose={onClose}
        disabled={!read.ok || text.trim() === '' || wrong !== null}
        onGo={() => {
          if (!read.ok) return;
          const data = encodeFunctionData({ abi: incomeAbi, functionName: 'repay', args: [BigInt(id), read.amount] });
          onCall({
            title: `Repay ${told(asset, read.amount)} of machine ${id}`,
            lines: [`Pay at most ${exactOf(asset, read.amount)} ${asset.symbol}; no more than is owed is taken`],
            first: first(to, read.amount),
            ...callOf(data),
          });
        }}
      />
    </Dialog>
  );
}

/** Watts have no parts here. */
const WATTS_MAX = 1_000_000;

export function PowerDialog({ id, asset, book, onClose, onCall }: Form & { book: Book }) {
  const [price, setPrice] = useState(exactOf(asset, book.kwhPrice));
  const [watts, setWatts] = useState(String(book.watts));
  const read = parseDecimal(price.trim(), asset.decimals);
  const wattsWrong =
    /^[0-9]{1,7}$/.test(watts.trim()) && Number(watts) <= WATTS_MAX ? null : 'whole watts, at most a million';
  return (
    <Dialog title={`What power costs machine ${id}`} onClose={onClose}>
      <AmountField
        label="A kilowatt hour costs"
        suffix={asset.symbol}
        value={price}
        onChange={setPrice}
        wrong={read.ok ? null : problemInWords(read.problem)}
        autoFocus
      />
      <AmountField label="It draws" suffix="W" value={watts} onChange={setWatts} wrong={wattsWrong} />
      <p className="small quiet">
        What counts is never less than the market’s least, nor than the watts that the machine reports. Stating less
        does not help.
      </p>
      <DialogActions
        onClose={onClose}
        disabled={!read.ok || wattsWrong !== null}
        onGo={() => {
          if (!read.ok) return;
          const args = [BigInt(id), read.amount, Number(watts)] as const;
          const data = encodeFunctionData({ abi: incomeAbi, functionName: 'statePower', args });
          onCall({
            title: `State the power of machine ${id}`,
            lines: [`${exactOf(asset, read.amount)} ${asset.symbol} a kWh, ${watts.trim()} W`],
            ...callOf(data),
          });
        }}
      />
    </Dialog>
  );
}
