import { describe, expect, it } from '@jest/globals';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeAudit } from '../schemas/codec.ts';
import { accountKey } from '../schemas/ids.ts';
import { epochMs } from '../schemas/time.ts';
import { type Call, ProblemError } from '../shared/http/call.ts';
import type { Route } from '../shared/http/route.ts';
import { trusted } from '../shared/identity/caller.ts';
import { LogUnavailable } from '../shared/log/log-errors.ts';
import { openAudit } from './audit.ts';

/** A log that takes so many records, and then none. */
const logOf = (takes = Number.POSITIVE_INFINITY) => {
  const values: Uint8Array[] = [];
  return {
    events: () => values.map((value) => decodeAudit(value)),
    append: async (_topic: string, partition: number, records: readonly { value: Uint8Array | null }[]) => {
      if (values.length >= takes) throw new LogUnavailable('away', { where: 'here', at: null });
      for (const { value } of records) if (value !== null) values.push(value);
      return { partition, baseOffset: values.length - 1, appendedAtMs: epochMs(0) };
    },
    bounds: async () => ({ first: 0, end: values.length }),
    read: async () => {
      throw new Error('nobody reads here');
    },
  };
};
const clock = (): number => 1_000;
const keys = (tenant: string, accountId: string) => accountKey(`key of ${accountId} of ${tenant}`);

const callOf = (query = '', headers: Readonly<Record<string, string>> = {}): Call => ({
  // What a route looks at, and nothing that is sent.
  req: { headers, method: 'POST' } as unknown as IncomingMessage,
  res: {} as ServerResponse,
  requestId: 'r-1',
  path: '/admin/new',
  query: new URLSearchParams(query),
  params: { accountId: 'a-1' },
  allowOrigin: null,
  trace: null,
  session: null,
  caller: { ...trusted('default'), who: 'carla' },
});
const routeOf = (over: Partial<Route>): Route => ({
  ...{ method: 'POST', path: '/admin/new', operationId: 'somethingNew', summary: 'A route that was added.' },
  ...{ port: 'admin', callers: ['admin'], touches: 'nobody', responses: { 200: 'object' }, problems: [] },
  handle: () => ({ status: 200, body: {} }),
  ...over,
});

describe('a route of the admin port that was just added', () => {
  it('is in the audit before anything is changed, and with its outcome before it is answered', async () => {
    const log = logOf();
    const seen: (number | null)[] = [];
    const handle: Route['handle'] = () => {
      seen.push(...log.events().map(({ status }) => status));
      return { status: 201, body: {} };
    };
    const [route] = openAudit({ log, clock, accountKey: keys }).covered([routeOf({ handle })]);
    expect(await route?.handle(callOf('reason=because'))).toEqual({ status: 201, body: {} });
    expect(seen).toEqual([null]);
    const event = { atMs: 1_000, action: 'somethingNew', who: 'carla', tenant: 'default', why: 'because' };
    expect(log.events()).toEqual([
      { ...event, about: null, requestId: 'r-1', status: null },
      { ...event, about: null, requestId: 'r-1', status: 201 },
    ]);
  });

  it('names the account by its key, whether that stands in the path or in the query', async () => {
    const log = logOf();
    const routes = [
      routeOf({ touches: 'account-in-path' }),
      routeOf({ touches: 'account-in-query', method: 'DELETE' }),
    ];
    for (const route of openAudit({ log, clock, accountKey: keys }).covered(routes))
      await route.handle(callOf('accountId=a-2'));
    const key = (id: string): string => `key of ${id} of default`;
    expect(log.events().map(({ about }) => about)).toEqual([key('a-1'), key('a-1'), key('a-2'), key('a-2')]);
  });

  it('changes nothing and is answered 503 where the log takes no event, and 503 where it takes no outcome', async () => {
    for (const takes of [0, 1]) {
      const log = logOf(takes);
      let done = 0;
      const handle: Route['handle'] = () => {
        done += 1;
        return { status: 200, body: {} };
      };
      const [route] = openAudit({ log, clock, accountKey: keys }).covered([routeOf({ handle })]);
      await expect(route?.handle(callOf())).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
      expect([done, log.events().length]).toEqual([takes, takes]);
    }
  });

  it('has in the audit with which status it was refused', async () => {
    const log = logOf();
    const handle: Route['handle'] = () => {
      throw new ProblemError('POLICY_NOT_FOUND', 'no');
    };
    const [route] = openAudit({ log, clock, accountKey: keys }).covered([routeOf({ handle })]);
    await expect(route?.handle(callOf())).rejects.toMatchObject({ code: 'POLICY_NOT_FOUND' });
    expect(log.events().map(({ status }) => status)).toEqual([null, 404]);
  });

  it('takes a reason of up to 200 characters, from a header too, and refuses a longer one before anything is done', async () => {
    const log = logOf();
    const [route] = openAudit({ log, clock, accountKey: keys }).covered([routeOf({})]);
    await route?.handle(callOf('', { 'x-playbeat-reason': 'r'.repeat(200) }));
    await expect(route?.handle(callOf(`reason=${'r'.repeat(201)}`))).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    });
    expect(log.events().map(({ why }) => why?.length)).toEqual([200, 200]);
  });

  it('is none of those that only look, or that are not on the admin port', () => {
    const routes = [routeOf({ method: 'GET' }), routeOf({ port: 'public' })];
    expect(openAudit({ log: logOf(), clock, accountKey: keys }).covered(routes)).toEqual(routes);
  });
});
