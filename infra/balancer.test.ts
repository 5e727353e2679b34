import { describe, expect, it } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { addBalancer } from './balancer.ts';
import type { StageSettings } from './settings.ts';
import { checked, STAGES } from './stages.ts';

const ACL = 'arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/playbeat/0000';

/** What stands before the load balancer of a stage with these settings. */
const firewalls = (settings: StageSettings): readonly unknown[] => {
  const app = new App();
  const stack = new Stack(app, 'Only');
  addBalancer(stack, checked('test', settings), {
    vpcId: 'vpc-0a1b2c3d',
    publicSubnets: ['subnet-0a1b2c3d', 'subnet-1a2b3c4d'],
  });
  const { Resources } = app.synth().getStackByName('Only').template as {
    readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: unknown }>>;
  };
  return Object.values(Resources)
    .filter(({ Type }) => Type === 'AWS::WAFv2::WebACLAssociation')
    .map(({ Properties }) => Properties);
};

describe('the load balancer', () => {
  it('stands behind the web ACL that its stage names, and behind none where it names none', () => {
    expect(firewalls({ ...STAGES.prod, webAclArn: ACL })).toEqual([
      { ResourceArn: { Ref: expect.any(String) }, WebACLArn: ACL },
    ]);
    expect(firewalls(STAGES.prod)).toEqual([]);
  });

  it('takes none of another region', () => {
    expect(() => checked('test', { ...STAGES.prod, webAclArn: ACL.replace('eu-west-1', 'us-east-1') })).toThrow(
      /webAclArn is .*: a load balancer takes a regional web ACL of its own account and region/,
    );
  });
});
