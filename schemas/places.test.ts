import { describe, expect, it } from '@jest/globals';
import { PLACES } from './places.ts';
import { STATES, type StateName } from './stores.ts';
import { TABLE_NAMES, TABLES, TOMBSTONE_MS } from './tables.ts';
import { DAY_MS, HOUR_MS } from './time.ts';
import { type Topic, type TopicName, TOPICS } from './topics.ts';

const withinMs = (kind: string, name: string): number | null | undefined =>
  PLACES.find((place) => place.kind === kind && place.name === name)?.goneWithinMs;

describe('where something of an account may lie', () => {
  it('is every topic that has something of one, until its retention is over and a part of it for the last segment', () => {
    for (const name of Object.keys(TOPICS) as TopicName[]) {
      const { account, retentionMs }: Topic = TOPICS[name];
      const within = withinMs('topic', name);
      if (account === 'nothing') expect([name, within]).toEqual([name, undefined]);
      else expect([name, (within ?? 0) >= Number(retentionMs)]).toEqual([name, true]);
    }
    expect(withinMs('topic', 'heartbeats.v1')).toBe(26 * HOUR_MS);
  });

  it('is the state of every processor with rows of accounts, of which nothing is left at once', () => {
    for (const name of Object.keys(STATES) as StateName[])
      expect([name, withinMs('state', name)]).toEqual([name, STATES[name].rowsOf === 'account' ? null : undefined]);
  });

  it('is every table with rows of accounts, for 2 days of tombstones and 2 more until DynamoDB has deleted them', () => {
    for (const name of TABLE_NAMES) {
      const within = withinMs('table', name);
      if (TABLES[name].rowsOf === 'nobody') expect([name, within]).toEqual([name, undefined]);
      else expect([name, (within ?? 0) >= TOMBSTONE_MS + 2 * DAY_MS]).toEqual([name, true]);
    }
    expect(withinMs('table', 'views')).toBe(4 * DAY_MS);
    // Nobody tells an archive that stands still.
    expect(withinMs('table', 'payloads')).toBe(32 * DAY_MS);
  });

  it('is what was copied: 24 hours behind the state stores, 35 days in backups', () => {
    expect(withinMs('copies', 'files of the state stores')).toBe(DAY_MS);
    expect(withinMs('copies', 'backups')).toBe(35 * DAY_MS);
  });
});
