/**
 * List prices of AWS in us-east-1, in USD, as AWS and those who reprint its pages had them in November 2026. Without
 * discounts for reserved capacity, without taxes. Other regions are 10 to 30 % dearer. One place for all: whoever has
 * another contract changes it here.
 */
export const PRICES = {
  /** Fargate on ARM: aws.amazon.com/fargate/pricing, by vantage.sh/blog/fargate-pricing. */
  vcpuHour: 0.03238,
  gibHour: 0.00356,
  /** Application Load Balancer: aws.amazon.com/elasticloadbalancing/pricing, by handbook.vantage.sh. */
  balancerHour: 0.0225,
  lcuHour: 0.008,
  /** AWS WAF, for a web ACL and for a million calls that it looks at; aws.amazon.com/waf/pricing, from memory. Rules are dearer or free. */
  webAclMonth: 5,
  millionInspected: 0.6,
  /** MSK Express, express.m7g.large, and for what is written: the sizing script of AWS's agent toolkit, August 2026. */
  brokerHour: 0.408,
  brokerWrittenGb: 0.01,
  /** Storage of Express brokers; from memory. */
  brokerStoredGbMonth: 0.1,
  /** ElastiCache for Valkey, cache.r7g.large; from memory: 80 % of the 0.219 of Redis. */
  valkeyNodeHour: 0.1752,
  /** DynamoDB on demand: the cost script of AWS's agent toolkit, August 2026; storage from memory. */
  millionWriteUnits: 0.625,
  tableGbMonth: 0.25,
  /** To the internet, by what was sent before in the month; aws.amazon.com/ec2/pricing/on-demand, from memory. */
  egressTiersGb: [
    { upTo: 100, usd: 0 },
    { upTo: 10_240, usd: 0.09 },
    { upTo: 51_200, usd: 0.085 },
    { upTo: 153_600, usd: 0.07 },
    { upTo: Infinity, usd: 0.05 },
  ],
  /** Between zones, at each end that is charged; aws.amazon.com/ec2/pricing/on-demand. */
  zoneGb: 0.01,
  /** NAT gateway, interface endpoint in one zone, secret; aws.amazon.com/vpc/pricing, /privatelink, /secrets-manager, from memory. */
  natHour: 0.045,
  endpointHour: 0.01,
  secretMonth: 0.4,
  /** CloudWatch Logs, taken in: c3x.dev/blog/cloudwatch-logs-cost-optimization. */
  logGb: 0.5,
} as const;

/** What one LCU holds; the greatest of the four counts. docs.aws.amazon.com/elasticloadbalancing, application load balancers. */
export const LCU = {
  newConnections: 25,
  activeConnections: 3_000,
  gbPerHour: 1,
  ruleEvaluations: 1_000,
  freeRules: 10,
} as const;

/** Ingress that an express.m7g.large takes before it is throttled; as for its price. */
export const BROKER_MIB_PER_SECOND = 15.6;

export const HOURS_PER_MONTH = 730;
