import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RoleName, ROLE_NAMES, ROLES } from '../../services/roles.ts';
import type { Environment } from '../../services/testing/server.ts';
import { startKeeper } from '../stack/keeper.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { type RoleProcess, type RoleProcesses, startRoleProcesses } from './role-processes.ts';

/** Every role as processes of its own on real Kafka and Redis, behind one address. Ends with this process, however that ends. */
export type Cluster = {
  readonly url: string;
  /** Where operators call: policies, processors, and `/cluster` with the processes. */
  readonly admin: string;
  readonly env: Environment;
  readonly processes: RoleProcesses;
  /** Resolves when every partition is folded by somebody, up to what the log held. */
  settled(): Promise<void>;
  /**
   * Ends ingest, and resolves when all that it wrote is folded, with the offset to which each partition is. What comes later is the
   * owners' own: a partition that changes hands is told the policy again.
   */
  quiet(): Promise<readonly number[]>;
  close(): Promise<void>;
};

export type ClusterOptions = {
  /** Where Kafka and Redis are, and whatever else services are told. */
  readonly env: Environment;
  readonly counts: Readonly<Record<'ingest' | 'concurrency', number>> & Partial<Readonly<Record<RoleName, number>>>;
  readonly port: number;
  readonly adminPort: number;
  /** What each process says goes into a file here; left out, it is removed at the end. */
  readonly logs?: string;
  /** Hears each line that a process logs. */
  readonly onLine?: (line: string) => void;
};

const SETTLED_WITHIN_MS = 60_000;
const MOST_PROCESSES = 32;
/** What is on its way to an owner has reached it by then. */
const QUIET_MS = 1_000;

const newSecret = (): string => randomBytes(32).toString('base64url');

/** `/v1/sessions/*` takes one segment in the place of the star. */
const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll('*', '[^/]+')}$`);
const TABLE = ROLE_NAMES.flatMap((role) => ROLES[role].serves.map((path) => ({ role, pattern: patternOf(path) })));
/** What is on no table, every process answers alike. */
export const roleFor = (target: string): RoleName => {
  const path = target.split('?', 1)[0] ?? '';
  return TABLE.find(({ pattern }) => pattern.test(path))?.role ?? 'ingest';
};

export const startCluster = async ({
  env,
  counts,
  port,
  adminPort,
  logs,
  onLine = () => {},
}: ClusterOptions): Promise<Cluster> => {
  const folder = await mkdtemp(join(tmpdir(), 'playbeat-cluster-'));
  if (logs !== undefined) await mkdir(logs, { recursive: true });
  const keeper = startKeeper(folder);
  const shared = {
    ACCOUNT_KEY_PEPPER: newSecret(),
    SESSION_TOKEN_KEY: newSecret(),
    PARTITIONS: '16',
    KAFKA_SESSION_TIMEOUT_MS: '1500',
    ...env,
  };
  const processes = startRoleProcesses({
    env: shared,
    folder: logs ?? folder,
    onLine,
    onPids: (pids) => keeper.watch(pids),
  });
  const proxies: Proxy[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await processes.close();
    keeper.dismiss();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    // Owners first: who asks for a decision finds somebody who makes it.
    await processes.scale('concurrency', counts.concurrency);
    for (const role of ROLE_NAMES.filter((name) => name !== 'concurrency'))
      await processes.scale(role, counts[role] ?? 0);
    const urlsOf = (role: RoleName): readonly string[] => processes.ready(role).map(({ url }) => url);
    // What no process of this cluster is there for, any other one says: 404.
    const runs = (role: RoleName): boolean =>
      (counts[role] ?? 0) > 0 || processes.list().some((process) => process.role === role);
    const takerOf = (path: string): RoleName => (runs(roleFor(path)) ? roleFor(path) : 'ingest');
    const front = await startProxy({ port, upstreams: (path) => urlsOf(takerOf(path)) });
    proxies.push(front);
    const admin = await startProxy({
      port: adminPort,
      upstreams: (path) =>
        processes
          .ready(path.startsWith('/admin/reports/') ? 'decision-ledger' : 'concurrency')
          .map(({ adminUrl }) => adminUrl),
      answer: (req, res) => answerAdmin(processes, req, res),
    });
    proxies.push(admin);
    const partitions = Number(shared.PARTITIONS);
    const settled = async (): Promise<void> => {
      await untilSettled(processes, { partitions, lag: 1_000 });
    };
    const quiet = async (): Promise<readonly number[]> => {
      await processes.scale('ingest', 0);
      await sleep(QUIET_MS);
      return untilSettled(processes, { partitions, lag: 0 });
    };
    await settled();
    return { url: front.url, admin: admin.url, env: shared, processes, settled, quiet, close };
  } catch (error) {
    await close();
    throw error;
  }
};

type Partition = { readonly partition: number; readonly state: string; readonly offset: number; readonly lag: number };
type Processors = {
  readonly processors: readonly { readonly name: string; readonly partitions: readonly Partition[] }[];
};

/** What each owner says of its partitions; null for one that does not answer. */
const askOwners = async (processes: RoleProcesses): Promise<readonly (Processors | null)[]> =>
  Promise.all(
    processes.ready('concurrency').map(async ({ adminUrl }) => {
      const answer = await fetch(`${adminUrl}/admin/processors`, { signal: AbortSignal.timeout(1_000) }).catch(
        () => null,
      );
      return answer === null ? null : ((await answer.json()) as Processors);
    }),
  );

const partitionsOf = (answers: readonly (Processors | null)[]): readonly Partition[] =>
  answers.flatMap((one) => one?.processors.flatMap(({ partitions }) => partitions) ?? []);

type Wanted = { readonly partitions: number; readonly lag: number };

/** Answers the offset to which each partition is folded. */
const untilSettled = async (
  processes: RoleProcesses,
  { partitions: count, lag: most }: Wanted,
): Promise<readonly number[]> => {
  const until = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const folded = partitionsOf(await askOwners(processes)).filter(
      ({ state, lag }) => state === 'running' && lag <= most,
    );
    const who = new Map(folded.map(({ partition, offset }) => [partition, offset]));
    if (who.size === count && folded.length === count)
      return Array.from({ length: count }, (_, partition) => who.get(partition) ?? 0);
    if (performance.now() > until)
      throw new Error(`after ${SETTLED_WITHIN_MS} ms ${who.size} of ${count} partitions are folded`);
    await sleep(50);
  }
};

const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MOST_PROCESSES;

/** `GET /cluster`, `POST /cluster {"ingest":2,"owners":3}`, and what each owner knows a part of. */
const answerAdmin = (processes: RoleProcesses, req: IncomingMessage, res: ServerResponse): boolean => {
  const reply = (status: number, body: unknown): void => {
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const failed = (error: unknown): void => reply(500, { status: 500, code: 'INTERNAL', detail: String(error) });
  switch (`${req.method} ${req.url}`) {
    case 'GET /cluster':
      reply(200, { processes: shownProcesses(processes.list()) });
      return true;
    case 'POST /cluster':
      scaleBy(processes, req).then((error) => {
        if (error === null) reply(200, { processes: shownProcesses(processes.list()) });
        else reply(400, { status: 400, code: 'VALIDATION_FAILED', detail: error });
      }, failed);
      return true;
    case 'GET /admin/processors':
      askOwners(processes).then((answers) => {
        const partitions = [...partitionsOf(answers)].sort((a, b) => a.partition - b.partition);
        reply(200, { processors: [{ name: 'concurrency', partitions }] });
      }, failed);
      return true;
    default:
      return false;
  }
};

export const shownProcesses = (list: readonly RoleProcess[]) =>
  list.map(({ name, role, pid, url, adminUrl }) => ({ role, pid, name, url, admin: adminUrl }));

/** What is wrong with the request, or null when it is done. */
const scaleBy = async (processes: RoleProcesses, req: IncomingMessage): Promise<string | null> => {
  let text = '';
  for await (const chunk of req.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  let body: { readonly ingest?: unknown; readonly owners?: unknown } | null;
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    return 'the body is no JSON';
  }
  const { ingest, owners } = body ?? {};
  for (const [name, count] of Object.entries({ ingest, owners }))
    if (count !== undefined && !isCount(count)) return `/${name} has to be a whole number from 0 to ${MOST_PROCESSES}`;
  if (isCount(ingest)) await processes.scale('ingest', ingest);
  if (isCount(owners)) await processes.scale('concurrency', owners);
  return null;
};
