import { decode, encode } from '../../schemas/codec.ts';
import type { Policy } from '../../schemas/generated/http.ts';
import type { PolicyActivated } from '../../schemas/generated/records.ts';
import { MINUTE_MS } from '../../schemas/time.ts';
import type { Log } from '../../shared/log/log.ts';
import type { StateStore } from '../../shared/state/state.ts';
import { concurrency } from './concurrency.ts';
import { controlOf } from './view.ts';

/**
 * Policies lie whole in `policies.v1`; the one in force is a control record in every partition, repeated until each
 * partition has folded it, and re-stated every 5 minutes so that a rebuild finds it.
 */
export type Activation = {
  policies(): readonly StoredPolicy[];
  active(): PolicyActivated | null;
  /** Keeps a policy for later; its version must be newer than all that are kept. */
  store(policy: Policy, by: string): Promise<StoreOutcome>;
  activate(version: number, by: string): Promise<ActivateOutcome>;
  /** One call turns everything to `observe`, or back. */
  setMode(mode: PolicyActivated['mode'], by: string): Promise<ActivateOutcome>;
  /** Appends what is in force to partitions that have not folded it, and to all where it was stated long ago. */
  restate(): Promise<void>;
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
  let statedAtMs = 0;

  const { first, end } = await log.bounds('policies.v1', 0);
  for (let from = first; from < end;) {
    const batch = await log.read('policies.v1', 0, from, 100);
    for (const { key, value } of batch.records) {
      const event = decode(value);
      if (event.type !== 'PolicyActivated') continue;
      if (key === ACTIVE) active = event.value;
      else stored.set(event.value.version, toStored(event.value));
    }
    from = batch.to;
  }

  const state = async (partition: number, record: PolicyActivated): Promise<void> => {
    await log.append(concurrency.input, partition, [{ key: null, value: encode('PolicyActivated', record) }]);
  };
  const hasFolded = async (partition: number, record: PolicyActivated): Promise<boolean> => {
    const { checkpoint } = await store.read(concurrency.name, partition, []);
    const control = controlOf(checkpoint);
    return control?.version === record.version && control.activatedAtMs === record.activatedAtMs;
  };
  const everywhere = Array.from({ length: partitions }, (_, partition) => partition);

  const force = async (record: PolicyActivated): Promise<ActivateOutcome> => {
    await log.append('policies.v1', 0, [{ key: ACTIVE, value: encode('PolicyActivated', record) }]);
    active = record;
    statedAtMs = clock();
    await Promise.all(everywhere.map((partition) => state(partition, record)));
    return 'activated';
  };

  return {
    policies: () => [...stored.values()].sort((a, b) => a.version - b.version),
    active: () => active,
    store: async (policy, by) => {
      const text = JSON.stringify(policy);
      if (stored.get(policy.version)?.policy === text) return 'same';
      if (policy.version <= Math.max(0, ...stored.keys())) return 'not-newer';
      const record = { version: policy.version, mode: 'enforce' as const, policy: text, activatedAtMs: clock(), by };
      const value = encode('PolicyActivated', record);
      await log.append('policies.v1', 0, [{ key: String(policy.version), value }]);
      stored.set(policy.version, toStored(record));
      return 'stored';
    },
    activate: async (version, by) => {
      const wanted = stored.get(version);
      if (wanted === undefined) return 'not-found';
      if (active !== null && version < active.version) return 'not-newer';
      const mode = active?.mode ?? 'enforce';
      return force({ version, mode, policy: wanted.policy, activatedAtMs: after(active, clock()), by });
    },
    setMode: async (mode, by) => {
      if (active === null) return 'not-found';
      return force({ ...active, mode, by, activatedAtMs: after(active, clock()) });
    },
    restate: async () => {
      const record = active;
      if (record === null) return;
      const due = clock() - statedAtMs >= RESTATE_MS;
      if (due) statedAtMs = clock();
      for (const partition of everywhere) {
        if (due || !(await hasFolded(partition, record))) await state(partition, record);
      }
    },
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
