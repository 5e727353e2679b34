import confluent from '@kafkajs/confluent-schema-registry';
import http from 'node:http';
import https from 'node:https';
import type { RecordSchema } from '../../schemas/codec.ts';

const { COMPATIBILITY, SchemaRegistry, SchemaType } = confluent;

export type RegistryConnection = {
  /** Of the Confluent interface, with its path: `http://localhost:8081`, or Apicurio's `…/apis/ccompat/v7`. */
  readonly url: string;
  readonly auth: { readonly username: string; readonly password: string } | null;
  readonly timeoutMs: number;
};

/** The registry will not have a schema of this release beside those that it holds. */
export class SchemaRefused extends Error {
  override readonly name = 'SchemaRefused';
  readonly subject: string;
  readonly reason: string;
  constructor(where: string, refused: { readonly subject: string; readonly reason: string }) {
    super(`the schema registry at ${where} refuses ${refused.subject}: ${refused.reason}`);
    this.subject = refused.subject;
    this.reason = refused.reason;
  }
}

/** Anything else that went wrong: it may go right another time. */
export class RegistryAway extends Error {
  override readonly name = 'RegistryAway';
}

export type RegistryClient = {
  /** The address, fit for a log line. */
  readonly where: string;
  /** The id of a schema that its subject holds, else null. */
  find(schema: RecordSchema): Promise<number | null>;
  /** Has the subject take nothing but what reads all that it holds, then adds the schema. */
  register(schema: RecordSchema): Promise<number>;
  /** What is under way fails, or never ends: the client does not notice an answer that is cut off in the middle. */
  close(): void;
};

const NAME = 'playbeat';
const REASON_LENGTH = 400;
/** A schema that does not fit, and in Apicurio also the later one of two processes that do the same at once. */
const CONFLICT = 409;

export const registryClient = ({ url, auth, timeoutMs }: RegistryConnection): RegistryClient => {
  const { protocol, origin, pathname, username, password } = new URL(url);
  if (username !== '' || password !== '')
    throw new TypeError('the address of a schema registry holds no user and no password: they are given beside it');
  const where = `${origin}${pathname.replace(/\/$/, '')}`;
  const aborter = new AbortController();
  const registry = new SchemaRegistry({
    host: where,
    clientId: NAME,
    // Who asks has a plan for the next time.
    retry: { retries: 0 },
    agent: protocol === 'https:' ? new https.Agent() : new http.Agent(),
    ...(auth === null ? {} : { auth }),
    middlewares: [
      () => ({
        prepareRequest: async (next) => (await next()).enhance({ timeout: timeoutMs, signal: aborter.signal }),
      }),
    ],
  });
  const confluentSchema = ({ schema }: RecordSchema) => ({ type: SchemaType.AVRO, schema }) as const;
  const secrets =
    auth === null ? [] : [auth.password, Buffer.from(`${auth.username}:${auth.password}`).toString('base64')];

  /** One short line. A proxy before the registry may answer with a page, and may show in it what it was sent. */
  const reasonOf = (error: unknown): string => {
    const text = error instanceof Error ? error.message : String(error);
    const plain = secrets
      .filter((secret) => secret !== '')
      .reduce((left, secret) => left.replaceAll(secret, '…'), text);
    return plain.replace(`${NAME} - `, '').replace(NO_ANSWER, '').replaceAll(/\s+/g, ' ').slice(0, REASON_LENGTH);
  };
  const away = (error: unknown): RegistryAway => new RegistryAway(reasonOf(error));

  const find = async (schema: RecordSchema): Promise<number | null> => {
    try {
      return await registry.getRegistryIdBySchema(schema.subject, confluentSchema(schema));
    } catch (error) {
      if (isNotFound(error)) return null;
      throw away(error);
    }
  };
  return {
    where,
    find,
    register: async (schema) => {
      const { subject } = schema;
      const compatibility = COMPATIBILITY.BACKWARD_TRANSITIVE;
      try {
        // In brackets: the client sets the rule of a new subject only, and only after its first schema.
        await twice(() => registry['api'].Subject.updateConfig({ subject, body: { compatibility } }));
      } catch (error) {
        throw away(error);
      }
      try {
        return (await twice(() => registry.register(confluentSchema(schema), { subject, compatibility }))).id;
      } catch (error) {
        throw statusOf(error) === CONFLICT
          ? new SchemaRefused(where, { subject, reason: reasonOf(error) })
          : away(error);
      }
    },
    close: () => aborter.abort(),
  };
};

const twice = <T>(work: () => Promise<T>): Promise<T> =>
  work().catch((error: unknown) => {
    if (statusOf(error) !== CONFLICT) throw error;
    return work();
  });

/** The status that the client makes up where there was no answer at all. */
const NO_ANSWER = /^Error, status 400: (?=connect |getaddrinfo |Timeout |socket |read |write )/;

/** The client hides the status of this one behind an error of its own. */
const isNotFound = (error: unknown): boolean => error instanceof Error && error.name === 'ConfluentSchemaRegistryError';

const statusOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'status' in error ? error.status : null;
