import type { TableName } from '../schemas/tables.ts';
import type { TopicName } from '../schemas/topics.ts';

/**
 * The catalogue of roles: what a process can be. No role on the command line means all in one process but those on request. Wiring,
 * the documents of the interface and, later, the infrastructure are derived from it.
 */
export type Role = {
  readonly summary: string;
  readonly consumes: readonly TopicName[];
  readonly produces: readonly TopicName[];
  /** The consumer groups that it is in, where they are not called as it is. */
  readonly groups?: readonly string[];
  readonly keepsState: boolean;
  /** Runs only where it is named. */
  readonly onRequest: boolean;
  /** What it keeps for longer than the log does. */
  readonly tables: readonly TableName[];
  /** The path patterns that it answers, `*` for a parameter. */
  readonly serves: readonly string[];
};

export const ROLES = {
  ingest: {
    summary: 'validates, stamps and appends what players send',
    consumes: [],
    produces: ['heartbeats.v1', 'stream-decisions.v1', 'audit.v1'],
    keepsState: false,
    onRequest: false,
    tables: [],
    serves: ['/v1/heartbeats', '/v1/sessions', '/v1/sessions/*', '/v1/sessions/*/stop', '/v1/signals'],
  },
  concurrency: {
    summary: 'decides who may stream, and answers block-checks',
    consumes: ['heartbeats.v1'],
    produces: ['stream-decisions.v1', 'heartbeats.v1.parked', 'heartbeats.v1', 'policies.v1', 'audit.v1'],
    keepsState: true,
    onRequest: false,
    tables: [],
    serves: ['/v1/block-check', '/v1/accounts/*/sessions'],
  },
  'resume-position': {
    summary: 'knows where each profile goes on with each content',
    consumes: ['heartbeats.v1'],
    produces: ['heartbeats.v1'],
    keepsState: true,
    onRequest: false,
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
    onRequest: false,
    tables: ['views'],
    serves: ['/v1/views/*', '/v1/accounts/*/views'],
  },
  trending: {
    summary: 'counts who watches what, and ranks it',
    consumes: ['heartbeats.v1', 'audience-moves.v1', 'audience-counts.v1'],
    produces: ['audience-moves.v1', 'audience-counts.v1'],
    groups: ['trending', 'audience'],
    keepsState: true,
    onRequest: false,
    tables: [],
    serves: ['/v1/trending', '/v1/contents/*/audience'],
  },
  'decision-ledger': {
    summary: 'keeps what was decided, reports it, and explains it',
    consumes: ['stream-decisions.v1', 'heartbeats.v1'],
    produces: [],
    keepsState: true,
    onRequest: false,
    tables: ['decisions', 'decisions-by-day'],
    serves: ['/v1/accounts/*/decisions'],
  },
  archive: {
    summary: 'keeps what players sent, for clickstream analysis',
    consumes: ['heartbeats.v1'],
    produces: [],
    keepsState: true,
    onRequest: true,
    tables: ['payloads'],
    serves: [],
  },
} as const satisfies Record<string, Role>;

export type RoleName = keyof typeof ROLES;
/** Those that fold a topic: each has a room in rooms.ts. */
export type FoldingRole = Exclude<RoleName, 'ingest'>;
export const isFolding = (role: RoleName): role is FoldingRole => role !== 'ingest';
export const ROLE_NAMES = Object.keys(ROLES) as readonly RoleName[];
/** The consumer groups of a role: one that consumes nothing is in none. */
export const groupsOf = (name: RoleName): readonly string[] => {
  const { consumes, groups = [name] }: Role = ROLES[name];
  return consumes.length === 0 ? [] : groups;
};
/** What `local` stands for, and a process that names none. */
export const LOCAL_ROLES: readonly RoleName[] = ROLE_NAMES.filter((name) => !ROLES[name].onRequest);
export const isRole = (text: string): text is RoleName => ROLE_NAMES.some((name) => name === text);
