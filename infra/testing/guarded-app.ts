import { App } from 'aws-cdk-lib';
import { acknowledge } from '../acknowledged.ts';
import { buildStacks } from '../build.ts';
import { gated } from '../gate.ts';
import { checked } from '../stages.ts';
import { GUARDED } from './guarded-stage.ts';

/** Production behind a web firewall. */
const app = new App();
acknowledge(buildStacks(app, checked('prod', GUARDED)));
gated(app);
