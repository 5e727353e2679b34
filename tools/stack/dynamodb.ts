import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, HOST, launch, waitFor } from './processes.ts';
import { commandOf, jars, needs } from './programs.ts';
import type { Part } from './state.ts';

const VERSION = '2.6.1';

/** 51 MB, once. */
export const prepareDynamo = async (): Promise<string> => {
  await needs('java');
  return jars(`dynamodb-${VERSION}`, 'dynamodb-pom.xml', [`-Ddynamodb.version=${VERSION}`]);
};

export type DynamoOptions = { readonly folder: string; onLaunch(part: Part): Promise<void> };

/** DynamoDB Local in memory. It never throttles, and takes any credentials, but takes none at all for an error. */
export const startDynamo = async ({ folder, onLaunch }: DynamoOptions): Promise<void> => {
  const lib = await prepareDynamo();
  const [port] = await freePorts(1);
  await mkdir(folder, { recursive: true });
  const output = join(folder, 'dynamodb.log');
  const program = launch({
    command: commandOf('java'),
    args: [
      ...['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Djava.library.path=${lib}`],
      ...['-cp', `${lib}/*`, join(import.meta.dirname, 'DynamoLoopback.java')],
      ...['-inMemory', '-port', String(port), '-sharedDb'],
    ],
    folder,
    output,
    mark: `-inMemory\0-port\0${port}`,
  });
  const endpoint = `http://${HOST}:${port}`;
  await onLaunch({ env: { DYNAMODB_ENDPOINT: endpoint }, programs: [program] });
  const ready = async (): Promise<boolean> => (await fetch(endpoint)).status > 0;
  await waitFor({ name: 'DynamoDB Local', program, output, timeoutMs: 60_000, ready });
};
