// Made by `npm run generate` from schemas/records/*.avsc. Change those, not this file.

/** Every fold forgets this account here. Key: account key. */
export type AccountErased = {
  readonly requestId: string;
  readonly tenant: string;
  readonly receivedAtMs: number;
};

export type AudienceWindow = {
  /** Accounts. */
  readonly audience: number;
  /** Accounts with no progress, and those of the largest network where it has 10 or more. */
  readonly suspicious: number;
  /** Accounts per minute of the window to those of the last 24 hours; null for 24 hours. */
  readonly momentum: number | null;
  readonly byCountry: Readonly<Record<string, number>>;
  readonly byDeviceType: Readonly<Record<string, number>>;
};

/** The audience of one content, in audience-counts.v1; the newest replaces those before it. Key: tenant, `/`, contentId. */
export type AudienceCounted = {
  /** The same for every repeat of this output. */
  readonly id: string;
  /** Position of the record that caused it. */
  readonly cause: string;
  readonly tenant: string;
  readonly contentId: string;
  readonly contentType: ContentType;
  /** The time that the windows end at. */
  readonly atMs: number;
  /** Of 1 minute, 5 minutes, 1 hour and 24 hours, in this order. */
  readonly windows: readonly AudienceWindow[];
};

export type AudiencePlace = {
  /** Whole minutes since 1970, of the append time of the newest beat that counted. */
  readonly minute: number;
  /** False: beats came, but nothing moved forward in them. */
  readonly counted: boolean;
  readonly country: string | null;
  readonly deviceType: string;
  /** Coarse network key. */
  readonly network: string | null;
};

/** An account is in the audience of a content in another minute than before, in audience-moves.v1. Key: tenant, `/`, contentId. */
export type AudienceMoved = {
  /** The same for every repeat of this output. */
  readonly id: string;
  /** Position of the record that caused it: a move that is not newer than another of its partition was counted. */
  readonly cause: string;
  readonly tenant: string;
  readonly contentId: string;
  readonly contentType: ContentType;
  readonly to: AudiencePlace;
  /** Where it stood before. */
  readonly from: AudiencePlace | null;
};

/** A call that changes something, in audit.v1: once before anything is changed, and once with its outcome. No key. */
export type AuditEvent = {
  readonly atMs: number;
  /** The operationId of the call. */
  readonly action: string;
  /** The sub of the token; local where nobody is asked who they are. */
  readonly who: string;
  readonly tenant: string;
  /** As the caller says. */
  readonly why: string | null;
  /** Of the answer; null before anything is changed. */
  readonly status: number | null;
  /** The key of the account that is touched, never its id. */
  readonly about: string | null;
  readonly requestId: string;
};

export type ContentType = 'live' | 'vod';

export type PlayerState = 'starting' | 'playing' | 'paused' | 'buffering' | 'seeking' | 'ended' | 'stopped' | 'failed';

export type Tracking = 'full' | 'limits_only';

/** What happened since the last beat (CTA-2066 measures). */
export type Quality = {
  readonly bitrateKbps: number | null;
  readonly bufferMs: number | null;
  readonly stallCount: number | null;
  readonly stallMs: number | null;
  readonly droppedFrames: number | null;
  readonly startupMs: number | null;
  readonly throughputKbps: number | null;
  readonly errorCode: string | null;
};

export type Ad = {
  readonly adId: string | null;
  readonly breakId: string | null;
  readonly positionMs: number | null;
};

/** W3C trace context of a call that somebody watches. */
export type Trace = {
  readonly traceparent: string;
  readonly tracestate: string | null;
};

/** One beat of one playback, as ingest stamped it. The record's key is the account key. */
export type Heartbeat = {
  readonly tenant: string;
  /** The player's id of this playback (CMCD sid). */
  readonly sessionId: string;
  /** Grows by one with each beat of the session; a repeat carries the same. */
  readonly sequence: number;
  readonly profileId: string;
  readonly deviceId: string;
  readonly deviceType: string;
  readonly deviceName: string | null;
  readonly contentId: string;
  readonly contentType: ContentType;
  readonly state: PlayerState;
  readonly positionMs: number | null;
  readonly durationMs: number | null;
  readonly playbackRate: number | null;
  readonly country: string | null;
  readonly cdn: string | null;
  readonly appVersion: string | null;
  readonly player: string | null;
  readonly seriesId: string | null;
  /** limits_only: the beat holds a slot and reaches no other answer. */
  readonly tracking: Tracking;
  readonly metadata: Readonly<Record<string, string>>;
  readonly quality: Quality | null;
  readonly ad: Ad | null;
  /** The player's clock: decides nothing. */
  readonly sentAtMs: number;
  /** Ingest's clock. */
  readonly receivedAtMs: number;
  /** receivedAtMs less the age that the player measured. */
  readonly occurredAtMs: number;
  /** sentAtMs less occurredAtMs, kept within one day either way. */
  readonly clockSkewMs: number;
  /** player, or the name of the backend that signalled. */
  readonly source: string;
  /** Keyed hash of the coarse network the beat came from. */
  readonly networkKey: string | null;
  /** The reason that this session was last told; null when it was told nothing. */
  readonly lastDecision: string | null;
  /** Claims of the token that policies name. */
  readonly claims: Readonly<Record<string, number | string>>;
  /** The trace of the call that the beat came with; null for nearly all. */
  readonly trace?: Trace | undefined;
};

export type Mode = 'enforce' | 'observe';

/** From this record on the partition decides by this policy. No key. In policies.v1 the key is the version. */
export type PolicyActivated = {
  /** Only grows. */
  readonly version: number;
  /** observe: every rule decides and records, and the answer is allow. */
  readonly mode: Mode;
  /** The whole policy as JSON, as validated by schemas/http/policy.schema.json. */
  readonly policy: string;
  readonly activatedAtMs: number;
  /** Who activated it. */
  readonly by: string;
};

/** Bytes that no version can read, set aside in <topic>.parked so that the partition goes on. */
export type RecordParked = {
  /** The same for every repeat of this output. */
  readonly id: string;
  /** Position of the bytes. */
  readonly cause: string;
  readonly topic: string;
  readonly processor: string;
  readonly reason: string;
  readonly bytes: Uint8Array;
};

/** A viewer took a title off the list of what to go on with. Key: account key. */
export type ResumeHidden = {
  /** A repeat with the same id changes nothing. */
  readonly requestId: string;
  readonly tenant: string;
  readonly profileId: string;
  readonly contentId: string;
  readonly receivedAtMs: number;
  /** What is played after it brings the title back. */
  readonly occurredAtMs: number;
  readonly source: string;
};

/** A viewer wants the resume position back that stood before the last session. Key: account key. */
export type ResumeUndone = {
  /** A repeat with the same id changes nothing. */
  readonly requestId: string;
  readonly tenant: string;
  readonly profileId: string;
  readonly contentId: string;
  readonly receivedAtMs: number;
  readonly occurredAtMs: number;
  readonly source: string;
};

export type Origin = 'player' | 'signal';

export type Termination = {
  readonly sessionId: string;
  /** Position of the admission that the token was made for. */
  readonly admittedAt: string;
};

/** A claim to play: the start call of a player, or the signal of a backend for a silent player. Key: account key. */
export type SessionStarted = {
  /** A repeat with the same id changes nothing. */
  readonly requestId: string;
  readonly origin: Origin;
  /** The lease that a signal asks for. */
  readonly leaseMs: number | null;
  readonly continuesSessionId: string | null;
  /** Sessions whose termination token the caller showed. */
  readonly terminate: readonly Termination[];
  readonly beat: Heartbeat;
};

export type StoppedBy = 'player' | 'user' | 'service' | 'undecided';

/** Somebody asked for the end of a session. Key: account key. */
export type SessionStopRequested = {
  /** A repeat with the same id changes nothing. */
  readonly requestId: string;
  readonly tenant: string;
  readonly sessionId: string;
  /** undecided: its claim was answered 503, so it may hold no slot. */
  readonly by: StoppedBy;
  readonly receivedAtMs: number;
  readonly source: string;
  /** The trace of the call that asked; null for nearly all. */
  readonly trace?: Trace | undefined;
};

export type Outcome = 'admitted' | 'denied' | 'evicted' | 'replaced' | 'displaced' | 'stopped' | 'expired';

/** One decision about one session, in stream-decisions.v1. Key: account key. */
export type StreamDecided = {
  /** The same for every repeat of this output. */
  readonly id: string;
  /** Position of the record that caused it. */
  readonly cause: string;
  readonly tenant: string;
  readonly sessionId: string;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly rule: string | null;
  readonly policyVersion: number;
  readonly limit: number | null;
  /** The rule only observes: the session was told allow. */
  readonly observed: boolean;
  /** The session had lost its slot in silence, and came back. */
  readonly returned: boolean;
  /** The session that took the slot. */
  readonly bySessionId: string | null;
  /** Slot holders of the account after this decision. */
  readonly holders: number;
  readonly deviceId: string;
  readonly deviceType: string;
  readonly contentId: string;
  readonly contentType: ContentType;
  /** Append time of the cause. */
  readonly decidedAtMs: number;
  /** The trace of the cause, as that had it: a reader goes on from the same parent. Null for nearly all. */
  readonly trace?: Trace | undefined;
};

/** A quiet partition is alive. No key. */
export type Tick = {
  /** The ingest node. */
  readonly source: string;
  /** The node refused beats since its last tick. */
  readonly shedding: boolean;
  readonly receivedAtMs: number;
};

/** How far a processor has come in the time of its own input. No key. */
export type TimeRelayed = {
  readonly processor: string;
  /** Of the input: all before it has been folded. */
  readonly position: string;
  /** Append time of the newest record folded. */
  readonly atMs: number;
};

export type ViewStatus = 'open' | 'provisional' | 'final';

export type ViewReason = 'finished' | 'stopped' | 'failed' | 'silent' | 'evicted' | 'replaced' | 'paused_out';

export type ViewConfidence = 'certain' | 'inferred';

/** One revision of one view, in view-ends.v1: the newest revision of a viewId is the view. Key: account key. */
export type ViewEnded = {
  /** The same for every repeat of this output. */
  readonly id: string;
  /** Position of the record that caused it. */
  readonly cause: string;
  /** Hash of account key and session id. */
  readonly viewId: string;
  /** Grows with each record about this view, by more than one; a replay gives the same. */
  readonly revision: number;
  /** open: the viewer came back. */
  readonly status: ViewStatus;
  /** The view was final before. */
  readonly corrected: boolean;
  /** Made without the beginning of the view: it never replaces one that is not partial, whatever the revision. */
  readonly partial: boolean;
  readonly tenant: string;
  readonly sessionId: string;
  readonly profileId: string;
  readonly deviceId: string;
  readonly deviceType: string;
  readonly contentId: string;
  readonly contentType: ContentType;
  readonly seriesId: string | null;
  readonly startedAtMs: number;
  /** Null while open. */
  readonly endedAtMs: number | null;
  /** Null while open. */
  readonly reason: ViewReason | null;
  /** certain: said by the player, its viewer or a decision. inferred: from silence. Null while open. */
  readonly confidence: ViewConfidence | null;
  /** No picture was ever shown. */
  readonly exitBeforeStart: boolean;
  /** Time in which the content played. */
  readonly watchedMs: number;
  /** Length of the union of what was played; null for live. */
  readonly distinctMs: number | null;
  /** distinctMs of durationMs; null where one of them is. */
  readonly completionPercent: number | null;
  readonly durationMs: number | null;
  readonly furthestPositionMs: number | null;
  readonly lastPositionMs: number | null;
  readonly pauses: number;
  readonly seeks: number;
  readonly stalls: number;
  /** Null where no beat told it. */
  readonly stallMs: number | null;
  readonly adBreaks: number;
  /** Time in which advertisements played. */
  readonly adMs: number;
  readonly startupMs: number | null;
  /** By time. */
  readonly meanBitrateKbps: number | null;
  readonly beatsReceived: number;
  /** Numbers between the first and the last beat that never came. */
  readonly beatsMissed: number;
  /** What the session was last told, as its last beat says. */
  readonly lastDecision: string | null;
  /** Append time of the cause. */
  readonly revisedAtMs: number;
};
