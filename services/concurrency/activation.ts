import { decode, encode } from '../../schemas/codec.ts';
import type { Policy } from '../../schemas/generated/http.ts';
import type { PolicyActivated } from '../../schemas/generated/records.ts';
import { MINUTE_MS } from '../../schemas/time.ts';
import type { Log } from '../../shared/log/log.ts';
import type { StateStore } from '../../shared/state/state.ts';
import { concurrency, supersedes } from './concurrency.ts';
import { controlOf } from './view.ts';

/**
 * Policies lie whole in `policies.v1`; the one in force is a control record in every partition, repeated by its owner
 * until it is folded, and re-stated every 5 minutes so that a rebuild finds it. What other processes store and activate
 * is read from there.
 */
export type Activation = {
  /** As of the newest call of any of those below. */
  policies(): readonly StoredPolicy[];
  active(): PolicyActivated | null;
  /** Keeps a policy for later; its version must be newer than all that are kept. */
  store(policy: Policy, by: string): Promise<StoreOutcome>;
  activate(version: number, by: string): Promise<ActivateOutcome>;
  /** One call turns everything to `observe`, or back. */
  setMode(mode: PolicyActivated['mode'], by: string): Promise<ActivateOutcome>;
  /** Appends what is in force to those of the partitions that have not folded it, or where it was stated long ago. */
  restate(partitions: readonly number[]): Promise<void>;
};

export type StoredPolicy = {
  readonly version: number;
  readonly policy: string;
  readonly storedAtMs: number;
  readonly by: string;
};
export type StoreOutcome = 'stored' | 'same' | 'not-newer';
export type ActivateOutcome = 'activated' | 'not-found' | 'not-newer';

/** Half of the shortest window that a rebuild folds again. */
export const RESTATE_MS = 5 * MINUTE_MS;

const ACTIVE = 'active';

export type ActivationParts = {
  readonly log: Log;
  readonly store: Pick<StateStore, 'read'>;
  readonly partitions: number;
  readonly clock: () => number;
};

export const openActivation = async ({ log, store, partitions, clock }: ActivationParts): Promise<Activation> => {
  const stored = new Map<number, StoredPolicy>();
  let active: PolicyActivated | null = null;
  let read = 0;
  /** When this process stated it last, for the partitions of the newest `restate`. */
  let stated = new Map<number, number>();

  const refresh = async (): Promise<void> => {
    const { first, end } = await log.bounds('policies.v1', 0);
    for (read = Math.max(read, first); read < end;) {
      const batch = await log.read('policies.v1', 0, read, 100);
      for (const { key, value } of batch.records) {
        const event = decode(value);
        if (event.type !== 'PolicyActivated') continue;
        if (key !== ACTIVE) stored.set(event.value.version, toStored(event.value));
        else if (active === null || supersedes(event.value, active)) active = event.value;
      }
      read = batch.to;
    }
  };
  let queue: Promise<unknown> = Promise.resolve();
  /** One call after another, each on top of what all processes have said. */
  const upToDate = <T>(work: () => Promise<T>): Promise<T> => {
    const next = queue.then(refresh).then(work);
    queue = next.catch(() => {});
    return next;
  };

  const state = async (partition: number, record: PolicyActivated): Promise<void> => {
    await log.append(concurrency.input, partition, [{ key: null, value: encode('PolicyActivated', record) }]);
  };
  const hasFolded = async (partition: number, record: PolicyActivated): Promise<boolean> => {
    const { checkpoint } = await store.read(concurrency.name, partition, []);
    const control = controlOf(checkpoint);
    return control?.version === record.version && control.activatedAtMs === record.activatedAtMs;
  };

  const force = async (record: PolicyActivated): Promise<ActivateOutcome> => {
    await log.append('policies.v1', 0, [{ key: ACTIVE, value: encode('PolicyActivated', record) }]);
    active = record;
    const nowMs = clock();
    await Promise.all(Array.from({ length: partitions }, (_, partition) => state(partition, record)));
    for (const partition of stated.keys()) stated.set(partition, nowMs);
    return 'activated';
  };

  await upToDate(async () => {});
  return {
    policies: () => [...stored.values()].sort((a, b) => a.version - b.version),
    active: () => active,
    store: (policy, by) =>
      upToDate(async () => {
        const text = JSON.stringify(policy);
        if (stored.get(policy.version)?.policy === text) return 'same';
        if (policy.version <= Math.max(0, ...stored.keys())) return 'not-newer';
        const record = { version: policy.version, mode: 'enforce' as const, policy: text, activatedAtMs: clock(), by };
        const value = encode('PolicyActivated', record);
        await log.append('policies.v1', 0, [{ key: String(policy.version), value }]);
        stored.set(policy.version, toStored(record));
        return 'stored';
      }),
    activate: (version, by) =>
      upToDate(async () => {
        const wanted = stored.get(version);
        if (wanted === undefined) return 'not-found';
        if (active !== null && version < active.version) return 'not-newer';
        const mode = active?.mode ?? 'enforce';
        return force({ version, mode, policy: wanted.policy, activatedAtMs: after(active, clock()), by });
      }),
    setMode: (mode, by) =>
      upToDate(async () => {
        if (active === null) return 'not-found';
        return force({ ...active, mode, by, activatedAtMs: after(active, clock()) });
      }),
    restate: (owned) =>
      upToDate(async () => {
        const record = active;
        if (record === null) return;
        const nowMs = clock();
        // A partition that was another's has been stated nobody here knows when.
        stated = new Map(owned.map((partition) => [partition, stated.get(partition) ?? -Infinity]));
        for (const [partition, atMs] of stated) {
          if (nowMs - atMs < RESTATE_MS && (await hasFolded(partition, record))) continue;
          await state(partition, record);
          stated.set(partition, nowMs);
        }
      }),
  };
};

/** Two switches within a millisecond, or over a clock set back, still have an order. */
const after = (active: PolicyActivated | null, nowMs: number): number =>
  Math.max(nowMs, (active?.activatedAtMs ?? 0) + 1);

const toStored = ({ version, policy, activatedAtMs, by }: PolicyActivated): StoredPolicy => ({
  version,
  policy,
  storedAtMs: activatedAtMs,
  by,
});
