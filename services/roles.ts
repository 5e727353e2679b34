import type { TopicName } from '../schemas/topics.ts';

/**
 * The catalogue of roles: what a process can be. No role on the command line means all of them in one process. Wiring,
 * the documents of the interface and, later, the infrastructure are derived from it.
 */
export type Role = {
  readonly summary: string;
  readonly consumes: readonly TopicName[];
  readonly produces: readonly TopicName[];
  readonly keepsState: boolean;
  /** The path patterns that it answers, `*` for a parameter. */
  readonly serves: readonly string[];
};

export const ROLES = {
  ingest: {
    summary: 'validates, stamps and appends what players send',
    consumes: [],
    produces: ['heartbeats.v1'],
    keepsState: false,
    serves: ['/v1/heartbeats', '/v1/sessions', '/v1/sessions/*', '/v1/sessions/*/stop', '/v1/signals'],
  },
  concurrency: {
    summary: 'decides who may stream, and answers block-checks',
    consumes: ['heartbeats.v1'],
    produces: ['stream-decisions.v1', 'heartbeats.v1.parked', 'heartbeats.v1', 'policies.v1'],
    keepsState: true,
    serves: ['/v1/block-check', '/v1/accounts/*/sessions'],
  },
} as const satisfies Record<string, Role>;

export type RoleName = keyof typeof ROLES;
/** Those that fold a topic. */
export type FoldingRole = Exclude<RoleName, 'ingest'>;
export const ROLE_NAMES: readonly RoleName[] = ['ingest', 'concurrency'];
export const isRole = (text: string): text is RoleName => ROLE_NAMES.some((name) => name === text);
