import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOST, run } from './processes.ts';
import { commandOf } from './programs.ts';

/**
 * The ways into a broker beside its plain listener, which stays for the brokers themselves and for whoever administers
 * them: TLS alone, and TLS with a password (SCRAM-SHA-512) or a token (OAUTHBEARER, of any issuer, unsigned).
 */
export const WAYS = ['tls', 'scram', 'oauth'] as const;
export type Way = (typeof WAYS)[number];
export type SecurePorts = Readonly<Record<Way, number>>;

const PASSWORD = 'playbeat';
const keystoreOf = (folder: string): string => join(folder, 'broker.p12');
const authorityOf = (folder: string): string => join(folder, 'ca.pem');

/** An authority of this Kafka alone, and the certificate that its brokers share. */
export const makeCertificates = async (folder: string): Promise<void> => {
  const keytool = (...args: readonly string[]): Promise<string> =>
    run(commandOf('keytool'), [...args, '-keystore', keystoreOf(folder), '-storepass', PASSWORD], folder);
  const key = ['-genkeypair', '-storetype', 'PKCS12', '-keyalg', 'EC', '-validity', '7'];
  await keytool(...key, '-alias', 'ca', '-dname', 'CN=playbeat tests', '-ext', 'bc:c');
  await keytool(...key, '-alias', 'broker', '-dname', 'CN=broker', '-signer', 'ca', '-ext', `san=ip:${HOST}`);
  await keytool('-exportcert', '-rfc', '-alias', 'ca', '-file', authorityOf(folder));
  // A broker takes any key that it finds.
  await keytool('-delete', '-alias', 'ca');
};

/** What a client has to trust. */
export const authority = (folder: string): Promise<string> => readFile(authorityOf(folder), 'utf8');

export const listenersOf = (ports: SecurePorts): string[] =>
  WAYS.map((way) => `${way.toUpperCase()}://${HOST}:${ports[way]}`);

export const PROTOCOLS: readonly string[] = ['TLS:SSL', 'SCRAM:SASL_SSL', 'OAUTH:SASL_SSL'];

/** The user `admin`, and who has no name (at the plain listener or with TLS alone), may do everything; others what ACLs say. */
export const securitySettings = (folder: string): Record<string, string | number> => ({
  'ssl.keystore.type': 'PKCS12',
  'ssl.keystore.location': keystoreOf(folder),
  'ssl.keystore.password': PASSWORD,
  'ssl.key.password': PASSWORD,
  'listener.name.scram.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
  'listener.name.scram.scram-sha-512.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  'listener.name.oauth.sasl.enabled.mechanisms': 'OAUTHBEARER',
  // Without a validator of its own it takes unsigned tokens. The name is its own, were it to log in somewhere.
  'listener.name.oauth.oauthbearer.sasl.jaas.config':
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
  // A connection ends with its token, unless it has shown another one.
  'listener.name.oauth.oauthbearer.connections.max.reauth.ms': 3_600_000,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS;User:admin',
});
