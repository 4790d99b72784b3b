/**
 * The one WebSocket between the page and its node.
 *
 * ```text
 *   connecting ──open──► live ──closed, or silent for 1.4 s──► gone ──open──► live
 *                         │ asks a silent node after 0.4 s          └── tries again after 0.25, 0.5, 1, 1 ... s
 * ```
 *
 * Subscriptions are made anew after each return. What was asked before a loss is refused with `NodeGone`: whoever asked
 * knows whether asking twice is harmless.
 */

export type LinkState = 'connecting' | 'live' | 'gone';

/** There is no node to ask. */
export class NodeGone extends Error {
  override name = 'NodeGone';
  constructor() {
    super('the node does not answer');
  }
}

/** The node said no. */
export class RpcError extends Error {
  override name = 'RpcError';
  constructor(
    message: string,
    readonly code: number,
    readonly data: unknown,
  ) {
    super(message);
  }
}

/** What of a `WebSocket` is used. */
export interface Socket {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
}

export interface LinkSettings {
  /** A silent node is asked whether it is there after so long, */
  askAfterMs: number;
  /** and taken for gone after so long. */
  goneAfterMs: number;
  retryMs: readonly number[];
}

export const LINK_SETTINGS: LinkSettings = { askAfterMs: 400, goneAfterMs: 1_400, retryMs: [250, 500, 1_000] };

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Subscription {
  params: readonly unknown[];
  onData: (result: unknown) => void;
}

export class Link {
  state: LinkState = 'connecting';
  #socket: Socket | null = null;
  #nextId = 1;
  #waiting = new Map<number, Waiting>();
  #subscriptions = new Set<Subscription>();
  #named = new Map<string, Subscription>();
  #listeners = new Set<() => void>();
  #openers = new Set<() => void>();
  #heardMs = 0;
  #asked = false;
  #attempt = 0;

  constructor(
    private readonly open: () => Socket,
    private readonly settings: LinkSettings = LINK_SETTINGS,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#connect();
    setInterval(() => this.#listen(), 100);
  }

  /** Tells when `state` is another. */
  readonly onState = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async request(method: string, params: readonly unknown[] = []): Promise<unknown> {
    if (this.state === 'connecting') await this.#opened();
    return this.#ask(method, params);
  }

  /** Calls `onData` for each notification, across losses of the node, until the answer is called. */
  subscribe(params: readonly unknown[], onData: (result: unknown) => void): () => void {
    const subscription = { params, onData };
    this.#subscriptions.add(subscription);
    if (this.state === 'live') this.#begin(subscription);
    return () => {
      this.#subscriptions.delete(subscription);
      for (const [name, known] of this.#named) {
        if (known !== subscription) continue;
        this.#named.delete(name);
        if (this.state === 'live') this.#ask('eth_unsubscribe', [name]).catch(() => undefined);
      }
    };
  }

  #opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#openers.delete(done);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#openers.delete(done);
        reject(new NodeGone());
      }, this.settings.goneAfterMs);
      this.#openers.add(done);
    });
  }

  #connect(): void {
    const socket = this.open();
    this.#socket = socket;
    this.#heardMs = this.now();
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      this.#attempt = 0;
      this.#heardMs = this.now();
      this.#asked = false;
      this.#become('live');
      for (const subscription of this.#subscriptions) this.#begin(subscription);
      for (const done of [...this.#openers]) done();
    };
    socket.onmessage = (event) => {
      if (this.#socket !== socket) return;
      this.#heardMs = this.now();
      this.#asked = false;
      this.#read(event.data);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#lose();
    };
  }

  #lose(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#named.clear();
    this.#become('gone');
    const refused = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const waiting of refused) waiting.reject(new NodeGone());
    const { retryMs } = this.settings;
    const delay = retryMs[Math.min(this.#attempt, retryMs.length - 1)] ?? 1_000;
    this.#attempt += 1;
    setTimeout(() => {
      if (this.#socket === null) this.#connect();
    }, delay);
  }

  /** A node that says nothing is asked, and then given up: its process may be stopped, or the cable cut. */
  #listen(): void {
    if (this.#socket === null) return;
    const silentMs = this.now() - this.#heardMs;
    if (silentMs > this.settings.goneAfterMs) this.#lose();
    else if (this.state === 'live' && silentMs > this.settings.askAfterMs && !this.#asked) {
      this.#asked = true;
      this.#ask('net_version', []).catch(() => undefined);
    }
  }

  #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const socket = this.#socket;
    if (this.state !== 'live' || socket === null) return Promise.reject(new NodeGone());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const text = JSON.stringify({ jsonrpc: '2.0', id, method, params }, (_, value: unknown) =>
        typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
      );
      socket.send(text);
    });
  }

  #begin(subscription: Subscription): void {
    this.#ask('eth_subscribe', subscription.params)
      .then((name) => {
        if (typeof name === 'string' && this.#subscriptions.has(subscription)) this.#named.set(name, subscription);
      })
      .catch(() => undefined);
  }

  #read(data: unknown): void {
    let message: Message;
    try {
      message = JSON.parse(String(data)) as Message;
    } catch {
      return;
    }
    if (message.method === 'eth_subscription') {
      const { subscription, result } = message.params ?? {};
      this.#named.get(String(subscription))?.onData(result);
      return;
    }
    const waiting = typeof message.id === 'number' ? this.#waiting.get(message.id) : undefined;
    if (!waiting) return;
    this.#waiting.delete(message.id as number);
    const { error } = message;
    if (error) waiting.reject(new RpcError(error.message, error.code, error.data));
    else waiting.resolve(message.result);
  }

  #become(state: LinkState): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}

interface Message {
  id?: unknown;
  method?: string;
  params?: { subscription?: unknown; result?: unknown };
  result?: unknown;
  error?: { message: string; code: number; data?: unknown };
}
