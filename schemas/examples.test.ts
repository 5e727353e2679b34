import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { decode, encode } from './codec.ts';
import type { HeartbeatRequest } from './generated/http.ts';
import type { Heartbeat } from './generated/records.ts';
import { HTTP_SCHEMAS } from './http-schemas.ts';
import { firstErrorAjv } from './field-errors.ts';
import {
  validateBatch,
  validateBlockCheck,
  validateHeartbeat,
  validateSignal,
  validateStart,
  validateStop,
  type Validation,
} from './validate.ts';

type Example = {
  readonly description: string;
  readonly request: string;
  readonly body: unknown;
  readonly dropped?: readonly string[];
  readonly errors?: readonly { readonly path: string; readonly code: string }[];
};

const VALIDATORS: Readonly<Record<string, (body: unknown) => Validation<object>>> = {
  HeartbeatRequest: (body) => validateHeartbeat(body),
  HeartbeatBatch: validateBatch,
  StartRequest: (body) => validateStart(body),
  StopRequest: validateStop,
  SignalRequest: validateSignal,
  BlockCheckRequest: validateBlockCheck,
};

const validate = ({ request, body }: Example): Validation<object> => {
  const validator = VALIDATORS[request];
  if (validator === undefined) throw new Error(`no validator for ${request}`);
  return validator(body);
};

const examplesIn = (folder: 'accepted' | 'rejected'): readonly (readonly [string, Example])[] => {
  const url = new URL(`examples/${folder}/`, import.meta.url);
  return readdirSync(url).map((name) => [name, JSON.parse(readFileSync(new URL(name, url), 'utf8'))]);
};

const asRecord = (beat: HeartbeatRequest): Heartbeat => ({
  tenant: 'default',
  sessionId: beat.sessionId,
  sequence: beat.sequence,
  profileId: beat.profileId,
  deviceId: beat.deviceId,
  deviceType: beat.deviceType,
  deviceName: beat.deviceName ?? null,
  contentId: beat.contentId,
  contentType: beat.contentType,
  state: beat.state,
  positionMs: beat.positionMs ?? null,
  durationMs: beat.durationMs ?? null,
  playbackRate: beat.playbackRate ?? null,
  country: beat.country ?? null,
  cdn: beat.cdn ?? null,
  appVersion: beat.appVersion ?? null,
  player: beat.player ?? null,
  seriesId: beat.seriesId ?? null,
  tracking: beat.tracking === 'limits-only' ? 'limits_only' : 'full',
  metadata: beat.metadata ?? {},
  quality:
    beat.quality === undefined
      ? null
      : {
          bitrateKbps: beat.quality.bitrateKbps ?? null,
          bufferMs: beat.quality.bufferMs ?? null,
          stallCount: beat.quality.stallCount ?? null,
          stallMs: beat.quality.stallMs ?? null,
          droppedFrames: beat.quality.droppedFrames ?? null,
          startupMs: beat.quality.startupMs ?? null,
          throughputKbps: beat.quality.throughputKbps ?? null,
          errorCode: beat.quality.errorCode ?? null,
        },
  ad:
    beat.ad === undefined
      ? null
      : { adId: beat.ad.adId ?? null, breakId: beat.ad.breakId ?? null, positionMs: beat.ad.positionMs ?? null },
  sentAtMs: beat.sentAtMs,
  receivedAtMs: 1_767_225_600_000,
  occurredAtMs: 1_767_225_600_000 - Math.round(beat.ageMs ?? 0),
  clockSkewMs: 0,
  source: 'player',
  networkKey: null,
  lastDecision: null,
  claims: {},
});

describe('accepted examples', () => {
  it.each(examplesIn('accepted'))('%s', (_name, example) => {
    const result = validate(example);
    expect(result).toMatchObject({ ok: true });
    expect(result.ok && [...result.dropped].sort()).toEqual([...(example.dropped ?? [])].sort());
  });

  it.each(examplesIn('accepted').filter(([, example]) => example.request === 'HeartbeatRequest'))(
    '%s comes back from the log as it went in',
    (_name, example) => {
      const result = validateHeartbeat(example.body);
      if (!result.ok) throw new Error('not accepted');
      const value = asRecord(result.value);
      expect(decode(encode('Heartbeat', value))).toEqual({ type: 'Heartbeat', value });
    },
  );
});

describe('rejected examples', () => {
  it.each(examplesIn('rejected'))('%s', (_name, example) => {
    const result = validate(example);
    const found = result.ok ? [] : result.errors.map(({ path, code }) => `${path} ${code}`);
    expect(found.sort()).toEqual((example.errors ?? []).map(({ path, code }) => `${path} ${code}`).sort());
  });
});

describe('examples within the schemas', () => {
  it.each(Object.entries(HTTP_SCHEMAS).filter(([name]) => name !== 'common'))(
    '%s has valid examples',
    (name, schema) => {
      const valid = firstErrorAjv.compile({ $ref: `${name}.schema.json` });
      const examples = schema['examples'];
      expect(Array.isArray(examples) && examples.length > 0).toBe(true);
      for (const example of Array.isArray(examples) ? examples : []) {
        valid(example);
        expect(valid.errors ?? []).toEqual([]);
      }
    },
  );
});
