import { setTimeout } from 'node:timers/promises';
import type { Household, Player } from '../household.ts';
import { isDue, judgeCut } from './cut.ts';
import { readResume } from './reads.ts';
import type { Span } from './truth.ts';

const PEEK_MS = 25;
/** Who asks later than this after the beat learns nothing of how soon it could be read. */
const AT_ONCE_MS = 200;

/** Reads on another device where a player was that has just been cut off, until its last acknowledged beat is in it. */
export async function askElsewhere({ stage, account }: Household, player: Player): Promise<void> {
  const { marks, pace, client } = stage;
  const { accountId, viewings } = account;
  const { viewing, content, profileId } = player;
  const mark = marks.of.cut;
  if (marks.isHopeless('cut')) return;
  const cutMs = pace.nowMs();
  const cut = {
    viewing,
    title: viewings.filter((one) => one.profileId === profileId && one.content.id === content.id),
    pictureMs: player.positionMs + (player.state === 'playing' ? cutMs - player.positionAtMs : 0),
  };
  const until = (): Span => ({ fromMs: Math.ceil(cutMs), toMs: pace.nowMs() });
  const beganMs = performance.now();
  const ackedMs = beganMs - (cutMs - player.lastAckMs) / pace.speed;

  for (;;) {
    if (!isDue(cut, until())) return;
    const answer = await readResume(client, { accountId, profileId, contentId: content.id });
    const nowMs = performance.now();
    const isLast = nowMs - beganMs > marks.patienceMs();
    if (answer === 'absent') return void (mark.absent += 1);
    if (answer !== 'lost') {
      const judged = judgeCut(cut, answer.got, until());
      if (judged.wrong === undefined || isLast) {
        if (beganMs - ackedMs < AT_ONCE_MS) marks.readableMs.add(nowMs - ackedMs);
        marks.furthestBehindMs = Math.max(marks.furthestBehindMs, judged.behindMs ?? 0);
        // Somebody may have gone on with the title meanwhile.
        if (isDue(cut, until())) marks.judge('cut', accountId, judged);
        return;
      }
    } else if (isLast) return void (mark.unanswered += 1);
    await setTimeout(PEEK_MS);
  }
}
