import type { RoleName } from '../services/roles.ts';
import type { Series } from './series.ts';

export type Severity = 'page' | 'ticket';

/** Of what there is one alarm each. */
export type Each =
  'stage' | 'balancer' | 'broker' | 'node' | 'shard' | 'table' | 'role' | 'folding' | 'group' | 'served';

export type Alarm = {
  /** Null: only part of one that is made of several. */
  readonly severity: Severity | null;
  /** Of `docs/runbook`, where it is not called as the alarm is. */
  readonly page?: string;
  readonly says: string;
  readonly each: Each;
  /** Standard brokers alone have the metric. */
  readonly on?: 'small';
  readonly series: Readonly<Record<string, Series>>;
  /** In CloudWatch's metric math, of the ids of the series; left out where there is one. */
  readonly expression?: string;
  readonly is: { readonly over: number } | { readonly under: number } | 'above its band';
  readonly minutes: number;
  /** So many of so many periods. */
  readonly of: readonly [number, number];
  /** Whether nothing at all is good news. */
  readonly silence: 'fine' | 'bad';
  /** Whose deployment goes back when it rings meanwhile or soon after. */
  readonly takesBack?: readonly RoleName[] | 'its role';
};

/** What is rung when all of its parts are. */
export type Whole = Pick<Alarm, 'page' | 'says'> & {
  readonly severity: Severity;
  readonly parts: readonly string[];
};
