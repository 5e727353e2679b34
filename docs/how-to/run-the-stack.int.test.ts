import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { MissingProgram, PROGRAM_NAMES } from '../../tools/stack/programs.ts';
import { ownStack, type OwnStack, type Ran } from '../../tools/stack/testing.ts';
import { fencesOf, readPage } from '../testing/fences.ts';

const page = await readPage('docs/how-to/run-the-stack.md');
const blocks = fencesOf(page).filter(({ lang }) => lang === 'sh');
const shown = fencesOf(page).filter(({ lang }) => lang === 'text');
/** The first start fetches the jars, where `npm test` has not. */
const PATIENCE_MS = 300_000;

let own: OwnStack;
const ran: (Ran & { readonly line: string })[] = [];
beforeAll(async () => {
  own = ownStack();
  for (const line of blocks.flatMap(({ text }) => text.split('\n'))) {
    ran.push({ line, ...(await own.run('bash', ['-c', line])) });
  }
}, PATIENCE_MS);
afterAll(() => own.end(), PATIENCE_MS);

const outOf = (line: string): string => ran.find((one) => one.line === line)?.out ?? `${line} is not on the page`;
const namesIn = (text: string): string[] => [...text.matchAll(/^export (\w+)=/gm)].map(([, name]) => name!);
const countOf = (text: string, name: string): number =>
  new RegExp(`^export ${name}=(.*)$`, 'm').exec(text)?.[1]?.split(',').length ?? 0;

describe('how to run the stack', () => {
  it('shows only lines that work', () => {
    expect(ran.length).toBeGreaterThan(10);
    expect(ran.filter(({ code }) => code !== 0)).toEqual([]);
  });

  it('shows the environment that is printed, and how a shell and a program take it', () => {
    const env = outOf('npm run stack -- up');
    expect(namesIn(env)).toEqual(namesIn(shown[0]!.text));
    const kafka = /KAFKA_BROKERS=(.*)/.exec(env)?.[1];
    expect(outOf('eval "$(npm run -s stack -- up)" && echo "$KAFKA_BROKERS"').trim()).toBe(kafka);
    const json = JSON.parse(outOf('npm run -s stack -- up --json')) as { env: Record<string, string> };
    expect(Object.keys(json.env)).toEqual(namesIn(env));
    expect(json.env['KAFKA_BROKERS']).toBe(kafka);
    expect(outOf('npm run stack -- status').match(/^\w+ +runs/gm)).toHaveLength(4);
  });

  it('has the modes right', () => {
    expect(countOf(outOf('npm run stack -- up --only kafka --brokers 3'), 'KAFKA_BROKERS')).toBe(3);
    const replica = outOf('npm run stack -- up --only redis --redis replica');
    expect([countOf(replica, 'REDIS_URL'), countOf(replica, 'REDIS_REPLICA_URL')]).toEqual([1, 1]);
    expect(countOf(outOf('npm run stack -- up --only redis --redis cluster'), 'REDIS_URL')).toBe(3);
    const elsewhere = outOf('KAFKA_BROKERS=kafka.example:9092 npm run stack -- up --only kafka,redis');
    expect(elsewhere).toContain('export KAFKA_BROKERS=kafka.example:9092\nexport REDIS_URL=redis://127.0.0.1:');
  });

  it('leaves nothing behind', () => {
    expect(readdirSync(own.folder).filter((name) => name.startsWith('playbeat'))).toEqual([]);
  });

  it('names the command for whatever may be missing', () => {
    for (const name of PROGRAM_NAMES) {
      const command = new MissingProgram(name).message.split('with: ')[1];
      expect(page).toContain(`\`${command}\``);
    }
  });
});
