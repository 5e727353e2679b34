/** What a player did and was told, with the moment it happened. The oracle is fed with these and knows nothing else. */

/** The decision of a reply, reduced to what can be judged. `active` is undefined where the reply names nobody. */
export type Decision = {
  readonly allow: boolean;
  readonly reason: string;
  readonly degraded: boolean;
  readonly active: readonly string[] | undefined;
};

type Happened = {
  readonly atMs: number;
  readonly accountId: string;
  readonly sessionId: string;
};

export type Beat = {
  readonly sequence: number;
  readonly state: string;
  /** Whatever a live channel's player may say here is not sent. */
  readonly positionMs: number;
  readonly ageMs: number;
  /** False for a repeat or a lower sequence that comes late: it must not move anything. */
  readonly fresh: boolean;
};

export type Fact =
  | (Happened & { readonly type: 'start-sent'; readonly deviceId: string; readonly continues: string | undefined })
  | (Happened & {
      readonly type: 'start-answered';
      readonly deviceId: string;
      readonly continues: string | undefined;
      readonly sentAtMs: number;
      /** The same call once more after its answer. */
      readonly repeat: boolean;
      readonly answeredSessionId: string | undefined;
      readonly decision: Decision;
    })
  | (Happened & Beat & { readonly type: 'beat-sent' })
  | (Happened &
      Beat & {
        readonly type: 'beat-answered';
        readonly sentAtMs: number;
        /** What the reply says it answers; undefined when it says nothing about this beat. */
        readonly answered: { readonly sessionId: string; readonly sequence: number } | undefined;
        readonly decision: Decision | undefined;
      })
  | (Happened & { readonly type: 'stop-sent' })
  | (Happened & { readonly type: 'stop-answered' })
  | (Happened & { readonly type: 'check-answered'; readonly sentAtMs: number; readonly decision: Decision })
  /** Network error, timeout, 5xx or 429: it may have been done or not. */
  | (Happened & {
      readonly type: 'call-lost';
      readonly call: 'start' | 'beat' | 'stop';
      readonly sentAtMs: number;
      readonly why: string;
    })
  /** A 4xx that nothing in the call explains. */
  | (Happened & {
      readonly type: 'call-refused';
      readonly call: 'start' | 'beat' | 'stop';
      readonly why: string;
    });

const seconds = (ms: number): string => `${(ms / 1000).toFixed(3).padStart(9)} s`;

const told = (decision: Decision | undefined): string => {
  if (decision === undefined) return 'no decision';
  const active = decision.active === undefined ? '' : ` active=[${decision.active.join(' ')}]`;
  return `${decision.allow ? 'allow' : 'STOP'} ${decision.reason}${decision.degraded ? ' degraded' : ''}${active}`;
};

const beat = (fact: Beat): string =>
  `#${fact.sequence} ${fact.state}${fact.ageMs > 0 ? ` age ${Math.round(fact.ageMs)} ms` : ''}${fact.fresh ? '' : ' again'}`;

/** One line of an account's history, for a person who wants to understand a violation. */
export function describe(fact: Fact): string {
  const head = `${seconds(fact.atMs)}  ${fact.type.padEnd(14)} ${fact.sessionId}`;
  switch (fact.type) {
    case 'start-sent':
      return `${head} on ${fact.deviceId}${fact.continues === undefined ? '' : ` continues ${fact.continues}`}`;
    case 'start-answered':
      return `${head} on ${fact.deviceId}: ${told(fact.decision)}${fact.repeat ? ' (repeat)' : ''}`;
    case 'beat-sent':
      return `${head} ${beat(fact)}`;
    case 'beat-answered':
      return `${head} ${beat(fact)}: ${told(fact.decision)}`;
    case 'check-answered':
      return `${head} ${told(fact.decision)}`;
    case 'call-lost':
    case 'call-refused':
      return `${head} ${fact.call}: ${fact.why}`;
    case 'stop-sent':
    case 'stop-answered':
      return head;
  }
}
