import { describe, expect, it } from '@jest/globals';
import { PROBLEMS, problem, problemType, type ProblemCode } from './problems.ts';

const codes = Object.keys(PROBLEMS) as ProblemCode[];
const here = { detail: 'why', instance: '/v1/heartbeats', requestId: 'r-1' };

describe('problems', () => {
  it('gives every code a status from 400 to 503 and a type of its own', () => {
    for (const code of codes) {
      expect(PROBLEMS[code].status).toBeGreaterThanOrEqual(400);
      expect(PROBLEMS[code].status).toBeLessThanOrEqual(503);
    }
    expect(new Set(codes.map(problemType)).size).toBe(codes.length);
  });

  it('calls exactly 408, 429 and 5xx retryable', () => {
    for (const code of codes) {
      const { status, retryable } = PROBLEMS[code];
      expect([code, retryable]).toEqual([code, status === 408 || status === 429 || status >= 500]);
    }
  });

  it('tells a player to stop the picture for no code', () => {
    for (const code of codes) expect(PROBLEMS[code].advice).not.toMatch(/stop the picture/i);
  });

  it('writes the members of RFC 9457 and ours, and leaves out what is not known', () => {
    expect(problem('LOG_UNAVAILABLE', here)).toEqual({
      status: 503,
      body: {
        type: '/problems/log-unavailable',
        title: 'The heartbeat could not be stored.',
        status: 503,
        code: 'LOG_UNAVAILABLE',
        ...here,
      },
    });
    expect(Object.keys(problem('NOT_YET', here).body)).not.toContain('retryAfterMs');
  });

  it('carries field errors, the wait and extra members', () => {
    const errors = [{ path: '/sequence', code: 'required', detail: 'is missing' }];
    const { body } = problem('WARMING', { ...here, retryAfterMs: 500, errors, extra: { progress: 0.4 } });
    expect(body).toMatchObject({ retryAfterMs: 500, errors, progress: 0.4 });
  });

  it('never lets an extra member replace a standard one', () => {
    const { status, body } = problem('STREAM_LIMIT_EXCEEDED', {
      ...here,
      extra: { status: 200, code: 'OK', limit: 2 },
    });
    expect(status).toBe(409);
    expect(body).toMatchObject({ status: 409, code: 'STREAM_LIMIT_EXCEEDED', limit: 2 });
  });
});
