import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** What a command line says, or a sentence about what is wrong with it. */
export const valuesOf = <T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) => {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** The options of a command; null where only its usage was asked for, or it was called in another way (2): then that was said. */
export const optionsOrUsage = <T extends object>(read: T | string | undefined, usage: string): T | null => {
  if (typeof read === 'object') return read;
  if (read === undefined) console.log(usage);
  else {
    console.error(`${read}\n\n${usage}`);
    process.exitCode = 2;
  }
  return null;
};
