import { useId, type ButtonHTMLAttributes, type ReactNode } from 'react';

export function Button({
  look = 'plain',
  slim = false,
  wide = false,
  className = '',
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: 'plain' | 'primary' | 'danger' | 'bare';
  slim?: boolean;
  wide?: boolean;
}) {
  return (
    <button
      type="button"
      {...rest}
      className={`button ${look} ${slim ? 'slim' : ''} ${wide ? 'wide' : ''} ${className}`}
    />
  );
}

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  /** Before what is written: `$`. */
  prefix?: ReactNode;
  suffix?: ReactNode;
  value: string;
  onChange: (text: string) => void;
  wrong?: string | null;
  placeholder?: string;
  autoFocus?: boolean;
}

/** A field for an amount: `75.5`, `10%` or `max`. What is wrong with it is said under it. */
export function AmountField(props: FieldProps) {
  return <Field {...props} inputMode="decimal" />;
}

/** A field for an address or a name. */
export function TextField(props: FieldProps) {
  return <Field {...props} inputMode="text" />;
}

function Field({
  label,
  hint,
  prefix,
  suffix,
  value,
  onChange,
  wrong,
  placeholder = '0',
  autoFocus = false,
  inputMode,
}: FieldProps & { inputMode: 'decimal' | 'text' }) {
  const id = useId();
  const isWrong = wrong !== undefined && wrong !== null;
  return (
    <div className="field">
      <label htmlFor={id}>
        <span>{label}</span>
        {hint === undefined ? null : <span className="faint">{hint}</span>}
      </label>
      <div className={isWrong ? 'input wrong' : 'input'}>
        {prefix === undefined ? null : <span className="prefix">{prefix}</span>}
        <input
          id={id}
          inputMode={inputMode}
          autoComplete="off"
          spellCheck={false}
          placeholder={placeholder}
          value={value}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? `${id}-wrong` : undefined}
          autoFocus={autoFocus}
          onChange={(event) => onChange(event.target.value)}
        />
        {suffix === undefined ? null : <span className="suffix">{suffix}</span>}
      </div>
      {isWrong ? (
        <div id={`${id}-wrong`} className="wrong-words" role="alert">
          {wrong}
        </div>
      ) : null}
    </div>
  );
}

/** Yes or no, with its words beside it. */
export function Check({
  checked,
  onChange,
  children,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
}) {
  return (
    <label className="check small">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      <span>{children}</span>
    </label>
  );
}

export function Select<T extends string | number>({
  label,
  value,
  options,
  onChange,
}: {
  label: ReactNode;
  value: T;
  options: readonly { value: T; text: string }[];
  onChange: (value: T) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={String(value)}
        onChange={(event) => {
          const chosen = options.find((option) => String(option.value) === event.target.value);
          if (chosen) onChange(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Tabs by the arrow keys, as people who use the keyboard expect. */
export function Tabs<T extends string>({
  label,
  tabs,
  chosen,
  onChoose,
  children,
}: {
  label: string;
  tabs: readonly { id: T; text: ReactNode }[];
  chosen: T;
  onChoose: (id: T) => void;
  children: ReactNode;
}) {
  const base = useId();
  const move = (by: number) => {
    const at = tabs.findIndex((tab) => tab.id === chosen);
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (!next) return;
    onChoose(next.id);
    document.getElementById(`${base}-${next.id}`)?.focus();
  };
  return (
    <div className="stack">
      <div
        className="tabs"
        role="tablist"
        aria-label={label}
        onKeyDown={(event) => {
          if (event.key === 'ArrowRight') move(1);
          if (event.key === 'ArrowLeft') move(-1);
        }}
      >
        {tabs.map((tab) => (
          <button
            key={tab.id}
            id={`${base}-${tab.id}`}
            type="button"
            role="tab"
            aria-selected={tab.id === chosen}
            aria-controls={`${base}-panel`}
            tabIndex={tab.id === chosen ? 0 : -1}
            onClick={() => onChoose(tab.id)}
          >
            {tab.text}
          </button>
        ))}
      </div>
      <div id={`${base}-panel`} role="tabpanel" aria-labelledby={`${base}-${chosen}`}>
        {children}
      </div>
    </div>
  );
}
