import type { TableName } from '../schemas/tables.ts';
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
  /** What it keeps for longer than the log does. */
  readonly tables: readonly TableName[];
  /** The path patterns that it answers, `*` for a parameter. */
  readonly serves: readonly string[];
};

export const ROLES = {
  ingest: {
    summary: 'validates, stamps and appends what players send',
    consumes: [],
    produces: ['heartbeats.v1'],
    keepsState: false,
    tables: [],
    serves: ['/v1/heartbeats', '/v1/sessions', '/v1/sessions/*', '/v1/sessions/*/stop', '/v1/signals'],
  },
  concurrency: {
    summary: 'decides who may stream, and answers block-checks',
    consumes: ['heartbeats.v1'],
    produces: ['stream-decisions.v1', 'heartbeats.v1.parked', 'heartbeats.v1', 'policies.v1'],
    keepsState: true,
    tables: [],
    serves: ['/v1/block-check', '/v1/accounts/*/sessions'],
  },
  'resume-position': {
    summary: 'knows where each profile goes on with each content',
    consumes: ['heartbeats.v1'],
    produces: ['heartbeats.v1'],
    keepsState: true,
    tables: ['resume-positions'],
    serves: [
      '/v1/accounts/*/profiles/*/resume-positions',
      '/v1/accounts/*/profiles/*/resume-positions/*',
      '/v1/accounts/*/profiles/*/resume-positions/*/undo',
    ],
  },
  'view-end': {
    summary: 'says when and how each viewing ended, and how much was watched',
    consumes: ['heartbeats.v1'],
    produces: ['view-ends.v1'],
    keepsState: true,
    tables: ['views'],
    serves: ['/v1/views/*', '/v1/accounts/*/views'],
  },
} as const satisfies Record<string, Role>;

export type RoleName = keyof typeof ROLES;
/** Those that fold a topic. */
export type FoldingRole = Exclude<RoleName, 'ingest'>;
export const ROLE_NAMES: readonly RoleName[] = ['ingest', 'concurrency', 'resume-position', 'view-end'];
export const isRole = (text: string): text is RoleName => ROLE_NAMES.some((name) => name === text);
