/** One call: what it was answered, or null where no answer came. */
export type Call = (
  path: string,
  body: Readonly<Record<string, unknown>>,
) => Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> } | null>;

/** `away`: nobody answered, or not knowing the newest state. `wrong`: somebody answered, and should have answered otherwise. */
export type Outcome = 'right' | 'wrong' | 'away';
export type Round = { readonly outcome: Outcome; readonly why: string | null };

type Options = {
  readonly call: Call;
  /** Of a household of its own: nobody else's streams are in its way, nor those of a round that was cut off. */
  readonly accountId: string;
  /** How many streams the policy allows it. */
  readonly limit: number;
  readonly nowMs: number;
};

/** As many devices as may play start, beat, and one more is refused; then all stop. */
export const playRound = async (options: Options): Promise<Round> => {
  const { call, accountId, limit, nowMs } = options;
  const tokens = new Map<string, unknown>();

  const start = async (device: number): Promise<Round> => {
    const sessionId = `${accountId}-${device}`;
    const playing = { sessionId, accountId, profileId: 'synthetic', deviceId: sessionId, deviceType: 'other' };
    const watched = { contentId: 'synthetic-household', contentType: 'vod', positionMs: 0 };
    const answer = await call('/v1/sessions', {
      ...playing,
      ...watched,
      state: 'starting',
      sequence: 0,
      sentAtMs: nowMs,
    });
    const what = `the start of device ${device} of ${limit}`;
    if (answer === null || answer.status >= 500 || answer.status === 429) return away(what, answer);
    if (answer.status === 201) tokens.set(sessionId, answer.body['sessionToken']);
    if (answer.body['degraded'] === true) return away(`${what}, which was not decided`, answer);
    const refused = answer.status === 409 && answer.body['code'] === 'STREAM_LIMIT_EXCEEDED';
    return (device <= limit ? answer.status === 201 : refused) ? RIGHT : wrong(what, answer);
  };

  const beat = async (sessionId: string, sessionToken: unknown): Promise<Round> => {
    const body = { sessionToken, sequence: 1, state: 'playing', positionMs: 1_000, sentAtMs: nowMs };
    const answer = await call('/v1/heartbeats', body);
    const what = `the beat of ${sessionId}`;
    if (answer === null || answer.status >= 500 || answer.status === 429) return away(what, answer);
    return answer.status === 202 ? RIGHT : wrong(what, answer);
  };

  const play = async (): Promise<Round> => {
    for (let device = 1; device <= limit; device++) {
      const started = await start(device);
      if (started.outcome !== 'right') return started;
    }
    for (const [sessionId, token] of tokens) {
      const beaten = await beat(sessionId, token);
      if (beaten.outcome !== 'right') return beaten;
    }
    return start(limit + 1);
  };

  const played = await play();
  for (const [sessionId, sessionToken] of tokens) {
    const stopped = await call(`/v1/sessions/${sessionId}/stop`, { sessionToken });
    if (played.outcome === 'right' && stopped?.status !== 202) return away(`the stop of ${sessionId}`, stopped);
  }
  return played;
};

const RIGHT: Round = { outcome: 'right', why: null };
type Answer = Awaited<ReturnType<Call>>;
const said = (what: string, answer: Answer): string =>
  answer === null
    ? `${what}: no answer`
    : `${what}: ${answer.status} ${String(answer.body['code'] ?? answer.body['decision'] ?? '')}`.trim();
const away = (what: string, answer: Answer): Round => ({ outcome: 'away', why: said(what, answer) });
const wrong = (what: string, answer: Answer): Round => ({ outcome: 'wrong', why: said(what, answer) });
