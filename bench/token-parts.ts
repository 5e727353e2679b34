import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { beatOf } from './records.ts';
import { temporaryFolder } from './embedded-parts.ts';
import { SESSIONS, startSessions } from './http-parts.ts';
import { type Load, type Program, startPlaybeat } from './processes.ts';

const ALGORITHM = 'RS256';
const ISSUER = 'https://login.example';
const AUDIENCE = 'playbeat';

/** Playbeat that asks who calls, with the running sessions of accounts that each have a token of their own. */
export const startWithTokens = async (
  load: Load,
  core: string | null,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly program: Program; readonly tokens: readonly string[] }> => {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { modulusLength: 2_048 });
  const file = join(temporaryFolder(), 'public.pem');
  await writeFile(file, await exportSPKI(publicKey));
  const tokens = await Promise.all(
    Array.from({ length: SESSIONS }, (_, account) =>
      new SignJWT({ account_id: beatOf(account, 0, 0).accountId, scope: 'openid playbeat:player' })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    ),
  );
  const program = await startPlaybeat({
    core,
    roles: ['ingest', 'concurrency'],
    env: { AUTH_PUBLIC_KEY_FILE: file, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE, ...env },
  });
  await startSessions(load, program, { tokens });
  return { program, tokens };
};
