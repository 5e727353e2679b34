import { describe, expect, it } from '@jest/globals';
import { hidden } from '../config/config-reader.ts';
import { createLog, type Fields, type Log } from './log.ts';

const written = (write: (log: Log) => void, level: 'info' | 'silent' = 'info'): readonly string[] => {
  const lines: string[] = [];
  write(createLog({ level, base: { node: 'n-1' }, destination: { write: (line) => lines.push(line) } }));
  return lines;
};
const lineOf = (fields: Fields): Record<string, unknown> => {
  const [line] = written((log) => log.warn(fields, 'it happened'));
  return JSON.parse(line ?? 'null') as Record<string, unknown>;
};

describe('log', () => {
  it('writes one JSON line with level, time, base, fields and message', () => {
    expect(lineOf({ partition: 3 })).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      node: 'n-1',
      partition: 3,
      msg: 'it happened',
    });
  });

  it('writes nothing below its level', () => {
    expect(written((log) => log.debug({}, 'x'))).toEqual([]);
    expect(written((log) => log.error({}, 'x'), 'silent')).toEqual([]);
  });

  it('redacts tokens and secrets by name, at every depth', () => {
    const line = lineOf({
      sessionToken: 'hush-1',
      request: { headers: { authorization: 'hush-2', 'set-cookie': ['hush-3'] }, body: [{ terminate: ['hush-4'] }] },
      config: { accountKeyPepper: hidden(Buffer.from('hush-5')), key: hidden(Buffer.from('hush-6')) },
      detail: 'sent Bearer hush-7.a_b',
      bytes: Buffer.from('hush-8'),
    });
    expect(JSON.stringify(line)).not.toMatch(/hush/);
    expect(line).toMatchObject({ sessionToken: '[redacted]', detail: 'sent Bearer [redacted]', bytes: '[6 bytes]' });
  });

  it('keeps the stack and the message of an error and redacts what hangs on it', () => {
    const err = Object.assign(new Error('no route, Bearer hush-1'), { code: 'E1', config: { token: 'hush-2' } });
    const line = lineOf({ err, others: [new TypeError('second')] });
    expect(line).toMatchObject({
      err: { type: 'Error', message: 'no route, Bearer [redacted]', code: 'E1', stack: expect.stringContaining('at ') },
      others: [{ type: 'TypeError', message: 'second' }],
    });
    expect(JSON.stringify(line)).not.toMatch(/hush/);
  });

  it('survives a cycle', () => {
    const fields: Record<string, unknown> = { a: 1 };
    fields['self'] = fields;
    expect(JSON.stringify(lineOf(fields))).toContain('[deep]');
  });
});
