import { randomUUID } from 'node:crypto';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../schemas/time.ts';
import type { Config } from '../shared/config/config.ts';
import { createFront } from '../shared/http/front.ts';
import { allowedOrigins } from '../shared/http/cors.ts';
import { drained, harden, listen } from '../shared/http/server.ts';
import { accountKeys, peppersIn } from '../shared/identity/account-keys.ts';
import { networkKeys } from '../shared/identity/network-keys.ts';
import type { Verify } from '../shared/identity/verifier.ts';
import { createTokens } from '../shared/identity/tokens.ts';
import { partitionOf } from '../shared/log/partition.ts';
import type { Log as Logger } from '../shared/telemetry/log.ts';
import { cloudwatchLines } from '../shared/telemetry/cloudwatch-lines.ts';
import { createMetrics, watchEventLoop } from '../shared/telemetry/metrics.ts';
import { openTracing } from '../shared/telemetry/tracing.ts';
import { type Activation, openActivation } from './concurrency/activation.ts';
import { openDoor, openIdentity } from './identity.ts';
import { policyRoutes } from './concurrency/admin.ts';
import { concurrency } from './concurrency/concurrency.ts';
import { accountReader } from './concurrency/view.ts';
import { erasureRoutes } from './ingest/erasures.ts';
import { failModeTeller } from './ingest/fail-mode.ts';
import { heartbeatRoute } from './ingest/heartbeats.ts';
import type { Ingest } from './ingest/ingest.ts';
import { createLanes } from './ingest/lanes.ts';
import { sessionRoutes } from './ingest/sessions.ts';
import { createLive, LIVE_TURN_MS } from './live/live.ts';
import { openAudit } from './audit.ts';
import { type Engine, openEngine } from './engines.ts';
import { exportRoutes } from './export-routes.ts';
import { addLivePage, addPages } from './pages.ts';
import { activatePolicyFile, watchPolicyFile } from './policy-file.ts';
import { operationRoutes } from './operations.ts';
import { observed } from './observed.ts';
import { type Processors, startProcessors } from './processors.ts';
import { METADATA_KEYS } from './resume-position/title.ts';
import { openRegistry } from './registry.ts';
import { isFolding, LOCAL_ROLES, type RoleName } from './roles.ts';
import { ROOMS } from './rooms.ts';
import { openTrending, type Trending } from './trending-routes.ts';

/** One process with some or all of the roles. The only place that chooses clocks and timers. */
export type Running = {
  readonly url: string;
  readonly adminUrl: string;
  /** Where what happens can be watched; null where it is not served. */
  readonly liveUrl: string | null;
  /** Takes no more calls, answers those in flight, makes state durable, lets go of the folder. */
  close(): Promise<void>;
};

const TURN_MS = 50;

export const start = async (config: Config, roles: readonly RoleName[], logger: Logger): Promise<Running> => {
  const clock = (): number => Date.now();
  const nodeId = config.nodeId ?? randomUUID().slice(0, 8);
  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const metrics = createMetrics({ process: true });
    const eventLoop = watchEventLoop(metrics);
    closers.push(() => eventLoop.stop());
    const watching = observed(metrics, logger, clock);
    const onTrouble = watching.trouble;
    const registry = await openRegistry(config, metrics, logger);
    closers.push(() => registry?.close());
    const engine = await openEngine({
      config,
      roles,
      nodeId,
      clock,
      onTrouble,
      onCheckpointFailed: watching.checkpointFailed,
    });
    closers.push(() => engine.close());
    const { log, store, table } = engine;
    const tracing = await openTracing({ ...config.tracing, nodeId, system: engine.alone ? 'playbeat' : 'kafka' });
    closers.push(() => tracing.close());
    const verify = await openIdentity(config, clock, onTrouble);
    const owns = roles.includes('concurrency');
    const activation = owns ? await openActivation({ log, store, partitions: config.partitions, clock }) : null;
    if (activation !== null) await activatePolicyFile(activation, config, logger);
    const { partitions, ledgerMs, cloudwatch } = config;
    const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    const folding = { roles, log, store, table, partitions, ledgerMs, clock, pause, metrics, logger, tracing };
    const processors = await startProcessors(folding);
    closers.push(() => processors.close());
    const trending = roles.includes('trending')
      ? openTrending({
          log,
          store,
          partitions,
          clock,
          pause,
          onTrouble,
          tenant: config.tenant,
          minAudience: config.trendingMinAudience,
          partitionOf: (key) => partitionOf(key, partitions),
        })
      : null;
    closers.push(() => trending?.close());
    // With others, who answers what is not this process's to wait for.
    if (engine.alone) {
      await activation?.restate(everyPartition(config));
      await processors.caughtUp();
      await trending?.caughtUp;
    }

    const served = serve({
      config,
      roles,
      clock,
      nodeId,
      engine,
      activation,
      processors,
      trending,
      watching,
      verify,
    });
    const live = servesLivePage(config, roles)
      ? createLive({
          log,
          partitions,
          roles,
          processors: processors.status,
          audience: trending?.audience ?? null,
          pause: () => pause(LIVE_TURN_MS),
          onTrouble,
        })
      : null;
    const { nextRequestId } = served;
    const { identify, limits, adminLimits } = served.door;
    const { serve: trace } = tracing;
    const common = {
      ...watching.front,
      identify,
      allowOrigin: allowedOrigins(config.corsOrigins),
      nextRequestId,
      trace,
    };
    const admin = createFront({ ...common, limits: adminLimits, routes: served.adminRoutes });
    const front = createFront({
      ...common,
      limits,
      routes: [...served.publicRoutes, ...(live === null ? [] : [live.route])],
      extend: (app) => {
        addPages(app, { routes: [...served.publicRoutes, ...served.adminRoutes] });
        if (live !== null) addLivePage(app);
      },
    });
    for (const { server } of [front, admin]) harden(server, config.maxConnections, watching.connectionDropped);

    const told =
      cloudwatch === null ? null : cloudwatchLines({ metrics, namespace: cloudwatch, role: roles.join('+') });
    const tell = (): void => told?.lines(clock()).forEach((line) => process.stdout.write(`${line}\n`));
    // The last minute's, too.
    closers.push(tell);
    const timers = [
      ...(told === null ? [] : [setInterval(tell, MINUTE_MS)]),
      setInterval(served.turn, TURN_MS),
      setInterval(() => void engine.sweep().catch(onTrouble), HOUR_MS),
      setInterval(() => void activation?.restate(processors.owned('concurrency')).catch(onTrouble), SECOND_MS),
      ...(live === null ? [] : [setInterval(live.turn, LIVE_TURN_MS)]),
    ];
    closers.push(() => timers.forEach(clearInterval));
    if (activation !== null) {
      const watcher = watchPolicyFile(activation, config, logger);
      closers.push(() => watcher.close());
    }
    const port = await listen(front.server, { ...config, name: 'PORT' });
    const adminPort = await listen(admin.server, { host: config.host, port: config.adminPort, name: 'ADMIN_PORT' });
    const close = async (): Promise<void> => {
      served.stopping();
      await Promise.all([drained(front, config.drainMs), drained(admin, config.drainMs), live?.close()]);
      await served.drain();
      await closeAll();
    };
    const host = config.host.includes(':') ? `[${config.host}]` : config.host;
    const url = `http://${host}:${port}`;
    return { url, adminUrl: `http://${host}:${adminPort}`, liveUrl: live === null ? null : `${url}/`, close };
  } catch (error) {
    await closeAll();
    throw error;
  }
};

/** By itself where all of Playbeat is one process: elsewhere it shows what one part sees. */
const servesLivePage = ({ livePage }: Config, roles: readonly RoleName[]): boolean =>
  livePage === null ? LOCAL_ROLES.every((role) => roles.includes(role)) : livePage === 'on';

type Parts = {
  readonly config: Config;
  readonly roles: readonly RoleName[];
  readonly clock: () => number;
  readonly nodeId: string;
  readonly engine: Engine;
  readonly activation: Activation | null;
  readonly processors: Processors;
  readonly trending: Trending | null;
  readonly watching: ReturnType<typeof observed>;
  readonly verify: Verify | null;
};

const serve = (parts: Parts) => {
  const { config, roles, clock, nodeId, activation, watching } = parts;
  const { log, store, table, secrets } = parts.engine;
  const tokens = createTokens(secrets.tokenKey, config.sessionTokenKeyBefore?.reveal());
  const read = accountReader(store);
  const waitsFor = (processor: string) => (partition: number, offset: number) =>
    store.waitFor(processor, partition, offset, config.decisionTimeoutMs);
  let requests = 0;
  const nextRequestId = (): string => `${nodeId}-${(requests += 1).toString(36)}`;
  const lanes = createLanes({
    topic: concurrency.input,
    partitions: config.partitions,
    log,
    read,
    source: nodeId,
    maxQueued: config.ingestQueueMax,
    timeoutMs: Math.max(10, config.appendTimeoutMs - TURN_MS),
    clock,
    defer: setImmediate,
    within: (ms, promise) => Promise.race([promise, new Promise<null>((resolve) => setTimeout(resolve, ms, null))]),
    onAppended: watching.appended,
    onLogError: watching.logError,
  });
  const shared = {
    read,
    decided: waitsFor(concurrency.name),
    accountKey: accountKeys(secrets.pepper, peppersIn(config.accountKeyPeppers.reveal(), config.logGeneration)),
    partitionOf: (key: string) => partitionOf(key, config.partitions),
    generation: config.logGeneration,
    tokens,
    clock,
  };
  const audit = openAudit({ log, clock, accountKey: shared.accountKey });
  const networkKey = networkKeys(secrets.pepper);
  const door = openDoor({ config, verify: parts.verify, tokens, clock, limited: watching.limited });
  const ingest: Ingest = {
    ...shared,
    readSession: door.readSession,
    limits: door.limits,
    lanes,
    audit,
    claims: { waiting: 0, most: config.startsWaitingMax },
    networkKey: (req) => networkKey(door.addressOf(req)),
    metadataKeys: [...new Set([...config.metadataKeys, ...METADATA_KEYS])],
    heartbeatIntervalMs: config.heartbeatIntervalMs,
    nextRequestId,
    answeredByFailMode: failModeTeller({ log, clock, defer: setImmediate, onTrouble: watching.trouble }),
    count: watching.counts,
  };
  let stopping = false;
  const operations = operationRoutes({
    log,
    processors: parts.processors.status,
    replay: parts.processors.replay,
    partitions: config.partitions,
    roles,
    stopping: () => stopping,
    metrics: watching.metrics,
  });
  watching.metrics.beforeScrape(() => {
    watching.queued(lanes.queued());
    parts.processors.sample();
  });
  const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const secret = secrets.tokenKey;
  const api = { ...shared, log, store, table, secret, waitsFor, nextRequestId, breathe };
  const folded = roles.filter(isFolding).flatMap((role) => ROOMS[role].routes(api));
  return {
    door,
    nextRequestId,
    turn: lanes.turn,
    publicRoutes: [
      ...(roles.includes('ingest') ? [heartbeatRoute(ingest), ...sessionRoutes(ingest)] : []),
      ...folded.filter(({ port }) => port === 'public'),
      ...(parts.trending?.routes ?? []),
      ...operations.health,
    ],
    adminRoutes: audit.covered([
      ...(roles.includes('ingest') ? erasureRoutes(ingest) : []),
      ...exportRoutes({ ...shared, log, store, table, tables: parts.engine.tables }),
      ...(activation === null ? [] : policyRoutes({ activation, metadataKeys: config.metadataKeys })),
      ...folded.filter(({ port }) => port === 'admin'),
      ...operations.health.map((route) => ({ ...route, port: 'admin' as const })),
      ...operations.admin,
      audit.route,
    ]),
    stopping: () => {
      stopping = true;
    },
    drain: lanes.drain,
  };
};

const everyPartition = ({ partitions }: Config): readonly number[] => Array.from({ length: partitions }, (_, i) => i);
