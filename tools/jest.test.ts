import { describe, expect, it } from '@jest/globals';
import { tallyOf, type Report } from './jest.ts';

const report = (counts: Partial<Report>): Report => ({
  numPassedTests: 10,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  ...counts,
});
const whole = { exitCode: 0, named: false };

describe('tallyOf', () => {
  it('counts tests', () => {
    expect(tallyOf(report({}), whole)).toEqual({ passed: 10, failed: 0 });
    expect(tallyOf(report({ numFailedTests: 2 }), { ...whole, exitCode: 1 })).toEqual({ passed: 10, failed: 2 });
  });

  it('counts a skipped test, a planned test and a file that does not load as failed', () => {
    expect(tallyOf(report({ numPendingTests: 1 }), whole).failed).toBe(1);
    expect(tallyOf(report({ numTodoTests: 1 }), whole).failed).toBe(1);
    expect(tallyOf(report({ numRuntimeErrorTestSuites: 1 }), { ...whole, exitCode: 1 }).failed).toBe(1);
  });

  it('lets the tests be that a name did not pick', () => {
    expect(tallyOf(report({ numPendingTests: 9 }), { exitCode: 0, named: true }).failed).toBe(0);
  });

  it('is never green when Jest ended badly or wrote no report', () => {
    expect(tallyOf(report({}), { exitCode: 1, named: false }).failed).toBe(1);
    expect(tallyOf(null, whole)).toEqual({ passed: 0, failed: 1 });
  });
});
