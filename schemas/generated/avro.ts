// Made by `npm run generate` from schemas/records/*.avsc. Change those, not this file.

import {
  readArray,
  readBoolean,
  readBranch,
  readBytes,
  readDouble,
  readEnum,
  readLong,
  readMap,
  readMark,
  readNull,
  readString,
  readToEnd,
  writeArray,
  writeBoolean,
  writeBytes,
  writeDouble,
  writeEnum,
  writeLong,
  writeMap,
  writeMark,
  writeNull,
  writeString,
} from '../avro.ts';
import type {
  AccountErased,
  Ad,
  AudienceCounted,
  AudienceMoved,
  AudiencePlace,
  AudienceWindow,
  AuditEvent,
  ContentType,
  Heartbeat,
  Mode,
  Origin,
  Outcome,
  PlayerState,
  PolicyActivated,
  Quality,
  RecordParked,
  ResumeHidden,
  ResumeUndone,
  SessionStarted,
  SessionStopRequested,
  StoppedBy,
  StreamDecided,
  Termination,
  Tick,
  TimeRelayed,
  Trace,
  Tracking,
  ViewConfidence,
  ViewEnded,
  ViewReason,
  ViewStatus,
} from './records.ts';

export const writeAccountErased = (value: AccountErased): void => {
  writeMark(6);
  writeString(value.requestId);
  writeString(value.tenant);
  writeLong(value.receivedAtMs);
};

export const readAccountErased = (): AccountErased => {
  readMark(6);
  return {
    requestId: readString(),
    tenant: readString(),
    receivedAtMs: readLong(),
  };
};

export const writeAudienceWindow = (value: AudienceWindow): void => {
  writeLong(value.audience);
  writeLong(value.suspicious);
  if (value.momentum === null) writeNull(true);
  else {
    writeNull(false);
    writeDouble(value.momentum);
  }
  writeMap(value.byCountry, (item) => writeLong(item));
  writeMap(value.byDeviceType, (item) => writeLong(item));
};

export const readAudienceWindow = (): AudienceWindow => ({
  audience: readLong(),
  suspicious: readLong(),
  momentum: readNull() ? null : readDouble(),
  byCountry: readMap(() => readLong()),
  byDeviceType: readMap(() => readLong()),
});

export const writeAudienceCounted = (value: AudienceCounted): void => {
  writeMark(14);
  writeString(value.id);
  writeString(value.cause);
  writeString(value.tenant);
  writeString(value.contentId);
  writeContentType(value.contentType);
  writeLong(value.atMs);
  writeArray(value.windows, (item) => writeAudienceWindow(item));
};

export const readAudienceCounted = (): AudienceCounted => {
  readMark(14);
  return {
    id: readString(),
    cause: readString(),
    tenant: readString(),
    contentId: readString(),
    contentType: readContentType(),
    atMs: readLong(),
    windows: readArray(() => readAudienceWindow()),
  };
};

export const writeAudiencePlace = (value: AudiencePlace): void => {
  writeLong(value.minute);
  writeBoolean(value.counted);
  if (value.country === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.country);
  }
  writeString(value.deviceType);
  if (value.network === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.network);
  }
};

export const readAudiencePlace = (): AudiencePlace => ({
  minute: readLong(),
  counted: readBoolean(),
  country: readNull() ? null : readString(),
  deviceType: readString(),
  network: readNull() ? null : readString(),
});

export const writeAudienceMoved = (value: AudienceMoved): void => {
  writeMark(12);
  writeString(value.id);
  writeString(value.cause);
  writeString(value.tenant);
  writeString(value.contentId);
  writeContentType(value.contentType);
  writeAudiencePlace(value.to);
  if (value.from === null) writeNull(true);
  else {
    writeNull(false);
    writeAudiencePlace(value.from);
  }
};

export const readAudienceMoved = (): AudienceMoved => {
  readMark(12);
  return {
    id: readString(),
    cause: readString(),
    tenant: readString(),
    contentId: readString(),
    contentType: readContentType(),
    to: readAudiencePlace(),
    from: readNull() ? null : readAudiencePlace(),
  };
};

export const writeAuditEvent = (value: AuditEvent): void => {
  writeMark(15);
  writeLong(value.atMs);
  writeString(value.action);
  writeString(value.who);
  writeString(value.tenant);
  if (value.why === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.why);
  }
  if (value.status === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.status);
  }
  if (value.about === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.about);
  }
  writeString(value.requestId);
};

export const readAuditEvent = (): AuditEvent => {
  readMark(15);
  return {
    atMs: readLong(),
    action: readString(),
    who: readString(),
    tenant: readString(),
    why: readNull() ? null : readString(),
    status: readNull() ? null : readLong(),
    about: readNull() ? null : readString(),
    requestId: readString(),
  };
};

const CONTENT_TYPE = ['live', 'vod'] as const;
const writeContentType = (value: ContentType): void => writeEnum(CONTENT_TYPE, value);
const readContentType = (): ContentType => readEnum(CONTENT_TYPE);

const PLAYER_STATE = ['starting', 'playing', 'paused', 'buffering', 'seeking', 'ended', 'stopped', 'failed'] as const;
const writePlayerState = (value: PlayerState): void => writeEnum(PLAYER_STATE, value);
const readPlayerState = (): PlayerState => readEnum(PLAYER_STATE);

const TRACKING = ['full', 'limits_only'] as const;
const writeTracking = (value: Tracking): void => writeEnum(TRACKING, value);
const readTracking = (): Tracking => readEnum(TRACKING);

export const writeQuality = (value: Quality): void => {
  if (value.bitrateKbps === null) writeNull(true);
  else {
    writeNull(false);
    writeDouble(value.bitrateKbps);
  }
  if (value.bufferMs === null) writeNull(true);
  else {
    writeNull(false);
    writeDouble(value.bufferMs);
  }
  if (value.stallCount === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.stallCount);
  }
  if (value.stallMs === null) writeNull(true);
  else {
    writeNull(false);
    writeDouble(value.stallMs);
  }
  if (value.droppedFrames === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.droppedFrames);
  }
  if (value.startupMs === null) writeNull(true);
  else {
    writeNull(false);
    writeDouble(value.startupMs);
  }
  if (value.throughputKbps === null) writeNull(true);
  else {
    writeNull(false);
    writeDouble(value.throughputKbps);
  }
  if (value.errorCode === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.errorCode);
  }
};

export const readQuality = (): Quality => ({
  bitrateKbps: readNull() ? null : readDouble(),
  bufferMs: readNull() ? null : readDouble(),
  stallCount: readNull() ? null : readLong(),
  stallMs: readNull() ? null : readDouble(),
  droppedFrames: readNull() ? null : readLong(),
  startupMs: readNull() ? null : readDouble(),
  throughputKbps: readNull() ? null : readDouble(),
  errorCode: readNull() ? null : readString(),
});

export const writeAd = (value: Ad): void => {
  if (value.adId === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.adId);
  }
  if (value.breakId === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.breakId);
  }
  if (value.positionMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.positionMs);
  }
};

export const readAd = (): Ad => ({
  adId: readNull() ? null : readString(),
  breakId: readNull() ? null : readString(),
  positionMs: readNull() ? null : readLong(),
});

export const writeTrace = (value: Trace): void => {
  writeString(value.traceparent);
  if (value.tracestate === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.tracestate);
  }
};

export const readTrace = (): Trace => ({
  traceparent: readString(),
  tracestate: readNull() ? null : readString(),
});

export const writeHeartbeat = (value: Heartbeat): void => {
  writeMark(2);
  writeString(value.tenant);
  writeString(value.sessionId);
  writeLong(value.sequence);
  writeString(value.profileId);
  writeString(value.deviceId);
  writeString(value.deviceType);
  if (value.deviceName === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.deviceName);
  }
  writeString(value.contentId);
  writeContentType(value.contentType);
  writePlayerState(value.state);
  if (value.positionMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.positionMs);
  }
  if (value.durationMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.durationMs);
  }
  if (value.playbackRate === null) writeNull(true);
  else {
    writeNull(false);
    writeDouble(value.playbackRate);
  }
  if (value.country === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.country);
  }
  if (value.cdn === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.cdn);
  }
  if (value.appVersion === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.appVersion);
  }
  if (value.player === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.player);
  }
  if (value.seriesId === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.seriesId);
  }
  writeTracking(value.tracking);
  writeMap(value.metadata, (item) => writeString(item));
  if (value.quality === null) writeNull(true);
  else {
    writeNull(false);
    writeQuality(value.quality);
  }
  if (value.ad === null) writeNull(true);
  else {
    writeNull(false);
    writeAd(value.ad);
  }
  writeLong(value.sentAtMs);
  writeLong(value.receivedAtMs);
  writeLong(value.occurredAtMs);
  writeLong(value.clockSkewMs);
  writeString(value.source);
  if (value.networkKey === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.networkKey);
  }
  if (value.lastDecision === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.lastDecision);
  }
  writeMap(value.claims, (item) => {
    if (typeof item === 'number') {
      writeLong(0);
      writeDouble(item);
    } else {
      writeLong(1);
      writeString(item);
    }
  });
  if (value.trace == null) writeNull(true);
  else {
    writeNull(false);
    writeTrace(value.trace);
  }
};

export const readHeartbeat = (): Heartbeat => {
  readMark(2);
  return {
    tenant: readString(),
    sessionId: readString(),
    sequence: readLong(),
    profileId: readString(),
    deviceId: readString(),
    deviceType: readString(),
    deviceName: readNull() ? null : readString(),
    contentId: readString(),
    contentType: readContentType(),
    state: readPlayerState(),
    positionMs: readNull() ? null : readLong(),
    durationMs: readNull() ? null : readLong(),
    playbackRate: readNull() ? null : readDouble(),
    country: readNull() ? null : readString(),
    cdn: readNull() ? null : readString(),
    appVersion: readNull() ? null : readString(),
    player: readNull() ? null : readString(),
    seriesId: readNull() ? null : readString(),
    tracking: readTracking(),
    metadata: readMap(() => readString()),
    quality: readNull() ? null : readQuality(),
    ad: readNull() ? null : readAd(),
    sentAtMs: readLong(),
    receivedAtMs: readLong(),
    occurredAtMs: readLong(),
    clockSkewMs: readLong(),
    source: readString(),
    networkKey: readNull() ? null : readString(),
    lastDecision: readNull() ? null : readString(),
    claims: readMap(() => (readBranch(2) === 0 ? readDouble() : readString())),
    trace: readToEnd() || readNull() ? undefined : readTrace(),
  };
};

const MODE = ['enforce', 'observe'] as const;
const writeMode = (value: Mode): void => writeEnum(MODE, value);
const readMode = (): Mode => readEnum(MODE);

export const writePolicyActivated = (value: PolicyActivated): void => {
  writeMark(5);
  writeLong(value.version);
  writeMode(value.mode);
  writeString(value.policy);
  writeLong(value.activatedAtMs);
  writeString(value.by);
};

export const readPolicyActivated = (): PolicyActivated => {
  readMark(5);
  return {
    version: readLong(),
    mode: readMode(),
    policy: readString(),
    activatedAtMs: readLong(),
    by: readString(),
  };
};

export const writeRecordParked = (value: RecordParked): void => {
  writeMark(8);
  writeString(value.id);
  writeString(value.cause);
  writeString(value.topic);
  writeString(value.processor);
  writeString(value.reason);
  writeBytes(value.bytes);
};

export const readRecordParked = (): RecordParked => {
  readMark(8);
  return {
    id: readString(),
    cause: readString(),
    topic: readString(),
    processor: readString(),
    reason: readString(),
    bytes: readBytes(),
  };
};

export const writeResumeHidden = (value: ResumeHidden): void => {
  writeMark(9);
  writeString(value.requestId);
  writeString(value.tenant);
  writeString(value.profileId);
  writeString(value.contentId);
  writeLong(value.receivedAtMs);
  writeLong(value.occurredAtMs);
  writeString(value.source);
};

export const readResumeHidden = (): ResumeHidden => {
  readMark(9);
  return {
    requestId: readString(),
    tenant: readString(),
    profileId: readString(),
    contentId: readString(),
    receivedAtMs: readLong(),
    occurredAtMs: readLong(),
    source: readString(),
  };
};

export const writeResumeUndone = (value: ResumeUndone): void => {
  writeMark(10);
  writeString(value.requestId);
  writeString(value.tenant);
  writeString(value.profileId);
  writeString(value.contentId);
  writeLong(value.receivedAtMs);
  writeLong(value.occurredAtMs);
  writeString(value.source);
};

export const readResumeUndone = (): ResumeUndone => {
  readMark(10);
  return {
    requestId: readString(),
    tenant: readString(),
    profileId: readString(),
    contentId: readString(),
    receivedAtMs: readLong(),
    occurredAtMs: readLong(),
    source: readString(),
  };
};

const ORIGIN = ['player', 'signal'] as const;
const writeOrigin = (value: Origin): void => writeEnum(ORIGIN, value);
const readOrigin = (): Origin => readEnum(ORIGIN);

export const writeTermination = (value: Termination): void => {
  writeString(value.sessionId);
  writeString(value.admittedAt);
};

export const readTermination = (): Termination => ({
  sessionId: readString(),
  admittedAt: readString(),
});

export const writeSessionStarted = (value: SessionStarted): void => {
  writeMark(1);
  writeString(value.requestId);
  writeOrigin(value.origin);
  if (value.leaseMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.leaseMs);
  }
  if (value.continuesSessionId === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.continuesSessionId);
  }
  writeArray(value.terminate, (item) => writeTermination(item));
  writeHeartbeat(value.beat);
};

export const readSessionStarted = (): SessionStarted => {
  readMark(1);
  return {
    requestId: readString(),
    origin: readOrigin(),
    leaseMs: readNull() ? null : readLong(),
    continuesSessionId: readNull() ? null : readString(),
    terminate: readArray(() => readTermination()),
    beat: readHeartbeat(),
  };
};

const STOPPED_BY = ['player', 'user', 'service', 'undecided'] as const;
const writeStoppedBy = (value: StoppedBy): void => writeEnum(STOPPED_BY, value);
const readStoppedBy = (): StoppedBy => readEnum(STOPPED_BY);

export const writeSessionStopRequested = (value: SessionStopRequested): void => {
  writeMark(3);
  writeString(value.requestId);
  writeString(value.tenant);
  writeString(value.sessionId);
  writeStoppedBy(value.by);
  writeLong(value.receivedAtMs);
  writeString(value.source);
  if (value.trace == null) writeNull(true);
  else {
    writeNull(false);
    writeTrace(value.trace);
  }
};

export const readSessionStopRequested = (): SessionStopRequested => {
  readMark(3);
  return {
    requestId: readString(),
    tenant: readString(),
    sessionId: readString(),
    by: readStoppedBy(),
    receivedAtMs: readLong(),
    source: readString(),
    trace: readToEnd() || readNull() ? undefined : readTrace(),
  };
};

const OUTCOME = ['admitted', 'denied', 'evicted', 'replaced', 'displaced', 'stopped', 'expired'] as const;
const writeOutcome = (value: Outcome): void => writeEnum(OUTCOME, value);
const readOutcome = (): Outcome => readEnum(OUTCOME);

export const writeStreamDecided = (value: StreamDecided): void => {
  writeMark(7);
  writeString(value.id);
  writeString(value.cause);
  writeString(value.tenant);
  writeString(value.sessionId);
  writeOutcome(value.outcome);
  writeString(value.reason);
  if (value.rule === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.rule);
  }
  writeLong(value.policyVersion);
  if (value.limit === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.limit);
  }
  writeBoolean(value.observed);
  writeBoolean(value.returned);
  if (value.bySessionId === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.bySessionId);
  }
  writeLong(value.holders);
  writeString(value.deviceId);
  writeString(value.deviceType);
  writeString(value.contentId);
  writeContentType(value.contentType);
  writeLong(value.decidedAtMs);
  if (value.trace == null) writeNull(true);
  else {
    writeNull(false);
    writeTrace(value.trace);
  }
};

export const readStreamDecided = (): StreamDecided => {
  readMark(7);
  return {
    id: readString(),
    cause: readString(),
    tenant: readString(),
    sessionId: readString(),
    outcome: readOutcome(),
    reason: readString(),
    rule: readNull() ? null : readString(),
    policyVersion: readLong(),
    limit: readNull() ? null : readLong(),
    observed: readBoolean(),
    returned: readBoolean(),
    bySessionId: readNull() ? null : readString(),
    holders: readLong(),
    deviceId: readString(),
    deviceType: readString(),
    contentId: readString(),
    contentType: readContentType(),
    decidedAtMs: readLong(),
    trace: readToEnd() || readNull() ? undefined : readTrace(),
  };
};

export const writeTick = (value: Tick): void => {
  writeMark(4);
  writeString(value.source);
  writeBoolean(value.shedding);
  writeLong(value.receivedAtMs);
};

export const readTick = (): Tick => {
  readMark(4);
  return {
    source: readString(),
    shedding: readBoolean(),
    receivedAtMs: readLong(),
  };
};

export const writeTimeRelayed = (value: TimeRelayed): void => {
  writeMark(13);
  writeString(value.processor);
  writeString(value.position);
  writeLong(value.atMs);
};

export const readTimeRelayed = (): TimeRelayed => {
  readMark(13);
  return {
    processor: readString(),
    position: readString(),
    atMs: readLong(),
  };
};

const VIEW_STATUS = ['open', 'provisional', 'final'] as const;
const writeViewStatus = (value: ViewStatus): void => writeEnum(VIEW_STATUS, value);
const readViewStatus = (): ViewStatus => readEnum(VIEW_STATUS);

const VIEW_REASON = ['finished', 'stopped', 'failed', 'silent', 'evicted', 'replaced', 'paused_out'] as const;
const writeViewReason = (value: ViewReason): void => writeEnum(VIEW_REASON, value);
const readViewReason = (): ViewReason => readEnum(VIEW_REASON);

const VIEW_CONFIDENCE = ['certain', 'inferred'] as const;
const writeViewConfidence = (value: ViewConfidence): void => writeEnum(VIEW_CONFIDENCE, value);
const readViewConfidence = (): ViewConfidence => readEnum(VIEW_CONFIDENCE);

export const writeViewEnded = (value: ViewEnded): void => {
  writeMark(11);
  writeString(value.id);
  writeString(value.cause);
  writeString(value.viewId);
  writeLong(value.revision);
  writeViewStatus(value.status);
  writeBoolean(value.corrected);
  writeBoolean(value.partial);
  writeString(value.tenant);
  writeString(value.sessionId);
  writeString(value.profileId);
  writeString(value.deviceId);
  writeString(value.deviceType);
  writeString(value.contentId);
  writeContentType(value.contentType);
  if (value.seriesId === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.seriesId);
  }
  writeLong(value.startedAtMs);
  if (value.endedAtMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.endedAtMs);
  }
  if (value.reason === null) writeNull(true);
  else {
    writeNull(false);
    writeViewReason(value.reason);
  }
  if (value.confidence === null) writeNull(true);
  else {
    writeNull(false);
    writeViewConfidence(value.confidence);
  }
  writeBoolean(value.exitBeforeStart);
  writeLong(value.watchedMs);
  if (value.distinctMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.distinctMs);
  }
  if (value.completionPercent === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.completionPercent);
  }
  if (value.durationMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.durationMs);
  }
  if (value.furthestPositionMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.furthestPositionMs);
  }
  if (value.lastPositionMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.lastPositionMs);
  }
  writeLong(value.pauses);
  writeLong(value.seeks);
  writeLong(value.stalls);
  if (value.stallMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.stallMs);
  }
  writeLong(value.adBreaks);
  writeLong(value.adMs);
  if (value.startupMs === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.startupMs);
  }
  if (value.meanBitrateKbps === null) writeNull(true);
  else {
    writeNull(false);
    writeLong(value.meanBitrateKbps);
  }
  writeLong(value.beatsReceived);
  writeLong(value.beatsMissed);
  if (value.lastDecision === null) writeNull(true);
  else {
    writeNull(false);
    writeString(value.lastDecision);
  }
  writeLong(value.revisedAtMs);
};

export const readViewEnded = (): ViewEnded => {
  readMark(11);
  return {
    id: readString(),
    cause: readString(),
    viewId: readString(),
    revision: readLong(),
    status: readViewStatus(),
    corrected: readBoolean(),
    partial: readBoolean(),
    tenant: readString(),
    sessionId: readString(),
    profileId: readString(),
    deviceId: readString(),
    deviceType: readString(),
    contentId: readString(),
    contentType: readContentType(),
    seriesId: readNull() ? null : readString(),
    startedAtMs: readLong(),
    endedAtMs: readNull() ? null : readLong(),
    reason: readNull() ? null : readViewReason(),
    confidence: readNull() ? null : readViewConfidence(),
    exitBeforeStart: readBoolean(),
    watchedMs: readLong(),
    distinctMs: readNull() ? null : readLong(),
    completionPercent: readNull() ? null : readLong(),
    durationMs: readNull() ? null : readLong(),
    furthestPositionMs: readNull() ? null : readLong(),
    lastPositionMs: readNull() ? null : readLong(),
    pauses: readLong(),
    seeks: readLong(),
    stalls: readLong(),
    stallMs: readNull() ? null : readLong(),
    adBreaks: readLong(),
    adMs: readLong(),
    startupMs: readNull() ? null : readLong(),
    meanBitrateKbps: readNull() ? null : readLong(),
    beatsReceived: readLong(),
    beatsMissed: readLong(),
    lastDecision: readNull() ? null : readString(),
    revisedAtMs: readLong(),
  };
};
