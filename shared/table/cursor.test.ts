import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DAY_MS, epochMs } from '../../schemas/time.ts';
import { type CursorList, cursors } from './cursor.ts';

const SECRET = Buffer.alloc(32, 'a secret of 32 bytes');
const START_MS = 1_800_000_000_000;
const LIST: CursorList = { table: 'resume-positions', key: 'account', list: 'history' };

const at = (ms: number, secret: Uint8Array = SECRET) => cursors(secret, () => epochMs(ms));

describe('a cursor', () => {
  it('answers the place that it was written for, whatever is in it, up to 1,024 bytes', () => {
    const place = fc.string({ unit: 'grapheme', maxLength: 200 }).filter((text) => Buffer.byteLength(text) <= 1_024);
    fc.assert(
      fc.property(place, fc.string(), (below, key) => {
        const list = { ...LIST, key };
        expect(at(START_MS).read(at(START_MS).write(list, below), list)).toBe(below);
      }),
    );
    const longest = 'é'.repeat(512);
    expect(at(START_MS).read(at(START_MS).write(LIST, longest), LIST)).toBe(longest);
  });

  it('stands in an address as it is, and takes 23 bytes beside the place', () => {
    const text = at(START_MS).write(LIST, 'x'.repeat(64));
    expect(text).toMatch(/^[\w-]+$/);
    expect(text).toHaveLength(Math.ceil(((23 + 64) * 4) / 3));
  });

  it('is good for a day, to the millisecond', () => {
    const text = at(START_MS).write(LIST, 'place');
    expect(at(START_MS + DAY_MS - 1).read(text, LIST)).toBe('place');
    expect(at(START_MS + DAY_MS).read(text, LIST)).toBeNull();
    expect(at(START_MS + 400 * DAY_MS).read(text, LIST)).toBeNull();
  });

  it.each([
    ['table', { ...LIST, table: 'views' }],
    ['account', { ...LIST, key: 'accounT' }],
    ['list', { ...LIST, list: 'in-progress' }],
    ['split of the parts', { ...LIST, key: 'account","history', list: '' }],
  ] as const)('is none for another %s', (_, other) => {
    expect(at(START_MS).read(at(START_MS).write(LIST, 'place'), other)).toBeNull();
  });

  it('is none with another secret', () => {
    const text = at(START_MS).write(LIST, 'place');
    expect(at(START_MS, Buffer.alloc(32, 'another')).read(text, LIST)).toBeNull();
  });

  it('is none with any one of its bytes changed in any way', () => {
    const reader = at(START_MS);
    const bytes = Buffer.from(reader.write(LIST, 'place/é'), 'base64url');
    for (let i = 0; i < bytes.length; i++) {
      for (let change = 1; change < 256; change++) {
        const other = Buffer.from(bytes);
        other[i] = bytes[i]! ^ change;
        expect(reader.read(other.toString('base64url'), LIST)).toBeNull();
      }
    }
  });

  it('is none with any one of its characters replaced, left out or added', () => {
    const reader = at(START_MS);
    // One, two and three bytes in the last group of four characters: in two of the cases bits are left over.
    for (const place of ['a', 'ab', 'abc']) {
      const text = reader.write(LIST, place);
      const replacements = ['', 'A', 'B', '_', '-', '+', '/', '=', ' ', '.'];
      for (let i = 0; i < text.length; i++) {
        for (const other of [...replacements, `${text[i]!}=`, ` ${text[i]!}`]) {
          if (other === text[i]) continue;
          expect(reader.read(text.slice(0, i) + other + text.slice(i + 1), LIST)).toBeNull();
        }
      }
      for (const other of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        if (other !== text.at(-1)) expect(reader.read(text.slice(0, -1) + other, LIST)).toBeNull();
      }
    }
  });

  it('is none where it is anything else', () => {
    const some = at(START_MS).write(LIST, 'place');
    for (const text of ['', 'null', some.slice(0, 20), some + some, '%00', 'A'.repeat(31), 'A'.repeat(10_000_000)])
      expect(at(START_MS).read(text, LIST)).toBeNull();
    fc.assert(fc.property(fc.base64String(), (text) => at(START_MS).read(text, LIST) === null));
  });

  it('needs a secret of 32 bytes', () => {
    expect(() => at(START_MS, SECRET.subarray(0, 31))).toThrow('has 31 bytes; at least 32');
  });
});
