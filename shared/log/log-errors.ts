/** Where in the log something happened; `null` where it does not apply. */
export type LogPlace = { readonly topic: string; readonly partition: number; readonly offset: number | null };

const place = (at: LogPlace | null): string => {
  if (at === null) return '';
  return ` (${at.topic}/${at.partition}${at.offset === null ? '' : ` at offset ${at.offset}`})`;
};

/**
 * The log cannot store or read now. After an append it is not known whether the records are stored; repeating the call
 * is right, and is the only retry there is.
 */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
  /** What the log is kept in: a file, or the brokers. */
  readonly where: string;
  readonly at: LogPlace | null;
  constructor(
    what: string,
    details: { readonly where: string; readonly at: LogPlace | null; readonly cause?: unknown },
  ) {
    super(`${details.where}${place(details.at)}: ${what}`, { cause: details.cause });
    this.where = details.where;
    this.at = details.at;
  }
}

/** The log was moved, or is being moved, into another generation than the one that is asked for. */
export class LogOfOtherGeneration extends Error {
  override readonly name = 'LogOfOtherGeneration';
}

/** An offset that the log does not hold: retention has removed it, or it lies behind the end. */
export class LogOutOfRange extends Error {
  override readonly name = 'LogOutOfRange';
  readonly at: LogPlace & { readonly offset: number };
  readonly first: number;
  readonly end: number;
  constructor(at: LogPlace & { readonly offset: number }, bounds: { readonly first: number; readonly end: number }) {
    super(
      `The log holds offsets ${bounds.first} to ${bounds.end}${place(at)}. ` +
        'Start at one of these, or discard the state that asks for another and rebuild it.',
    );
    this.at = at;
    this.first = bounds.first;
    this.end = bounds.end;
  }
}

/** Stored bytes are not what was written. Nothing is skipped: reading ends here until somebody decides. */
export class LogDamaged extends Error {
  override readonly name = 'LogDamaged';
  readonly file: string;
  readonly at: LogPlace | null;
  constructor(
    what: string,
    details: { readonly file: string; readonly at: LogPlace | null; readonly cause?: unknown },
  ) {
    super(
      `${details.file}${place(details.at)}: ${what}. Stop the process, keep a copy of the folder, ` +
        'and go on as docs/runbook/storage.md says under "The log is damaged".',
      { cause: details.cause },
    );
    this.file = details.file;
    this.at = details.at;
  }
}

type Misconfigured = {
  readonly topic: string;
  /** The name of the setting, or `partitions`, or `topic` for one that is not there at all. */
  readonly setting: string;
  readonly is: string;
  /** For a topic that is not there: what makes it. */
  readonly expected: string;
};

const wayOut = ({ topic, setting, is, expected }: Misconfigured): string => {
  if (setting === 'topic')
    return (
      `Topic ${topic} is ${is}, or this user may not describe it. Make it with: kafka-topics.sh --create ` +
      `--bootstrap-server … --topic ${topic} ${expected}`
    );
  if (setting === 'partitions')
    return (
      `Topic ${topic} has ${is} partitions and not ${expected}. The number is fixed with the first start: ` +
      'start with that number, or make a new generation of the topic.'
    );
  return (
    `Topic ${topic} has ${setting}=${is} and not ${expected}. Set it with: kafka-configs.sh --alter ` +
    `--bootstrap-server … --entity-type topics --entity-name ${topic} --add-config ${setting}=${expected}`
  );
};

/** A topic is not as the catalogue says, so that a promise of the log would not hold. */
export class LogMisconfigured extends Error {
  override readonly name = 'LogMisconfigured';
  readonly topic: string;
  readonly setting: string;
  constructor(details: Misconfigured) {
    super(wayOut(details));
    this.topic = details.topic;
    this.setting = details.setting;
  }
}
