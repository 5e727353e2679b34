import { spawn } from 'node:child_process';

/** Ends programs and removes their folder when this process ends, also by a kill -9. */
export type Keeper = {
  /** These, and no longer those of the call before. */
  watch(pids: readonly number[]): void;
  /** There is nothing left to end. */
  dismiss(): void;
};

/** It reads process ids line by line; the end of its input is the end of this process. */
const SCRIPT = 'pids=; while read -r line; do pids=$line; done; [ -n "$pids" ] && { kill -9 $pids; rm -rf "$1"; }';

export const startKeeper = (folder: string): Keeper => {
  const child = spawn('sh', ['-c', SCRIPT, 'playbeat-keeper', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  return {
    watch: (pids) => void child.stdin.write(`${pids.filter((pid) => pid !== 0).join(' ')}\n`),
    dismiss: () => void child.stdin.end('\n'),
  };
};
