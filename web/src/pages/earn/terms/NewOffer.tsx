/** An offer of one's own: what is lent, at which rate, and how it comes back. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import type { CallProposal } from '../../../act/SignCall.tsx';
import { addresses } from '../../../generated/addresses.ts';
import { termAbi } from '../../../generated/term.ts';
import { command, indexed, named, timeWord } from '../../../node/commands.ts';
import { useHeads } from '../../../node/node.tsx';
import type { AccountName } from '../../../node/rpc.ts';
import type { Market } from '../../../node/shapes.ts';
import { shownBps, told, type Counted } from '../../../units/quantity.ts';
import { moment } from '../../../units/time.ts';
import { AmountField, Dialog, DialogActions, Select } from '../../../ui/index.ts';
import { useOne } from '../bring.ts';
import { Payments } from './Payments.tsx';
import { readOffer, USUAL, type OfferTerms, type OfferText } from './offer.ts';
import { usePlan } from './queries.ts';
import { AMORTISATIONS, penaltyWords, scheduleWords } from './words.ts';

const UNITS = [
  { value: 'day', text: 'days' },
  { value: 'h', text: 'hours' },
] as const;

export function NewOffer({
  account,
  markets,
  onCall,
  onClose,
}: {
  account: AccountName;
  markets: readonly Market[];
  onCall: (proposal: CallProposal) => void;
  onClose: () => void;
}) {
  const now = useHeads()[0];
  const [assetId, setAsset] = useState(
    markets.find((one) => one.kind === 'foreign')?.assetId ?? markets[0]?.assetId ?? 0,
  );
  const [text, setText] = useState<OfferText>(USUAL);
  const { market, has, first } = useOne(account.owner, markets, assetId);
  const read = readOffer(text, { assetId, decimals: market?.decimals ?? 18 }, has, (now?.timestamp ?? 0) * 1_000);
  const plan = usePlan(read.isPossible ? read.terms : null, read.amount);
  if (!market) return null;
  const field = (
    name: keyof OfferText & keyof typeof read.wrong,
    label: string,
    more: { suffix?: string; hint?: string } = {},
  ) => (
    <AmountField
      label={label}
      value={text[name]}
      onChange={(next) => setText({ ...text, [name]: next })}
      wrong={read.wrong[name] ?? null}
      {...more}
    />
  );
  const propose = () => {
    const data = encodeFunctionData({
      abi: termAbi,
      functionName: 'offer',
      args: [read.terms, read.amount, account.index],
    });
    onCall({
      title: `Offer ${told(market, read.amount)}`,
      lines: [
        `Put ${told(market, read.amount)} of your wallet where whoever meets the terms can borrow it, until ${moment(Number(read.terms.expiresMs))}`,
        `${shownBps(read.terms.rateBps)} a year; ${scheduleWords(read.terms)}`,
        ...penaltyWords(read.terms),
      ],
      notes: [
        `Each payment comes to your account ${account.index} at once. What nobody has taken you take back at any time; a loan that was taken you cannot call back.`,
      ],
      call: { to: addresses.term, data, valueWei: 0n },
      first: first(addresses.term, read.amount),
      command: command(indexed(account.index, offerWords(text, read.terms, market))),
    });
  };
  return (
    <Dialog title="Lend at fixed terms" onClose={onClose}>
      <div className="columns even">
        <Select
          label="What"
          value={assetId}
          options={markets.map((one) => ({ value: one.assetId, text: one.symbol }))}
          onChange={setAsset}
        />
        {field('amount', 'How much', { suffix: market.symbol, hint: `${told(market, has)} there` })}
      </div>
      <div className="columns even">
        {field('rate', 'Costs a year', { suffix: '%' })}
        {field('least', 'One loan at least', { suffix: market.symbol })}
      </div>
      <div className="columns even">
        {field('instalments', 'Paid back in', { suffix: 'payments' })}
        <div className="columns even">
          {field('every', 'One every')}
          <Select
            label={<span className="unseen">unit of time</span>}
            value={text.everyUnit}
            options={UNITS}
            onChange={(everyUnit) => setText({ ...text, everyUnit })}
          />
        </div>
      </div>
      <Select
        label="Each pays"
        value={text.amortisation}
        options={AMORTISATIONS.map((words, value) => ({ value, text: words }))}
        onChange={(amortisation) => setText({ ...text, amortisation })}
      />
      <div className="columns even">
        {field('grace', 'Grace', { suffix: 'days' })}
        {field('late', 'Late costs a year', { suffix: '%' })}
      </div>
      <div className="columns even">
        {field('fails', 'In default after', { suffix: 'days' })}
        {field('early', 'Paid early costs', { suffix: '%' })}
      </div>
      {field('lasts', 'The offer stands for', { suffix: 'days' })}
      {plan.data && read.isPossible ? <Payments of={market} payments={plan.data} /> : null}
      <DialogActions onClose={onClose} disabled={!read.isPossible} onGo={propose}>
        See the offer…
      </DialogActions>
    </Dialog>
  );
}

/** As `--by` of the command line names them, in the contract's order. */
const BY = ['principal', 'annuity', 'bullet'] as const;

function offerWords(text: OfferText, terms: OfferTerms, of: Counted & { readonly symbol: string }): string {
  const part = (bps: number) => `${bps / 100}%`;
  const least = text.least.trim() === '' ? '' : ` --least ${text.least.trim()}`;
  return [
    `loan offer "${text.amount.trim()} ${named(of.symbol, of.assetId)}" --rate ${part(terms.rateBps)}`,
    `--instalments ${terms.instalments} --every ${timeWord(terms.periodS)} --by ${BY[terms.amortisation] ?? 'annuity'}`,
    `--grace ${timeWord(terms.graceS)} --late ${part(terms.lateBps)} --early ${part(terms.earlyFeeBps)}`,
    `--default-after ${timeWord(terms.defaultS)} --lasts ${text.lasts.trim()}days${least}`,
  ].join(' ');
}
