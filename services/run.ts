import { readConfig } from '../shared/config/config.ts';
import { createLog } from '../shared/telemetry/log.ts';
import { isRole, LOCAL_ROLES, ROLE_NAMES } from './roles.ts';
import { start } from './wiring.ts';

const fail = (lines: readonly string[]): never => {
  for (const line of lines) console.error(line);
  process.exit(1);
};

const words = process.argv.slice(2);
const local: readonly string[] = LOCAL_ROLES;
const asked = (words.length === 0 ? ['local'] : words).flatMap((word) => (word === 'local' ? local : word));
const unknown = asked.filter((word) => !isRole(word));
if (unknown.length > 0)
  fail([
    `no such role: ${unknown.join(', ')}. There are: ${ROLE_NAMES.join(', ')}; none, or local, for all but ` +
      `${ROLE_NAMES.filter((name) => !LOCAL_ROLES.includes(name)).join(' and ')}.`,
  ]);
const roles = ROLE_NAMES.filter((name) => asked.includes(name));

const read = readConfig(process.env);
if (!read.ok) fail(read.errors);
const config = read.ok ? read.config : fail([]);

const logger = createLog({ level: config.logLevel, base: { roles } });
if (config.auth === 'off') logger.warn({}, 'AUTH=off: whoever reaches the port may act for every account');

const running = await start(config, roles, logger).catch((error: unknown) =>
  fail([error instanceof Error ? error.message : String(error)]),
);

let closing = false;
const close = (signal: string): void => {
  if (closing) return;
  closing = true;
  logger.info({ signal }, 'draining');
  running.close().then(
    () => process.exit(0),
    (err: unknown) => {
      logger.error({ err }, 'could not end cleanly');
      process.exit(1);
    },
  );
};
process.once('SIGTERM', close);
process.once('SIGINT', close);

// Not before: whoever hears that it is ready may end it at once.
const { url, adminUrl: admin, liveUrl } = running;
logger.info({ url, admin, docs: `${url}/docs`, ...(liveUrl === null ? {} : { live: liveUrl }) }, 'Playbeat is ready');
