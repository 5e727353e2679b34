import type {
  AccountErased,
  Ad,
  Heartbeat,
  PolicyActivated,
  Quality,
  RecordParked,
  ResumeHidden,
  ResumeUndone,
  SessionStarted,
  SessionStopRequested,
  StreamDecided,
  Tick,
  ViewEnded,
} from './generated/records.ts';

/** A beat that tells of quality, or of an advertisement, and leaves all of it out. */
export const NO_QUALITY: Quality = {
  bitrateKbps: null,
  bufferMs: null,
  stallCount: null,
  stallMs: null,
  droppedFrames: null,
  startupMs: null,
  throughputKbps: null,
  errorCode: null,
};
export const NO_AD: Ad = { adId: null, breakId: null, positionMs: null };

/** What lies in `heartbeats.v1`, by the name of its schema. */
export type LogEvent =
  | { readonly type: 'SessionStarted'; readonly value: SessionStarted }
  | { readonly type: 'Heartbeat'; readonly value: Heartbeat }
  | { readonly type: 'SessionStopRequested'; readonly value: SessionStopRequested }
  | { readonly type: 'Tick'; readonly value: Tick }
  | { readonly type: 'PolicyActivated'; readonly value: PolicyActivated }
  | { readonly type: 'AccountErased'; readonly value: AccountErased }
  | { readonly type: 'ResumeHidden'; readonly value: ResumeHidden }
  | { readonly type: 'ResumeUndone'; readonly value: ResumeUndone };

/** What a fold may emit. Its `id` and `cause` are the runtime's to fill: they follow from the position. */
export type Output = DecisionOutput | ViewOutput;
export type DecisionOutput = { readonly type: 'StreamDecided'; readonly value: Omit<StreamDecided, 'id' | 'cause'> };
export type ViewOutput = { readonly type: 'ViewEnded'; readonly value: Omit<ViewEnded, 'id' | 'cause'> };

/** What the runtime sets aside. */
export type Parked = { readonly type: 'RecordParked'; readonly value: Omit<RecordParked, 'id' | 'cause'> };
