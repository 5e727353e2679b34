/** The rules of the little server: who holds a slot. With a flaw it breaks one of them. */

export const FLAWS = [
  'limit and one',
  'silence holds',
  'zapping counts',
  'loses each 20th beat',
  'says not who',
  'stop forgotten',
  'two at once',
  'another sequence',
  'hand-over refused',
  'old beats claim',
  'late beat revives',
] as const;
export type Flaw = (typeof FLAWS)[number];

export type Claim = {
  readonly accountId: string;
  readonly sessionId: string;
  readonly deviceId: string;
  readonly continues: string;
  readonly sequence: number;
  readonly state: string;
  readonly ageMs: number;
};

export type Ruling = {
  readonly allow: boolean;
  readonly reason: string;
  readonly active: readonly { readonly sessionId: string }[];
};

export type Slots = {
  /** What a start would get now; changes nothing. */
  rule(claim: Claim): Ruling;
  /** Does what `rule` allowed. */
  admit(claim: Claim): void;
  beat(claim: Claim): Ruling | undefined;
  stop(which: Pick<Claim, 'accountId' | 'sessionId'>): void;
  status(which: Pick<Claim, 'accountId' | 'sessionId'>): Ruling;
  holders(accountId: string): readonly { readonly sessionId: string }[];
};

type Held = {
  readonly sessionId: string;
  readonly deviceId: string;
  beatMs: number;
  ended: string | undefined;
};

const LATE_MS = 22_000;
const LEASE_MS = 35_000;
const LAST_STATES = ['ended', 'stopped', 'failed'];

export function createSlots(options: {
  nowMs(): number;
  readonly limit: number;
  readonly flaw: Flaw | undefined;
}): Slots {
  const { nowMs, flaw } = options;
  const limit = options.limit + (flaw === 'limit and one' ? 1 : 0);
  const accounts = new Map<string, Map<string, Held>>();
  let beats = 0;

  const sessions = (accountId: string): Map<string, Held> => {
    const found = accounts.get(accountId) ?? new Map<string, Held>();
    accounts.set(accountId, found);
    return found;
  };

  const holders = (accountId: string): Held[] => {
    const goneMs = flaw === 'silence holds' ? Infinity : LEASE_MS;
    return [...sessions(accountId).values()].filter(
      ({ ended, beatMs }) => ended === undefined && nowMs() - beatMs <= goneMs,
    );
  };

  /** The slot that the claim takes over without counting. */
  const isItsOwn = (held: Held, claim: Claim): boolean =>
    held.sessionId === claim.sessionId ||
    (held.deviceId === claim.deviceId && flaw !== 'zapping counts') ||
    (held.sessionId === claim.continues && flaw !== 'hand-over refused');

  const competing = (claim: Claim): Held[] => holders(claim.accountId).filter((held) => !isItsOwn(held, claim));
  const isLate = ({ beatMs }: Held): boolean => flaw !== 'silence holds' && nowMs() - beatMs > LATE_MS;

  const rule = (claim: Claim): Ruling => {
    const known = sessions(claim.accountId).get(claim.sessionId);
    if (claim.state === 'starting' && known !== undefined) return { allow: true, reason: 'OK', active: [] };
    const running = competing(claim).filter((held) => !isLate(held));
    const allow = running.length < limit;
    const active = flaw === 'says not who' ? [] : running.map(({ sessionId }) => ({ sessionId }));
    return { allow, reason: allow ? 'OK' : 'LIMIT_REACHED', active };
  };

  const admit = (claim: Claim): void => {
    const all = sessions(claim.accountId);
    // The same start once more, maybe long after its session ended, does nothing.
    if (claim.state === 'starting' && all.has(claim.sessionId)) return;
    for (const held of holders(claim.accountId))
      if (held.sessionId !== claim.sessionId && isItsOwn(held, claim)) held.ended = 'REPLACED_ON_DEVICE';
    const left = competing(claim);
    const late = left.filter(isLate).sort((a, b) => a.beatMs - b.beatMs);
    for (const held of late.slice(0, Math.max(0, left.length - limit + 1))) held.ended = 'SILENT_TOO_LONG';
    if (all.get(claim.sessionId)?.ended !== undefined) all.delete(claim.sessionId);
    if (!all.has(claim.sessionId))
      all.set(claim.sessionId, {
        sessionId: claim.sessionId,
        deviceId: claim.deviceId,
        beatMs: nowMs(),
        ended: undefined,
      });
  };

  const silentNow = ({ beatMs }: Held): string | undefined =>
    nowMs() - beatMs > LEASE_MS ? 'SILENT_TOO_LONG' : undefined;

  const status: Slots['status'] = ({ accountId, sessionId }) => {
    const ended = sessions(accountId).get(sessionId)?.ended;
    return { allow: ended === undefined, reason: ended ?? 'OK', active: [] };
  };

  return {
    rule,
    admit,
    status,
    holders: (accountId) => holders(accountId).map(({ sessionId }) => ({ sessionId })),
    stop({ accountId, sessionId }) {
      const held = sessions(accountId).get(sessionId);
      if (held !== undefined && flaw !== 'stop forgotten') held.ended ??= 'STOPPED';
    },
    beat(claim) {
      const all = sessions(claim.accountId);
      const held = all.get(claim.sessionId);
      beats += 1;
      if (claim.ageMs > LATE_MS && flaw !== 'old beats claim') return undefined;
      if (flaw === 'loses each 20th beat' && beats % 20 === 0 && held !== undefined) held.ended ??= 'SILENT_TOO_LONG';
      if (flaw === 'late beat revives' && held?.ended === 'STOPPED') held.ended = undefined;

      const isBack = held === undefined || (held.ended ?? silentNow(held)) === 'SILENT_TOO_LONG';
      if (isBack && flaw !== 'loses each 20th beat') {
        const ruling = rule({ ...claim, state: 'playing' });
        if (!ruling.allow) {
          if (held !== undefined) held.ended = 'LIMIT_REACHED';
          return ruling;
        }
        admit(claim);
        const back = all.get(claim.sessionId);
        if (back !== undefined) back.beatMs = nowMs();
        return status(claim);
      }
      if (held === undefined || held.ended !== undefined) return status(claim);
      held.beatMs = nowMs();
      if (LAST_STATES.includes(claim.state)) held.ended = 'STOPPED';
      return status(claim);
    },
  };
}
