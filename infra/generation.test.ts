import { describe, expect, it } from '@jest/globals';
import { App, type Stack } from 'aws-cdk-lib';
import { MOVING_TOPICS, TOPICS } from '../schemas/topics.ts';
import { dataStack } from './stacks/data.ts';
import { serviceStack } from './stacks/service.ts';
import type { StageSettings } from './settings.ts';
import { checked, STAGES, type Stage } from './stages.ts';
import type { Template } from './testing/synth.ts';

const PEPPERS = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:playbeat-prod/peppers-AbCdEf';
const moved: StageSettings = { ...STAGES.prod, logGeneration: 2, peppersArn: PEPPERS };

const templateOf = (settings: StageSettings, stack: (app: App, stage: Stage) => Stack): Template => {
  const app = new App();
  const { stackName } = stack(app, checked('test', settings));
  return app.synth().getStackByName(stackName).template as Template;
};
const topicsIn = (settings: StageSettings): readonly string[] =>
  Object.values(templateOf(settings, dataStack).Resources)
    .filter(({ Type }) => Type === 'AWS::MSK::Topic')
    .map(({ Properties }) => String(Properties['TopicName']))
    .sort();
const concurrencyOf = (settings: StageSettings): string =>
  JSON.stringify(templateOf(settings, (app, stage) => serviceStack(app, stage, 'concurrency')));
/** What may be done with a topic, by its name. */
const topicsNamed = (template: string): readonly string[] =>
  [
    ...new Set(
      [...template.matchAll(/\/((?:heartbeats|stream-decisions|view-ends)\.v1(?:\.g\d)?)"/g)].map(([, name]) => name!),
    ),
  ].sort();

describe('a stage whose log was moved into another generation', () => {
  it('tells its services so, with the peppers, and lets them touch the topics of that generation', () => {
    const template = concurrencyOf(moved);
    expect(template).toContain('{"Name":"LOG_GENERATION","Value":"2"}');
    expect(template).toContain(`{"Name":"ACCOUNT_KEY_PEPPERS","ValueFrom":"${PEPPERS}"}`);
    const [, read] = /"kafka-cluster:ReadData","Effect":"Allow","Resource":(.*?),"Sid"/.exec(template) ?? [];
    expect([topicsNamed(read ?? ''), read?.includes('/policies.v1"')]).toEqual([['heartbeats.v1.g2'], true]);
    // To look whether they are there, those of before and behind.
    expect(topicsNamed(template)).toEqual(MOVING_TOPICS.flatMap((name) => [name, `${name}.g2`, `${name}.g3`]).sort());
    expect(template).toContain('"Name":"Topic","Value":"heartbeats.v1.g2"');
  });

  it('leaves those topics to who moved the log: it makes the others alone', () => {
    expect(topicsIn(STAGES.prod)).toEqual(Object.keys(TOPICS).sort());
    expect(topicsIn(moved)).toEqual(
      Object.keys(TOPICS)
        .filter((name) => !(MOVING_TOPICS as readonly string[]).includes(name))
        .sort(),
    );
  });

  it('is of the first where it says nothing, without peppers of tenants', () => {
    const template = concurrencyOf(STAGES.prod);
    expect(template).toContain('{"Name":"LOG_GENERATION","Value":"1"}');
    expect(template).not.toContain('ACCOUNT_KEY_PEPPERS');
  });

  it('is refused without a secret with the peppers, and as one that there is not', () => {
    expect(() => checked('test', { ...STAGES.prod, logGeneration: 2 })).toThrow(/peppersArn is undefined/);
    expect(() => checked('test', { ...moved, logGeneration: 10 })).toThrow(/logGeneration is 10: 1 to 9/);
  });
});
