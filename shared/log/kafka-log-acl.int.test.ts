import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import kafkajs, { type AclEntry, type Admin } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSecureKafka, type SecureKafka } from '../../tools/stack/own-kafka.ts';
import { openKafkaClient } from './kafka-log-client.ts';
import { openKafkaLog, type KafkaLogOptions } from './kafka-log.ts';
import { LogMisconfigured, LogUnavailable } from './log-errors.ts';
import type { Log } from './log.ts';
import { memberOf, record, TOPIC } from './testing/member.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** The first start fetches the jars. */
const START_MS = 300_000;
const PATIENCE_MS = 60_000;

let kafka: SecureKafka;
let admin: Admin;
beforeAll(async () => {
  kafka = await startSecureKafka();
  await kafka.addUser('playbeat', 'correct-horse-7');
  await kafka.addUser('guest', 'correct-horse-7');
  admin = openKafkaClient({ brokers: kafka.brokers, clientId: 'test' }).open().admin();
  await admin.connect();
}, START_MS);
afterAll(async () => {
  await admin?.disconnect();
  await kafka?.stop();
}, PATIENCE_MS);

type Right = Pick<AclEntry, 'resourceType' | 'resourceName' | 'operation'> & { readonly principal?: string };
const aclOf = (right: Right, permissionType: number, resourcePatternType: number): AclEntry => ({
  principal: 'User:playbeat',
  ...right,
  permissionType,
  resourcePatternType,
  host: '*',
});
const allow = (...rights: readonly Right[]) =>
  admin.createAcls({
    acl: rights.map((right) => aclOf(right, AclPermissionTypes.ALLOW, ResourcePatternTypes.PREFIXED)),
  });
const takeAway = (right: Right) =>
  admin.createAcls({ acl: [aclOf(right, AclPermissionTypes.DENY, ResourcePatternTypes.LITERAL)] });
const giveBack = (right: Right) =>
  admin.deleteAcls({ filters: [aclOf(right, AclPermissionTypes.DENY, ResourcePatternTypes.LITERAL)] });

/** All that a service needs whose topics are made by somebody else. */
const allowService = (prefix: string) =>
  allow(
    { resourceType: AclResourceTypes.TOPIC, resourceName: prefix, operation: AclOperationTypes.READ },
    { resourceType: AclResourceTypes.TOPIC, resourceName: prefix, operation: AclOperationTypes.WRITE },
    { resourceType: AclResourceTypes.TOPIC, resourceName: prefix, operation: AclOperationTypes.DESCRIBE_CONFIGS },
    { resourceType: AclResourceTypes.GROUP, resourceName: prefix, operation: AclOperationTypes.READ },
  );

const untilRejected = async (work: () => Promise<unknown>): Promise<unknown> => {
  for (;;) {
    const error: unknown = await work().then(
      () => null,
      (e: unknown) => e,
    );
    if (error !== null) return error;
    await sleep(20);
  }
};

describe('the Kafka log of a user that ACLs limit', () => {
  let prefixes = 0;
  let prefix: string;
  let log: Log;
  let troubles: Error[];
  beforeEach(async () => {
    prefix = `t${++prefixes}.`;
    const owner = await openKafkaLog({ brokers: kafka.brokers, clientId: 'owner', partitions: 2, prefix });
    await owner.close();
    await allowService(prefix);
    troubles = [];
    log = await openOnceSeen({ prefix, createTopics: false, onTrouble: (error) => troubles.push(error) });
  }, PATIENCE_MS);
  afterEach(() => log.close(), PATIENCE_MS);

  const open = (options: Partial<KafkaLogOptions>, username = 'playbeat'): Promise<Log> =>
    openKafkaLog({
      brokers: kafka.addresses('scram'),
      clientId: 'test',
      partitions: 2,
      ssl: { ca: kafka.ca },
      sasl: { mechanism: 'scram-sha-512', username, password: 'correct-horse-7' },
      ...options,
    });
  /** A broker learns of a right some time after it was given. */
  const openOnceSeen: typeof open = async (options, username) => {
    for (;;) {
      const opened = await open(options, username).catch((error: unknown) => {
        if (error instanceof LogMisconfigured) return null;
        throw error;
      });
      if (opened !== null) return opened;
    }
  };
  const append = (text: string) => log.append(TOPIC, 0, [record(text)]);
  const troubled = async (text: string): Promise<void> => {
    while (!troubles.some((error) => error instanceof LogUnavailable && String(error).includes(text))) await sleep(20);
  };

  it('says that topics may not be made, or not be seen', async () => {
    const refused: unknown = await open({ prefix: 'elsewhere.' }).catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(LogUnavailable);
    expect(String(refused)).toContain('Topic creation errors: Not authorized to access topics');
    const error: unknown = await open({ prefix: 'elsewhere.', createTopics: false }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LogMisconfigured);
    expect(String(error)).toContain('is missing, or this user may not describe it');
  });

  it('refuses appends while it may not write, with the reason, and goes on when it may', async () => {
    const right = {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: `${prefix}${TOPIC}`,
      operation: AclOperationTypes.WRITE,
    };
    const member = memberOf({ log });
    await log.consume(member.consumer);
    await append('before');
    await takeAway(right);
    const error = await untilRejected(() => append('between'));
    expect(error).toBeInstanceOf(LogUnavailable);
    expect(String(error)).toContain('(heartbeats.v1/0): Not authorized to access topics');
    // The other topics do not suffer from it.
    await log.append('heartbeats.v1.parked', 0, [{ key: null, value: null }]);
    await giveBack(right);
    while ((await append('after').catch(() => null)) === null) await sleep(20);
    await member.when(() => member.texts(0).includes('after'));
    expect([troubles, member.failures]).toEqual([[], []]);
  });

  it('writes as soon as a user may that could write nowhere before', async () => {
    const right = { principal: 'User:guest', resourceType: AclResourceTypes.TOPIC, resourceName: prefix };
    await allow({ ...right, operation: AclOperationTypes.READ });
    await allow({ ...right, operation: AclOperationTypes.DESCRIBE_CONFIGS });
    const guest = await openOnceSeen({ prefix, createTopics: false }, 'guest');
    const write = () => guest.append(TOPIC, 0, [record('text')]);
    await expect(write()).rejects.toThrow('Cluster authorization failed (CLUSTER_AUTHORIZATION_FAILED)');
    await allow({ ...right, operation: AclOperationTypes.WRITE });
    while ((await write().catch(() => null)) === null) await sleep(20);
    await guest.close();
  });

  it.each([
    { what: 'the topic', type: 'TOPIC', operation: 'READ', resource: TOPIC, reason: 'Not authorized to access topics' },
    {
      what: 'the group',
      type: 'GROUP',
      operation: 'READ',
      resource: 'group',
      reason: 'Not authorized to access group',
    },
    {
      what: 'the group, nor find it',
      type: 'GROUP',
      operation: 'ALL',
      resource: 'group',
      reason: 'Not authorized to access group',
    },
  ] as const)(
    'says why it stands still while it may not read $what, and goes on when it may',
    async ({ type, operation, resource, reason }) => {
      const right = {
        resourceType: AclResourceTypes[type],
        resourceName: `${prefix}${resource}`,
        operation: AclOperationTypes[operation],
      };
      const member = memberOf({ log });
      await log.consume(member.consumer);
      await append('before');
      await member.has(1);
      await takeAway(right);
      await troubled(`the member of ${prefix}group for ${prefix}${TOPIC}: ${reason}`);
      // It keeps trying, and says so each time.
      troubles = [];
      await troubled(reason);
      troubles = [];
      await troubled(reason);
      expect(troubles.map(String).filter((text) => !text.includes(reason))).toEqual([]);
      await append('between');
      await giveBack(right);
      await member.when(() => member.texts(0).includes('between'));
      expect(member.texts(0)[0]).toBe('before');
      expect(member.failures).toEqual([]);
    },
    PATIENCE_MS,
  );
});
