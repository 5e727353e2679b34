import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTS, type PartRecipe } from './parts.ts';
import { isRunning, kill } from './processes.ts';
import {
  forgetStack,
  readStack,
  stackFolder,
  writeStack,
  type Part,
  type PartName,
  type Stack,
  type StackOptions,
} from './state.ts';

const isUp = (part: Part): boolean => part.programs.every(isRunning);

/** The addresses by which services find the stack. */
export const envOf = (stack: Stack): Record<string, string> =>
  Object.assign({}, ...Object.values(stack.parts).map((part) => part.env));

/** What was asked for is not how it runs. Nothing has been changed. */
export class RunsOtherwise extends Error {
  override readonly name = 'RunsOtherwise';
  constructor(part: PartName, how: string) {
    super(`${part} ${how}. What it holds would be lost; end it with: npm run stack -- down`);
  }
}

/** An address in the environment is somebody else's program, unless it is what this very stack printed. */
const elsewhere = ({ name, variable }: PartRecipe, stack: Stack): string | null => {
  const address = process.env[variable] ?? '';
  const known = stack.parts[name];
  const ours = known !== undefined && known.programs.length > 0 && known.env[variable] === address;
  return address === '' || ours ? null : address;
};

/**
 * Starts what does not run yet; what runs stays as it is, and a part that lost a program is made anew. An option that is
 * not given is as it runs.
 */
export const up = async (asked: Partial<StackOptions>, only: readonly PartName[]): Promise<Stack> => {
  let stack = await readStack();
  const options: StackOptions = { ...stack.options, ...asked };
  const save = async (changes: Partial<Stack>): Promise<void> => {
    stack = { ...stack, ...changes };
    await writeStack(stack);
  };
  const recipes = PARTS.filter(({ name }) => only.includes(name));
  const runs = ({ name }: PartRecipe): boolean => {
    const part = stack.parts[name];
    return part !== undefined && part.programs.length > 0 && isUp(part);
  };
  for (const recipe of recipes.filter(runs)) {
    const { name, variable, option } = recipe;
    const address = elsewhere(recipe, stack);
    if (address !== null) throw new RunsOtherwise(name, `runs already, and ${variable} names another, ${address}`);
    const [is, wish] = option === null ? [] : [stack.options[option], options[option]];
    if (is !== wish) throw new RunsOtherwise(name, `runs with --${option} ${is}, not ${wish}`);
  }
  for (const recipe of recipes) {
    const { name, variable, option, start } = recipe;
    const address = elsewhere(recipe, stack);
    if (address === null && runs(recipe)) continue;
    const end = async (): Promise<void> => {
      const { [name]: ended, ...parts } = stack.parts;
      await Promise.all((ended?.programs ?? []).map((program) => kill(program)));
      await rm(join(stackFolder(), name), { recursive: true, force: true, maxRetries: 3 });
      await save({ parts });
    };
    await end();
    if (address !== null) {
      await save({ parts: { ...stack.parts, [name]: { env: { [variable]: address }, programs: [] } } });
      continue;
    }
    try {
      await start({
        options,
        folder: join(stackFolder(), name),
        // At once and not when it is ready: what is started has to be found by `down`.
        onLaunch: ({ kafka = stack.kafka, ...part }) =>
          save({
            parts: { ...stack.parts, [name]: part },
            options: { ...stack.options, ...(option === null ? {} : { [option]: options[option] }) },
            kafka,
          }),
      });
    } catch (error) {
      await end();
      throw error;
    }
  }
  return stack;
};

export const down = async (): Promise<void> => {
  const stack = await readStack();
  const programs = Object.values(stack.parts).flatMap((part) => part.programs);
  await Promise.all(programs.map((program) => kill(program)));
  await forgetStack();
};

export type PartStatus = { readonly name: string; readonly running: boolean; readonly pids: readonly number[] };

export const statusOf = (stack: Stack): PartStatus[] =>
  Object.entries(stack.parts).map(([name, part]) => ({
    name,
    running: isUp(part),
    pids: part.programs.map((program) => program.pid),
  }));
