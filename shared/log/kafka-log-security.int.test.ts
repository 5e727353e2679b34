import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { startSecureKafka, type SecureKafka } from '../../tools/stack/own-kafka.ts';
import { openKafkaClient } from './kafka-log-client.ts';
import { clientCredentials } from '../identity/client-credentials.ts';
import { openKafkaLog, type KafkaLogOptions } from './kafka-log.ts';
import { LogUnavailable } from './log-errors.ts';
import type { Log } from './log.ts';
import { memberOf, record, TOPIC } from './testing/member.ts';

/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;

let kafka: SecureKafka;
beforeAll(async () => {
  kafka = await startSecureKafka();
}, START_MS);
afterAll(() => kafka?.stop(), PATIENCE_MS);

let prefixes = 0;
type Options = Partial<KafkaLogOptions> & Pick<KafkaLogOptions, 'brokers'>;
const open = (options: Options): Promise<Log> =>
  openKafkaLog({ clientId: 'test', partitions: 2, prefix: `t${++prefixes}.`, ...options });
const refusal = async (options: Options): Promise<string> => {
  const error: unknown = await open(options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(LogUnavailable);
  return String(error);
};
const append = (log: Log, text: string) => log.append(TOPIC, 0, [record(text)]);

/** What an append was refused with; nothing when it was not. */
const refusalOf = (appending: Promise<unknown>): Promise<string> =>
  appending.then(
    () => '',
    (error: unknown) => String(error),
  );

describe('the Kafka log over TLS', () => {
  it('trusts the authority that it is given, and says what is wrong with a broker of another one', async () => {
    const brokers = kafka.addresses('tls');
    const log = await open({ brokers, ssl: { ca: kafka.ca } });
    const { baseOffset } = await append(log, 'text');
    expect((await log.read(TOPIC, 0, baseOffset, 1)).records[0]?.value).toEqual(Buffer.from('text'));
    await log.close();
    const said = await refusal({ brokers, ssl: { ca: rootCertificates[0] } });
    expect(said).toBe(
      `LogUnavailable: Kafka at ${brokers.join(',')}: Connection error: self-signed certificate in certificate chain`,
    );
  });

  it('logs in with SCRAM-SHA-512, and says that a password is wrong without saying which', async () => {
    await kafka.addUser('admin', 'correct-horse-7');
    const withPassword = (password: string): Options => ({
      brokers: kafka.addresses('scram'),
      ssl: { ca: kafka.ca },
      sasl: { mechanism: 'scram-sha-512', username: 'admin', password },
    });
    const log = await open(withPassword('correct-horse-7'));
    await append(log, 'text');
    await log.close();
    const said = await refusal(withPassword('wrong-horse-8'));
    expect(said).toContain(`Kafka at ${kafka.addresses('scram').join(',')}: SASL SCRAM SHA512 authentication failed`);
    expect(said).toContain('invalid credentials');
    expect(said).not.toContain('horse');
  });
});

describe('the Kafka log with tokens', () => {
  /** Shorter than the 30 s for which one is kept: each connection gets its own, and another one after 2 s. */
  const LIFE_S = 12;
  let endpoint: Server;
  let issued: number;
  let away: boolean;
  beforeAll(async () => {
    endpoint = createServer((_, response) => {
      if (!away) issued += 1;
      response
        .writeHead(away ? 503 : 200)
        .end(JSON.stringify({ access_token: tokenOf('admin', LIFE_S), expires_in: LIFE_S }));
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    endpoint.closeAllConnections();
    endpoint.close();
  });

  const tokenOf = (name: string, lifeS: number): string => {
    const iat = Math.floor(Date.now() / 1_000);
    const parts = [{ alg: 'none' }, { sub: name, iat, exp: iat + lifeS }];
    return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
  };
  const way = () => ({ brokers: kafka.addresses('oauth'), ssl: { ca: kafka.ca } });
  const openWithTokens = async (troubles: Error[]): Promise<Log> => {
    [issued, away] = [0, false];
    const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`;
    const token = clientCredentials({ url, clientId: 'playbeat', clientSecret: 'secret', fetch });
    return open({
      ...way(),
      sasl: { mechanism: 'oauthbearer', token },
      onTrouble: (error) => troubles.push(error),
    });
  };

  it(
    `outlives its first token of ${LIFE_S} s: each connection shows another one before its own ends`,
    async () => {
      const troubles: Error[] = [];
      const log = await openWithTokens(troubles);
      const member = memberOf({ log });
      await log.consume(member.consumer);
      const atFirst = issued;
      const startedAt = performance.now();
      const sent: string[] = [];
      while (performance.now() - startedAt < (LIFE_S + 3) * 1_000) {
        sent.push(`text ${sent.length}`);
        await append(log, sent.at(-1)!);
        await sleep(100);
      }
      await member.has(sent.length);
      expect(member.texts(0)).toEqual(sent);
      expect(issued).toBeGreaterThan(2 * atFirst);
      expect([troubles, member.failures]).toEqual([[], []]);
      await log.close();
    },
    PATIENCE_MS,
  );

  it(
    'says why it stands still while there are no tokens, and goes on when there are',
    async () => {
      const troubles: Error[] = [];
      const log = await openWithTokens(troubles);
      const member = memberOf({ log });
      await log.consume(member.consumer);
      await append(log, 'before');
      await member.has(1);
      away = true;
      while (!(await refusalOf(append(log, 'while away'))).includes('/token answered 503')) await sleep(50);
      while (!troubles.some((error) => String(error).includes('/token answered 503'))) await sleep(50);
      away = false;
      while ((await refusalOf(append(log, 'after'))) !== '') await sleep(50);
      await member.when(() => member.texts(0).includes('after'));
      expect(member.texts(0)[0]).toBe('before');
      expect(member.failures).toEqual([]);
      await log.close();
    },
    PATIENCE_MS,
  );

  it('says what the broker has against a token', async () => {
    const said = await refusal({ ...way(), sasl: { mechanism: 'oauthbearer', token: async () => 'nonsense' } });
    expect(said).toContain(`Kafka at ${kafka.addresses('oauth').join(',')}: SASL OAUTHBEARER authentication failed: `);
    expect(said).toContain('invalid_token');
    expect(said).not.toContain('nonsense');
  });

  it('asks for a fresh token after one that was refused', async () => {
    const asked: boolean[] = [];
    const client = openKafkaClient({
      ...way(),
      clientId: 'test',
      sasl: {
        mechanism: 'oauthbearer',
        token: async ({ fresh }) => {
          asked.push(fresh);
          return fresh ? tokenOf('admin', 60) : 'nonsense';
        },
      },
    });
    await expect(client.open().admin().connect()).rejects.toThrow('invalid_token');
    const again = client.open().admin();
    await again.connect();
    await again.disconnect();
    expect(asked).toEqual([false, true]);
  });
});
