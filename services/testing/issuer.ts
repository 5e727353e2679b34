import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type GenerateKeyPairResult, type JWTPayload, SignJWT } from 'jose';

/** An identity provider: keys, tokens, and the address where its public keys are. */
export type Issuer = {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  /** How often its keys were asked for. */
  asked(): number;
  /** Whether it answers. */
  away(isAway: boolean): void;
  /** Another key signs from now on; the old one is no longer shown. */
  rotate(): Promise<void>;
  /** Public keys, as PEM. */
  pem(): Promise<string>;
  /** A token; what is given goes over what a good one has. */
  sign(payload: JWTPayload, over?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): void;
};

export const ISSUER = 'https://login.example';
export const AUDIENCE = 'playbeat';
const ALGORITHM = 'ES256';

export const startIssuer = async (): Promise<Issuer> => {
  let pair: GenerateKeyPairResult = await generateKeyPair(ALGORITHM, { extractable: true });
  let kid = 1;
  let asked = 0;
  let isAway = false;
  const keySet = async () => ({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: `k${kid}`, use: 'sig' }] });
  const server = createServer((_req, res) => {
    asked += 1;
    if (isAway) return void res.writeHead(503).end();
    void keySet().then((set) => res.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify(set)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Listening on a port, it has an address of this form.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  return {
    url,
    env: { AUTH_JWKS_URL: url, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE },
    asked: () => asked,
    away: (now) => {
      isAway = now;
    },
    rotate: async () => {
      pair = await generateKeyPair(ALGORITHM, { extractable: true });
      kid += 1;
    },
    pem: () => exportSPKI(pair.publicKey),
    sign: (payload, over = {}) => {
      const seconds = Math.floor(Date.now() / 1_000);
      const good = { iss: ISSUER, aud: AUDIENCE, iat: seconds, exp: seconds + 600 };
      const header = { alg: ALGORITHM, kid: `k${kid}`, typ: 'JWT' };
      return new SignJWT({ ...good, ...payload, ...over }).setProtectedHeader(header).sign(pair.privateKey);
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
