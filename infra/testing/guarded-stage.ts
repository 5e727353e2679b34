import type { StageSettings } from '../settings.ts';
import { STAGES } from '../stages.ts';

/** Production, with a web firewall. */
export const GUARDED = {
  ...STAGES.prod,
  firewall: {
    webAclArn: `arn:aws:wafv2:eu-west-1:${STAGES.prod.account}:regional/webacl/playbeat/0000`,
    heartbeatsUrl: 'https://beats.playbeat.example',
  },
} satisfies StageSettings;

/** The stacks that a web firewall changes. */
export const CHANGED = ['platform', 'alarms', 'ingest', 'household'];
