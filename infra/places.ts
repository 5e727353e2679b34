import { groupsOf, ROLE_NAMES } from '../services/roles.ts';
import { TABLE_NAMES } from '../schemas/tables.ts';
import type { Each } from './alarm.ts';
import { rulesOf } from './routing.ts';
import { brokersOf, runs } from './settings.ts';
import type { Series } from './series.ts';
import type { Stage } from './stages.ts';
import { tableNameOf } from './tables.ts';
import { waysOf } from './ways.ts';

/** What stands for the names in braces; the id says of which it is, and is empty where there is one. */
export type Place = { readonly id: string; readonly fill: Fill };
type Fill = Readonly<Record<string, string | undefined>>;

/** Names that AWS gives, where a stack knows them. */
export type Known = { readonly balancer?: string; readonly heartbeats?: string; readonly targets?: string };

/** All there is of something in a stage. */
export const placesOf = (stage: Stage, known: Known = {}): Readonly<Record<Each, readonly Place[]>> => {
  const { settings, prefix } = stage;
  const all = {
    ...known,
    // Where no web firewall is, one load balancer has them, too.
    heartbeats: known.heartbeats ?? known.balancer,
    prefix,
    certificate: settings.certificateArn,
    partitions: String(settings.partitions),
  };
  const place = (id: string, fill: Fill): Place => ({ id, fill: { ...all, ...fill } });
  const roles = ROLE_NAMES.filter((role) => runs(settings, role));
  const { shards, replicas } = settings.valkey;
  const nodeName = (shard: number, node: number): string =>
    `${prefix}-${String(shard + 1).padStart(4, '0')}-${String(node + 1).padStart(3, '0')}`;
  const nodes = times(shards, (shard) => times(replicas + 1, (node) => nodeName(shard, node)));
  return {
    stage: [place('', {})],
    balancer: waysOf(stage).map(({ name }) => place(name, name === '' ? {} : { balancer: known[name] })),
    broker: times(brokersOf(settings), (i) => place(String(i + 1), { broker: String(i + 1) })),
    node: nodes.flat().map((node) => place(node.slice(prefix.length + 1), { node })),
    shard: nodes.map(([node = ''], i) => place(String(i + 1), { node })),
    table: TABLE_NAMES.map((table) => place(table, { table: tableNameOf(stage, table) })),
    role: roles.map((role) => place(role, { role })),
    folding: roles.filter((role) => groupsOf(role).length > 0).map((role) => place(role, { role })),
    group: roles.flatMap((role) => groupsOf(role).map((group) => place(group, { role, group }))),
    served: roles.filter((role) => rulesOf(role).length > 0).map((role) => place(role, { role })),
  };
};

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

export const filled = (text: string, { fill }: Place): string =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = fill[name];
    if (value === undefined) throw new RangeError(`${text}: nothing is known of ${name} here`);
    return value;
  });

export const filledSeries = (series: Series, place: Place): Series => ({
  ...series,
  namespace: filled(series.namespace, place),
  dimensions: Object.fromEntries(
    Object.entries(series.dimensions).map(([name, value]) => [name, filled(value, place)]),
  ),
});
