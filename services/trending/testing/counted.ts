import type { AudienceCounted } from '../../../schemas/generated/records.ts';

type Counts = Readonly<Record<string, number>>;
export type Said = Partial<Pick<AudienceCounted, 'tenant' | 'contentId' | 'contentType' | 'atMs'>> & {
  /** Of each window, shortest first; one number is that of all four. */
  readonly audience?: number | readonly number[];
  readonly suspicious?: number;
  readonly momentum?: number | null;
  readonly byCountry?: Counts;
  readonly byDeviceType?: Counts;
};

/** 12:00:00 UTC of a day: a minute begins. */
export const NOON = 1_800_014_400_000;

/** What `audience` says of a content. */
export const counted = (said: Said = {}): AudienceCounted => {
  const { audience = 10, suspicious = 0, momentum = 1, byCountry = {}, byDeviceType = {}, ...names } = said;
  const audiences = typeof audience === 'number' ? [audience, audience, audience, audience] : audience;
  return {
    id: 'output',
    cause: '1.0.0',
    tenant: 'tenant',
    contentId: 'content',
    contentType: 'live',
    atMs: NOON,
    ...names,
    windows: audiences.map((one, i) => ({
      audience: one,
      suspicious,
      momentum: i === 3 ? null : momentum,
      byCountry,
      byDeviceType,
    })),
  };
};
