import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epochMs } from '../../schemas/time.ts';
import { openEmbeddedLog } from './embedded-log.ts';
import { logContract } from './log.contract.ts';

logContract({
  name: 'the embedded log',
  make: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'playbeat-log-'));
    const log = await openEmbeddedLog({ folder, partitions: 4, clock: () => epochMs(Date.now()) });
    return { log, dispose: async () => rmSync(folder, { recursive: true }) };
  },
});
