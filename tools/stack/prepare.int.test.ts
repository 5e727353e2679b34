import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execPath } from 'node:process';
import { join } from 'node:path';
import { ownStack, type OwnStack } from './testing.ts';

/** The first time fetches the jars. */
const PATIENCE_MS = 300_000;
const PROGRAM = `
  import { PREPARE_STEPS } from ${JSON.stringify(join(import.meta.dirname, 'prepare.ts'))};
  import { runSteps } from ${JSON.stringify(join(import.meta.dirname, '../steps.ts'))};
  process.exitCode = await runSteps(PREPARE_STEPS, { width: 1 });`;

describe('what npm test prepares', () => {
  let own: OwnStack;
  beforeEach(() => {
    own = ownStack();
  });
  afterEach(() => own.end());
  const prepare = (env: NodeJS.ProcessEnv = {}) => own.run(execPath, ['--input-type=module', '-e', PROGRAM], env);

  it(
    'is five steps, which all go well where the tests of the stack can run, and fetch nothing the second time',
    async () => {
      expect((await prepare()).code).toBe(0);
      const again = await prepare();
      expect(again).toMatchObject({ code: 0, err: '' });
      expect(again.out.match(/^ok +[a-zA-Z]+/gm)?.map((line) => line.replace(/ +/, ' '))).toEqual([
        'ok programs',
        'ok Kafka',
        'ok DynamoDB',
        'ok schema',
        'ok cfn',
      ]);
    },
    PATIENCE_MS,
  );

  it('fails in all five on a bare machine where nothing can be installed, with the commands that do', async () => {
    const bare = { PATH: own.folder, JAVA_HOME: '', XDG_CACHE_HOME: join(own.folder, 'cache') };
    const { code, out, err } = await prepare(bare);
    expect(code).toBe(5);
    expect(err).toMatch(
      /^installing openjdk-17-jdk-headless, maven, redis-server, python3-venv, openssl, chromium\ncould not install them: /,
    );
    for (const debian of ['openjdk-17-jdk-headless', 'redis-server', 'python3-venv', 'openssl', 'chromium']) {
      expect(out).toContain(`Install it with: apt-get install -y --no-install-recommends ${debian}\n`);
    }
  });

  it('fails by name for each that does not come', async () => {
    const { code, out } = await prepare({ XDG_CACHE_HOME: '/dev/null' });
    expect(code).toBe(4);
    expect(out).toMatch(
      /^ok +programs[^]+^failed Kafka 4[^]+^failed DynamoDB Local[^]+^failed schema registry[^]+^failed cfn-lint/m,
    );
  });
});
