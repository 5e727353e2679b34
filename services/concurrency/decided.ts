import type { DecisionOutput } from '../../schemas/events.ts';
import type { At, Emit } from '../../shared/runtime/processor.ts';
import { type Account, type Control, holdsSlot, type Session } from './account.ts';
import type { Verdict } from './judge.ts';

/** What can happen to a session; each is a record in `stream-decisions.v1`. */
export type Outcome = 'admitted' | 'denied' | 'evicted' | 'replaced' | 'displaced' | 'stopped' | 'expired';

type DecisionEmit = Emit & { readonly record: DecisionOutput };

export const decided = (
  account: Account,
  session: Session,
  outcome: Outcome,
  at: At<Control>,
  { returned } = { returned: false },
): DecisionEmit => ({
  emit: 'stream-decisions.v1',
  key: at.key,
  record: {
    type: 'StreamDecided',
    value: {
      tenant: account.tenant,
      sessionId: session.sessionId,
      outcome,
      reason: session.reason,
      rule: session.rule,
      policyVersion: at.control?.version ?? 0,
      limit: session.limit,
      observed: false,
      returned,
      bySessionId: session.takenBy?.sessionId ?? null,
      holders: account.sessions.filter(holdsSlot).length,
      deviceId: session.deviceId,
      deviceType: session.deviceType,
      contentId: session.contentId,
      contentType: session.contentType,
      decidedAtMs: at.appendedAtMs,
    },
  },
});

/** What a rule that only observes would have decided. */
export const observedDecision = (
  account: Account,
  session: Session,
  watched: Verdict['observed'][number],
  at: At<Control>,
): DecisionEmit => {
  const effect = decided(account, session, watched.refused ? 'denied' : 'admitted', at);
  const value = {
    ...effect.record.value,
    reason: watched.refused ? ('LIMIT_REACHED' as const) : ('EVICTED_BY_NEWER' as const),
    rule: watched.rule.id,
    limit: watched.limit,
    observed: true,
  };
  return { ...effect, record: { type: 'StreamDecided', value } };
};
