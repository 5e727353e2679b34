import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { type Canaries, callAll, canariesOf, foundIn } from '../../services/testing/canaries.ts';
import type { Document } from '../../services/testing/contract.ts';
import { send } from '../../services/testing/http.ts';
import { type Issuer, startIssuer } from '../../services/testing/issuer.ts';
import { beat, start } from '../../services/testing/player.ts';
import { launchService, type Running } from '../../services/testing/server.ts';
import { type ClusterParts, startParts } from './parts.ts';

/* What services/canaries.e2e.test.ts shows of the embedded engine, of Kafka, Redis and DynamoDB: with them, and without. */

const START_MS = 240_000;
const SECRET = randomBytes(32);

let issuer: Issuer;
let parts: ClusterParts;
let running: Running;
let canaries: Canaries;
let output = '';
beforeAll(async () => {
  [issuer, parts] = await Promise.all([startIssuer(), startParts({ brokers: 1, redis: 'single', dynamo: true })]);
  const secret = SECRET.toString('base64url');
  running = await launchService({
    env: {
      ...parts.env,
      ...issuer.env,
      ...{ ACCOUNT_KEY_PEPPER: secret, SESSION_TOKEN_KEY: secret, DYNAMODB_REGION: 'local', PARTITIONS: '4' },
      ...{ LOG_LEVEL: 'debug', APPEND_TIMEOUT_MS: '1000', DECISION_TIMEOUT_MS: '1000' },
    },
    onOutput: (text) => {
      output += text;
    },
  });
  canaries = await canariesOf(issuer, 'cluster', SECRET);
}, START_MS);
afterAll(async () => {
  running?.child.kill('SIGKILL');
  issuer?.close();
  await parts?.stop();
}, START_MS);

describe('all that a service on Kafka, Redis and DynamoDB wrote', () => {
  it(
    'carries no id and no token: not with them, not when they are away, and not in its metrics',
    async () => {
      const { url, adminUrl } = running;
      const document = (await send(url, { path: '/openapi.json' })).json as Document;
      const answers = await callAll({ document, url, adminUrl }, canaries);
      expect(answers.some(({ path, answer }) => path === '/v1/sessions' && answer.status === 201)).toBe(true);

      await parts.stop();
      const headers = { authorization: `Bearer ${canaries.service}` };
      const { accountId, sessionId } = canaries;
      const statuses: number[] = [];
      for (const request of [
        { path: '/v1/sessions', body: start({ ...canaries, sessionId: `${sessionId}-away` }) },
        { path: '/v1/heartbeats', body: beat({ ...canaries, sequence: 9 }) },
        { path: `/v1/sessions/${sessionId}/stop`, body: { accountId } },
        { path: `/v1/accounts/${accountId}/sessions` },
        { path: `/v1/accounts/${accountId}/views` },
        { path: `/v1/accounts/${accountId}/profiles/${canaries.profileId}/resume-positions/canary-content` },
      ])
        statuses.push((await send(url, { ...request, headers, timeoutMs: 60_000 })).status);
      expect(statuses).toEqual(expect.arrayContaining([503]));
      const metrics = (await send(adminUrl, { path: '/metrics' })).text;
      expect(output).toMatch(/"level":"(warn|error)"/);
      expect(foundIn(`${output}\n${metrics}`, canaries.words)).toEqual([]);
    },
    START_MS,
  );
});
