import { readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { parsePolicy } from '../schemas/policy.ts';
import type { Config } from '../shared/config/config.ts';
import type { Log as Logger } from '../shared/telemetry/log.ts';
import type { Activation } from './concurrency/activation.ts';

/** Keeps and activates what the file says, where that is newer than what is in force. */
export const activatePolicyFile = async (activation: Activation, config: Config, logger: Logger): Promise<void> => {
  const parsed = parsePolicy(readPolicyFile(config.policyFile), { metadataKeys: config.metadataKeys });
  if (!parsed.ok) {
    const errors = parsed.errors.map(
      (e) => `${e.path || '/'}${e.line === undefined ? '' : ` (line ${e.line})`} ${e.detail}`,
    );
    throw new Error(`${config.policyFile} is no policy: ${errors.join('; ')}`);
  }
  const { version } = parsed.policy;
  const active = activation.active();
  const stored = await activation.store(parsed.policy, 'policy-file');
  if (stored === 'not-newer') {
    logger.warn({ file: config.policyFile, version }, 'the policy file was changed without a newer version: not used');
  } else if (active === null || active.version < version) {
    await activation.activate(version, 'policy-file');
    logger.info({ file: config.policyFile, version }, 'policy activated');
  }
};

const readPolicyFile = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`POLICY_FILE=${file} cannot be read (${causeOf(cause)})`, { cause });
  }
};

const causeOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The folder is watched, since editors replace a file and do not write into it. */
export const watchPolicyFile = (activation: Activation, config: Config, logger: Logger): { close(): void } => {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(dirname(config.policyFile), (_event, name) => {
    if (name !== basename(config.policyFile)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      activatePolicyFile(activation, config, logger).catch((err: unknown) =>
        logger.error({ err }, 'the changed policy file is not used'),
      );
    }, 100);
  });
  return {
    close: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
};
