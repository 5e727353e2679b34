import type { Severity } from './alarm.ts';
import { ROLES, type RoleName } from '../services/roles.ts';

/** What differs between installations. `stages.ts` has them; `problemsOf` says what cannot be deployed. */
export type StageSettings = {
  readonly account: string;
  readonly region: string;
  readonly zones: 2 | 3;
  /** One for each zone, or one for all: then the loss of its zone takes the way to the internet from the others. */
  readonly natGateways: number;
  /** AWS’s interfaces are reached without the internet; some 7 USD a month for each of them and zone. */
  readonly interfaceEndpoints: boolean;
  /** Of the load balancer, in ACM. */
  readonly certificateArn: string;
  /** Left out, there is none. */
  readonly firewall?: FirewallSettings;
  readonly identity: { readonly jwksUrl: string; readonly issuer: string; readonly audience: string };
  readonly kafka: KafkaSettings;
  /** Of keyed topics, for ever. */
  readonly partitions: number;
  /** Which generation of the log it is: one more after each `npm run pepper`; 1 where nothing is said. */
  readonly logGeneration?: number;
  /** A secret of Secrets Manager whose value is `ACCOUNT_KEY_PEPPERS`; left out, no tenant has a pepper of its own. */
  readonly peppersArn?: string;
  readonly valkey: { readonly nodeType: string; readonly shards: number; readonly replicas: number };
  readonly registryImage: string;
  /** Where players call, with the name of the certificate. */
  readonly url: string;
  /** Mail addresses: of whoever is woken, and of whoever works the next day. */
  readonly alarmsTo: Readonly<Record<Severity, string>>;
  /** What a month may cost before somebody is told. */
  readonly monthlyUsd: number;
  readonly household: HouseholdSettings;
  readonly sizes: { readonly every: ServiceSize } & { readonly [Role in RoleName]?: ServiceSize };
  /** Roles on request that run here. */
  readonly requested: readonly RoleName[];
  readonly logDays: number;
  /** Nothing that can be clicked takes the data stores away. */
  readonly protected: boolean;
};

/** `small`: Standard brokers, for trying out. `standard`: Express brokers, whose storage grows by itself. */
export type KafkaSettings =
  | { readonly profile: 'small'; readonly instance: string; readonly version: string; readonly gibPerBroker: number }
  | { readonly profile: 'standard'; readonly instance: string; readonly version: string; readonly perZone: number };

/** AWS WAF before the load balancer. It is paid for each call, so heartbeats have one of their own without it. */
export type FirewallSettings = {
  readonly webAclArn: string;
  /** Where players send heartbeats, with another name that the certificate is for. */
  readonly heartbeatsUrl: string;
};

/** The synthetic household: how many streams its account may have, and where it gets the token of a service. */
export type HouseholdSettings = { readonly limit: number; readonly tokenUrl: string; readonly clientId: string };

export type ServiceSize = {
  /** 1,024 is one core. */
  readonly cpu: number;
  readonly memoryMib: number;
  readonly least: number;
  readonly most: number;
};

/** Of Fargate: how many GiB go with how many cores. */
const MEMORY_GIB: Readonly<Record<number, readonly [number, number]>> = {
  256: [0.5, 2],
  512: [1, 4],
  1024: [2, 8],
  2048: [4, 16],
  4096: [8, 30],
};
/** So many partitions lie evenly on the shards, whatever their hash tags are. */
const PARTITIONS_PER_SHARD = 8;

type Check = readonly [boolean, string];

export const problemsOf = (settings: StageSettings): readonly string[] =>
  [...placeChecks(settings), ...storeChecks(settings), ...sizeChecks(settings)]
    .filter(([ok]) => !ok)
    .map(([, problem]) => problem);

const placeChecks = ({
  account,
  region,
  zones,
  natGateways,
  certificateArn,
  firewall,
  identity,
  url,
  alarmsTo,
}: StageSettings): Check[] => [
  [/^\d{12}$/.test(account), `account is ${account}: give it the 12 digits of the account`],
  [/^[a-z]{2}(-[a-z]+)+-\d$/.test(region), `region is ${region}: give it the name of a region, as in eu-west-1`],
  [natGateways >= 1 && natGateways <= zones, `natGateways is ${natGateways}: 1 to ${zones}, as many as zones`],
  [
    certificateArn.startsWith(`arn:aws:acm:${region}:${account}:certificate/`),
    `certificateArn is ${certificateArn}: a load balancer takes a certificate of its own account and region`,
  ],
  [HTTPS_NAME.test(url), `url is ${url}: https and the name that the certificate is for`],
  ...(firewall === undefined ? [] : firewallChecks({ account, region, url, firewall })),
  ...Object.entries(alarmsTo).map(([severity, to]): Check => [
    /^\S+@\S+$/.test(to),
    `alarmsTo.${severity} is ${to}: give it a mail address`,
  ]),
  [/^https:\/\//.test(identity.jwksUrl), `identity.jwksUrl is ${identity.jwksUrl}: keys are fetched over https`],
];

const HTTPS_NAME = /^https:\/\/[^/]+$/;

type Guarded = Pick<StageSettings, 'account' | 'region' | 'url'> & { readonly firewall: FirewallSettings };
const firewallChecks = ({ account, region, url, firewall: { webAclArn, heartbeatsUrl } }: Guarded): Check[] => [
  [
    webAclArn.startsWith(`arn:aws:wafv2:${region}:${account}:regional/webacl/`),
    `firewall.webAclArn is ${webAclArn}: a load balancer takes a regional web ACL of its own account and region`,
  ],
  [
    HTTPS_NAME.test(heartbeatsUrl) && heartbeatsUrl !== url,
    `firewall.heartbeatsUrl is ${heartbeatsUrl}: https and another name than url has, that the certificate is for, too`,
  ],
];

const storeChecks = ({
  account,
  region,
  kafka,
  zones,
  partitions,
  logGeneration = 1,
  peppersArn,
  valkey,
}: StageSettings): Check[] => [
  [
    Number.isInteger(logGeneration) && logGeneration >= 1 && logGeneration <= 9,
    `logGeneration is ${logGeneration}: 1 to 9, as the log was moved`,
  ],
  [
    peppersArn === undefined
      ? logGeneration === 1
      : peppersArn.startsWith(`arn:aws:secretsmanager:${region}:${account}:secret:`),
    `peppersArn is ${peppersArn}: the whole ARN of a secret of its own account and region, which each generation but the first has`,
  ],
  [
    kafka.profile === 'small' || (zones === 3 && kafka.instance.startsWith('express.')),
    `kafka is ${kafka.profile} with ${kafka.instance} in ${zones} zones: Express brokers (express.…) take three`,
  ],
  [
    kafka.profile === 'standard' || kafka.instance.startsWith('kafka.'),
    `kafka is small with ${kafka.instance}: Standard brokers are called kafka.…`,
  ],
  [
    partitions >= PARTITIONS_PER_SHARD * valkey.shards && partitions <= 256,
    `partitions is ${partitions}: ${PARTITIONS_PER_SHARD} for each of the ${valkey.shards} shards, and at most 256`,
  ],
  [
    valkey.replicas === 0 || valkey.replicas < zones,
    `valkey.replicas is ${valkey.replicas}: with its primary, one for each of the ${zones} zones is enough`,
  ],
];

const sizeChecks = ({ sizes, partitions, requested }: StageSettings): Check[] => [
  ...requested.map((role): Check => [ROLES[role].onRequest, `requested names ${role}, which runs everywhere`]),
  ...Object.entries(sizes).flatMap(([role, { cpu, memoryMib, least, most }]): Check[] => {
    const [from, to] = MEMORY_GIB[cpu] ?? [Infinity, 0];
    return [
      [
        memoryMib >= from * 1024 && memoryMib <= to * 1024 && (memoryMib % 1024 === 0 || memoryMib === 512),
        `sizes.${role} has ${cpu} cpu and ${memoryMib} MiB, which Fargate does not have together`,
      ],
      [
        least >= 1 && least <= most && most <= partitions,
        `sizes.${role} has ${least} to ${most} tasks: 1 or more, and no more than the ${partitions} partitions`,
      ],
    ];
  }),
];

export const sizeOf = ({ sizes }: StageSettings, role: RoleName): ServiceSize => sizes[role] ?? sizes.every;
/** Whether it has tasks. */
export const runs = ({ requested }: StageSettings, role: RoleName): boolean =>
  !ROLES[role].onRequest || requested.includes(role);

export const generationOf = ({ logGeneration = 1 }: StageSettings): number => logGeneration;

const SMALL_BROKERS_PER_ZONE = 1;
export const brokersOf = ({ kafka, zones }: StageSettings): number =>
  zones * (kafka.profile === 'small' ? SMALL_BROKERS_PER_ZONE : kafka.perZone);
/** How many brokers hold each record. */
export const replicasOf = (settings: StageSettings): number => Math.min(3, brokersOf(settings));
