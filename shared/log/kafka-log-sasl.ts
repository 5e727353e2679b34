import kafkajs, { type Mechanism, type SASLOptions } from 'kafkajs';

const { KafkaJSNonRetriableError } = kafkajs;

type Password<M> = { readonly mechanism: M; readonly username: string; readonly password: string };

/** How a client says who it is. With `plain` and `oauthbearer` the secret itself is sent: only over TLS. */
export type KafkaSasl =
  | Password<'plain'>
  | Password<'scram-sha-256'>
  | Password<'scram-sha-512'>
  | {
      readonly mechanism: 'oauthbearer';
      readonly token: KafkaToken;
      /** What some brokers want beside the token (RFC 7628, 3.1). */
      readonly extensions?: Readonly<Record<string, string>>;
    };

/**
 * Answers a token (RFC 6750) that is good for more than 10 s. It is asked at every connection, and before the token of a
 * connection ends; `fresh` asks for another one than before, which was refused.
 */
export type KafkaToken = (wish: { readonly fresh: boolean }) => Promise<string>;

export const saslOf = (sasl: KafkaSasl): SASLOptions | Mechanism => {
  if (sasl.mechanism === 'oauthbearer') return bearer(sasl.token, sasl.extensions ?? {});
  // kafkajs writes into it.
  return { ...sasl };
};

const BETWEEN = '\u0001';

/** What kafkajs has of its own takes any answer of the broker for a yes, and then wonders why the connection is closed. */
const bearer = (token: KafkaToken, extensions: Readonly<Record<string, string>>): Mechanism => {
  let refused = false;
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: async () => {
        const value = await token({ fresh: refused });
        const pairs = [`auth=Bearer ${value}`, ...Object.entries(extensions).map(([name, text]) => `${name}=${text}`)];
        const refusal = await saslAuthenticate({
          request: { encode: () => sized(`n,,${BETWEEN}${pairs.map((pair) => pair + BETWEEN).join('')}${BETWEEN}`) },
          response: { decode: (bytes) => bytes.subarray(4), parse: (bytes) => bytes.toString() },
        });
        refused = refusal !== '';
        if (!refused) return;
        // The broker waits for this before it ends the exchange.
        await saslAuthenticate({ request: { encode: () => sized(BETWEEN) } }).catch(() => {});
        throw new KafkaJSNonRetriableError(`SASL OAUTHBEARER authentication failed: ${refusal}`);
      },
    }),
  };
};

const sized = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
