import { change, cut, stutter } from './beats.ts';
import { isLost } from './client.ts';
import type { Household, Player } from './household.ts';
import { noteStopAcked, noteStopSent } from './remembered/truth.ts';
import { readSessionIds } from './replies.ts';

const ATTEMPTS = 3;

/** Ends a session the way players do: a call, a last beat, or (by another device) a DELETE without its token. */
export async function leave(household: Household, player: Player): Promise<void> {
  const { rng } = household;
  const way = rng.next();
  if (way < 0.5) await stop(household, player, 'POST');
  else if (way < 0.65) await stop(household, player, 'DELETE');
  else {
    cut(household, player);
    const last = rng.pick(['ended', 'stopped', 'stopped', 'failed'] as const);
    if (last === 'ended') skipToEnd(household, player);
    await change(household, player, last);
  }
  if (player.device.stutters && rng.chance(0.5)) await stutter(household, player);
}

/** Only a player that has shown all of a film says that it has ended. */
function skipToEnd({ stage }: Household, player: Player): void {
  player.positionMs = player.content.durationMs ?? player.positionMs;
  player.positionAtMs = stage.pace.nowMs();
}

/** With `keepsBeating` it is another device that stops it: the player itself learns it with its next beat. */
export async function stop(
  household: Household,
  player: Player,
  method: 'POST' | 'DELETE',
  { keepsBeating = false }: { readonly keepsBeating?: boolean } = {},
): Promise<void> {
  const { stage, accountId, rng } = household;
  if (!keepsBeating) cut(household, player);
  const { sessionId, device, token } = player;
  const about = { accountId, sessionId };
  const inBody = device.tokenIn === 'body' ? token : undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (attempt > 0) {
      if (stage.pace.isOver()) return;
      await stage.pace.sleep(rng.between(500, 1_500) * attempt);
    }
    const sentAtMs = stage.pace.nowMs();
    stage.oracle.note({ ...about, type: 'stop-sent', atMs: sentAtMs });
    noteStopSent(player.viewing, sentAtMs);
    const path = `/v1/sessions/${encodeURIComponent(sessionId)}`;
    const reply = await stage.client.call(
      method === 'DELETE'
        ? { method, path: `${path}?accountId=${encodeURIComponent(accountId)}`, keepAlive: device.keepAlive }
        : {
            method,
            path: `${path}/stop`,
            body: JSON.stringify({ accountId, sessionToken: inBody }),
            contentType: device.contentType,
            token: device.tokenIn === 'header' ? token : undefined,
            keepAlive: device.keepAlive,
          },
    );
    const atMs = stage.pace.nowMs();
    if (reply.status === 202) {
      stage.tally.count('stop accepted');
      noteStopAcked(player.viewing, atMs);
      return stage.oracle.note({ ...about, type: 'stop-answered', atMs });
    }
    stage.tally.count(`error stop ${reply.why}`);
    if (!isLost(reply))
      return stage.oracle.note({ ...about, type: 'call-refused', call: 'stop', atMs, why: reply.why });
    stage.oracle.note({ ...about, type: 'call-lost', call: 'stop', atMs, sentAtMs, why: reply.why });
  }
}

export async function listSessions({ stage, accountId }: Household): Promise<readonly string[]> {
  const path = `/v1/accounts/${encodeURIComponent(accountId)}/sessions`;
  const reply = await stage.client.call({ method: 'GET', path, keepAlive: true });
  stage.tally.count(reply.status === 200 ? 'session list' : `error session list ${reply.why}`);
  return readSessionIds(reply.body);
}
