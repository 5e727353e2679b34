import { describe, expect, it } from '@jest/globals';
import { createHash, createHmac } from 'node:crypto';
import { mskTokens } from './kafka-log-iam.ts';

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'of+a/task=',
};
const usual = { fresh: false };

/** The signature of an address by the AWS documentation, "Authenticating Requests: Using Query Parameters (SigV4)". */
const signatureOf = (url: URL, secret: string): string => {
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
  const encoded = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature' && name !== 'User-Agent')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&');
  const request = ['GET', '/', query, `host:${url.host}`, '', 'host', digest('')].join('\n');
  const [, day = '', region = '', service = ''] = (url.searchParams.get('X-Amz-Credential') ?? '').split('/');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', url.searchParams.get('X-Amz-Date'), scope, digest(request)].join('\n');
  const key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day));
  return hmac(key, text).toString('hex');
};

describe('a token for Amazon MSK', () => {
  it('is the address of the cluster’s region, signed for 15 minutes, in base64url', async () => {
    const token = await mskTokens({ region: 'eu-west-1', credentials: async () => credentials })(usual);
    expect(token).toMatch(/^[\w-]+$/);
    const url = new URL(Buffer.from(token, 'base64url').toString());
    expect([url.origin, url.pathname]).toEqual(['https://kafka.eu-west-1.amazonaws.com', '/']);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': expect.stringMatching(/^AKIDEXAMPLE\/\d{8}\/eu-west-1\/kafka-cluster\/aws4_request$/),
      'X-Amz-Security-Token': credentials.sessionToken,
      'X-Amz-Expires': '900',
      'X-Amz-SignedHeaders': 'host',
    });
    expect(url.searchParams.get('X-Amz-Signature')).toBe(signatureOf(url, credentials.secretAccessKey));
    expect(url.searchParams.get('X-Amz-Signature')).not.toBe(signatureOf(url, 'another secret'));
  });

  it('is signed by who the process is at the time', async () => {
    let accessKeyId = 'FIRST';
    const token = mskTokens({ region: 'eu-west-1', credentials: async () => ({ ...credentials, accessKeyId }) });
    const signer = async (): Promise<string | undefined> =>
      /X-Amz-Credential=(\w+)/.exec(Buffer.from(await token(usual), 'base64url').toString())?.[1];
    expect(await signer()).toBe('FIRST');
    accessKeyId = 'SECOND';
    expect(await signer()).toBe('SECOND');
  });

  it('is none where nobody says who the process is', async () => {
    const credentials = async () => Promise.reject(new Error('no credentials'));
    await expect(mskTokens({ region: 'eu-west-1', credentials })(usual)).rejects.toThrow('no credentials');
  });
});
