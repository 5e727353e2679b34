import { readFileSync } from 'node:fs';
import { type App, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { findingsOf, type Template } from './checks.ts';

const ownChecks: IPolicyValidationPlugin = {
  name: 'Playbeat',
  validate: ({ templatePaths }) => {
    const violations = templatePaths.flatMap((templatePath) =>
      findingsOf(JSON.parse(readFileSync(templatePath, 'utf8')) as Template).map(({ id, what }) => ({
        ruleName: what,
        description: what,
        severity: 'error',
        violatingResources: [{ resourceLogicalId: id, templatePath, locations: [] }],
      })),
    );
    return { success: violations.length === 0, violations };
  },
};

/** Makes the templates, and fails where cdk-nag or a check of our own finds something. */
export const gated = (app: App): void => {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), ownChecks);
  app.synth();
};
