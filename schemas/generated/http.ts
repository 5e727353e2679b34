// Made by `npm run generate` from schemas/http/*.schema.json. Change those, not this file.

/** A channel or a title on demand. */
export type ContentType = 'live' | 'vod';

/** ISO 3166-1 alpha-2, capital letters. */
export type Country = string;

/** 1 to 128 characters (code points), no control characters, no lone surrogates. */
export type Id = string;

/** A short text: 1 to 128 characters (code points), no control characters, no lone surrogates. */
export type Text = string;

/** A signed token, opaque to its bearer. */
export type Token = string;

/** A place in the log, opaque to callers. Pass it as `after` to read what you wrote. */
export type Position = string;

/** What the player does at the moment of the beat. */
export type PlayerState = 'starting' | 'playing' | 'paused' | 'buffering' | 'seeking' | 'ended' | 'stopped' | 'failed';

/** Grows by one with each beat of the session; a repeat carries the same number. */
export type Sequence = number;

/** The player's clock, epoch milliseconds. It decides nothing, so any safe integer is welcome. */
export type PlayerTimeMs = number;

/** A place in the content or its length, in milliseconds, at most ten years. */
export type ContentTimeMs = number;

/** Server time, epoch milliseconds. */
export type EpochMs = number;

/** A span of time in milliseconds. */
export type DurationMs = number;

/** Only `stop` stops the picture. */
export type DecisionVerdict = 'allow' | 'stop';

/** Why. The list is closed; docs/reference/reasons.md has a sentence for the viewer for each. */
export type Reason =
  | 'OK'
  | 'LIMIT_REACHED'
  | 'EVICTED_BY_NEWER'
  | 'TERMINATED_BY_USER'
  | 'REPLACED_ON_DEVICE'
  | 'SILENT_TOO_LONG'
  | 'PAUSED_TOO_LONG'
  | 'STOPPED'
  | 'SESSION_CAP'
  | 'SERVICE_DEGRADED';

/** `observe`: decides and records, and answers allow. */
export type RuleMode = 'enforce' | 'observe';

/** A value, or several of which one must match. */
export type OneOrMore = string | readonly string[];

/** Named in each decision. */
export type RuleId = string;

/** What is counted. */
export type CountBy = 'sessions' | 'devices' | 'profiles' | 'countries';

/** What happens to a newcomer over the limit. */
export type OnExceed = 'deny-newest' | 'evict-oldest' | 'ask';

/** What a second session on a device does to the first. */
export type SameDevice = 'replace' | 'share-slot' | 'count';

/** How long a session counts without a beat. */
export type LeaseMs = number;

/** After how long a silence a newcomer may take the slot; less than leaseMs. */
export type LateMs = number;

/** How long a paused session keeps its slot. */
export type PausedHoldsMs = number;

/** The answer when the decision cannot be had in time. */
export type FailMode = 'open' | 'closed';

/** One of these must match. */
export type MatchValues = readonly string[];

/** May this stream go on (with a session), or would a start be allowed now (without one, then device and content are required). */
export interface BlockCheckRequest {
  /** The household that pays. */
  readonly accountId: string;

  /** A running session. */
  readonly sessionId?: string;

  /** Who would watch. */
  readonly profileId?: string;

  /** The device that would play. */
  readonly deviceId?: string;

  /** Such as `tv`, `phone`, `browser`. */
  readonly deviceType?: string;

  /** The title or channel. */
  readonly contentId?: string;
  readonly contentType?: ContentType;
  readonly country?: Country;
  readonly metadata?: Metadata;
}

/** Up to 8 values under keys that the installation declares; policies may match them. */
export interface Metadata {
  readonly [k: string]: string;
}

/** What happened since the last beat (CTA-2066 measures). */
export interface Quality {
  /** Mean video bitrate. */
  readonly bitrateKbps?: number;

  /** Media in the buffer now. */
  readonly bufferMs?: number;

  /** Stalls that began. */
  readonly stallCount?: number;

  /** Time spent stalled. */
  readonly stallMs?: number;

  /** Frames not shown. */
  readonly droppedFrames?: number;

  /** From the press of play to the first picture; sent once. */
  readonly startupMs?: number;

  /** Measured download speed. */
  readonly throughputKbps?: number;

  /** The player's own code of its last error. */
  readonly errorCode?: string;
}

/** The advertisement that runs now. */
export interface Ad {
  /** The creative. */
  readonly adId?: string;

  /** The break that it belongs to. */
  readonly breakId?: string;

  /** Place within the advertisement. */
  readonly positionMs?: number;
}

/** A running session of the account. */
export interface ActiveSession {
  readonly sessionId: Id;
  readonly deviceId: Id;

  /** As the device calls itself. */
  readonly deviceName?: string;
  readonly deviceType: Id;

  /** Left out when it belongs to another profile, except for a service token. */
  readonly contentId?: string;
  readonly startedAtMs: EpochMs;
  readonly lastBeatAtMs: EpochMs;

  /** `late` sessions have missed two beats; a newcomer may take their slot. */
  readonly status: 'starting' | 'active' | 'paused' | 'late';

  /** When its slot frees by itself; only for late and paused sessions. */
  readonly freesInMs?: number;

  /** Where the rule asks: send it in `terminate` of a new start to stop this session. */
  readonly terminationToken?: string;
}

/** One field that was refused. */
export interface FieldError {
  /** JSON pointer into the body. */
  readonly path: string;
  readonly code: 'REQUIRED' | 'TYPE' | 'RANGE' | 'FORMAT' | 'ENUM' | 'DEPTH' | 'UNKNOWN' | 'DUPLICATE';
  readonly detail: string;
}

/** How many watch a content. */
export interface ContentAudience {
  /** Accounts that were counted within the window, each once. */
  readonly viewers: number;

  /** By time, oldest first; empty for a content that nobody watched. */
  readonly series: {
    /** Where the minute, or the quarter of an hour, begins. */
    readonly atMs: number;

    /** Accounts that were counted in this minute, whatever was counted later; of 24 hours, in a minute of this quarter of an hour on average. */
    readonly viewers: number;
  }[];

  /** The time that the window ends at. */
  readonly asOfMs: number;
}

/** How many decisions of each kind. Each is counted once, by the time of the record that caused it. */
export interface DecisionCounts {
  /** Streams that were admitted. */
  readonly starts: number;

  /** Those of them that had lost their slot in silence, and came back. */
  readonly returns: number;

  /** Streams that were refused. */
  readonly denials: number;

  /** Streams that lost their slot to a newer one. */
  readonly evictions: number;

  /** Silent streams whose slot a newer one took. */
  readonly displaced: number;

  /** What rules that only observe would have refused or evicted; everybody was told allow. */
  readonly observed: number;

  /** Claims that the fail mode answered, because the decision could not be had in time. */
  readonly degraded: number;

  /** How many starts were the first stream of their account, the second at once, and so on. */
  readonly streamsAtOnce: {
    readonly [k: string]: number;
  };
}

/** Decisions about the sessions of an account, newest first. */
export interface DecisionList {
  readonly items: readonly KeptDecision[];

  /** Pass it as `cursor` for the next page, within a day; null where there is none. A page may have fewer items than were asked for. */
  readonly nextCursor: string | null;
}

/** A decision as the ledger keeps it, and how it came about. */
export interface KeptDecision {
  readonly sessionId: Id;

  /** What happened to the session. */
  readonly outcome: 'admitted' | 'denied' | 'evicted' | 'replaced' | 'displaced' | 'stopped' | 'expired';
  readonly reason: Reason;

  /** The rule that decided; null where none did. */
  readonly rule: string | null;

  /** The policy in force. */
  readonly policyVersion: number;

  /** The limit of that rule; null when it has none. */
  readonly limit: number | null;

  /** The rule only observes: the session was told allow. */
  readonly observed: boolean;

  /** The session had lost its slot in silence, and came back. */
  readonly returned: boolean;

  /** The session that took the slot. */
  readonly bySessionId: string | null;

  /** How many slots were held after the decision. */
  readonly holders: number;
  readonly deviceType: Text;
  readonly contentId: Id;
  readonly contentType: ContentType;

  /** When the log stored what caused it. */
  readonly decidedAtMs: number;

  /** Of the record that caused it: the session's own, another one's, or, for a session that expired, any that let time pass. */
  readonly position: string;

  /** How the decision follows from the log; null where no session was asked for. */
  readonly explanation: {
    /** The beats were folded again. `agrees`: they give this very decision. `differs`: they give another one, or none. `beats-expired`: the log has them no more, and this is what the ledger says. `not-finished`: there was too much to read in 10 s. `fail-mode`: no fold decided this, the fail mode of the policy answered. */
    readonly replay: 'agrees' | 'differs' | 'beats-expired' | 'not-finished' | 'fail-mode';

    /** Who held the slots when the decision was made, oldest first; empty where it was not replayed. */
    readonly heldBy: {
      readonly sessionId: Id;
      readonly deviceId: Id;
      readonly deviceName?: Text;
      readonly deviceType: Text;
      readonly contentId: Id;

      /** `late`: silent, or paused for too long; a newcomer may take its slot. */
      readonly status: 'starting' | 'active' | 'late' | 'paused';

      /** When it began. */
      readonly startedAtMs: number;

      /** When it was heard last. */
      readonly lastBeatAtMs: number;

      /** Of the record by which it was heard last. */
      readonly position: string | null;
    }[];

    /** The newest records of the account up to the decision, at most 20, oldest first; empty where it was not replayed. */
    readonly beats: {
      /** Its place in the log. */
      readonly position: string;

      /** What it was: a start, a backend's signal, a beat, or a stop call. */
      readonly kind: 'start' | 'signal' | 'beat' | 'stop';
      readonly sessionId: Id;

      /** The player's number of it; null for a stop call. */
      readonly sequence: number | null;

      /** What the player did; null for a stop call. */
      readonly state: string | null;

      /** When the log stored it. */
      readonly appendedAtMs: number;
    }[];
  } | null;
}

/** Decisions of a span of time, counted by rule, content or device type. */
export interface DecisionReport {
  /** The first moment that counts. */
  readonly from: number;

  /** The first moment that does not count any more. */
  readonly to: number;

  /** What there is a line for each of. */
  readonly by: 'rule' | 'content' | 'deviceType';

  /** Most starts and denials first. */
  readonly lines: {
    /** The rule, content or device type; null for decisions that no rule made. */
    readonly value: string | null;
    readonly counts: DecisionCounts;
  }[];
  readonly total: DecisionCounts;
}

/** May this stream go on, and what the answer is based on. The same object everywhere. */
export interface Decision {
  /** Null when the question was asked before playback. */
  readonly sessionId: string | null;
  readonly decision: DecisionVerdict;
  readonly reason: Reason;

  /** The rule of the policy that decided; null when none matched. */
  readonly rule: string | null;

  /** The policy that decided; 0 when there was none. */
  readonly policyVersion: number;

  /** The limit of that rule; null when it has none. */
  readonly limit: number | null;

  /** Who holds the slots. A beat's reply has it only when the decision is stop or has changed. */
  readonly active?: readonly ActiveSession[];

  /** With `stop`: when trying again may help. */
  readonly retryAfterMs?: number;

  /** The answer could not be had, or is old: the fail mode of the policy answered, or `asOfMs` is more than 5 s ago. */
  readonly degraded: boolean;

  /** Time of the newest record that the answer includes. */
  readonly asOfMs: number;

  /** Place in the log that the answer includes, opaque to callers; null when the answer could not be had. */
  readonly position: string | null;
}

/** What remains of an erased account, where, and until when. It is to be kept: nobody can ask for it again. */
export interface ErasureReceipt {
  readonly position: Position;
  readonly requestedAtMs: EpochMs;
  readonly places: {
    readonly kind: 'topic' | 'state' | 'table' | 'copies';
    readonly name: string;
    readonly remains: string;

    /** Nothing is left there from then on; null: nothing is, once the record is folded. */
    readonly goneAtMs: number | null;
  }[];
}

/** Which account is to be forgotten. */
export interface ErasureRequest {
  readonly accountId: Id;

  /** Of the account, where it is not the caller's own. */
  readonly tenant?: string;
}

/** Whether the process lives, or may get traffic. */
export interface Health {
  readonly status: 'ok' | 'starting' | 'draining';

  /** The roles that this process plays. */
  readonly roles?: readonly string[];

  /** The release that runs. */
  readonly version?: string;
}

/** Several beats in one call, such as an offline queue. Each beat is judged by itself. */
export interface HeartbeatBatch {
  readonly heartbeats: readonly HeartbeatRequest[];

  /** The token of the start call, for players that cannot set headers. */
  readonly sessionToken?: string;
}

/** One beat of one playback: every 10 s, and at once on each change of state. Unknown fields are ignored; an invalid optional field is dropped and counted. Ids may be left out of the body where a session token carries them. */
export interface HeartbeatRequest {
  /** The player's id of this playback (the `sid` of CMCD), unique within the account. */
  readonly sessionId: string;
  readonly sequence: Sequence;

  /** The household that pays; limits belong to it. */
  readonly accountId: string;

  /** Who watches within the account. */
  readonly profileId: string;

  /** The device, the same after a restart. */
  readonly deviceId: string;

  /** Such as `tv`, `phone`, `browser`. */
  readonly deviceType: string;

  /** The title or channel. */
  readonly contentId: string;
  readonly contentType: ContentType;
  readonly state: PlayerState;

  /** Place in the content in milliseconds. Required for `vod`, may be null or absent for `live`. */
  readonly positionMs?: number | null;
  readonly sentAtMs: PlayerTimeMs;

  /** How old the beat is by the player's monotonic clock, for beats sent from an offline queue; at most 31 days. */
  readonly ageMs?: number;

  /** Length of the content. */
  readonly durationMs?: number;

  /** 1 is normal speed, negative is backwards. */
  readonly playbackRate?: number;
  readonly country?: Country;

  /** The network that delivers the segments. */
  readonly cdn?: string;

  /** Version of the app. */
  readonly appVersion?: string;

  /** Name and version of the player. */
  readonly player?: string;

  /** As shown to the viewer in a list of streams. */
  readonly deviceName?: string;

  /** The series that the title belongs to. */
  readonly seriesId?: string;

  /** `limits-only`: the beat holds a slot and reaches no other answer. */
  readonly tracking?: 'full' | 'limits-only';
  readonly metadata?: Metadata;
  readonly quality?: Quality;
  readonly ad?: Ad;

  /** The token of the start call, for players that cannot set headers. */
  readonly sessionToken?: string;
}

/** A beat that was not stored. */
export interface IngestRejection {
  /** Place in the batch. */
  readonly index: number;

  /** As in docs/reference/errors.md. */
  readonly code: string;
  readonly detail: string;

  /** JSON pointer into the beat; empty when the whole beat is meant. */
  readonly path: string;

  /** Send it again with the same sequence. */
  readonly retryable: boolean;
}

/** A beat that was stored. */
export interface IngestResult {
  readonly sessionId: Id;
  readonly sequence: Sequence;
  readonly position: Position;

  /** When to beat next. */
  readonly nextHeartbeatMs: number;
  readonly decision?: Decision;

  /** JSON pointers of invalid optional fields that were left out; absent when there were none. */
  readonly dropped?: readonly string[];
}

/** What became of each beat, after the log has stored the accepted ones. */
export interface IngestResponse {
  /** How many beats the log has stored. */
  readonly accepted: number;
  readonly rejected: readonly IngestRejection[];
  readonly results: readonly IngestResult[];
}

/** How every rule counts from now on. */
export interface ModeRequest {
  readonly mode: RuleMode;
}

/** Which sessions the rule is about: every field that is there must match one of its values. Empty: all. */
export interface PolicyDocumentMatch {
  readonly contentType?: ContentType | readonly ContentType[];
  readonly contentId?: OneOrMore;
  readonly deviceType?: OneOrMore;
  readonly country?: string | readonly Country[];
  readonly plan?: OneOrMore;

  /** By declared metadata key. */
  readonly metadata?: {
    readonly [k: string]: OneOrMore;
  };
}

/** One limit. */
export interface PolicyDocumentRule {
  readonly id: RuleId;
  readonly mode?: RuleMode;
  readonly match?: PolicyDocumentMatch;
  readonly countBy?: CountBy;

  /** How many; `none`; or the name of the claim that has the number. */
  readonly limit: number | string;

  /** The limit where the token lacks the claim. Required when `limit` names one. */
  readonly limitWithoutClaim?: number;
  readonly onExceed?: OnExceed;
  readonly sameDevice?: SameDevice;
  readonly leaseMs?: LeaseMs;
  readonly lateMs?: LateMs;
  readonly pausedHoldsMs?: PausedHoldsMs;
  readonly failMode?: FailMode;
}

/** The limits, as people write them (YAML or JSON). An unknown field is an error: a typo must not switch a rule off. */
export interface PolicyDocument {
  /** Only grows. */
  readonly version: number;
  readonly description?: string;

  /** What a rule says unless it says otherwise. */
  readonly defaults?: {
    readonly leaseMs?: LeaseMs;
    readonly lateMs?: LateMs;
    readonly pausedHoldsMs?: PausedHoldsMs;
    readonly failMode?: FailMode;
  };
  readonly rules: readonly PolicyDocumentRule[];
}

/** Which sessions the rule is about: every field that is there must match one of its values. Empty: all. */
export interface PolicyMatch {
  readonly contentType?: readonly ContentType[];
  readonly contentId?: MatchValues;
  readonly deviceType?: MatchValues;
  readonly country?: readonly Country[];
  readonly plan?: MatchValues;
  readonly metadata?: {
    readonly [k: string]: MatchValues;
  };
}

/** One limit. */
export interface PolicyRule {
  readonly id: RuleId;
  readonly mode: RuleMode;
  readonly match: PolicyMatch;
  readonly countBy: CountBy;

  /** How many; `none`; or the name of the claim that has the number. */
  readonly limit: number | string;

  /** The limit where the token lacks the claim. Required when `limit` names one. */
  readonly limitWithoutClaim?: number;
  readonly onExceed: OnExceed;
  readonly sameDevice: SameDevice;
  readonly leaseMs: LeaseMs;
  readonly lateMs: LateMs;
  readonly pausedHoldsMs: PausedHoldsMs;
  readonly failMode: FailMode;
}

/** The limits, as decided by: every default filled in. All enforced rules must hold. */
export interface Policy {
  /** Only grows. */
  readonly version: number;
  readonly description?: string;

  /** What holds for sessions that no rule speaks of. */
  readonly defaults: {
    readonly leaseMs: LeaseMs;
    readonly lateMs: LateMs;
    readonly pausedHoldsMs: PausedHoldsMs;
  };
  readonly rules: readonly PolicyRule[];
}

/** What went wrong (RFC 9457, application/problem+json). A 409 of a start also carries the fields of the decision. */
export interface Problem {
  /** Address of the page that explains the code. */
  readonly type: string;

  /** The same for every problem of this code. */
  readonly title: string;

  /** The HTTP status. */
  readonly status: number;

  /** As in docs/reference/errors.md. */
  readonly code: string;

  /** What happened this time. */
  readonly detail: string;

  /** The path that was called. */
  readonly instance: string;

  /** As in the header `x-request-id` and in the logs. */
  readonly requestId: string;

  /** When trying again may help. */
  readonly retryAfterMs?: number;

  /** How far a rebuild has come, with `WARMING`. */
  readonly progress?: number;

  /** Each field that was refused, at most 20. */
  readonly errors?: readonly FieldError[];
}

/** Resume positions of a profile, newest first, or in the order asked for. */
export interface ResumePositionList {
  readonly items: readonly ResumePosition[];

  /** Send it as `cursor` for the next page, within 24 hours; null on the last page. A page may have fewer items than asked for and yet a next one. */
  readonly nextCursor: string | null;
}

/** Where a profile goes on with a content. */
export interface ResumePosition {
  /** The title, or the channel started over. */
  readonly contentId: string;

  /** The series that it belongs to; null where no beat named one. */
  readonly seriesId: string | null;

  /** Where to go on. */
  readonly positionMs: number;

  /** How long the content is; null where no beat said so. */
  readonly durationMs: number | null;

  /** `finished` at 95 %, in the last 30 s or in the credits; it stays readable, and is not in the list of what to go on with. */
  readonly status: 'in-progress' | 'finished';

  /** When the viewer was there. */
  readonly asOfMs: number;

  /** What said so: a running player, or the end of its session. */
  readonly source: 'heartbeat' | 'stop' | 'view-end' | 'import';

  /** The session that it is from. */
  readonly sessionId: string;

  /** The device that it was watched on. */
  readonly deviceId: string;

  /** True where the viewer took it off the list, until it is played again. */
  readonly hidden?: boolean;

  /** Place in the log of what it was made from, opaque to callers. */
  readonly position: string;
}

/** The running sessions of an account. */
export interface SessionList {
  readonly sessions: readonly ActiveSession[];

  /** The smallest limit that holds for the account's sessions; null when none does. */
  readonly limit: number | null;

  /** Time of the newest record that the answer includes. */
  readonly asOfMs: number;

  /** Place in the log that the answer includes, opaque to callers. */
  readonly position: string | null;
}

/** A backend (licence or manifest server, delivery log) says that a silent player plays. */
export interface SignalRequest {
  /** The backend's own id: a repeat changes nothing. */
  readonly signalId: string;

  /** The household that pays. */
  readonly accountId: string;

  /** The device that plays. */
  readonly deviceId: string;

  /** Such as `tv`, `phone`, `browser`. */
  readonly deviceType: string;

  /** The title or channel. */
  readonly contentId: string;
  readonly contentType: ContentType;

  /** Who watches, where the backend knows. */
  readonly profileId?: string;

  /** As shown to the viewer in a list of streams. */
  readonly deviceName?: string;
  readonly country?: Country;

  /** How long the session counts without another sign of life. */
  readonly leaseMs: number;

  /** Name of the backend. */
  readonly source: string;
}

/** A claim to play: the first heartbeat of a session, and what it takes over or stops. The fields of its own are refused when they are invalid, since the decision rests on them. */
export interface StartRequest extends HeartbeatRequest {
  /** Termination tokens of running sessions that this start shall stop. */
  readonly terminate?: readonly Token[];

  /** The session whose slot this one takes over (casting). */
  readonly continuesSessionId?: string;

  /** A repeat with the same id gives the same answer. Without it a session that was admitted stays so, and one that was refused is judged again. */
  readonly requestId?: string;
}

/** The stream may play. */
export interface StartResponse extends Decision {
  /** Alone authorises the beats and the stop of this session, for 12 hours. */
  readonly sessionToken: string;

  /** When to beat next. */
  readonly nextHeartbeatMs: number;
}

/** The end of a session. The body may be empty where the token has the account. */
export interface StopRequest {
  /** The account of the session. */
  readonly accountId?: string;

  /** A repeat with the same id changes nothing. */
  readonly requestId?: string;

  /** Who asks. The viewer on another device is `user`. */
  readonly by?: 'player' | 'user' | 'service';

  /** The token of the start call, for players that cannot set headers. */
  readonly sessionToken?: string;
}

/** What is watched most, or grows most, in one window. docs/reference/trending.md says how it is counted. */
export interface TrendingList {
  /** The first rank first. */
  readonly items: {
    readonly contentId: Id;

    /** 1 to 100. */
    readonly rank: number;

    /** The rank in the same list as it stood when the minute began; null where it was not among its first 100. */
    readonly previousRank: number | null;

    /** Accounts, in the country or on the device type that was asked for. This and the next two are for services alone. */
    readonly audience?: number;

    /** Accounts per minute of the window to those of the last 24 hours, over all; null for 24 hours. */
    readonly momentum?: number | null;

    /** 0 to 1: how many accounts over all without progress, or from one large network, there are to each that counts. */
    readonly suspiciousShare?: number;
  }[];

  /** The time that the windows end at; an old one says that the counts are being made again. Null while nothing has been counted. */
  readonly asOfMs: number | null;
}

/** Views of an account, newest end first; one that is open stands where its newest beat is. */
export interface ViewList {
  readonly items: readonly View[];

  /** Pass it as `cursor` for the next page, within a day; null where there is none. */
  readonly nextCursor: string | null;
}

/** One viewing: from the first beat of a session to its end, said or inferred. docs/reference/views.md says how each field is computed. */
export interface View {
  /** Hash of account and session: the key of the view in `view-ends.v1`. */
  readonly viewId: string;

  /** Of the newest record about this view in `view-ends.v1`; 0 while there is none. It grows, by more than one. */
  readonly revision: number;

  /** `provisional` after 35 s of silence, `final` 10 minutes later, or at once after the player's last word; `open` again when the viewer comes back. */
  readonly status: 'open' | 'provisional' | 'final';

  /** The view was final before this revision. A late beat corrects a view for 90 days. */
  readonly corrected: boolean;

  /** The beginning of the session was never seen. */
  readonly partial: boolean;
  readonly sessionId: Id;
  readonly profileId: Id;
  readonly deviceId: Id;
  readonly deviceType: Id;
  readonly contentId: Id;
  readonly contentType: ContentType;

  /** Null where the player names none. */
  readonly seriesId: string | null;

  /** When its first beat happened. */
  readonly startedAtMs: number;

  /** When it ended; null while open. */
  readonly endedAtMs: number | null;

  /** Why it ended; null while open. */
  readonly reason: 'finished' | 'stopped' | 'failed' | 'silent' | 'evicted' | 'replaced' | 'paused-out' | null;

  /** `certain`: said by the player, its viewer or a decision. `inferred`: from silence. Null while open. */
  readonly confidence: 'certain' | 'inferred' | null;

  /** No picture was ever shown. */
  readonly exitBeforeStart: boolean;

  /** Time in which the content played. */
  readonly watchedMs: number;

  /** How much of the content was played at least once; null for live. */
  readonly distinctMs: number | null;

  /** `distinctMs` of `durationMs`; null where one of them is. */
  readonly completionPercent: number | null;

  /** Length of the content; null where it is not known. */
  readonly durationMs: number | null;

  /** The furthest place that a beat named; null for live. */
  readonly furthestPositionMs: number | null;

  /** The place that the last beat named; null for live. */
  readonly lastPositionMs: number | null;
  readonly pauses: number;
  readonly seeks: number;
  readonly stalls: number;

  /** Null where the player does not tell it. */
  readonly stallMs: number | null;
  readonly adBreaks: number;

  /** Time in which advertisements played; no part of `watchedMs`. */
  readonly adMs: number;

  /** From the press of play to the first picture; null where the player does not tell it. */
  readonly startupMs: number | null;

  /** By time of playing; null where the player does not tell it. */
  readonly meanBitrateKbps: number | null;

  /** Each beat once. */
  readonly beatsReceived: number;

  /** Numbers between the first and the last beat that never came. */
  readonly beatsMissed: number;

  /** What the session was last told, as its last beat says; null where it was told nothing. */
  readonly lastDecision: string | null;
}
