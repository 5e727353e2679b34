import { isRunning, kill } from './processes.ts';
import { PARTS, type StackOptions } from './parts.ts';
import { forgetStack, readStack, writeStack, type Part, type PartName, type Stack } from './state.ts';

const isUp = (part: Part): boolean => part.programs.every(isRunning);

/** The addresses by which services find the stack. */
export const envOf = (stack: Stack): Record<string, string> =>
  Object.assign({}, ...Object.values(stack.parts).map((part) => part.env));

/** Starts what does not run yet; what runs stays as it is, and a part that lost a program is made anew. */
export const up = async (options: StackOptions, only: readonly PartName[]): Promise<Stack> => {
  let stack = await readStack();
  const save = async (changes: Partial<Stack>): Promise<void> => {
    stack = { ...stack, ...changes };
    await writeStack(stack);
  };
  for (const { name, variable, start } of PARTS) {
    if (!only.includes(name)) continue;
    const address = process.env[variable];
    const known = stack.parts[name];
    if (address !== undefined && address !== '') {
      await save({ parts: { ...stack.parts, [name]: { env: { [variable]: address }, programs: [] } } });
      continue;
    }
    if (known !== undefined && known.programs.length > 0 && isUp(known)) continue;
    if (known !== undefined) await Promise.all(known.programs.map((program) => kill(program)));
    try {
      await start({
        options,
        // At once and not when it is ready: what is started has to be found by `down`.
        onLaunch: ({ kafka, ...part }) =>
          save({ parts: { ...stack.parts, [name]: part }, ...(kafka === undefined ? {} : { kafka }) }),
      });
    } catch (error) {
      const { [name]: broken, ...parts } = stack.parts;
      await Promise.all((broken?.programs ?? []).map((program) => kill(program)));
      await save({ parts });
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
