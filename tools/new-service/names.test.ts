import { describe, expect, it } from '@jest/globals';
import { namesOf, problemsOf, type Taken } from './names.ts';

const FREE: Taken = { roles: [], states: [], httpSchemas: [], types: [], paths: [], exists: () => false };
const asked = (name: string, input = 'heartbeats.v1') => ({ name, input });
const problems = (name: string, taken: Partial<Taken> = {}): readonly string[] =>
  problemsOf(asked(name), { ...FREE, ...taken });

describe('names of a new service', () => {
  it('are 4 for one: of files, of values, of types, and for people', () => {
    expect(namesOf('buffering-alerts')).toEqual({
      name: 'buffering-alerts',
      camel: 'bufferingAlerts',
      pascal: 'BufferingAlerts',
      title: 'Buffering alerts',
    });
  });

  it.each(['buffering-alerts', 'a-b', 'one-two-three'])('may be %s', (name) => {
    expect(problems(name)).toEqual([]);
  });

  it('are refused as one word, which says why, and what would do', () => {
    expect(problems('alerts')).toEqual([expect.stringMatching(/one word, which .* code may have .*buffering-alerts$/)]);
  });

  it.each(['', 'Buffering-Alerts', 'buffering_alerts', '-alerts', 'alerts-', 'alerts-2', '../x-y', 'a--b'])(
    'are refused where they are not two words or more: "%s"',
    (name) => {
      expect(problems(name)).toEqual([expect.stringContaining('as in buffering-alerts')]);
    },
  );

  it('have 32 characters at most', () => {
    expect(problems(`${'a'.repeat(15)}-${'b'.repeat(16)}`)).toEqual([]);
    expect(problems(`${'a'.repeat(16)}-${'b'.repeat(16)}`)).toEqual([expect.stringContaining('at most 32')]);
  });

  it('are refused with all that is taken at once, a role, a processor, a message, a path and files', () => {
    const name = 'view-end';
    const taken = { roles: [name], states: [name], httpSchemas: [name], paths: [`/v1/accounts/*/${name}`] };
    expect(problems(name, { ...taken, exists: () => true })).toEqual([
      'there is a role view-end',
      'there is a processor view-end',
      'there is a message view-end in schemas/http',
      'the path /v1/accounts/*/view-end is served',
      'services/view-end is there, and nothing is overwritten',
      'docs/reference/view-end.md is there, and nothing is overwritten',
    ]);
    expect(problems('active-session', { types: ['ActiveSession'] })).toEqual([
      expect.stringContaining('ActiveSession'),
    ]);
  });
});

describe('the input of a new service', () => {
  it('has ticks: others are refused, and it is said why', () => {
    expect(problemsOf(asked('a-b', 'stream-decisions.v1'), FREE)).toEqual([expect.stringContaining('no ticks')]);
    expect(problemsOf(asked('a-b', 'beats'), FREE)).toEqual([expect.stringContaining('is no topic')]);
  });
});
