import { HOST, run } from './processes.ts';

/** Asks a Redis by its own command line client; an error in reply rejects. */
export const askRedis = (port: number, ...words: readonly (string | number)[]): Promise<string> =>
  run('redis-cli', ['-e', '-h', HOST, '-p', String(port), ...words.map(String)], '/');
