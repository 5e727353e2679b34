import { describe, expect, it } from '@jest/globals';
import { allowedOrigins, corsHeaders } from './cors.ts';

describe('a page', () => {
  it('may read answers where its origin is named, letter by letter', () => {
    const allows = allowedOrigins(['https://tv.example', 'https://tv.example:8443', 'null']);
    expect(allows('https://tv.example')).toBe('https://tv.example');
    expect(allows('https://tv.example:8443')).toBe('https://tv.example:8443');
    expect(allows('null')).toBe('null');
    const others = [
      'http://tv.example',
      'https://tv.example.evil.example',
      'https://eviltv.example',
      'https://TV.example',
    ];
    expect([...others, 'http://localhost:3000', undefined].map(allows)).toEqual(Array(6).fill(null));
  });

  it('may where `*` is named, whatever else is', () => {
    expect(allowedOrigins(['https://tv.example', '*'])('https://any.example')).toBe('*');
    expect(allowedOrigins(['*'])(undefined)).toBe('*');
  });

  it('may where none is named and it comes from the same machine', () => {
    const allows = allowedOrigins([]);
    const own = ['http://localhost', 'http://localhost:3000', 'https://127.0.0.1:8443', 'http://[::1]:5173'];
    expect(own.map(allows)).toEqual(own);
    const others = [
      'http://localhost.evil.example',
      'http://localhost:3000.evil.example',
      'http://127.0.0.2',
      'null',
      '',
    ];
    expect(others.map(allows)).toEqual(Array(5).fill(null));
  });
});

describe('the headers', () => {
  it('tell caches that answers differ by origin, unless all are alike', () => {
    expect(corsHeaders('https://tv.example')).toEqual([
      'access-control-allow-origin',
      'https://tv.example',
      'vary',
      'origin',
    ]);
    expect(corsHeaders('*')).toEqual(['access-control-allow-origin', '*']);
    expect(corsHeaders(null)).toEqual([]);
  });
});
