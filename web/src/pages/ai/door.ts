/** The owner's door of the gateway on this node's port: plain HTTP of the same origin, under a token that only this tab keeps. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import type { Decoder } from '../../node/decode.ts';
import { newKey, overview, refusalWords } from './shapes.ts';

const KEPT = 'capstan.gateway.owner';
const TOKEN = /capstan-owner-[0-9a-f]{16,128}/;
/** How often what was used is asked again. */
const LOOK_MS = 2_000;

const listeners = new Set<() => void>();

function storage(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/** The token in a text: itself, or the address of the page of use, which the gateway printed. */
export function tokenIn(text: string): string | null {
  return TOKEN.exec(text)?.[0] ?? null;
}

export function setToken(token: string | null): void {
  if (token === null) storage()?.removeItem(KEPT);
  else storage()?.setItem(KEPT, token);
  for (const listener of [...listeners]) listener();
}

export function useToken(): string | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => storage()?.getItem(KEPT) ?? null,
  );
}

/** What a gateway refused, in its own words. */
export class Refused extends Error {
  override name = 'Refused';
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** The gateway did not answer, or something else did. */
async function asked<T>(decoder: Decoder<T>, path: string, token: string, body?: object): Promise<T> {
  const answer = await fetch(`/admin/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  let raw: unknown = null;
  try {
    raw = JSON.parse(text);
  } catch {
    // Words of a server that speaks no JSON are told as they are.
  }
  if (!answer.ok)
    throw new Refused(refusalWords(raw) ?? (text.slice(0, 300) || `status ${answer.status}`), answer.status);
  return decoder(raw, path);
}

/** Whether there is a gateway on this port: its list of models is refused without a key, and elsewhere there is no such path. */
export function useHasGateway() {
  return useQuery({
    queryKey: ['gateway'],
    queryFn: async () => {
      const answer = await fetch('/v1/models');
      return answer.status !== 404 && (answer.headers.get('content-type') ?? '').includes('json');
    },
    retry: false,
    // One that is there stays; one that is not may come with the next start of the node.
    refetchInterval: (query) => (query.state.data === true ? false : 5_000),
  });
}

export function useOverview(token: string | null) {
  return useQuery({
    queryKey: ['overview', token],
    queryFn: () => asked(overview, 'overview', token ?? ''),
    enabled: token !== null,
    retry: false,
    refetchInterval: (query) => (query.state.error instanceof Refused ? false : LOOK_MS),
  });
}

export interface Wanted {
  readonly name: string;
  readonly limits: {
    readonly total: string | null;
    readonly day: string | null;
    readonly parallel: number | null;
    readonly expires_ms: number | null;
    readonly own: boolean;
  };
}

const anything: Decoder<unknown> = (raw) => raw;

export function useOwner(token: string) {
  const queries = useQueryClient();
  const onSuccess = () => queries.invalidateQueries({ queryKey: ['overview'] });
  return {
    make: useMutation({ mutationFn: (wanted: Wanted) => asked(newKey, 'keys', token, wanted), onSuccess }),
    revoke: useMutation({ mutationFn: (id: string) => asked(anything, `keys/${id}/revoke`, token, {}), onSuccess }),
    pace: useMutation({
      mutationFn: (wish: 'pause' | 'resume') => asked(anything, `pace/${wish}`, token, {}),
      onSuccess,
    }),
  };
}
