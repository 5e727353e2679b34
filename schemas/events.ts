import type {
  AccountErased,
  Ad,
  AudienceCounted,
  AudienceMoved,
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
  TimeRelayed,
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

/**
 * What processors fold, by the name of its schema: the records of `heartbeats.v1`, two of `audience-moves.v1`, and those of
 * `stream-decisions.v1`.
 */
export type LogEvent =
  | { readonly type: 'SessionStarted'; readonly value: SessionStarted }
  | { readonly type: 'Heartbeat'; readonly value: Heartbeat }
  | { readonly type: 'SessionStopRequested'; readonly value: SessionStopRequested }
  | { readonly type: 'Tick'; readonly value: Tick }
  | { readonly type: 'PolicyActivated'; readonly value: PolicyActivated }
  | { readonly type: 'AccountErased'; readonly value: AccountErased }
  | { readonly type: 'ResumeHidden'; readonly value: ResumeHidden }
  | { readonly type: 'ResumeUndone'; readonly value: ResumeUndone }
  | { readonly type: 'AudienceMoved'; readonly value: AudienceMoved }
  | { readonly type: 'TimeRelayed'; readonly value: TimeRelayed }
  | { readonly type: 'StreamDecided'; readonly value: StreamDecided };

/** What a fold may emit. Its `id` and `cause` are the runtime's to fill: they follow from the position. */
export type Output = DecisionOutput | ViewOutput | MoveOutput | AudienceOutput;
export type DecisionOutput = { readonly type: 'StreamDecided'; readonly value: Omit<StreamDecided, 'id' | 'cause'> };
export type ViewOutput = { readonly type: 'ViewEnded'; readonly value: Omit<ViewEnded, 'id' | 'cause'> };
export type MoveOutput = { readonly type: 'AudienceMoved'; readonly value: Omit<AudienceMoved, 'id' | 'cause'> };
export type AudienceOutput = {
  readonly type: 'AudienceCounted';
  readonly value: Omit<AudienceCounted, 'id' | 'cause'>;
};

/** What the runtime sets aside. */
export type Parked = { readonly type: 'RecordParked'; readonly value: Omit<RecordParked, 'id' | 'cause'> };
