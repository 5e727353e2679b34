import type { Step } from '../steps.ts';
import { prepareLint } from './cfn-lint.ts';
import { prepareDynamo } from './dynamodb.ts';
import { KAFKA_VERSION, prepareKafka } from './kafka.ts';
import { installMissing } from './programs.ts';
import { prepareRegistry } from './registry.ts';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const fetched = (name: string, prepare: () => Promise<unknown>): Step => ({
  name,
  run: () =>
    prepare().then(
      () => ({ ok: true, output: '' }),
      (error: unknown) => ({ ok: false, output: messageOf(error) }),
    ),
});

/**
 * Everything that the stack is started from, and what reads the templates, so that no test waits for a download, and a run says which one did not come.
 * One after the other: Maven's local repository bears one at a time.
 */
export const PREPARE_STEPS: readonly Step[] = [
  {
    name: 'programs',
    run: async () => {
      const missing = await installMissing((line) => console.error(line));
      // Maven has nothing to do where all jars are kept already; where not, the jars say so.
      const needed = missing.filter(({ program }) => program !== 'mvn');
      return { ok: needed.length === 0, output: needed.map(({ message }) => message).join('\n') };
    },
  },
  fetched(`Kafka ${KAFKA_VERSION}`, prepareKafka),
  fetched('DynamoDB Local', prepareDynamo),
  fetched('schema registry', prepareRegistry),
  fetched('cfn-lint', prepareLint),
];
