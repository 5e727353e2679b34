import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOST, run } from './processes.ts';
import { commandOf, needs } from './programs.ts';

/** A certificate for the loopback, and the authority of its own that signed it. Files, but for `ca`. */
export type Certificates = {
  /** The authority's certificate, as a client wants it. */
  readonly ca: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
};

/** Longer than any test. */
const DAYS = '2';

export const makeCertificates = async (folder: string): Promise<Certificates> => {
  await needs('openssl');
  await mkdir(folder, { recursive: true });
  const openssl = (...words: readonly string[]): Promise<string> => run(commandOf('openssl'), words, folder);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    DAYS,
    '-subj',
    '/CN=test CA',
  );
  await openssl('req', ...newKey, '-keyout', 'server.key', '-out', 'server.csr', '-subj', `/CN=${HOST}`);
  await writeFile(join(folder, 'names'), `subjectAltName=IP:${HOST},DNS:localhost\n`);
  const signed = ['-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names'];
  await openssl('x509', '-req', ...signed, '-days', DAYS, '-out', 'server.crt');
  const caFile = join(folder, 'ca.crt');
  return {
    ca: await readFile(caFile, 'utf8'),
    caFile,
    certFile: join(folder, 'server.crt'),
    keyFile: join(folder, 'server.key'),
  };
};
