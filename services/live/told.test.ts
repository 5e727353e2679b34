import { describe, expect, it } from '@jest/globals';
import { encode, encodeOutput } from '../../schemas/codec.ts';
import { epochMs } from '../../schemas/time.ts';
import type { LogRecord } from '../../shared/log/log.ts';
import { told } from './told.ts';

const record = (value: Uint8Array | null, offset: number): LogRecord => ({
  key: 'abcdefghijklmnopqrstuvwxyz',
  value,
  offset,
  appendedAtMs: epochMs(1),
});
const decision = encodeOutput(
  {
    type: 'StreamDecided',
    value: {
      tenant: 'tenant',
      sessionId: 'session',
      outcome: 'denied',
      reason: 'LIMIT_REACHED',
      rule: 'two',
      policyVersion: 1,
      limit: 2,
      observed: false,
      returned: false,
      bySessionId: 'other-session',
      holders: 2,
      deviceId: 'device',
      deviceType: 'tv',
      contentId: 'film',
      contentType: 'vod',
      decidedAtMs: 7,
    },
  },
  { id: 'id', cause: '1.0.0' },
);

describe('what watchers are told', () => {
  it('of a decision is eight fields, with 6 characters of the account’s key', () => {
    expect(told([record(decision, 0)])).toEqual({
      decisions: [
        {
          atMs: 7,
          outcome: 'denied',
          reason: 'LIMIT_REACHED',
          observed: false,
          account: 'abcdef',
          contentId: 'film',
          contentType: 'vod',
          deviceType: 'tv',
        },
      ],
      views: [],
    });
  });

  it('leaves out what is cut off, empty, of another topic or of a newer release, and goes on', () => {
    const tick = encode('Tick', { source: 'node', shedding: false, receivedAtMs: 1 });
    const newer = Buffer.from(decision);
    // The last digit but one of the mark.
    newer[newer.indexOf('PB007') + 3] = 57;
    const values = [decision.subarray(0, 20), null, Buffer.alloc(0), tick, newer, decision];
    expect(told(values.map(record)).decisions).toHaveLength(1);
  });
});
