import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { METRICS } from '../shared/telemetry/metric-catalogue.ts';
import { OBJECTIVES } from '../shared/telemetry/objectives.ts';
import { TOLD, type ToldName } from '../shared/telemetry/told.ts';
import { ALARMS, pageOf, WHOLES, WITHOUT_ALARM } from './alarms.ts';
import { burns } from './burn-rates.ts';
import { GRAPHS } from './graphs.ts';

const RUNBOOK = new URL('../docs/runbook/', import.meta.url);
const pages = readdirSync(RUNBOOK).map((file) => file.replace(/\.md$/, ''));
const readPage = (page: string): string => readFileSync(new URL(`${page}.md`, RUNBOOK), 'utf8');
const SECTIONS = ['What it means', 'What viewers notice', 'Look at', 'Do', 'When it is over'].map(
  (title) => `## ${title}`,
);
const all = [...Object.entries(WHOLES), ...Object.entries(ALARMS)];
const rung = all.filter(([, { severity }]) => severity !== null);
const allSeries = [...Object.values(ALARMS), ...Object.values(GRAPHS).flat()].flatMap(({ series }) =>
  Object.values(series),
);

describe('the catalogue of alarms', () => {
  it('has a page of the runbook for each alarm, and an alarm for each page but those that say why', () => {
    const wanted = [...new Set(all.map(([name, alarm]) => pageOf(name, alarm)))];
    expect([...wanted, ...Object.keys(WITHOUT_ALARM)].sort()).toEqual([...pages].sort());
    expect(Object.values(WITHOUT_ALARM).filter((why) => !/^[A-Z].{20,}\.$/.test(why))).toEqual([]);
  });

  it('has on each page what the alarm says, and what it means, looks like, wants, and when it is over', () => {
    for (const [name, alarm] of rung) {
      const page = readPage(pageOf(name, alarm));
      expect([name, page.split('\n')[0]]).toEqual([name, `# Alarm \`${pageOf(name, alarm)}\``]);
      expect([name, page.match(/^## .*$/gm)]).toEqual([name, SECTIONS]);
      const severity = alarm.severity === 'page' ? 'Page' : 'Ticket';
      const head =
        name in burns ? new RegExp(`^.*${severity}: [^.]*\`${name}\``, 'm') : `\n${severity}. ${alarm.says}\n`;
      if (typeof head === 'string') expect(page).toContain(head);
      else expect(page).toMatch(head);
    }
  });

  it('wakes somebody for the three objectives, the household and the refusals, and for nothing else', () => {
    const pagesOf = rung.filter(([, { severity }]) => severity === 'page').map(([name]) => name);
    const burns = Object.keys(OBJECTIVES).flatMap((objective) => [`${objective}-fast`, `${objective}-slow`]);
    expect(pagesOf.sort()).toEqual([...burns, 'denials', 'household'].sort());
    expect(rung.filter(([, { severity }]) => severity === 'ticket').length).toBeGreaterThan(20);
  });

  it('asks only for metrics that CloudWatch is told, by all their dimensions, or that AWS has', () => {
    for (const { namespace, metric, dimensions } of allSeries) {
      if (namespace !== '{prefix}') {
        expect(namespace).toMatch(/^(AWS\/\w+|ECS\/ContainerInsights)$/);
        expect(Object.keys(dimensions).length).toBeGreaterThan(0);
        continue;
      }
      expect([metric, metric in METRICS]).toEqual([metric, true]);
      expect([metric, ...Object.keys(dimensions)]).toEqual([metric, 'role', ...TOLD[metric as ToldName]]);
    }
  });

  it('has an alarm or a graph for all that CloudWatch is told', () => {
    const searched = Object.values(GRAPHS)
      .flat()
      .flatMap(({ search }) => (search === undefined ? [] : [search.metric]));
    const used = new Set<string>([...allSeries.map(({ metric }) => metric), ...searched]);
    expect(Object.keys(TOLD).filter((name) => !used.has(name))).toEqual([]);
  });

  it('burns a fiftieth of a month’s faults in an hour, a twentieth in six, a tenth in a day, before it rings', () => {
    const over = (name: string): number => (ALARMS[name]?.is as { readonly over: number }).over;
    const monthMinutes = 30 * 24 * 60;
    for (const [objective, { share }] of Object.entries(OBJECTIVES)) {
      const burnt = (window: string, minutes: number): number =>
        (over(`${objective}-${window}-${minutes}m`) / (1 - share)) * (minutes / monthMinutes);
      expect(burnt('fast', 60)).toBeCloseTo(1 / 50);
      expect(burnt('slow', 360)).toBeCloseTo(1 / 20);
      expect(burnt('creeping', 1_440)).toBeCloseTo(1 / 10);
    }
  });

  it('says each in a sentence', () => {
    expect(rung.filter(([, { says }]) => !/^[A-Z].*\.$/.test(says))).toEqual([]);
  });
});
