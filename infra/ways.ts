import type { RoleName } from '../services/roles.ts';
import type { Fact } from './published.ts';
import { type Rule, rulesOf } from './routing.ts';
import type { Stage } from './stages.ts';

/** A load balancer, and what it leads to tasks. */
export type Way = {
  /** Empty for the one that every stage has. */
  readonly name: '' | 'heartbeats';
  readonly balancer: Fact;
  readonly listener: Fact;
  readonly rulesOf: (role: RoleName) => readonly Rule[];
};

const EVERYTHING: Way = { name: '', balancer: 'platform/balancer', listener: 'platform/listener', rulesOf };
const HEARTBEATS: Way = {
  name: 'heartbeats',
  balancer: 'platform/heartbeats-balancer',
  listener: 'platform/heartbeats-listener',
  rulesOf: (role) => rulesOf(role).filter(({ pattern }) => pattern === '/v1/heartbeats'),
};

/** Beside a web firewall, which is paid for each call, heartbeats have a way without it. Who does not know it comes by the other one. */
export const waysOf = ({ settings }: Stage): readonly Way[] =>
  settings.firewall === undefined ? [EVERYTHING] : [EVERYTHING, HEARTBEATS];

/** `Targets` and, of heartbeats alone, `HeartbeatsTargets`. */
export const idOf = ({ name }: Way, what: string): string => (name === '' ? what : `Heartbeats${what}`);
