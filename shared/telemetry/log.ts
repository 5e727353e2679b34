import { pino, stdSerializers, type DestinationStream, type LevelWithSilent } from 'pino';

/**
 * What rooms and the runtime know of logging: JSON lines on stdout, fields first, then a message that never changes, so
 * that lines can be counted. **No line per heartbeat**, at no level: a line costs more than the beat. What happens per
 * beat is a metric.
 */
export type Log = {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
};
/** An error goes under `err`: its stack is written, and what hangs on it is redacted like everything else. */
export type Fields = Readonly<Record<string, unknown>>;

export const createLog = (options: {
  readonly level: LevelWithSilent;
  /** On every line: the node, the role. */
  readonly base: Fields;
  /** Where lines go; stdout when left out. */
  readonly destination?: DestinationStream;
}): Log => {
  const settings = {
    level: options.level,
    base: options.base,
    timestamp: (): string => `,"time":"${new Date().toISOString()}"`,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => redactFields(fields),
    },
    serializers: { err: (error: unknown) => redact(error instanceof Error ? stdSerializers.err(error) : error, 0) },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
};

/** By name, at any depth: whoever logs a request or a configuration whole gives nothing away. */
const SECRET_NAME = /(token|tokens|authorization|cookie|secret|pepper|password|tokenKey|terminate)$/i;
/** A cycle or a huge object ends here; a log line is not an archive. */
const MAX_DEPTH = 6;
const REDACTED = '[redacted]';

const redactFields = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, redactNamed(name, value, 1)]));

const redactNamed = (name: string, value: unknown, depth: number): unknown => {
  if (SECRET_NAME.test(name) && value !== null && value !== undefined) return REDACTED;
  return redact(value, depth);
};

const redact = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return value.replace(BEARER, `Bearer ${REDACTED}`);
  // An error at the top is the serializer's, which keeps its stack.
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return depth <= 1 ? value : { type: value.name, message: value.message };
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) return value.map((one) => redact(one, depth + 1));
  if ('toJSON' in value && typeof value.toJSON === 'function') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, redactNamed(name, one, depth + 1)]));
};

const BEARER = /Bearer [A-Za-z0-9._~+/=-]+/g;
