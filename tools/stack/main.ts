import { parseArgs } from 'node:util';
import { PARTS } from './parts.ts';
import { MissingProgram } from './programs.ts';
import { REDIS_MODES } from './redis.ts';
import { down, envOf, RunsOtherwise, statusOf, up } from './stack.ts';
import { readStack, withStackLocked, type PartName, type Stack } from './state.ts';

/**
 * npm run stack -- up [--only kafka,redis] [--brokers 1|3] [--redis single|replica|cluster|cluster-replicas] [--json]
 * npm run stack -- status [--json]
 * npm run stack -- down
 *
 * The programs of the distributed engine on the loopback, on free ports. They outlive this command until `down`.
 * A part whose address is in the environment already is used and not started.
 */
const USAGE = `stack up [--only ${PARTS.map((part) => part.name).join(',')}] [--brokers 1|3] [--redis ${REDIS_MODES.join('|')}] [--json]
stack status [--json]
stack down`;

class WrongUsage extends Error {}

const oneOf = <T extends string>(value: string, allowed: readonly T[], option: string): T => {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new WrongUsage(`--${option} is one of ${allowed.join(', ')}, not ${value}.`);
  return found;
};

const show = (stack: Stack, json: boolean): void => {
  const env = envOf(stack);
  if (json) console.log(JSON.stringify({ env }));
  else for (const [name, value] of Object.entries(env)) console.log(`export ${name}=${value}`);
};

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: PARTS.map((part) => part.name).join(',') },
      brokers: { type: 'string' },
      redis: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [command, ...more] = positionals;
  if (more.length > 0) throw new WrongUsage(`One command at a time, not ${positionals.join(' ')}.`);
  switch (command) {
    case 'up': {
      const names: readonly PartName[] = PARTS.map((part) => part.name);
      const only = values.only.split(',').map((name) => oneOf(name.trim(), names, 'only'));
      const { brokers, redis, json } = values;
      const asked = {
        ...(brokers === undefined ? {} : { brokers: oneOf(brokers, ['1', '3'], 'brokers') }),
        ...(redis === undefined ? {} : { redis: oneOf(redis, REDIS_MODES, 'redis') }),
      };
      show(await withStackLocked(() => up(asked, only)), json);
      return 0;
    }
    case 'status': {
      const stack = await readStack();
      if (values.json) show(stack, true);
      const parts = statusOf(stack);
      if (!values.json && parts.length === 0) console.log('Nothing runs. Start it with: npm run stack -- up');
      if (!values.json)
        for (const { name, running, pids } of parts)
          console.log(
            `${name.padEnd(9)} ${pids.length === 0 ? 'elsewhere' : running ? 'runs' : 'is down'}  ${pids.join(' ')}`,
          );
      return parts.length > 0 && parts.every((part) => part.running) ? 0 : 1;
    }
    case 'down':
      await withStackLocked(down);
      return 0;
    default:
      throw new WrongUsage(USAGE);
  }
};

try {
  process.exitCode = await main();
} catch (error) {
  const wrongUsage = error instanceof WrongUsage || (error instanceof TypeError && 'code' in error);
  const told = error instanceof MissingProgram || error instanceof RunsOtherwise;
  if (!wrongUsage && !told) throw error;
  console.error(error.message);
  process.exitCode = wrongUsage ? 2 : 1;
}
