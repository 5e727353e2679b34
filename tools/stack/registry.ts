import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, HOST, launch, run, waitFor } from './processes.ts';
import { cached, commandOf, needs } from './programs.ts';
import type { Part } from './state.ts';

/** The last line for Java 17. */
const VERSION = '2.6.13.Final';

export type RegistryOptions = {
  readonly folder: string;
  /** A free one when left out. */
  readonly port?: number;
  onLaunch(part: Part): Promise<void>;
};

/** 142 MB, once. */
export const prepareRegistry = async (): Promise<string> => {
  await needs('java');
  return cached(`apicurio-${VERSION}`, async (folder) => {
    await needs('mvn');
    const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
    const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
    const where = [`-DoutputDirectory=${folder}`, '-Dmdep.useBaseVersion=true'];
    await run('mvn', ['-q', '-B', copy, `-Dartifact=${artifact}`, ...where], folder);
    const archive = join(folder, `apicurio-registry-app-${VERSION}-all.tar.gz`);
    await run('tar', ['xzf', archive, '-C', folder], folder);
    await rm(archive);
  });
};

/** A schema registry in memory, with the interface of Confluent's. */
export const startRegistry = async ({ folder, onLaunch, ...options }: RegistryOptions): Promise<void> => {
  const lib = await prepareRegistry();
  const jar = (await readdir(lib)).find((name) => name.endsWith('-runner.jar'));
  if (jar === undefined) throw new Error(`There is no registry in ${lib}: remove that folder and start again.`);
  const port = options.port ?? (await freePorts(1))[0];
  await mkdir(folder, { recursive: true });
  const output = join(folder, 'registry.log');
  const program = launch({
    command: commandOf('java'),
    args: [
      ...['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.net.preferIPv4Stack=true'],
      ...[`-Dquarkus.http.host=${HOST}`, `-Dquarkus.http.port=${port}`, '-jar', join(lib, jar)],
    ],
    folder,
    output,
    mark: `-Dquarkus.http.port=${port}`,
  });
  const url = `http://${HOST}:${port}/apis/ccompat/v7`;
  await onLaunch({ env: { SCHEMA_REGISTRY_URL: url }, programs: [program] });
  const ready = async (): Promise<boolean> => (await fetch(`${url}/subjects`)).ok;
  await waitFor({ name: 'the schema registry', program, output, timeoutMs: 120_000, ready });
  // Confluent's checks every new version of a schema; this one none until it is told to.
  await fetch(`${url}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: 'BACKWARD' }),
  });
};
