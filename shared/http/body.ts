import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { checkDepth } from '../../schemas/validate.ts';
import { ProblemError } from './call.ts';

/** Levels of nesting in a body, itself the first. */
export const MAX_DEPTH = 4;

/** JSON comes as such or, without a preflight, as plain text. */
const CONTENT_TYPE = /^(application\/json|text\/plain)\s*(;|$)/i;

/** Checks what can be told from the headers; null when the body may be read. */
export const refuseHeaders = ({ headers }: IncomingMessage, limitBytes: number): ProblemError | null => {
  const type = headers['content-type'];
  if (type !== undefined && !CONTENT_TYPE.test(type)) {
    return new ProblemError('UNSUPPORTED_MEDIA_TYPE', 'send application/json, or text/plain with JSON in it');
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'gzip' && encoding !== 'identity') {
    return new ProblemError('UNSUPPORTED_ENCODING', 'send the body plain or with gzip');
  }
  const length = headers['content-length'];
  return length !== undefined && Number(length) > limitBytes ? tooLarge(limitBytes) : null;
};

const tooLarge = (limitBytes: number): ProblemError =>
  new ProblemError('BODY_TOO_LARGE', `the body is larger than ${limitBytes} bytes, counted after inflation`);

/**
 * Reads a body of at most `limitBytes`, inflated where it is gzip; calls back once. A plain callback, since the
 * heartbeat route comes through here.
 */
export const readBody = (
  req: IncomingMessage,
  limitBytes: number,
  done: (error: ProblemError | null, body: Buffer) => void,
): void => {
  const refused = refuseHeaders(req, limitBytes);
  if (refused !== null) {
    req.resume();
    return done(refused, EMPTY);
  }
  const zipped = req.headers['content-encoding'] === 'gzip';
  const source = zipped ? req.pipe(createGunzip()) : req;
  let first: Buffer | null = null;
  let rest: Buffer[] | null = null;
  let size = 0;
  let open = true;
  const finish = (error: ProblemError | null): void => {
    if (!open) return;
    open = false;
    if (error !== null && zipped) {
      req.unpipe();
      source.destroy();
      req.resume();
    }
    done(error, error !== null ? EMPTY : rest !== null ? Buffer.concat(rest) : (first ?? EMPTY));
  };
  source.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limitBytes) return finish(tooLarge(limitBytes));
    if (first === null) first = chunk;
    else (rest ??= [first]).push(chunk);
  });
  source.on('end', () => finish(null));
  if (zipped) source.on('error', () => finish(new ProblemError('MALFORMED_JSON', 'the body is not gzip')));
};

const EMPTY = Buffer.alloc(0);

/** The JSON value of a body; throws the problem that it has. */
export const parseJson = (body: Buffer): unknown => {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new ProblemError('MALFORMED_JSON', 'the body is not a JSON document');
  }
  if (!checkDepth(value, MAX_DEPTH))
    throw new ProblemError('TOO_DEEP', `the body nests deeper than ${MAX_DEPTH} levels`);
  return value;
};

/** The whole of it, for routes that may wait. An empty body is `undefined`. */
export const readJson = (req: IncomingMessage, limitBytes: number): Promise<unknown> =>
  new Promise((resolve, reject) => {
    readBody(req, limitBytes, (error, body) => {
      if (error !== null) return reject(error);
      if (body.length === 0) return resolve(undefined);
      try {
        resolve(parseJson(body));
      } catch (problem) {
        reject(problem instanceof Error ? problem : new Error(String(problem)));
      }
    });
  });
