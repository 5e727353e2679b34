import { writeBody } from './body.ts';
import { isLost, type Reply } from './client.ts';
import type { Beat, Decision } from './facts.ts';
import type { Household, Player } from './household.ts';
import { RunOver } from './pace.ts';
import { noteAcked, noteLost, noteSent } from './remembered/truth.ts';
import { readBeats, readDecision, type BeatResult } from './replies.ts';

const ATTEMPTS = 3;
const CHECK_SHARE = 0.05;

/** The device goes silent: a crash, a cut at the wall, the lid of a laptop. Nothing is sent. */
export function cut(household: Household, player: Player): void {
  player.cancelBeat();
  player.running = false;
  household.players.delete(player);
}

/** Calls back on the rhythm that the server asked for, whether or not the beat before was answered. */
export function scheduleBeat(household: Household, player: Player, inMs: number = player.intervalMs): void {
  player.cancelBeat();
  player.cancelBeat = household.stage.pace.after(inMs, () => {
    if (!player.running) return;
    scheduleBeat(household, player);
    quietly(beat(household, player));
  });
}

/** The end of the run may come in the middle of a retry. */
export function quietly(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    if (!(error instanceof RunOver)) throw error;
  });
}

/** A beat out of turn. */
export async function beatNow(household: Household, player: Player): Promise<void> {
  if (player.running) scheduleBeat(household, player);
  await beat(household, player);
}

/** Each change of state is said at once, and the rhythm starts anew. */
export async function change(household: Household, player: Player, state: Player['state']): Promise<void> {
  positionNow(household, player);
  player.state = state;
  await beatNow(household, player);
}

function positionNow({ stage }: Household, player: Player): number {
  const nowMs = stage.pace.nowMs();
  if (player.state === 'playing') player.positionMs += nowMs - player.positionAtMs;
  player.positionAtMs = nowMs;
  return player.positionMs;
}

async function beat(household: Household, player: Player): Promise<void> {
  const { stage, rng } = household;
  const sequence = (player.sequence += 1);
  const { state } = player;
  const positionMs = positionNow(household, player);
  const bornMs = stage.pace.nowMs();

  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (attempt > 0) await stage.pace.sleep(rng.between(500, 2_000) * attempt);
    const ageMs = stage.pace.nowMs() - bornMs;
    const text = JSON.stringify(writeBody(household, { player, sequence, state, positionMs, ageMs }));
    const reply = await post(household, player, { text, beat: { sequence, state, positionMs, ageMs, fresh: true } });
    if (!isLost(reply)) {
      player.lastBody = { text, sequence, state, positionMs };
      break;
    }
    // A newer beat went out meanwhile, or nobody watches any more: only the last word is worth repeating.
    if (player.sequence !== sequence || (!player.running && state === 'playing')) return;
  }
  if (player.device.stutters && rng.chance(0.3)) await stutter(household, player);
  if (player.running && rng.chance(CHECK_SHARE)) await checkDuring(household, player);
}

/** The same beat once more, or an old one that a network kept back: neither may change anything. */
export async function stutter(household: Household, player: Player): Promise<void> {
  const last = player.lastBody;
  if (last === undefined) return;
  const again: Beat = { ...last, ageMs: 0, fresh: false };
  if (household.rng.chance(0.6)) return void (await post(household, player, { text: last.text, beat: again }));
  const sequence = Math.max(1, last.sequence - household.rng.between(1, 3));
  const { positionMs } = player;
  const late: Beat = { sequence, state: 'playing', positionMs, ageMs: 3_000, fresh: false };
  const text = JSON.stringify(writeBody(household, { player, ...late }));
  await post(household, player, { text, beat: late });
}

const post = (
  household: Household,
  player: Player,
  { text, beat: said }: { readonly text: string; readonly beat: Beat },
): Promise<Reply> => send(household, player, text, [said]);

/** A queue that was kept while the device was offline. */
export async function postBatch(household: Household, player: Player, beats: readonly Beat[]): Promise<void> {
  const heartbeats = beats.map((said) => writeBody(household, { player, ...said }));
  await send(household, player, JSON.stringify({ heartbeats }), beats);
}

async function send(household: Household, player: Player, text: string, beats: readonly Beat[]): Promise<Reply> {
  const { stage, accountId } = household;
  const about = { accountId, sessionId: player.sessionId };
  const sentAtMs = stage.pace.nowMs();
  for (const said of beats) {
    stage.oracle.note({ ...about, ...said, type: 'beat-sent', atMs: sentAtMs });
    noteSent(player.viewing, said, sentAtMs);
  }
  const reply = await stage.client.call({
    method: 'POST',
    path: '/v1/heartbeats',
    body: text,
    contentType: player.device.contentType,
    token: player.device.tokenIn === 'header' ? player.token : undefined,
    keepAlive: player.device.keepAlive,
  });
  const atMs = stage.pace.nowMs();
  if (reply.status === 202) {
    // The farewell of all players at once is no load that anybody has.
    if (!stage.pace.isOver()) stage.tally.beatMs.add((atMs - sentAtMs) / stage.pace.speed);
    stage.tally.count('beats acknowledged', beats.length);
    player.lastAckMs = atMs;
    settle(household, player, { beats, reply, sentAtMs, atMs });
    return reply;
  }
  stage.tally.count(`error beat ${reply.why}`);
  for (const said of beats) {
    noteLost(player.viewing, said, atMs);
    const unanswered = { ...about, atMs, sentAtMs, why: reply.why, call: 'beat' as const };
    stage.oracle.note({ ...unanswered, type: isLost(reply) ? 'call-lost' : 'call-refused' });
  }
  return reply;
}

export type Answered = {
  readonly beats: readonly Beat[];
  readonly reply: Reply;
  readonly sentAtMs: number;
  readonly atMs: number;
};

/** Finds the answer to each beat in a 202, and hands both to the oracle. */
export function settle(household: Household, player: Player, { beats, reply, sentAtMs, atMs }: Answered): void {
  const { stage, accountId } = household;
  const { rejected, results } = readBeats(reply.body);
  const { sessionId } = player;
  const left: (BeatResult | undefined)[] = [...results];
  for (const [index, said] of beats.entries()) {
    const about = { accountId, sessionId, ...said, atMs, sentAtMs };
    const refusal = rejected.find((entry) => entry.index === index);
    if (refusal !== undefined) {
      stage.tally.count(`error beat rejected ${refusal.code}`);
      noteLost(player.viewing, said, atMs);
      if (refusal.retryable) stage.oracle.note({ ...about, type: 'call-lost', call: 'beat', why: refusal.code });
      else stage.oracle.note({ ...about, type: 'call-refused', call: 'beat', why: refusal.code });
      continue;
    }
    const mine = left.findIndex((entry) => entry?.sessionId === sessionId && entry.sequence === said.sequence);
    const at = mine === -1 ? left.findIndex((entry) => entry !== undefined) : mine;
    const answered = left[at];
    if (at !== -1) left[at] = undefined;
    stage.oracle.note({ ...about, type: 'beat-answered', answered, decision: answered?.decision });
    noteAcked(player.viewing, { ...said, told: answered?.decision?.reason ?? '' }, atMs);
    obey(household, player, answered?.decision);
    const nextMs = answered?.nextHeartbeatMs;
    if (nextMs !== undefined) player.intervalMs = Math.min(Math.max(nextMs, 1_000), 60_000);
  }
}

/** Only `decision: stop` stops the picture. */
function obey(household: Household, player: Player, decision: Decision | undefined): void {
  if (decision === undefined) return household.stage.tally.count('beat no decision');
  household.stage.tally.count(`beat ${decision.allow ? 'allow' : 'stop'} ${decision.reason || '-'}`);
  if (decision.allow || !player.running) return;
  player.stoppedBy = decision.reason;
  cut(household, player);
}

async function checkDuring(household: Household, player: Player): Promise<void> {
  const { stage, accountId, rng } = household;
  const { sessionId } = player;
  const sentAtMs = stage.pace.nowMs();
  const asBody = rng.chance(0.5);
  const query = `accountId=${encodeURIComponent(accountId)}&sessionId=${encodeURIComponent(sessionId)}`;
  const reply = await stage.client.call({
    method: asBody ? 'POST' : 'GET',
    path: asBody ? '/v1/block-check' : `/v1/block-check?${query}`,
    body: asBody ? JSON.stringify({ accountId, sessionId }) : undefined,
    keepAlive: player.device.keepAlive,
  });
  const atMs = stage.pace.nowMs();
  const decision = readDecision(reply.body);
  if (reply.status !== 200 || decision === undefined) return stage.tally.count(`error block-check ${reply.why}`);
  stage.tally.checkMs.add((atMs - sentAtMs) / stage.pace.speed);
  stage.tally.count(`block-check during ${decision.allow ? 'allow' : 'stop'}`);
  stage.oracle.note({ type: 'check-answered', accountId, sessionId, atMs, sentAtMs, decision });
  obey(household, player, decision);
}
