/** What cdk-nag does not see, looked for in a template as CloudFormation gets it. */
export type Template = { readonly Resources?: Readonly<Record<string, Resource>> };
type Resource = { readonly Type: string; readonly Properties?: Properties };
type Properties = Readonly<Record<string, unknown>>;
type Check = (resource: Resource, properties: Properties) => readonly string[];

export type Finding = { readonly id: string; readonly what: string };

export const findingsOf = (template: Template): readonly Finding[] =>
  Object.entries(template.Resources ?? {}).flatMap(([id, resource]) =>
    CHECKS.flatMap((check) => check(resource, resource.Properties ?? {})).map((what) => ({ id, what })),
  );

const isObject = (value: unknown): value is Properties => typeof value === 'object' && value !== null;
const list = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];
const objects = (value: unknown): readonly Properties[] => list(value).filter(isObject);
const inside = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), value);

const plainHttp: Check = ({ Type }, { Protocol }) =>
  Type === 'AWS::ElasticLoadBalancingV2::Listener' && Protocol !== 'HTTPS' ? ['listens without TLS'] : [];

const policiesIn = ({ Type }: Resource, properties: Properties): readonly unknown[] =>
  /^AWS::IAM::(Managed)?Policy$/.test(Type)
    ? [properties['PolicyDocument']]
    : Type === 'AWS::IAM::Role'
      ? objects(properties['Policies']).map((policy) => policy['PolicyDocument'])
      : [];

const wildcardActions: Check = (resource, properties) =>
  policiesIn(resource, properties)
    .flatMap((document) => objects(inside(document, 'Statement')))
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action, NotAction }) => (NotAction === undefined ? list(Action) : ['everything but NotAction']))
    .filter((action): action is string => typeof action === 'string' && /\*|NotAction/.test(action))
    .map((action) => `allows ${action}`);

const SECRET_NAME = /(SECRET|PASSWORD|PEPPERS?|TOKEN|_KEY)(_BEFORE)?$/;

const secretsInEnvironment: Check = ({ Type }, properties) => {
  const variables: readonly (readonly [string, unknown])[] =
    Type === 'AWS::ECS::TaskDefinition'
      ? objects(properties['ContainerDefinitions'])
          .flatMap(({ Environment }) => objects(Environment))
          .map(({ Name, Value }) => [String(Name), Value])
      : Type === 'AWS::Lambda::Function'
        ? Object.entries(inside(properties, 'Environment', 'Variables') ?? {})
        : [];
  return variables
    .filter(([name, value]) => SECRET_NAME.test(name) || JSON.stringify(value).includes('{{resolve:secretsmanager'))
    .map(([name]) => `has the secret ${name} in its environment`);
};

const logsForEver: Check = ({ Type }, { RetentionInDays }) =>
  Type === 'AWS::Logs::LogGroup' && RetentionInDays === undefined ? ['keeps its lines for ever'] : [];

const logsNowhere: Check = ({ Type }, properties) =>
  Type === 'AWS::ECS::TaskDefinition'
    ? objects(properties['ContainerDefinitions'])
        .filter(({ LogConfiguration }) => inside(LogConfiguration, 'Options', 'awslogs-group') === undefined)
        .map(({ Name }) => `${String(Name)} has no log group`)
    : [];

const publicTasks: Check = ({ Type }, properties) => {
  if (Type !== 'AWS::ECS::Service') return [];
  const network = inside(properties, 'NetworkConfiguration', 'AwsvpcConfiguration');
  return [
    ...(inside(network, 'AssignPublicIp') === 'DISABLED' ? [] : ['gives its tasks public addresses']),
    ...(/public/i.test(JSON.stringify(inside(network, 'Subnets') ?? '')) ? ['runs in public subnets'] : []),
  ];
};

const writableRoot: Check = ({ Type }, properties) =>
  Type === 'AWS::ECS::TaskDefinition'
    ? objects(properties['ContainerDefinitions'])
        .filter(({ ReadonlyRootFilesystem }) => ReadonlyRootFilesystem !== true)
        .map(({ Name }) => `${String(Name)} may write its own files`)
    : [];

const CHECKS: readonly Check[] = [
  plainHttp,
  wildcardActions,
  secretsInEnvironment,
  logsForEver,
  logsNowhere,
  publicTasks,
  writableRoot,
];
