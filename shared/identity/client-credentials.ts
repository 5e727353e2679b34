export type ClientCredentials = {
  /** The token endpoint of the authorization server. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
};

/** A token is not used for the last part of its life: kafkajs shows another one 10 s before a connection's token ends. */
const RENEW_BEFORE_MS = 30_000;
const TIMEOUT_MS = 5_000;

/** `fresh` asks for another one than before, which was refused. */
type TokenSource = (wish: { readonly fresh: boolean }) => Promise<string>;
type Held = { readonly token: string; readonly until: number };

/** Tokens by the client credentials grant (RFC 6749, 4.4). One is asked for at a time, and used until shortly before it ends. */
export const clientCredentials = (options: ClientCredentials): TokenSource => {
  const { now = () => performance.now() } = options;
  let held: Held | null = null;
  let asking: Promise<Held> | null = null;

  const ask = async (): Promise<Held> => {
    const askedAt = now();
    const { token, lifeMs } = await request(options);
    return { token, until: askedAt + lifeMs - RENEW_BEFORE_MS };
  };

  return async ({ fresh }) => {
    if (!fresh && held !== null && now() < held.until) return held.token;
    asking ??= ask().finally(() => {
      asking = null;
    });
    held = await asking;
    return held.token;
  };
};

const request = async (options: ClientCredentials): Promise<{ readonly token: string; readonly lifeMs: number }> => {
  const { url, clientId, clientSecret, scope } = options;
  const { origin, pathname } = new URL(url);
  const failed = (what: string, cause?: unknown): Error =>
    new Error(`the token endpoint ${origin}${pathname} ${what}`, { cause });
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) });
  const user = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
  const [status, text] = await options
    .fetch(url, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(user).toString('base64')}`, accept: 'application/json' },
      body,
      // The secret goes nowhere else.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    .then(async (response) => [response.status, await response.text()] as const)
    .catch((error: unknown) => {
      throw failed(`cannot be asked: ${reasonOf(error)}`, error);
    });
  const answer = answerOf(text);
  if (status !== 200)
    throw failed(`answered ${status}: ${answer.error ?? 'no error'} ${answer.error_description ?? ''}`.trim());
  if (typeof answer.access_token !== 'string') throw failed('answered without an access_token');
  return { token: answer.access_token, lifeMs: 1_000 * Number(answer.expires_in ?? 0) || 0 };
};

type Answer = {
  readonly access_token?: unknown;
  readonly expires_in?: unknown;
  readonly error?: unknown;
  readonly error_description?: unknown;
};

const answerOf = (text: string): Answer => {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch {
    return {};
  }
};

/** As RFC 6749, 2.3.1 wants it, before it is put into the header. */
const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

/** `fetch` says only that it failed, and the reason in its cause. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
};
