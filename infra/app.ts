import { App } from 'aws-cdk-lib';
import { acknowledge } from './acknowledged.ts';
import { buildStacks } from './build.ts';
import { gated } from './gate.ts';
import { stageOf } from './stages.ts';

/** `npx cdk synth --all -c stage=dev`: all that AWS is to make, without asking AWS anything. */
const app = new App();
const said = (name: string): unknown => app.node.tryGetContext(name);
acknowledge(buildStacks(app, stageOf(said('stage'), said('event'))));
gated(app);
