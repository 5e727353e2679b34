import { describe, expect, it } from '@jest/globals';
import { eventOf } from './event.ts';

describe('an event', () => {
  it('begins half an hour before it is said to', () => {
    expect(eventOf('2026-12-05T18:00Z/2026-12-05T23:00Z')).toEqual({
      from: new Date('2026-12-05T17:30:00Z'),
      until: new Date('2026-12-05T23:00:00Z'),
    });
    expect(eventOf(undefined)).toBeNull();
  });

  it('is refused where it is no time, no time that there is, or ends before it begins', () => {
    for (const text of [
      'soon',
      '2026-12-05T18:00Z',
      '2026-13-05T18:00Z/2026-12-05T23:00Z',
      '2026-12-05T18:00Z/2026-12-05T17:00Z',
      true,
    ])
      expect(() => eventOf(text)).toThrow(/-c event=/);
  });
});
