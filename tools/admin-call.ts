import { parseArgs } from 'node:util';

/** What the commands about one account are told: `--account`, `--tenant`, `--url`, and a token in `ADMIN_TOKEN`. */
export type Asked = {
  readonly accountId: string;
  readonly tenant: string | null;
  /** Admin ports. */
  readonly urls: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
};

const LOCAL = 'http://127.0.0.1:9090';

/** Null where something is missing or wrong. */
export const readAsked = (args: readonly string[], token: string | undefined): Asked | null => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        account: { type: 'string' },
        tenant: { type: 'string' },
        url: { type: 'string', multiple: true, default: [LOCAL] },
      },
    });
    const { account, tenant, url } = values;
    if (account === undefined || account === '' || !url.every((one) => URL.canParse(one))) return null;
    return { accountId: account, tenant: tenant ?? null, urls: url, headers: headersOf(token) };
  } catch {
    return null;
  }
};

export const headersOf = (token: string | undefined): Readonly<Record<string, string>> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** Throws what the service says where it refuses. */
export const called = async (url: URL, init: RequestInit): Promise<Response> => {
  const answer = await fetch(url, init);
  if (answer.ok) return answer;
  throw new Error(`${url.href} answers ${answer.status}: ${await answer.text()}`);
};
