import { cut, scheduleBeat } from './beats.ts';
import { writeBody } from './body.ts';
import { isLost, type Reply } from './client.ts';
import type { Decision } from './facts.ts';
import { newSessionId, pickContent, type Content, type Device, type Household, type Player } from './household.ts';
import { newViewing, noteAcked, noteLost, noteSent } from './remembered/truth.ts';
import { readDecision, readStart } from './replies.ts';

export type Started =
  { readonly admitted: true; readonly player: Player } | { readonly admitted: false; readonly reason: string };

export type StartOptions = {
  readonly content?: Content;
  /** Casting: the session whose slot is handed over. */
  readonly continues?: Player;
};

const ATTEMPTS = 4;
const REPEAT_SHARE = 0.1;
const CHECK_SHARE = 0.15;

export function newPlayer(household: Household, device: Device, content: Content): Player {
  const nowMs = household.stage.pace.nowMs();
  const profileId = household.rng.chance(0.8) ? 'profile-1' : 'profile-2';
  const sessionId = newSessionId(household);
  const { id: deviceId, limitsOnly } = device;
  const viewing = newViewing({ sessionId, deviceId, profileId, content, limitsOnly });
  household.account.viewings.push(viewing);
  return {
    device,
    content,
    profileId,
    sessionId,
    viewing,
    state: 'starting',
    sequence: 1,
    positionMs: content.type === 'live' ? 0 : household.rng.between(0, Math.min(content.durationMs ?? 0, 600_000)),
    positionAtMs: nowMs,
    token: undefined,
    intervalMs: 10_000,
    running: false,
    stoppedBy: undefined,
    lastAckMs: nowMs,
    lastBody: undefined,
    cancelBeat: () => undefined,
  };
}

const decisionOf = ({ status, body }: Reply): Decision => {
  const read = readDecision(body);
  const admitted = status === 201 && read?.allow !== false;
  return { reason: '', degraded: false, active: undefined, ...read, allow: admitted };
};

/** Presses play on a device. Whatever it showed before is gone without a word: most apps do not say goodbye. */
export async function start(household: Household, device: Device, options: StartOptions = {}): Promise<Started> {
  const { stage, rng, accountId } = household;
  const content = options.content ?? pickContent(household);
  if (rng.chance(CHECK_SHARE)) await checkBefore(household, device, content);
  for (const other of household.players) if (other.device === device) cut(household, other);

  const player = newPlayer(household, device, content);
  const { sessionId, positionMs, viewing } = player;
  const said = { sequence: 1, state: 'starting', positionMs, ageMs: 0, fresh: true };
  const continues = options.continues?.sessionId;
  const text = JSON.stringify(
    writeBody(household, { player, sequence: 1, state: 'starting', positionMs, continuesSessionId: continues }),
  );
  const about = { accountId, sessionId, deviceId: device.id, continues };

  const ask = async (repeat: boolean): Promise<Reply> => {
    const sentAtMs = stage.pace.nowMs();
    stage.oracle.note({ ...about, type: 'start-sent', atMs: sentAtMs });
    noteSent(viewing, said, sentAtMs);
    const reply = await stage.client.call({
      method: 'POST',
      path: '/v1/sessions',
      body: text,
      contentType: device.contentType,
      keepAlive: device.keepAlive,
    });
    const atMs = stage.pace.nowMs();
    if (reply.status === 201 || reply.status === 409) {
      if (!repeat) stage.tally.startMs.add((atMs - sentAtMs) / stage.pace.speed);
      const decision = decisionOf(reply);
      noteAcked(viewing, { ...said, told: decision.reason }, atMs);
      const answeredSessionId = readStart(reply.body).sessionId;
      stage.oracle.note({
        ...about,
        type: 'start-answered',
        atMs,
        sentAtMs,
        repeat,
        answeredSessionId,
        decision,
      });
      return reply;
    }
    stage.tally.count(`error start ${reply.why}`);
    noteLost(viewing, said, atMs);
    if (isLost(reply))
      stage.oracle.note({ ...about, type: 'call-lost', call: 'start', atMs, sentAtMs, why: reply.why });
    else stage.oracle.note({ ...about, type: 'call-refused', call: 'start', atMs, why: reply.why });
    return reply;
  };

  let reply = await ask(false);
  for (let attempt = 1; attempt < ATTEMPTS && isLost(reply); attempt += 1) {
    await stage.pace.sleep(rng.between(500, 1_500) * attempt);
    reply = await ask(false);
  }
  if (reply.status !== 201 && reply.status !== 409) return { admitted: false, reason: reply.why };

  const decision = decisionOf(reply);
  const outcome = decision.allow ? 'admitted' : 'refused';
  stage.tally.count(`start ${outcome} ${decision.reason || '-'}${decision.degraded ? ' degraded' : ''}`);
  if (!decision.allow) return { admitted: false, reason: decision.reason };

  const { sessionToken, nextHeartbeatMs } = readStart(reply.body);
  player.token = sessionToken;
  player.intervalMs = nextHeartbeatMs ?? player.intervalMs;
  player.running = true;
  player.lastAckMs = stage.pace.nowMs();
  household.players.add(player);
  if (rng.chance(REPEAT_SHARE)) await ask(true);
  player.state = 'playing';
  scheduleBeat(household, player, rng.between(300, player.intervalMs));
  return { admitted: true, player };
}

/** Whether a start would be admitted now, for greying a button; the start itself decides. */
async function checkBefore({ stage, accountId }: Household, device: Device, content: Content): Promise<void> {
  const query = new URLSearchParams({
    accountId,
    deviceId: device.id,
    deviceType: device.type,
    contentId: content.id,
    contentType: content.type,
  });
  const sentAtMs = stage.pace.nowMs();
  const reply = await stage.client.call({
    method: 'GET',
    path: `/v1/block-check?${query.toString()}`,
    keepAlive: device.keepAlive,
  });
  if (reply.status !== 200) return stage.tally.count(`error block-check ${reply.why}`);
  stage.tally.checkMs.add((stage.pace.nowMs() - sentAtMs) / stage.pace.speed);
  stage.tally.count(`block-check before ${readDecision(reply.body)?.allow === true ? 'allow' : 'stop'}`);
}
