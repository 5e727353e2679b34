import { decodeOutput } from '../../schemas/codec.ts';
import { epochMs } from '../../schemas/time.ts';
import { follow, type FollowOptions } from '../../shared/log/follow.ts';
import type { LogRecord } from '../../shared/log/log.ts';
import { type Board, board, KEPT_MS } from './board.ts';

export type LiveBoard = {
  readonly board: Board;
  /** Resolves when the board has all that was said before it was opened, or is closed. */
  readonly caughtUp: Promise<void>;
  isCaughtUp(): boolean;
  /** Resolves when the board no longer changes. */
  close(): Promise<void>;
};

export type LiveBoardOptions = Pick<FollowOptions, 'log' | 'partitions' | 'onTrouble'> & {
  readonly clock: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
};

/** Part of the 15 s in which a beat is to be seen. */
const ASK_EVERY_MS = 500;

/** A board over all that was said in the last 10 minutes, and all that is said from now on. */
export const openLiveBoard = ({ clock, pause, onTrouble, ...of }: LiveBoardOptions): LiveBoard => {
  const live = board();
  const take = ({ value, offset }: LogRecord): void => {
    try {
      const { type, value: counted } = decodeOutput(value);
      if (type === 'AudienceCounted') live.take(counted, offset);
    } catch (error) {
      // One that a newer release wrote, or nobody can read: the content stands as it was said before.
      onTrouble(error);
    }
  };
  const following = follow({
    ...of,
    topic: 'audience-counts.v1',
    from: epochMs(clock() - KEPT_MS),
    onRecords: (records) => records.forEach(take),
    pause: () => pause(ASK_EVERY_MS),
    onTrouble,
  });
  let isCaughtUp = false;
  const caughtUp = following.caughtUp.then(() => {
    isCaughtUp = true;
  });
  return { board: live, caughtUp, isCaughtUp: () => isCaughtUp, close: following.close };
};
