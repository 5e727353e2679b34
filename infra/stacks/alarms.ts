import { type App, Stack } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnSubscription, Topic } from 'aws-cdk-lib/aws-sns';
import type { Severity } from '../alarm.ts';
import { addAlarms, addWholes } from '../alarm-resources.ts';
import { addDashboards } from '../dashboards.ts';
import { type Known, placesOf } from '../places.ts';
import { publish, readFact } from '../published.ts';
import type { Stage } from '../stages.ts';
import { waysOf } from '../ways.ts';

/** What rings, and what is looked at then. Holds nothing that must not be lost. Before the roles: ECS wants the alarms that take a deployment back. */
export const alarmsStack = (app: App, stage: Stage): Stack => {
  const { account, region, alarmsTo, monthlyUsd } = stage.settings;
  const stack = new Stack(app, `${stage.prefix}-alarms`, { env: { account, region } });
  // Alarms cannot write to a topic under AWS's own key.
  const key = new Key(stack, 'Key', { enableKeyRotation: true, description: 'Alarms on their way to people' });
  const topic = (severity: Severity): Topic => {
    const made = new Topic(stack, severity, {
      topicName: `${stage.prefix}-${severity}`,
      masterKey: key,
      enforceSSL: true,
    });
    new CfnSubscription(stack, `${severity}-mail`, {
      topicArn: made.topicArn,
      protocol: 'email',
      endpoint: alarmsTo[severity],
    });
    for (const service of ['cloudwatch', 'budgets']) {
      const principal = new ServicePrincipal(`${service}.amazonaws.com`);
      made.grantPublish(principal);
      key.grantEncryptDecrypt(principal);
    }
    return made;
  };
  const [page, ticket] = [topic('page'), topic('ticket')];
  publish(stack, stage, { 'alarms/page': page.topicArn, 'alarms/ticket': ticket.topicArn });
  const known = waysOf(stage).map(({ name, balancer }) => [name || 'balancer', readFact(stack, stage, balancer)]);
  const places = placesOf(stage, Object.fromEntries(known) as Known);
  const topicOf = (severity: Severity): string => ({ page, ticket })[severity].topicArn;
  // Those of what is served stand beside the targets, in the stacks of the roles.
  const made = addAlarms(stack, { stage, places: { ...places, served: [] }, topicOf });
  addWholes(stack, { stage, topicOf }, made);
  addDashboards(stack, { stage, places });
  new CfnBudget(stack, 'Budget', {
    budget: {
      budgetName: stage.prefix,
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount: monthlyUsd, unit: 'USD' },
      costFilters: { TagKeyValue: [`user:stage$${stage.name}`] },
    },
    notificationsWithSubscribers: (['ACTUAL', 'FORECASTED'] as const).map((notificationType) => ({
      notification: {
        notificationType,
        comparisonOperator: 'GREATER_THAN',
        threshold: 100,
        thresholdType: 'PERCENTAGE',
      },
      subscribers: [{ subscriptionType: 'SNS', address: ticket.topicArn }],
    })),
  });
  return stack;
};
