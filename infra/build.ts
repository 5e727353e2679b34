import { type App, type Stack, Tags } from 'aws-cdk-lib';
import { ROLE_NAMES } from '../services/roles.ts';
import { alarmsStack } from './stacks/alarms.ts';
import { dataStack } from './stacks/data.ts';
import { householdStack } from './stacks/household.ts';
import { networkStack } from './stacks/network.ts';
import { platformStack } from './stacks/platform.ts';
import { serviceStack } from './stacks/service.ts';
import type { Stage } from './stages.ts';

/** Stacks by how long they live: what is deployed often holds nothing that must not be lost. */
export const buildStacks = (app: App, stage: Stage): readonly Stack[] => {
  const base = [networkStack, dataStack, platformStack, alarmsStack].map((make) => make(app, stage));
  base.forEach((stack, i) => base.slice(0, i).forEach((before) => stack.addStackDependency(before)));
  const services = ROLE_NAMES.map((role) => serviceStack(app, stage, role));
  for (const service of services) base.forEach((before) => service.addStackDependency(before));
  const household = householdStack(app, stage);
  [...base, ...services].forEach((before) => household.addStackDependency(before));
  // What it costs is found by these, once they are activated for billing.
  Tags.of(app).add('project', 'playbeat');
  Tags.of(app).add('stage', stage.name);
  return [...base, ...services, household];
};
