import { TableUnavailable } from './table-errors.ts';

/** The one retry policy of the DynamoDB adapter; the client's own is off, or each of its tries would be multiplied by ours. */
export type Patience = {
  /** One request: what has no answer by then is lost, whether the service has done it or not. */
  readonly attemptMs: number;
  /** A call gives up when none of its requests has succeeded for so long. */
  readonly deadlineMs: number;
  /** Calls once, after so long; answers how to call it off. */
  readonly after: (ms: number, run: () => void) => () => void;
  readonly pause: (ms: number) => Promise<void>;
  /** 0 to below 1. */
  readonly random: () => number;
  /** Milliseconds on a clock that is never set. */
  readonly elapsedMs: () => number;
};

/** The requests of one call to the tables, which share its deadline. */
export type Call = {
  /** Until it succeeds. Else `TableUnavailable`: at once where repeating cannot help, or at the deadline. */
  attempt<T>(request: (signal: AbortSignal) => Promise<T>): Promise<T>;
};

/** Not all that was asked for was answered; the rest is to be asked for again. */
export class PartlyAnswered extends Error {
  override readonly name = 'PartlyAnswered';
  /** Whether anything was: an answer that holds nothing does not put off the deadline. */
  readonly some: boolean;
  constructor(some: boolean) {
    super(`the service answered for ${some ? 'a part' : 'none'} of what it was asked for`);
    this.some = some;
  }
}

export type CallOptions = Patience & {
  readonly where: string;
  /** Hears of the first request of the call that has to be tried again. */
  readonly onTrouble: (error: TableUnavailable) => void;
};

export const FIRST_PAUSE_MS = 25;
export const LAST_PAUSE_MS = 1_000;

export const beginCall = (options: CallOptions): Call => {
  const { where, onTrouble, deadlineMs, pause, random, elapsedMs } = options;
  let succeededAtMs = elapsedMs();
  let told = false;
  const unavailable = (cause: unknown): TableUnavailable =>
    new TableUnavailable(where, { detail: reasonOf(cause), cause });

  return {
    attempt: async (request) => {
      for (let most = FIRST_PAUSE_MS; ; most = Math.min(2 * most, LAST_PAUSE_MS)) {
        try {
          const answer = await inTime(options, request);
          succeededAtMs = elapsedMs();
          return answer;
        } catch (error) {
          if (error instanceof PartlyAnswered && error.some) succeededAtMs = elapsedMs();
          if (!mayPass(error)) throw unavailable(error);
          // Anywhere in the whole pause: callers that failed together do not come back together.
          const pauseMs = random() * most;
          if (elapsedMs() + pauseMs - succeededAtMs >= deadlineMs) throw unavailable(error);
          if (!told) onTrouble(unavailable(error));
          told = true;
          await pause(pauseMs);
        }
      }
    },
  };
};

/** The client's own timeouts end where an answer begins; this one also ends what stops in the middle of its answer. */
const inTime = <T>({ attemptMs, after }: Patience, request: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const aborter = new AbortController();
  return new Promise((resolve, reject) => {
    const cancel = after(attemptMs, () => {
      reject(new Error(`no answer within ${attemptMs} ms`));
      aborter.abort();
    });
    request(aborter.signal).then(resolve, reject).finally(cancel);
  });
};

const TRY_AGAIN = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'Throttling',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  // The client fetches others before the next request.
  'ExpiredTokenException',
]);

/** All but what the service itself refuses. What has no `$fault` is not its word: no answer came, or none that could be read. */
const mayPass = (error: unknown): boolean => {
  if (!(error instanceof Error) || !('$fault' in error) || TRY_AGAIN.has(error.name)) return true;
  const { httpStatusCode: status = 0, clockSkewCorrected } = metadataOf(error);
  return status < 400 || status >= 500 || clockSkewCorrected === true;
};

type Metadata = { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean };

const metadataOf = (error: Error): Metadata => ('$metadata' in error ? ((error.$metadata ?? {}) as Metadata) : {});

const REASON_CHARACTERS = 300;

/** One short line. Where a name leads to several addresses and none can be had, the error has a code and no words. */
export const reasonOf = (error: unknown): string => {
  const { name, message, code } = Object(error) as { readonly [K in 'name' | 'message' | 'code']?: unknown };
  const words = String(message || code || error);
  const line = typeof name !== 'string' || name === 'Error' ? words : `${name}: ${words}`;
  return line.replaceAll(/\s+/g, ' ').slice(0, REASON_CHARACTERS);
};
