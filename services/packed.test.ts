import { describe, expect, it } from '@jest/globals';
import { packed } from './packed.ts';
import { ROOMS } from './rooms.ts';

/** `a(b c)`: what has fields of its own; `a[…]`: of each of its elements. */
const placesOf = (field: unknown): string => {
  if (field === null) return '';
  if (Array.isArray(field)) return `[${placesOf(field[0])}]`;
  const names = Object.entries(field as Record<string, unknown>).map(([name, inner]) => name + placesOf(inner));
  return `(${names.join(' ')})`;
};

const VIEWING =
  'sessionId firstMs sequence deviceId seriesId state positionMs durationMs creditsMs playbackRate asOfMs watchedMs source position';
const MARK = '(sequence atMs state positionMs rate breakId told stallMs bitrateKbps)';

/** Rows stand in stores in this order: a field may be added behind the others of its object, and none may move. */
const PLACES: Readonly<Record<string, string>> = {
  concurrency:
    '(tenant sessions[(sessionId profileId deviceId deviceName deviceType contentId contentType country metadata claims ' +
    'status reason rule limit requestId takenBy(sessionId deviceId deviceName) signal sequence startedAtMs admittedAt ' +
    'lastBeatAtMs lastBeatLiveMs pausedSinceLiveMs vouchedUntilLiveMs leaseMs lateMs pausedHoldsMs told policyVersion)])',
  'resume-position':
    `(entries[(title(profileId contentId now(hiddenAtMs ${VIEWING}) before(point(hiddenAtMs ${VIEWING}) untilMs) ` +
    `trials[(${VIEWING})] past calls[(requestId did)] top(sessionId firstMs sequence) changes ` +
    'asOf(position appendedAtMs)) lastLiveMs putDueLiveMs stored)])',
  'view-end':
    '(tenant viewings[(sessionId since what(profileId deviceId deviceType contentId contentType seriesId) ' +
    `tally(runs[(first${MARK} last${MARK} paused(sequence atMs))] sums(watchedMs adMs bitrateMs bitrateKbpsMs pauses seeks ` +
    'stalls adBreaks) ranges beats stallCount stallMs furthestMs startup(sequence ms) duration(sequence ms) began) ' +
    'status revision finals changed stoppedAtMs heardLiveMs touchedLiveMs finalLiveMs)])',
  trending:
    '(sessions[(sessionId contentId sequence playing positionMs heardLiveMs)] ' +
    'pairs[(contentId place(minute counted country deviceType network) movedLiveMs)])',
  audience: '(tenant contentType stood(merged names turn buckets) atMs seen saidLiveMs changed dueLiveMs)',
};

const FOLDS = Object.values(ROOMS).flatMap(({ folds }) => folds({ ledgerMs: 0 }));

describe('the rows of a processor', () => {
  it.each(FOLDS.flatMap(({ name, shape }) => (shape === undefined ? [] : [[name, shape] as const])))(
    'of %s have their fields in the places that they always had',
    (name, shape) => {
      expect(placesOf(shape)).toBe(PLACES[name]);
    },
  );

  it('are packed by the shape of it, and as they are where it has none', () => {
    expect(packed('trending').pack({ pairs: [], sessions: [] })).toEqual([[], []]);
    expect(packed('decision-ledger').pack({ a: 1 })).toEqual({ a: 1 });
  });
});
