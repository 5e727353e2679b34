import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault } from 'aws-cdk-lib/aws-backup';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { COPIES } from '../schemas/stores.ts';
import type { Stage } from './stages.ts';

/** When the fewest watch. */
const NIGHTLY = Schedule.cron({ hour: '3', minute: '0' });

/** A copy a night, beside the tables' own way back to any second: it outlives a table that was deleted. */
export const addBackup = (scope: Construct, stage: Stage, tables: readonly Table[]): void => {
  const vault = new BackupVault(scope, 'Backups', {
    backupVaultName: stage.prefix,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const plan = new BackupPlan(scope, 'BackupPlan', {
    backupPlanName: stage.prefix,
    backupVault: vault,
    backupPlanRules: [
      new BackupPlanRule({
        ruleName: 'nightly',
        scheduleExpression: NIGHTLY,
        deleteAfter: Duration.millis(COPIES.backups.retentionMs),
      }),
    ],
  });
  plan.addSelection('Tables', { resources: tables.map((table) => BackupResource.fromDynamoDbTable(table)) });
};
