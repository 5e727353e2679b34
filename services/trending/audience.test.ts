import { describe, expect, it } from '@jest/globals';
import { encodeEvent } from '../../schemas/codec.ts';
import type { AudienceCounted, AudienceMoved } from '../../schemas/generated/records.ts';
import { type TestDriver, testDriver } from '../../shared/runtime/test-driver.ts';
import { audience, type Audience } from './audience.ts';
import { moveOf, START_MINUTE, START_MS } from './testing/town.ts';
import { seriesOf } from './view.ts';

type Place = AudienceMoved['to'];

/** One content, moved by hand; minutes are told after the start. */
const hall = () => {
  const driver: TestDriver<Audience> = testDriver(audience, { startAtMs: START_MS });
  let offset = 0;
  const place = (minute: number, more: Partial<Place> = {}): Place => ({
    minute: START_MINUTE + minute,
    counted: true,
    country: null,
    deviceType: 'tv',
    network: null,
    ...more,
  });
  const append = (to: Place, more: Partial<AudienceMoved> & { readonly offset?: number } = {}): void => {
    offset += 1;
    driver.appendBytes('film', moveOf(to, { offset, ...more }));
  };
  const relay = (): void => {
    const [atMs, told] = [driver.now(), (offset += 1)];
    driver.append(null, {
      type: 'TimeRelayed',
      value: { processor: 'trending', position: `1.0.${told}`, atMs },
    });
  };
  /** Time goes on, and is relayed every second, or every five where there are hours of it. */
  const wait = (seconds: number, every = seconds > 600 ? 5 : 1): void => {
    for (let left = seconds; left > 0; left -= every) {
      driver.setNow(driver.now() + Math.min(every, left) * 1_000);
      relay();
    }
    driver.fold();
  };
  const newest = (): AudienceCounted => {
    driver.fold();
    return driver.counts.at(-1)!;
  };
  const row = (): Audience | undefined => {
    driver.fold();
    return driver.state('film');
  };
  const figures = (of: 'audience' | 'suspicious' | 'momentum' = 'audience') => newest().windows.map((w) => w[of]);
  relay();
  return { driver, place, append, wait, newest, figures, row };
};

describe('an account', () => {
  it('is in each window that its last minute is in: the last whole minutes, and the one that runs', () => {
    const { append, place, wait, figures } = hall();
    append(place(0));
    expect(figures()).toEqual([1, 1, 1, 1]);
    wait(115);
    expect(figures()).toEqual([1, 1, 1, 1]);
    wait(10);
    expect(figures()).toEqual([0, 1, 1, 1]);
    wait(4 * 60);
    expect(figures()).toEqual([0, 0, 1, 1]);
    wait(55 * 60);
    expect(figures()).toEqual([0, 0, 0, 1]);
  });

  it('is in the day up to the end of the quarter of an hour in which it was counted; then all is 0 and forgotten', () => {
    const { driver, append, place, wait, figures } = hall();
    append(place(0));
    wait(24 * 3_600 + 14 * 60);
    expect(figures()).toEqual([0, 0, 0, 1]);
    wait(80);
    expect(figures()).toEqual([0, 0, 0, 0]);
    expect(driver.state('film')).toBeUndefined();
    const before = driver.counts.length;
    wait(600);
    expect(driver.counts).toHaveLength(before);
  });

  it('that moves is taken away from where it stood, also out of a quarter, country by country', () => {
    const { append, place, wait, newest } = hall();
    append(place(0, { country: 'DE' }));
    append(place(0, { country: 'DE' }));
    wait(5_400);
    append(place(90, { country: 'FR' }), { from: place(0, { country: 'DE' }) });
    expect(newest().windows.map((w) => w.byCountry)).toEqual([{ FR: 1 }, { FR: 1 }, { FR: 1 }, { FR: 1, DE: 1 }]);
    expect(newest().windows[3]!.byDeviceType).toEqual({ tv: 2 });
  });

  it('is not taken away from where nobody stands, and nothing falls below 0', () => {
    const { append, place, wait, figures } = hall();
    append(place(0), { from: place(-30) });
    wait(5);
    append(place(0, { counted: false }), { from: place(0) });
    wait(5);
    append(place(0), { from: place(0) });
    wait(5);
    append(place(0), { from: place(0, { counted: false }) });
    wait(5);
    append(place(0), { from: place(0, { counted: false }) });
    wait(5);
    expect(figures()).toEqual([3, 3, 3, 3]);
  });

  it('is counted by a move of whatever partition once: one that is not newer is left out', () => {
    const { append, place, wait, figures } = hall();
    append(place(0), { cause: '1.0.7' });
    append(place(0), { cause: '1.0.7' });
    append(place(0), { cause: '1.0.6' });
    append(place(0), { cause: '1.1.6' });
    wait(5);
    expect(figures()).toEqual([2, 2, 2, 2]);
    // A log that began anew.
    wait(60);
    append(place(1), { cause: '1.0.0' });
    append(place(1), { cause: '1.0.0' });
    append(place(1), { cause: '1.0.1' });
    wait(5);
    expect(figures()).toEqual([4, 4, 4, 4]);
  });
});

describe('time', () => {
  it('is what was relayed: the log’s own goes on without moving a window', () => {
    const { driver, append, place, wait, figures } = hall();
    append(place(0));
    for (let i = 0; i < 600; i += 1) {
      driver.setNow(driver.now() + 1_000);
      driver.append('other', { type: 'Tick', value: { source: 'test', shedding: false, receivedAtMs: 0 } });
    }
    driver.fold();
    expect(figures()).toEqual([1, 1, 1, 1]);
    wait(125);
    expect(figures()).toEqual([0, 0, 1, 1]);
  });

  it('is the minute of the move before any was relayed', () => {
    const driver = testDriver(audience, { startAtMs: START_MS });
    driver.appendBytes('film', moveOf({ minute: START_MINUTE + 700 }, { offset: 0 }));
    driver.fold();
    expect(driver.counts[0]!.atMs).toBe(START_MS + 700 * 60_000);
  });

  it('that is told again does not go back; that of a clock that was set back does', () => {
    const { driver, append, place } = hall();
    const relay = (position: string, atMs: number): void => {
      driver.append(null, { type: 'TimeRelayed', value: { processor: 'trending', position, atMs: START_MS + atMs } });
      driver.fold();
    };
    const control = (): unknown => driver.view([]).checkpoint?.control;
    append(place(0));
    relay('1.0.50', 9_000);
    relay('1.0.49', 8_000);
    expect(control()).toEqual({ offset: 50, atMs: START_MS + 9_000 });
    relay('1.0.51', 3_000);
    expect(control()).toEqual({ offset: 51, atMs: START_MS + 3_000 });
  });

  it('that stands still is followed no further behind the moves than an hour, so that minutes stay few', () => {
    const { row, append, place } = hall();
    for (let minute = 0; minute < 2_000; minute += 1) append(place(minute));
    const { stood } = row()!;
    expect(stood.buckets.length).toBeLessThanOrEqual(75 + 61 + 97);
    expect(seriesOf(row()!, '24h').viewers).toBe(1_505);
  });
});

describe('figures', () => {
  it('are told at once at the first change, then every 5 s at most', () => {
    const { driver, append, place, wait } = hall();
    append(place(0));
    driver.fold();
    expect(driver.counts).toHaveLength(1);
    for (let i = 0; i < 40; i += 1) {
      wait(1);
      append(place(0));
    }
    expect(driver.counts.map(({ atMs }) => (atMs - START_MS) / 1_000)).toEqual([0, 4, 9, 14, 19, 24, 29, 34, 39]);
    expect(driver.counts.at(-1)!.windows[0]!.audience).toBe(40);
  });

  it('are told when somebody leaves a window, and every 5 minutes while any is not 0', () => {
    const { driver, append, place, wait } = hall();
    append(place(0));
    wait(1_500);
    const minutes = driver.counts.map(({ atMs }) => Math.floor((atMs - START_MS) / 60_000));
    expect(minutes).toEqual([0, 2, 6, 11, 16, 21]);
  });

  it('call idle accounts suspicious, and those of the largest network from 10 on', () => {
    const { append, place, wait, figures } = hall();
    for (let i = 0; i < 3; i += 1) append(place(0, { counted: false }));
    for (let i = 0; i < 9; i += 1) append(place(0, { network: 'farm' }));
    for (let i = 0; i < 5; i += 1) append(place(0, { network: `home-${i}` }));
    wait(5);
    expect([figures()[0], figures('suspicious')[0]]).toEqual([14, 3]);
    append(place(0, { network: 'farm' }));
    wait(5);
    expect([figures()[0], figures('suspicious')[0]]).toEqual([15, 13]);
  });

  it('tell a farm among more networks than are known at a time', () => {
    const { append, place, wait, figures } = hall();
    for (let i = 0; i < 300; i += 1) {
      append(place(0, { network: `home-${i}` }));
      if (i % 10 === 0) append(place(0, { network: 'farm' }));
    }
    wait(5);
    expect([figures()[0], figures('suspicious')[0]]).toEqual([330, 30]);
  });

  it('tell 32 countries apart, and of more those with the most accounts; all are in the audience', () => {
    const { append, place, wait, newest } = hall();
    for (let i = 0; i < 40; i += 1) {
      append(place(0, { country: `small-${i}` }));
      append(place(0, { country: 'DE' }));
    }
    wait(5);
    const { audience: all, byCountry } = newest().windows[0]!;
    expect([all, Object.keys(byCountry).length, byCountry['DE']]).toEqual([80, 32, 40]);
  });

  it('have a momentum of accounts a minute, 10 added to both, against those of the last day', () => {
    const { append, place, wait, figures } = hall();
    for (let i = 0; i < 20; i += 1) append(place(0));
    expect(figures('momentum')).toEqual([1, 1, 1, null]);
    wait(65);
    append(place(1));
    const day = 20 / 1_441 + 10;
    const wanted = [20 + 10, 20 / 5 + 10, 20 / 60 + 10].map((mean) => mean / day);
    figures('momentum')
      .slice(0, 3)
      .forEach((momentum, i) => expect(momentum).toBeCloseTo(wanted[i]!, 9));
  });
});

describe('the series', () => {
  it('has who was counted in each minute, whoever was counted again, and by quarters for a day', () => {
    const { append, place, wait, row } = hall();
    append(place(0));
    append(place(0));
    wait(60);
    append(place(1), { from: place(0) });
    wait(120);
    append(place(3), { from: place(1) });
    const audienceRow = row()!;
    const five = seriesOf(audienceRow, '5m');
    expect(five.viewers).toBe(2);
    expect(five.series.map(({ viewers }) => viewers)).toEqual([0, 0, 2, 1, 0, 1]);
    expect(five.series.at(-1)!.atMs).toBe(START_MS + 180_000);
    expect(seriesOf(audienceRow, '1h').series).toHaveLength(61);
    const day = seriesOf(audienceRow, '24h');
    expect([day.viewers, day.series.length, day.series.at(-1)]).toEqual([2, 97, { atMs: START_MS, viewers: 1 }]);
  });
});

describe('a row', () => {
  const bytesOf = ({ row }: ReturnType<typeof hall>): number => JSON.stringify(row()).length;

  it('takes 500 bytes for a few viewers, and 15 KB for viewers of one country in each minute of a day', () => {
    const few = hall();
    for (let i = 0; i < 3; i += 1) few.append(few.place(i, { country: 'DE', network: `n${i}` }));
    expect(bytesOf(few)).toBeLessThan(500);

    const many = hall();
    for (let minute = 0; minute < 1_440; minute += 1) {
      for (const deviceType of ['tv', 'phone', 'web', 'tablet'])
        many.append(many.place(minute, { country: 'DE', deviceType, network: `n${minute % 8}` }));
    }

    expect(bytesOf(many)).toBeLessThan(15_000);
  });

  it('takes 70 KB with all names in all its buckets', () => {
    const home = hall();
    for (let minute = 0; minute < 1_500; minute += minute < 1_425 ? 15 : 1) {
      for (let i = 0; i < 32; i += 1) {
        const names = { country: `C${i}`, deviceType: `device-${i % 16}`, network: `network-of-16-ch${i}` };
        home.append(home.place(minute, names));
      }
    }

    expect(bytesOf(home)).toBeLessThan(70_000);
  });
});

it('what is not a move is nothing to count', () => {
  const { driver } = hall();
  driver.appendBytes(
    'film',
    encodeEvent({ type: 'AccountErased', value: { requestId: 'r', tenant: 'tenant', receivedAtMs: 0 } }),
  );
  driver.fold();
  expect(driver.state('film')).toBeUndefined();
});
