import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RoleName } from '../../services/roles.ts';
import { type Environment, launchService, type Running } from '../../services/testing/server.ts';

/** The processes of a cluster: each one role, started again when it ends by itself. */
export type RoleProcesses = {
  list(): readonly RoleProcess[];
  /** Those of a role that take calls, as their health checks say; a turn further each time. */
  ready(role: RoleName): readonly RoleProcess[];
  /** Starts or ends processes until there are so many. Resolves when all are ready. */
  scale(role: RoleName, count: number): Promise<void>;
  /** Starts another in its place, then ends it as a deployment does. */
  replace(name: string, other?: { readonly main?: string; readonly env?: Environment }): Promise<void>;
  close(): Promise<void>;
};

export type RoleProcess = {
  readonly name: string;
  readonly role: RoleName;
  readonly pid: number;
  readonly url: string;
  readonly adminUrl: string;
};

export type RoleProcessesOptions = {
  readonly env: Environment;
  /** What each process says goes into a file here. */
  readonly folder: string;
  onLine(line: string): void;
  /** Called with all process ids whenever they change. */
  onPids(pids: readonly number[]): void;
};

const RESTART_MS = 200;
const LAST_RESTART_MS = 5_000;
const HEALTH_MS = 250;
/** A process that does not say for so long that it is well gets no more calls. */
const HEALTH_TIMEOUT_MS = 1_000;

/** A balancer takes a process out before it is ended. */
const DEREGISTRATION_MS = 300;

type Held = {
  /** The start that is under way, or the newest. */
  starting: Promise<void>;
  readonly role: RoleName;
  readonly name: string;
  running: Running | null;
  healthy: boolean;
  ending: boolean;
};

const isWell = async ({ url }: Running): Promise<boolean> => {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
  await answer.arrayBuffer();
  return answer.ok;
};

export const startRoleProcesses = ({ env, folder, onLine, onPids }: RoleProcessesOptions): RoleProcesses => {
  let held: Held[] = [];
  let closed = false;
  let turns = 0;
  const numbers = new Map<RoleName, number>();
  const tell = (): void => onPids(held.flatMap(({ running }) => running?.child.pid ?? []));

  const start = async (
    one: Held,
    other: { readonly main?: string; readonly env?: Environment } = {},
  ): Promise<void> => {
    const log = join(folder, `${one.name}.log`);
    let begun = '';
    const hear = (text: string): void => {
      appendFileSync(log, text);
      const lines = (begun + text).split('\n');
      begun = lines.pop() ?? '';
      lines.forEach(onLine);
    };
    const running = await launchService({
      env: { NODE_ID: one.name, ...env, ...other.env },
      roles: [one.role],
      ...(other.main === undefined ? {} : { main: other.main }),
      onOutput: hear,
    });
    one.running = running;
    one.healthy = true;
    tell();
    running.child.once('exit', () => {
      one.running = null;
      one.healthy = false;
      tell();
      if (!one.ending) void starting(one, keepStarting(one, other));
    });
  };
  /** What is ended while it starts is waited for: it must not be left behind. */
  const starting = (one: Held, work: Promise<void>): Promise<void> => {
    one.starting = work.catch(() => {});
    return work;
  };
  const keepStarting = async (one: Held, other: Parameters<typeof start>[1]): Promise<void> => {
    for (let waitMs = RESTART_MS; !closed && !one.ending; waitMs = Math.min(2 * waitMs, LAST_RESTART_MS)) {
      await sleep(waitMs);
      if (closed || one.ending) return;
      try {
        return await start(one, other);
      } catch (error) {
        appendFileSync(join(folder, `${one.name}.log`), `${String(error)}\n`);
      }
    }
  };
  const add = async (role: RoleName, other?: Parameters<typeof start>[1]): Promise<void> => {
    const number = (numbers.get(role) ?? 0) + 1;
    numbers.set(role, number);
    const name = `${role}-${number}`;
    const one: Held = { role, name, running: null, healthy: false, ending: false, starting: Promise.resolve() };
    held = [...held, one];
    try {
      await starting(one, start(one, other));
    } catch (error) {
      held = held.filter((two) => two !== one);
      throw error;
    }
  };
  const end = async (one: Held): Promise<void> => {
    one.ending = true;
    // What was on its way to it arrives first.
    if (!closed) await sleep(DEREGISTRATION_MS);
    await one.starting;
    const child = one.running?.child;
    if (child !== undefined) {
      // Not `exit`: what it has written last is still on its way then.
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      // One that was stopped would hear it never.
      child.kill('SIGCONT');
      await ended;
    }
    held = held.filter((two) => two !== one);
  };

  const check = async (one: Held): Promise<void> => {
    const { running } = one;
    if (running === null) return;
    const well = await isWell(running).catch(() => false);
    if (one.running === running) one.healthy = well;
  };
  let checking = false;
  const checks = setInterval(() => {
    if (checking) return;
    checking = true;
    void Promise.all(held.map(check)).finally(() => {
      checking = false;
    });
  }, HEALTH_MS);

  const shown = (one: Held): readonly RoleProcess[] => {
    const { role, name, running } = one;
    if (running?.child.pid === undefined) return [];
    return [{ name, role, pid: running.child.pid, url: running.url, adminUrl: running.adminUrl }];
  };

  return {
    list: () => held.flatMap(shown),
    ready: (role) => {
      const ofRole = held.filter((one) => one.role === role && one.running !== null && !one.ending);
      const well = ofRole.filter((one) => one.healthy);
      // With none that is well, a call that fails says so sooner than no call.
      const all = (well.length > 0 ? well : ofRole).flatMap(shown);
      const first = all.length === 0 ? 0 : (turns += 1) % all.length;
      return [...all.slice(first), ...all.slice(0, first)];
    },
    scale: async (role, count) => {
      const now = held.filter((one) => one.role === role && !one.ending);
      const missing = Math.max(0, count - now.length);
      await Promise.all([...Array.from({ length: missing }, () => add(role)), ...now.slice(count).map(end)]);
    },
    replace: async (name, other) => {
      const old = held.find((one) => one.name === name);
      if (old === undefined) throw new RangeError(`There is no process ${name}.`);
      await add(old.role, other);
      await end(old);
    },
    close: async () => {
      closed = true;
      clearInterval(checks);
      await Promise.all(held.map(end));
    },
  };
};
