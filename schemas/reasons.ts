/**
 * The closed list of reasons of a decision, each with a sentence that an app may show to the viewer.
 * `docs/reference/reasons.md` is compared with it by a test.
 */
export const REASONS = {
  OK: 'Enjoy.',
  LIMIT_REACHED: 'Too many streams are running on this account. Stop one of them to watch here.',
  EVICTED_BY_NEWER: 'Playback went on on another device of this account.',
  TERMINATED_BY_USER: 'This stream was stopped from another device.',
  REPLACED_ON_DEVICE: 'Something else was started on this device.',
  SILENT_TOO_LONG: 'The connection was lost for too long. Press play to go on.',
  PAUSED_TOO_LONG: 'The stream was paused for too long. Press play to go on.',
  STOPPED: 'This stream has ended.',
  SESSION_CAP: 'Too many streams were started on this account. Please wait a moment.',
  SERVICE_DEGRADED: 'We could not check your streams just now. Please try again.',
} as const;

export type Reason = keyof typeof REASONS;
export const REASON_NAMES = Object.keys(REASONS) as readonly Reason[];
