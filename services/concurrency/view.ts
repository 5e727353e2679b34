import type { ActiveSession, Decision } from '../../schemas/generated/http.ts';
import type { Heartbeat } from '../../schemas/generated/records.ts';
import type { Reason } from '../../schemas/reasons.ts';
import { SECOND_MS } from '../../schemas/time.ts';
import type { Tokens } from '../../shared/identity/tokens.ts';
import { formatPosition, GENERATION, positionOf } from '../../shared/log/position.ts';
import { stateIn } from '../../shared/runtime/processor.ts';
import type { Checkpoint, MaybePromise, StateStore, StateView } from '../../shared/state/state.ts';
import {
  type Account,
  type Claimant,
  type Control,
  holdsSlot,
  isLate,
  lapsesAt,
  REMEMBERED_MS,
  type Session,
} from './account.ts';
import { concurrency } from './concurrency.ts';
import { judge } from './judge.ts';
import { failsClosed } from './policy.ts';
import { claimantOf } from './sessions.ts';

/** A partition whose newest folded record is older than this is behind: its answers say `degraded`. */
export const STALE_MS = 5 * SECOND_MS;
/** When trying again may help, if no running session says when its slot frees. */
export const RETRY_AFTER_MS = 30 * SECOND_MS;

/** One account as of one position of its partition: what every answer is made of. */
export type Seen = {
  readonly partition: number;
  readonly account: Account | undefined;
  /** Null while the partition has folded nothing. */
  readonly checkpoint: Checkpoint | null;
  /** The store was further once: it lost its newest commits, and the log is making them again. */
  readonly wentBack: boolean;
};

export type AccountReader = (partition: number, keys: readonly string[]) => MaybePromise<readonly Seen[]>;

/** Reads accounts of one partition in one atomic step; at once where the store answers at once. */
export const accountReader = (store: Pick<StateStore, 'read'>): AccountReader => {
  const highest = new Map<number, number>();
  const toSeen = (view: StateView, partition: number): readonly Seen[] => {
    const offset = view.checkpoint?.offset ?? 0;
    const before = highest.get(partition) ?? 0;
    if (offset > before) highest.set(partition, offset);
    return view.rows.map((row) => ({
      partition,
      checkpoint: view.checkpoint,
      wentBack: offset < before,
      account: stateIn(concurrency, row),
    }));
  };
  return (partition, keys) => {
    const view = store.read(concurrency.name, partition, keys);
    return view instanceof Promise ? view.then((v) => toSeen(v, partition)) : toSeen(view, partition);
  };
};

export const controlOf = (checkpoint: Checkpoint | null): Control | undefined =>
  // The checkpoint's control is what this fold's onControl made.
  checkpoint?.control as Control | undefined;

export const findSession = (seen: Seen, sessionId: string): Session | undefined =>
  seen.account?.sessions.find((s) => s.sessionId === sessionId);

/** Half of how long an ended session is remembered: what an older view says may be about a session long forgotten. */
const STAMP_AGE_MS = REMEMBERED_MS / 2;

/** What a session was last told: the stamp of its next record, by which a fold without state knows it again. */
export const stampFrom = (seen: Seen, sessionId: string, nowMs: number): Reason | null => {
  const { checkpoint } = seen;
  if (checkpoint === null || nowMs - checkpoint.clock.appendedAtMs > STAMP_AGE_MS) return null;
  return findSession(seen, sessionId)?.reason ?? null;
};

/** Its next beat is a claim: nothing that is known of the session now answers for it. */
export const needsJudging = (session: Session | undefined): boolean =>
  session === undefined || session.status === 'displaced' || session.status === 'gone';

/** One admission of one session: what a termination token is good for. */
export type Admission = Pick<Session, 'sessionId' | 'admittedAt'>;

export type Asker = {
  /** Whose contents may be named; null for a service, which may see all. */
  readonly profileId: string | null;
  readonly nowMs: number;
  /** Makes the token by which a viewer may stop a session. */
  readonly terminationToken: (admission: Admission) => string;
};

/** `profileId` null asks for a service. */
export const askerFor = (
  { tokens, clock }: { readonly tokens: Pick<Tokens, 'signTermination'>; readonly clock: () => number },
  accountKey: string,
  profileId: string | null,
): Asker => ({
  profileId,
  nowMs: clock(),
  terminationToken: ({ sessionId, admittedAt }) =>
    tokens.signTermination({ accountKey, sessionId, admittedAt: admittedAt ?? '' }),
});

/** The decision about a session as it stands. A session that is not known holds nothing and is told to go on. */
export const decisionOf = (seen: Seen, sessionId: string, asker: Asker): Decision => {
  const decision = verdictOf(seen, findSession(seen, sessionId), { sessionId, nowMs: asker.nowMs });
  return { ...decision, ...who(seen, asker, { allowed: decision.decision === 'allow', rule: decision.rule }) };
};

/** The same without who holds the slots: what most beats are answered. */
export const verdictOf = (
  seen: Seen,
  session: Session | undefined,
  { sessionId, nowMs }: { readonly sessionId: string; readonly nowMs: number },
): Decision => ({
  sessionId,
  decision: session === undefined || holdsSlot(session) ? 'allow' : 'stop',
  reason: session?.reason ?? 'OK',
  rule: session?.rule ?? null,
  policyVersion: session?.policyVersion ?? controlOf(seen.checkpoint)?.version ?? 0,
  limit: session?.limit ?? null,
  degraded: isDegraded(seen, nowMs),
  asOfMs: seen.checkpoint?.clock.appendedAtMs ?? nowMs,
  position: positionText(seen),
});

/** The session that a signal speaks of: the one it started, or the player's on that device and content. */
export const signalledSession = (
  seen: Seen,
  signal: { readonly signalId: string; readonly deviceId: string; readonly contentId: string },
): Session | undefined =>
  findSession(seen, signal.signalId) ??
  seen.account?.sessions.find(
    (s) => holdsSlot(s) && s.deviceId === signal.deviceId && s.contentId === signal.contentId,
  );

/** The decision that a start would get now; it changes nothing. */
export const decisionBefore = (seen: Seen, claimant: Claimant, asker: Asker): Decision => {
  const control = controlOf(seen.checkpoint);
  const live = seen.checkpoint?.clock.liveMs ?? 0;
  const sessions = seen.account?.sessions ?? [];
  const verdict =
    control === undefined ? null : judge(control, sessions, { claimant, power: 'full', takesOver: [] }, live);
  const allowed = verdict?.admitted ?? true;
  const rule = verdict?.rule?.id ?? null;
  return {
    sessionId: null,
    decision: allowed ? 'allow' : 'stop',
    reason: verdict?.reason ?? 'OK',
    rule,
    policyVersion: control?.version ?? 0,
    limit: verdict?.limit ?? null,
    degraded: isDegraded(seen, asker.nowMs),
    asOfMs: seen.checkpoint?.clock.appendedAtMs ?? asker.nowMs,
    position: positionText(seen),
    ...who(seen, asker, { allowed, rule }),
  };
};

/** Whether a claim that could not be decided is refused, by the policy in force. */
export const decidesClosed = ({ checkpoint }: Seen, beat: Heartbeat): boolean => {
  const control = controlOf(checkpoint);
  return control !== undefined && control.mode === 'enforce' && failsClosed(control.policy, claimantOf(beat));
};

/** The answer when none can be had: by the fail mode, allow. */
export const decisionOpen = (sessionId: string | null, nowMs: number): Decision => ({
  sessionId,
  decision: 'allow',
  reason: 'SERVICE_DEGRADED',
  rule: null,
  policyVersion: 0,
  limit: null,
  degraded: true,
  asOfMs: nowMs,
  position: null,
});

/** Who holds slots now, oldest first. */
export const activeSessions = (seen: Seen, asker: Asker, withTokens: boolean): readonly ActiveSession[] => {
  const live = seen.checkpoint?.clock.liveMs ?? 0;
  return (seen.account?.sessions ?? []).filter(holdsSlot).map((s) => {
    const freesInMs = freesIn(s, live);
    return {
      sessionId: s.sessionId,
      deviceId: s.deviceId,
      ...(s.deviceName === null ? {} : { deviceName: s.deviceName }),
      deviceType: s.deviceType,
      ...(asker.profileId === null || asker.profileId === s.profileId ? { contentId: s.contentId } : {}),
      startedAtMs: s.startedAtMs,
      lastBeatAtMs: s.lastBeatAtMs,
      status: statusOf(s, live),
      ...(freesInMs === null ? {} : { freesInMs }),
      ...(withTokens && s.admittedAt !== null ? { terminationToken: asker.terminationToken(s) } : {}),
    };
  });
};

export const statusOf = (s: Session, live: number): ActiveSession['status'] => {
  if (isLate(s, live)) return 'late';
  if (s.pausedSinceLiveMs !== null) return 'paused';
  return s.status === 'starting' ? 'starting' : 'active';
};

/** Live time until the slot frees by itself; null for a session that is neither late nor paused. */
const freesIn = (s: Session, live: number): number | null => {
  const leaseLeft = Math.max(0, lapsesAt(s) - live);
  if (isLate(s, live)) return leaseLeft;
  if (s.pausedSinceLiveMs === null) return null;
  return Math.max(0, s.pausedSinceLiveMs + s.pausedHoldsMs - live);
};

const positionText = ({ partition, checkpoint }: Seen): string | null =>
  checkpoint === null || checkpoint.offset % GENERATION === 0
    ? null
    : formatPosition(positionOf(partition, checkpoint.offset - 1));

/** The store went back, or the newest record folded is old, or state is being made again. */
const isDegraded = ({ checkpoint, wentBack }: Seen, nowMs: number): boolean =>
  wentBack || checkpoint === null || checkpoint.rebuild !== null || nowMs - checkpoint.clock.appendedAtMs > STALE_MS;

const who = (
  seen: Seen,
  asker: Asker,
  { allowed, rule }: { allowed: boolean; rule: string | null },
): Pick<Decision, 'active' | 'retryAfterMs'> => {
  const asks = controlOf(seen.checkpoint)?.policy.rules.some((r) => r.id === rule && r.onExceed === 'ask') ?? false;
  const active = activeSessions(seen, asker, asks && !allowed);
  if (allowed) return { active };
  const frees = active.flatMap((s) => s.freesInMs ?? []);
  return { active, retryAfterMs: frees.length === 0 ? RETRY_AFTER_MS : Math.min(...frees) };
};
